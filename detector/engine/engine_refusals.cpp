// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What routers on the way say about our lists: ICMPv6 errors that quote a packet which was encapsulated here. Only the
// first link of a list is probed, unless `sessions` says more; this is the one sign that packets are lost behind it.
// Whoever knows our segments can forge such a message, so it moves no traffic.
#include <netinet/icmp6.h>
#include <netinet/in.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <span>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "detector/core/icmp_error.hpp"
#include "detector/core/list_text.hpp"
#include "detector/core/verification.hpp"
#include "detector/engine/engine.hpp"

namespace sidestep {
namespace {

constexpr Nanoseconds kRefusalHeld = std::chrono::minutes(10);  // as long as a path MTU
constexpr Nanoseconds kRefutedAfter = std::chrono::seconds(2);  // if probes of the whole list come back

Address address_at(const std::uint8_t* bytes) {
    Address address;
    std::copy_n(bytes, address.bytes.size(), address.bytes.begin());
    return address;
}

std::string text_of(const ListName& list) {
    return list_text(list.adjacency, list.segments);
}

/// The segment of the list that a packet was on its way to: the number of a copy is no news.
Address segment_of(const ListName& list, const Address& destination) {
    constexpr std::ptrdiff_t kWithoutArgument = 8;
    const auto meant = std::ranges::find_if(list.segments, [&](const Address& segment) {
        return std::equal(segment.bytes.begin(), segment.bytes.begin() + kWithoutArgument, destination.bytes.begin());
    });
    const bool exact = std::ranges::count(list.segments, destination) != 0;
    return exact || meant == list.segments.end() ? destination : *meant;
}

/// The hop limit that a packet had when it was encapsulated; nullopt: the quotation does not reach as far.
std::optional<unsigned> inner_hop_limit(std::span<const std::uint8_t> quoted) {
    constexpr std::size_t kIpv6 = 40;
    constexpr std::size_t kNextHeader = 6;
    const std::size_t at =
        kIpv6 + (quoted[kNextHeader] == IPPROTO_ROUTING ? 8 * (quoted[kIpv6 + 1] + std::size_t{1}) : 0);
    const std::size_t v4 = at + 8;
    if (v4 >= quoted.size()) return std::nullopt;
    if (quoted[at] >> 4 == 4) return quoted[v4];
    return quoted[at] >> 4 == 6 ? std::optional<unsigned>(quoted[at + 7]) : std::nullopt;
}

constexpr unsigned kLongestWay = 32;  // in hops; traceroute goes up to 30

/// A sender wanted it to expire there.
bool was_meant_to_expire(const ss_icmp_error_event& event) {
    return event.icmp_type == ICMP6_TIME_EXCEEDED &&
           inner_hop_limit(event.quoted).value_or(kLongestWay + 1) <= kLongestWay;
}

}  // namespace

void Engine::on_icmp_error(const ss_icmp_error_event& event, Nanoseconds now) {
    constexpr std::size_t kDestination = 24;  // in an IPv6 header
    if (event.icmp_type == ICMP6_PACKET_TOO_BIG) {
        for (const auto& adjacency : policies_.learn_mtu(event.quoted, event.mtu, now))
            spdlog::info("a path by {}: a router on it passes packets of {} bytes at most", adjacency, event.mtu);
        return;
    }
    if (was_meant_to_expire(event)) return;
    const auto destination = address_at(event.quoted + kDestination);
    for (const auto& list : policies_.lists_carrying(event.quoted)) {
        const auto text = fmt::format("{} {}", address_at(event.from).to_string(),
                                      why_not_passed(event.icmp_type, event.icmp_code, segment_of(list, destination)));
        auto& refusal = refusals_.try_emplace(list, Refusal{.text = {}, .since = now, .last = now}).first->second;
        if (refusal.text != text) spdlog::warn("{}: {}: packets are lost there", text_of(list), text);
        refusal.text = text;
        refusal.last = now;
    }
}

void Engine::forget_refusals(Nanoseconds now) {
    std::erase_if(refusals_, [&](const auto& one) {
        const auto& [list, refusal] = one;
        const auto* verification = sessions_.find(verification_name(list.adjacency, list.segments));
        const bool passes = verification != nullptr && verification->fsm.state == SessionState::up;
        return now - refusal.last > (passes ? kRefutedAfter : kRefusalHeld);
    });
}

std::string Engine::refusal_of(const SegmentListConfig& list) const {
    if (refusals_.empty()) return {};
    const auto found = refusals_.find({.adjacency = list.adjacency, .segments = list.segments});
    return found == refusals_.end() ? std::string() : found->second.text;
}

std::map<std::string, Problem> Engine::refusals() const {
    std::map<std::string, Problem> result;
    for (const auto& [list, refusal] : refusals_)
        result[text_of(list)] = {.text = refusal.text + ": packets are lost there", .since = refusal.since};
    return result;
}

}  // namespace sidestep
