// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// How large the packets of each list may be, and what routers on the way say of them: ICMPv6 errors quote the packet, and
// by its outer header the list is found.
#include <linux/if_ether.h>
#include <linux/ipv6.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <limits>
#include <tuple>

#include "bpf/lib/portable.h"
#include "detector/maps/path_store.hpp"

namespace sidestep {
namespace {

constexpr Nanoseconds kMtuHeld = std::chrono::minutes(10);  // RFC 8201, 5.3
constexpr std::uint32_t kLeastMtu = 1280;
constexpr std::uint32_t kNoLimit = std::numeric_limits<std::uint32_t>::max();

/// Whether the packet whose outer header is quoted was encapsulated with this list: our source, the list's SRH, and as the
/// destination one of its segments. What routers on the way change is not compared.
bool carried(const ss_list& list, std::span<const std::uint8_t> quoted) {
    constexpr std::size_t kSource = 8;
    constexpr std::size_t kSegments = sizeof(ipv6hdr) + 8;
    const auto* outer = list.header + ETH_HLEN;
    const auto same = [&](std::size_t at, std::size_t bytes) {
        return at + bytes <= quoted.size() && std::memcmp(outer + at, quoted.data() + at, bytes) == 0;
    };
    if (list.mode != SS_MODE_ENCAPS || !same(kSource, 16)) return false;
    if (list.srh_offset == 0) return same(kSource + 16, 16);
    const std::size_t count = std::size_t{outer[sizeof(ipv6hdr) + 1]} / 2;
    if (quoted.size() < kSegments || quoted[6] != IPPROTO_ROUTING || !same(sizeof(ipv6hdr) + 1, 2) ||
        !same(kSegments, 16 * count))
        return false;
    const auto* destination = quoted.data() + kSource + 16;
    if (same(kSource + 16, 16)) return true;
    for (std::size_t i = 0; i < count; ++i) {
        if (std::memcmp(outer + kSegments + 16 * i, destination, 16) == 0) return true;
    }
    return false;
}

/// A quoted copy as its list has it, without the flow and number in its last SID; and by which list of its candidate it was
/// sent.
struct QuotedCopy {
    std::vector<std::uint8_t> header;
    unsigned sent_by = 0;
};

QuotedCopy copy_of(const ss_list& list, std::span<const std::uint8_t> quoted) {
    constexpr std::size_t kDestination = 24;
    constexpr std::size_t kLast = sizeof(ipv6hdr) + 8;  // the last segment comes first (RFC 8754, 2)
    constexpr std::size_t kHalf = 8;
    QuotedCopy result{.header = {quoted.begin(), quoted.end()}};
    const auto* outer = list.header + ETH_HLEN;
    const auto* last = list.srh_offset == 0 ? outer + kDestination : outer + kLast;
    for (const auto at : {kDestination, kLast}) {
        const bool has_sid = at == kDestination || list.srh_offset != 0;
        if (!has_sid || at + 2 * kHalf > quoted.size() || std::memcmp(quoted.data() + at, last, kHalf) != 0) continue;
        result.sent_by = unsigned{quoted[at + kHalf + SS_FLOW_BITS / 8]} >> (8 - SS_COPY_BITS);
        std::fill_n(result.header.begin() + static_cast<std::ptrdiff_t>(at + kHalf), kHalf, std::uint8_t{0});
    }
    return result;
}

bool may_carry(const Maps& maps, std::uint32_t index, std::span<const std::uint8_t> quoted) {
    const auto& list = maps.lists[index];
    if (list.flow == 0) return carried(list, quoted);
    const auto copy = copy_of(list, quoted);
    return maps.candidates[list.candidate].list[copy.sent_by].list == index && carried(list, copy.header);
}

}  // namespace

/// All copies of a packet must fit: the lists of a hitless candidate leave it the same room.
void PathStore::level() {
    std::map<std::uint32_t, std::uint32_t> room;  // by candidate
    for (const auto& [key, entry] : lists_) {
        if (key.flow == 0) continue;
        const auto own = mtu_of(key, entry) - entry.overhead;
        const auto [found, fresh] = room.emplace(entry.candidate, own);
        if (!fresh) found->second = std::min(found->second, own);
    }
    for (const auto& [key, entry] : lists_) {
        if (key.flow != 0) SS_WRITE(maps_.lists[entry.index].mtu, room[entry.candidate] + entry.overhead);
    }
}

/// Without regard to the other lists of its candidate.
std::uint32_t PathStore::mtu_of(const ListKey& key, const Entry& entry) const {
    auto result = kNoLimit;
    for (const auto limit : {sessions_.find(key.adjacency)->mtu, key.mtu, entry.path_mtu}) {
        if (limit != 0) result = std::min(result, limit);
    }
    return result;
}

std::set<std::string> PathStore::learn_mtu(std::span<const std::uint8_t> quoted, std::uint32_t mtu, Nanoseconds now) {
    std::set<std::string> adjacencies;
    if (mtu < kLeastMtu) return adjacencies;  // RFC 8201, 4
    for (auto& [key, entry] : lists_) {
        auto& list = maps_.lists[entry.index];
        if (mtu >= list.mtu || !may_carry(maps_, entry.index, quoted)) continue;
        entry.path_mtu = mtu;
        entry.learned = now;
        SS_WRITE(list.mtu, mtu);
        adjacencies.insert(key.adjacency);
    }
    if (adjacencies.empty()) return adjacencies;
    ++mtu_changes_;
    level();
    return adjacencies;
}

std::set<ListName> PathStore::lists_carrying(std::span<const std::uint8_t> quoted) const {
    std::set<ListName> names;
    for (const auto& [key, entry] : lists_) {
        if (may_carry(maps_, entry.index, quoted)) names.insert({.adjacency = key.adjacency, .segments = key.segments});
    }
    return names;
}

void PathStore::forget_mtus(Nanoseconds now) {
    const auto before = mtu_changes_;
    for (auto& [key, entry] : lists_) {
        if (entry.path_mtu == 0 || now - entry.learned < kMtuHeld) continue;
        entry.path_mtu = 0;
        SS_WRITE(maps_.lists[entry.index].mtu, mtu_of(key, entry));
        ++mtu_changes_;
    }
    if (mtu_changes_ != before) level();
}

std::optional<std::uint32_t> PathStore::room_of(const SegmentListConfig& config) const {
    std::optional<std::uint32_t> room;
    ListKey first;
    first.adjacency = config.adjacency;
    first.source = source_for(config.encap);
    first.segments = config.segments;
    for (auto at = lists_.lower_bound(first); at != lists_.end(); ++at) {
        const auto& [key, entry] = *at;
        if (std::tie(key.adjacency, key.source, key.segments) !=
            std::tie(first.adjacency, first.source, first.segments))
            break;
        const auto mtu = mtu_of(key, entry);
        if (key.encap != config.encap || key.mtu != config.mtu || mtu == kNoLimit) continue;
        const auto own = mtu > entry.overhead ? mtu - entry.overhead : 0;
        room = std::min(room.value_or(own), own);
    }
    return room;
}

}  // namespace sidestep
