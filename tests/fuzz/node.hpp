// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A node with everything: policies of every mode and protection for both families, SIDs of every behavior, a domain, bypasses, and in
// a namespace of its own a FIB that leads to an adjacency that is down.
#pragma once

#include <memory>

#include "tests/bpf/veth_pair.hpp"
#include "tests/bpf/ways.hpp"

namespace sidestep {

inline constexpr std::uint16_t kAdjacency = 10;       // down
inline constexpr std::uint16_t kFirstWeighted = 11;   // of three lists; these come and go
inline constexpr std::uint16_t kPlain = 14;           // comes and goes
inline constexpr std::size_t kInserted = 8 + 16 * 3;  // by the list of slot 2

/// Empty, or why the namespace could not be made as it has to be.
inline std::string build_routes() {
    const bool good = VethPair::ip("addr add fe80::fe/64 dev near nodad") &&
                      VethPair::ip("addr add 10.0.0.254/24 dev near") &&
                      std::system(
                          "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding;"
                          "echo 1 >/proc/sys/net/ipv4/conf/all/forwarding") == 0 &&
                      VethPair::ip("-6 route add 2001:db8:e::/48 via fe80::1 dev near") &&
                      VethPair::ip("route add 198.51.100.0/24 via 10.0.0.1");
    return good ? "" : "cannot make routes";
}

inline constexpr std::uint32_t kHitlessFlow = 7;

/// A hitless policy in slot 8, and a merging SID for its flow.
inline void build_hitless(Programs& programs) {
    for (std::uint32_t i = 0; i < 2; ++i) {
        auto list = encaps_list(0, i + 1, true);
        list.mtu = 1500;
        list.flow = kHitlessFlow;
        list.candidate = 10;
        programs.lists[10UL + i] = list;
    }
    programs.set_candidate(10, {{.list = 10, .weight = 1}, {.list = 11, .weight = 1}});
    programs.set_policy(8, {10});
    programs.set_prefix(*Prefix::parse("2001:db8:7::/48"), 8);
    programs.node().policy_device = kLoopback;
    programs.set_sid(
        *Prefix::parse("fd00:a:0:7::/64"),
        {.behavior = SS_END_DT46, .flavors = SS_FLAVOR_MERGE, .block_bits = 0, .function_bits = 0, .adjacency = {}});
    const auto merge = std::make_unique<ss_merge>();
    merge->window.words = 16;
    merge->window.reset_ns = ~0ULL;
    bpf_map__update_elem(programs.maps().ss_merges, &kHitlessFlow, sizeof kHitlessFlow, merge.get(), sizeof *merge,
                         BPF_ANY);
}

inline void build_node(Programs& programs) {
    std::ranges::copy(own_source().bytes, programs.node().source);
    const auto way = [&](std::uint32_t index, ss_list list) {
        list.sessions = 0;
        list.mtu = 1500;
        programs.set_path(index, list);
    };
    way(1, encaps_list(0, 2));
    way(2, insert_list(0, 2));
    way(3, encaps_list(0, 1, true));
    way(4, encaps_list(0, 3, true));
    way(5, forward_list(0));
    for (std::uint16_t i = 0; i < 3; ++i) {
        programs.lists[6UL + i] = encaps_list(static_cast<std::uint16_t>(kFirstWeighted + i), i + 1U);
        programs.lists[6UL + i].mtu = 1500;
    }
    programs.set_candidate(6, {{.list = 6, .weight = 1}, {.list = 7, .weight = 2}, {.list = 8, .weight = 7}});
    programs.set_path(9, plain_list(kPlain));
    programs.set_policy(1, {9, 1});
    programs.set_policy(2, {2});
    programs.set_policy(3, {3});
    programs.set_policy(4, {4});
    programs.set_policy(5, {5});
    programs.set_policy(6, {6});
    programs.set_policy(7, {20});  // there is no such candidate
    using Row = std::pair<std::string_view, std::uint32_t>;
    for (const auto& [prefix, slot] :
         {Row{"2001:db8:d::/48", 1}, Row{"2001:db8:d::1", SS_POLICY_EXEMPT}, Row{"2001:db8:c::/48", 2},
          Row{"2001:db8:9::/48", 3}, Row{"2001:db8:b::/48", 6}, Row{"2001:db8:6::/48", 7}, Row{"fcbb:bbbb:9::/48", 4},
          Row{"2001:db8:b5::/48", 1 | kObservedSlot}, Row{"203.0.113.0/24", 4}, Row{"203.0.114.0/24", 2},
          Row{"192.0.2.0/24", 6}}) {
        programs.set_prefix(*Prefix::parse(prefix), slot);
    }
    programs.set_adjacency(kLoopback, {}, {.session = kAdjacency, .slot = 5});
    programs.set_adjacency(VethPair::kNear, {}, {.session = kAdjacency, .slot = 3});
    Address mac_of_loopback;
    std::ranges::fill_n(mac_of_loopback.bytes.begin(), SS_HOP_MAC_AT, 0xff);
    programs.set_adjacency(kLoopback, mac_of_loopback, {.session = kAdjacency, .slot = 3});
    programs.set_domain({*Prefix::parse("fd00::/16")});
    const auto sid = [&](std::string_view prefix, ss_behavior behavior, std::uint8_t flavors = 0) {
        programs.set_sid(*Prefix::parse(prefix),
                         {.behavior = static_cast<std::uint8_t>(behavior),
                          .flavors = flavors,
                          .block_bits = 32,
                          .function_bits = static_cast<std::uint8_t>(behavior == SS_END ? 16 : 32),
                          .adjacency = {.session = kAdjacency, .slot = 3}});
    };
    sid("fd00:a::1", SS_END);
    sid("fd00:a::2", SS_END, SS_FLAVOR_PSP);
    sid("fd00:a::3", SS_END_X);
    sid("fd00:a::4", SS_END_X, SS_FLAVOR_PSP);
    sid("fd00:a::5", SS_END, SS_FLAVOR_USD);
    sid("fd00:a::d4", SS_END_DT4);
    sid("fd00:a::d6", SS_END_DT6);
    sid("fd00:a::d46", SS_END_DT46);
    sid("fcbb:bbbb:a::/48", SS_END, SS_FLAVOR_NEXT_CSID | SS_FLAVOR_PSP);
    sid("fcbb:bbbb:a:e000::/64", SS_END_X, SS_FLAVOR_NEXT_CSID);
    sid("fcbb:bbbb:a:d46::/64", SS_END_DT46);
    build_hitless(programs);
    programs.lower(kAdjacency);
}

/// True if policies only observe packets to this address.
inline bool is_observed(std::span<const std::uint8_t> destination) {
    static const auto kObserved = *Address::parse("2001:db8:b5::2");
    return std::ranges::equal(destination.first(16), kObserved.bytes);
}

/// True if a packet to this address is for a SID of the node.
inline bool is_own_sid(std::span<const std::uint8_t> destination) {
    static const auto kExact = *Prefix::parse("fd00:a::/64");
    static const auto kMerging = *Prefix::parse("fd00:a:0:7::/64");
    static const auto kContainers = *Prefix::parse("fcbb:bbbb:a::/48");
    Address to;
    std::ranges::copy(destination.first(16), to.bytes.begin());
    return kExact.contains(to) || kMerging.contains(to) || kContainers.contains(to);
}

}  // namespace sidestep
