// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests NEXT-C-SID containers (RFC 9800) that begin with a SID of this node.
#include "tests/bpf/sids.hpp"

namespace sidestep {
namespace {

// RFC 9800, 4.1.1: the argument moves up to the end of the block, for any lengths.
TEST_F(Sid, NextCsidShifts) {
    struct Case {
        std::uint8_t block, function;
        std::string_view before, after;
    };
    for (const auto& [block, function, before, after] : {
             Case{32, 16, "fcbb:bbbb:a:b:c:d:e:f", "fcbb:bbbb:b:c:d:e:f:0"},
             Case{32, 16, "fcbb:bbbb:a::f", "fcbb:bbbb::f:0"},
             Case{48, 16, "fcbb:bbbb:cccc:a:b:c:d:e", "fcbb:bbbb:cccc:b:c:d:e:0"},
             Case{16, 16, "fcbb:a:b:c:d:e:f:1", "fcbb:b:c:d:e:f:1:0"},
             Case{32, 32, "fcbb:bbbb:a:1:b:2:c:3", "fcbb:bbbb:b:2:c:3::"},
             Case{16, 8, "fcbb:aabb:ccdd::1", "fcbb:bbcc:dd00::100"},
             Case{64, 16, "fcbb:bbbb:cccc:dddd:a:b:c:d", "fcbb:bbbb:cccc:dddd:b:c:d:0"},
             Case{80, 16, "fcbb:bbbb:cccc:dddd:eeee:a:b:c", "fcbb:bbbb:cccc:dddd:eeee:b:c:0"},
             Case{32, 64, "fcbb:bbbb:a:1:2:3:4:5", "fcbb:bbbb:4:5::"},
         }) {
        SCOPED_TRACE(before);
        const auto prefix = Prefix::covering(address(before), static_cast<std::uint8_t>(block + function));
        programs_.set_sid(prefix, {.behavior = SS_END,
                                   .flavors = SS_FLAVOR_NEXT_CSID,
                                   .block_bits = block,
                                   .function_bits = function,
                                   .adjacency = {}});
        programs_.set_prefix(*Prefix::parse(after), kSlot);
        expect_inside(tunnel_to(before), tunnel_to(after, 63));
    }
}

TEST_F(Sid, NextCsidsInARow) {
    add_csid("fcbb:bbbb:a::/48", 32, 16);
    programs_.set_prefix(*Prefix::parse("fcbb:bbbb:b::/48"), kSlot);
    expect_inside(tunnel_to("fcbb:bbbb:a:a:a:b::"), tunnel_to("fcbb:bbbb:b::", 63));
}

// After an exhausted container, the next segment is in the SRH.
TEST_F(Sid, AnExhaustedContainerIsFollowedByTheSrh) {
    add_csid("fcbb:bbbb:a::/48", 32, 16);
    expect_inside(along({"fcbb:bbbb:a::", kProtected}, 1), done({"fcbb:bbbb:a::", kProtected}, 0));
    expect_passed(tunnel_to("fcbb:bbbb:a::"), SS_OUTCOME_NO_POLICY);  // for this node itself
    // Not exhausted: no segment of the SRH is consumed.
    programs_.set_prefix(*Prefix::parse("fcbb:bbbb:b::/48"), kSlot);
    const std::vector<Address> list{address("fcbb:bbbb:a:b::"), address(kElsewhere)};
    expect_inside(packet(Ipv6{.to = "fcbb:bbbb:a:b::", .next_header = kRouting}, srh(kUdp, list, 1) + load()),
                  packet(Ipv6{.to = "fcbb:bbbb:b::", .hop_limit = 63, .next_header = kRouting},
                         srh(kUdp, list, 1, 0x5d01) + load()));
}

TEST_F(Sid, NextCsidOfEndX) {
    add_csid("fcbb:bbbb:a:e000::/64", 32, 32, SS_END_X);
    expect_passed(tunnel_to("fcbb:bbbb:a:e000:d::"), SS_OUTCOME_PLAIN);
    down(kAdjacency);
    expect_inside(tunnel_to("fcbb:bbbb:a:e000:d::"), tunnel_to("fcbb:bbbb:d::", 63));
}

TEST_F(Sid, TheLongestSidMatches) {
    add_csid("fcbb:bbbb:a::/48", 32, 16);
    add_csid("fcbb:bbbb:a:e000::/64", 32, 32, SS_END_X);
    programs_.set_prefix(*Prefix::parse("fcbb:bbbb:b::/48"), kSlot);
    down(kAdjacency);
    repaired(tunnel_to("fcbb:bbbb:a:b::"));
    repaired(tunnel_to("fcbb:bbbb:a:e000:d::"));
    EXPECT_EQ(programs_.stats(kSlot, 1).packets, 1U);
    EXPECT_EQ(programs_.stats(2, 0).packets, 1U);
}

}  // namespace
}  // namespace sidestep
