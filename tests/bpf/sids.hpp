// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A node with SIDs of its own, and packets to them.
//
//   fd00:a::1        End                     fd00:a::2    End, PSP
//   fd00:a::3, ::4   End.X by session 2      fd00:a::4    with PSP
//   slot 2           bypass of that adjacency: a single segment, H.Encaps
#pragma once

#include <string_view>
#include <vector>

#include "tests/bpf/repairing.hpp"

namespace sidestep {

inline constexpr std::string_view kEnd = "fd00:a::1";
inline constexpr std::string_view kEndPsp = "fd00:a::2";
inline constexpr std::string_view kEndX = "fd00:a::3";
inline constexpr std::string_view kEndXPsp = "fd00:a::4";
inline constexpr std::string_view kProtected = "2001:db8:d::7";
inline constexpr std::string_view kElsewhere = "2001:db8:e::7";  // in no policy

class Sid : public Repairing {
  protected:
    static constexpr std::uint16_t kAdjacency = 2;
    static constexpr ss_adjacency kBypassed{.session = kAdjacency, .slot = 2};

    void SetUp() override {
        Repairing::SetUp();
        if (IsSkipped()) return;
        back_up(encaps_list(kBackup, 1, true));  // adds forty bytes; the tests look at what follows
        programs_.set_path(2, encaps_list(kBackup, 1, true));
        programs_.set_policy(2, {2});
        add(kEnd, {.behavior = SS_END, .flavors = 0, .block_bits = 0, .function_bits = 0, .adjacency = {}});
        add(kEndPsp,
            {.behavior = SS_END, .flavors = SS_FLAVOR_PSP, .block_bits = 0, .function_bits = 0, .adjacency = {}});
        add(kEndX, {.behavior = SS_END_X, .flavors = 0, .block_bits = 0, .function_bits = 0, .adjacency = kBypassed});
        add(kEndXPsp, {.behavior = SS_END_X,
                       .flavors = SS_FLAVOR_PSP,
                       .block_bits = 0,
                       .function_bits = 0,
                       .adjacency = kBypassed});
    }

    void add(std::string_view sid, const ss_sid& value) { programs_.set_sid(*Prefix::parse(sid), value); }
    void add_csid(std::string_view prefix, std::uint8_t block, std::uint8_t function, ss_behavior behavior = SS_END) {
        add(prefix, {.behavior = static_cast<std::uint8_t>(behavior),
                     .flavors = SS_FLAVOR_NEXT_CSID,
                     .block_bits = block,
                     .function_bits = function,
                     .adjacency = kBypassed});
    }

    static Bytes load() { return udp(5, 6, 32); }

    // A datagram along `list`, of whose segments `left` follow the destination.
    static Bytes along(const std::vector<std::string_view>& list, std::size_t left, std::uint8_t hop_limit = 64,
                       std::uint16_t tag = 0) {
        std::vector<Address> segments_;
        for (const auto text : list) segments_.push_back(address(text));
        return packet(Ipv6{.to = list.at(list.size() - 1 - left), .hop_limit = hop_limit, .next_header = kRouting},
                      srh(kUdp, segments_, left, tag) + load());
    }
    // The same after SIDs of ours: one hop less, and its SRH counts the repair.
    static Bytes done(const std::vector<std::string_view>& list, std::size_t left) {
        return along(list, left, 63, 0x5d01);
    }
    static Bytes to(std::string_view destination, std::uint8_t hop_limit = 64) {
        return packet(Ipv6{.to = destination, .hop_limit = hop_limit}, load());
    }
    // A NEXT-C-SID container: a list of SIDs without an SRH.
    static Bytes tunnel_to(std::string_view destination, std::uint8_t hop_limit = 64) {
        return packet(Ipv6{.to = destination, .hop_limit = hop_limit, .next_header = kIpv6Inside},
                      inside(packet(Ipv6{.to = "2001:db8:f::1"}, load())));
    }

    // Checks that the packet is encapsulated, and that the inner packet is `expected` without Ethernet.
    void expect_inside(const Bytes& in, const Bytes& expected) {
        const auto out = repaired(in);
        ASSERT_GT(out.size(), kEthernetLength + kIpv6Length);
        EXPECT_EQ(text_of(std::span(out).subspan(kEthernetLength + kIpv6Length)), text_of(inside(expected)));
    }

    void down(std::uint32_t session) { programs_.lower(session); }
};

}  // namespace sidestep
