// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Writes the differences between the wanted and the present entries to the maps.
#include "detector/maps/sid_table.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <set>
#include <utility>

#include "bpf/lib/portable.h"
#include "detector/maps/map_sizes.hpp"

namespace sidestep {
namespace {

/// Stands for the neighbor with this MAC address, whatever the gateway (struct ss_hop).
Address as_gateway(const MacAddress& mac) {
    Address result;
    result.bytes.fill(0xff);
    std::ranges::copy(mac, result.bytes.begin() + SS_HOP_MAC_AT);
    return result;
}

std::string key_of(int ifindex, const Address& gateway) {
    ss_hop hop{};
    hop.ifindex = static_cast<__u32>(ifindex);
    std::ranges::copy(gateway.bytes, hop.gateway);
    return {reinterpret_cast<const char*>(&hop), sizeof hop};
}

ss_hop hop_of(const std::string& key) {
    ss_hop hop{};
    std::memcpy(&hop, key.data(), sizeof hop);
    return hop;
}

bool same(const ss_adjacency& a, const ss_adjacency& b) {
    return a.session == b.session && a.slot == b.slot;
}

constexpr std::size_t kMostResolved = 4096;

std::set<std::uint32_t> flows_of(const std::vector<SidConfig>& sids) {
    std::set<std::uint32_t> flows;
    for (const auto& sid : sids) flows.insert(sid.flows.begin(), sid.flows.end());
    return flows;
}

}  // namespace

bool AdjacencyTable::note_resolved(int ifindex, const Address& address, const MacAddress& mac) {
    const auto known = resolved_.find({ifindex, address});
    if (known != resolved_.end()) return std::exchange(known->second, mac) != mac;
    if (resolved_.size() >= kMostResolved || sessions_.at_link({}, ifindex).empty()) return false;
    resolved_.emplace(std::pair(ifindex, address), mac);
    return true;
}

/// The other addresses of a neighbor, such as those of its end of the link. They stay when the neighbor is gone.
void AdjacencyTable::add_resolved(const Session& session, const ss_adjacency& value, Entries& entries) const {
    std::uint32_t room = kAddressesOfNeighbor;
    for (auto host = resolved_.lower_bound({session.ifindex, {}}); host != resolved_.end(); ++host) {
        const auto& [ifindex, address] = host->first;
        if (ifindex != session.ifindex || room == 0) break;
        if (host->second != session.neighbor_mac) continue;
        entries.try_emplace(key_of(ifindex, address), value);
        --room;
    }
}

AdjacencyTable::Entries AdjacencyTable::wanted() const {
    // On a LAN, a gateway that belongs to no neighbor is no adjacency; this entry only marks the interface as known.
    constexpr ss_adjacency kNobody{.session = std::numeric_limits<__u32>::max(), .slot = SS_POLICY_EXEMPT};
    Entries result;
    for (const auto& adjacency : adjacencies_) {
        const auto* session = sessions_.find(adjacency.name);
        if (session == nullptr || session->ifindex == 0) continue;
        const ss_adjacency value{.session = session->index, .slot = policies_.bypass_slot(adjacency.name)};
        result[key_of(session->ifindex, adjacency.neighbor)] = value;
        for (const auto& gateway : adjacency.gateways) result[key_of(session->ifindex, gateway)] = value;
        if (session->neighbor_mac && session->mac_ifindex == session->ifindex)
            result[key_of(session->ifindex, as_gateway(*session->neighbor_mac))] = value;
        const auto [any, first] = result.try_emplace(key_of(session->ifindex, {}), value);
        if (!first) any->second = kNobody;
    }
    for (const auto& adjacency : adjacencies_) {
        const auto* session = sessions_.find(adjacency.name);
        if (session == nullptr || session->ifindex == 0) continue;
        add_resolved(*session, result.at(key_of(session->ifindex, adjacency.neighbor)), result);
    }
    return result;
}

Result<void> AdjacencyTable::update() {
    const auto entries = wanted();
    for (const auto& [key, value] : entries) {
        const auto known = written_.find(key);
        if (known != written_.end() && same(known->second, value)) continue;
        if (auto set = maps_.set_adjacency(hop_of(key), value); !set) return set;
        written_[key] = value;
    }
    std::erase_if(written_, [&](const auto& entry) {
        if (entries.contains(entry.first)) return false;
        (void)maps_.remove_adjacency(hop_of(entry.first));
        return true;
    });
    return {};
}

const ss_adjacency* AdjacencyTable::at(const RouteHop& hop) const {
    auto found = written_.find(key_of(hop.ifindex, hop.gateway));
    if (found == written_.end()) found = written_.find(key_of(hop.ifindex, {}));
    return found == written_.end() ? nullptr : &found->second;
}

std::uint32_t AdjacencyTable::bypass_at(const RouteHop& hop) const {
    const auto* adjacency = at(hop);
    return adjacency == nullptr ? SS_POLICY_EXEMPT : adjacency->slot;
}

std::optional<std::uint32_t> AdjacencyTable::session_at(const RouteHop& hop) const {
    const auto* adjacency = hop.gateway.is_unspecified() ? nullptr : at(hop);
    if (adjacency == nullptr || adjacency->session >= SS_MAX_SESSIONS) return std::nullopt;
    return adjacency->session;
}

SidTable::SidTable(Maps& maps, SessionTable& sessions, const PolicyTable& policies)
    : maps_(maps),
      sessions_(sessions),
      policies_(policies),
      lengths_(maps.node().sid_length, maps.node().sid_lengths) {}

void SidTable::set_domain(const std::vector<Prefix>& domain) {
    auto& node = maps_.node();
    std::uint32_t next = 0;
    const auto write = [&](const Prefix& prefix) {
        node.domain[next] = length_of(prefix.length);
        std::memcpy(node.domain_address[next], prefix.address.bytes.data(), sizeof node.domain_address[0]);
        ++next;
    };
    // The new entries are first written after the old ones, so that a prefix that stays never disappears. Then they are
    // also written in front, and briefly are there twice.
    if (node.domains + domain.size() <= SS_MAX_DOMAIN) {
        next = node.domains;
        std::ranges::for_each(domain, write);
        __sync_synchronize();
        SS_WRITE(node.domains, next);
        next = 0;
    }
    std::ranges::for_each(domain, write);
    __sync_synchronize();
    SS_WRITE(node.domains, next);
}

Result<void> SidTable::update(const std::vector<SidConfig>& wanted) {
    std::set<Prefix> chosen;
    std::set<Prefix> written;
    for (const auto& sid : wanted) chosen.insert(sid.sid);
    for (const auto& old : sids_) written.insert(old.sid);
    if (auto made = make_windows(wanted); !made) return made;
    for (const auto& sid : wanted) {
        const bool known = written.contains(sid.sid);
        if (!known && !lengths_.has_room(sid.sid.length))
            return fail("SID table: too many different SID lengths; remove some SIDs");
        if (!known) lengths_.add(sid.sid.length);
        if (auto set = maps_.set_sid(sid.sid, encode(sid)); !set) return set;
        if (!known) sids_.push_back(sid);
    }
    for (const auto& old : sids_) {
        if (chosen.contains(old.sid)) continue;
        (void)maps_.remove_sid(old.sid);
        lengths_.remove(old.sid.length);
    }
    sids_ = wanted;
    maps_.prune_merges(flows_of(wanted));
    return {};
}

/// Windows stay as they are where they can: what they know keeps copies apart.
Result<void> SidTable::make_windows(const std::vector<SidConfig>& wanted) {
    for (const auto& sid : wanted) {
        for (const auto flow : sid.flows) {
            const auto reset = static_cast<std::uint64_t>(sid.reset.count());
            if (auto set = maps_.set_merge(flow, sid.window / SS_BLOCK_BITS, reset); !set) return set;
        }
    }
    return {};
}

ss_sid SidTable::encode(const SidConfig& sid) const {
    ss_sid result{};
    result.behavior = static_cast<__u8>(sid.behavior);  // both enums have the same order
    result.flavors = static_cast<__u8>((sid.psp ? SS_FLAVOR_PSP : 0U) | (sid.next_csid ? SS_FLAVOR_NEXT_CSID : 0U) |
                                       (sid.usp ? SS_FLAVOR_USP : 0U) | (sid.usd ? SS_FLAVOR_USD : 0U) |
                                       (sid.flows.empty() ? 0U : SS_FLAVOR_MERGE));
    result.block_bits = static_cast<__u8>(sid.block_bits);
    result.function_bits = static_cast<__u8>(sid.function_bits);
    if (const auto* session = sessions_.find(sid.adjacency)) {
        result.adjacency = {.session = session->index, .slot = policies_.bypass_slot(sid.adjacency)};
    }
    return result;
}

}  // namespace sidestep
