// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A node with decapsulating SIDs, and tunnels to them: for the tests of what comes out.
#pragma once

#include "tests/bpf/probing.hpp"
#include "tests/bpf/repairing.hpp"
#include "tests/bpf/sids.hpp"

namespace sidestep {

inline constexpr std::string_view kDt4 = "fd00:a::d4";
inline constexpr std::string_view kDt6 = "fd00:a::d6";
inline constexpr std::string_view kDt46 = "fd00:a::d46";
inline constexpr std::string_view kUsd = "fd00:a::5d";
inline constexpr std::string_view kUsp = "fd00:a::50";
inline constexpr std::string_view kCsid = "fd00:a:c::/48";  // NEXT-C-SID, USD
inline constexpr std::string_view kInside = "fd00:b::1";    // the SR domain is fd00::/16 and 2001:db8:a::/48

class Tunnels : public Repairing {
  protected:
    void SetUp() override {
        Repairing::SetUp();
        if (IsSkipped()) return;
        back_up(encaps_list(kBackup, 1, true));
        add(kDt4, SS_END_DT4);
        add(kDt6, SS_END_DT6);
        add(kDt46, SS_END_DT46);
        add(kEnd, SS_END);
        add(kUsd, SS_END, SS_FLAVOR_USD);
        add(kUsp, SS_END, SS_FLAVOR_USP);
        programs_.set_sid(*Prefix::parse(kCsid), {.behavior = SS_END,
                                                  .flavors = SS_FLAVOR_NEXT_CSID | SS_FLAVOR_USD,
                                                  .block_bits = 32,
                                                  .function_bits = 16,
                                                  .adjacency = {}});
        programs_.set_domain({*Prefix::parse("2001:db8:a::/48"), *Prefix::parse("fd00::/16")});
        programs_.set_adjacency(kLoopback, {}, {.session = 5, .slot = 0});
        all_well();
    }

    void add(std::string_view sid, ss_behavior behavior, std::uint8_t flavors = 0) {
        programs_.set_sid(*Prefix::parse(sid), {.behavior = static_cast<std::uint8_t>(behavior),
                                                .flavors = flavors,
                                                .block_bits = 0,
                                                .function_bits = 0,
                                                .adjacency = {}});
    }

    void all_well() {
        programs_.states[kPrimary].rank = SS_UP;
        programs_.repair[0].active = 0;
    }

    // A tunnel around a packet, without an SRH.
    static Bytes tunnel(std::string_view to, const Bytes& inner, std::string_view from = kInside,
                        std::uint8_t traffic_class = 0) {
        const bool v4 = inner.at(kEthernetLength) >> 4 == 4;
        return packet(
            Ipv6{.from = from, .to = to, .traffic_class = traffic_class, .next_header = v4 ? kIpv4Inside : kIpv6Inside},
            inside(inner));
    }
    static Bytes tunnel_by_srh(const std::vector<std::string_view>& list, std::size_t left, const Bytes& inner) {
        const bool v4 = inner.at(kEthernetLength) >> 4 == 4;
        std::vector<Address> segments_;
        for (const auto text : list) segments_.push_back(address(text));
        return packet(Ipv6{.from = kInside, .to = list.at(list.size() - 1 - left), .next_header = kRouting},
                      srh(v4 ? kIpv4Inside : kIpv6Inside, segments_, left) + inside(inner));
    }

    // Checks that the packet comes out as `inner`, whose Ethernet header has its own type.
    void expect_unwrapped(const Bytes& in, const Bytes& inner) {
        const auto counted = programs_.outcomes(SS_OUTCOME_DECAPSULATED);
        const auto in_all = programs_.all_counters();
        const auto result = programs_.ingress(in);
        EXPECT_EQ(result.code, kPass);
        EXPECT_EQ(text_of(result.packet), text_of(inner));
        EXPECT_EQ(programs_.outcomes(SS_OUTCOME_DECAPSULATED), counted + 1);
        EXPECT_EQ(programs_.all_counters(), in_all + 1);
    }

    const Bytes v6_ = packet(Ipv6{.to = "2001:db8:f::1", .hop_limit = 1, .next_header = kTcp}, tcp(1, 2, 99));
    const Bytes v4_ = packet(Ipv4{.to = "198.51.100.1", .ttl = 1}, udp(1, 2, 99));
};

}  // namespace sidestep
