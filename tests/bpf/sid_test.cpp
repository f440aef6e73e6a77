// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests packets to SIDs of this node: if their next segment needs repair, they are repaired as if our SID had processed
// them; otherwise they are left alone.
#include "tests/bpf/sids.hpp"

namespace sidestep {
namespace {

TEST_F(Sid, EndIsLeftToTheKernelIfTheNextSegmentIsUp) {
    expect_passed(along({kEnd, kElsewhere}, 1), SS_OUTCOME_NO_POLICY);
    programs_.states[kPrimary].rank = SS_UP;
    expect_passed(along({kEnd, kProtected}, 1), SS_OUTCOME_PLAIN);
    programs_.repair[0].active = 0;
    const auto in_all = programs_.all_counters();
    EXPECT_EQ(programs_.ingress(along({kEnd, kProtected}, 1)).packet, along({kEnd, kProtected}, 1));
    EXPECT_EQ(programs_.all_counters(), in_all);
}

TEST_F(Sid, EndIsProcessedBeforeARepair) {
    expect_inside(along({kEnd, kProtected}, 1), done({kEnd, kProtected}, 0));
    expect_inside(along({"fc00::9", kEnd, kProtected, kElsewhere}, 2),
                  done({"fc00::9", kEnd, kProtected, kElsewhere}, 1));
    EXPECT_EQ(programs_.stats(kSlot, 1).packets, 2U);
}

TEST_F(Sid, PspRemovesTheSrhBeforeTheLastSegment) {
    expect_inside(along({kEndPsp, kProtected}, 1), to(kProtected, 63));
    expect_inside(along({kEndPsp, kProtected, kElsewhere}, 2), done({kEndPsp, kProtected, kElsewhere}, 1));
}

// Once PSP has removed the SRH, the SRH of H.Insert announces UDP.
TEST_F(Sid, PspThenInsert) {
    back_up(insert_list(kBackup, 1));
    const std::vector<Address> list{segments(1)[0], address(kProtected)};
    EXPECT_EQ(text_of(inside(repaired(along({kEndPsp, kProtected}, 1)))),
              text_of(inside(packet(Ipv6{.to = "fc00:1::1", .hop_limit = 63, .next_header = kRouting},
                                    srh(kUdp, list, 1, 0x5d01) + load()))));
    // The removed SRH was that of a repair: the count goes on.
    EXPECT_EQ(text_of(inside(repaired(along({kEndPsp, kProtected}, 1, 64, 0x5d01)))),
              text_of(inside(packet(Ipv6{.to = "fc00:1::1", .hop_limit = 63, .next_header = kRouting},
                                    srh(kUdp, list, 1, 0x5d02) + load()))));
    EXPECT_EQ(programs_.ingress(along({kEndPsp, kProtected}, 1, 64, 0x5d02)).code, kPass);
    EXPECT_EQ(programs_.drops(SS_DROP_LOOP), 1U);
}

TEST_F(Sid, EndThenInsertPutsASecondSrhBeforeTheFirst) {
    back_up(insert_list(kBackup, 1));
    const std::vector<Address> list{segments(1)[0], address(kProtected)};
    const std::vector<Address> own{address(kEnd), address(kProtected)};
    EXPECT_EQ(text_of(inside(repaired(along({kEnd, kProtected}, 1)))),
              text_of(inside(packet(Ipv6{.to = "fc00:1::1", .hop_limit = 63, .next_header = kRouting},
                                    srh(kRouting, list, 1, 0x5d01) + srh(kUdp, own, 0, 0x5d01) + load()))));
}

TEST_F(Sid, ForwardingToAnotherNeighborDoesEndToo) {
    back_up(forward_list(kBackup));
    EXPECT_EQ(text_of(inside(repaired(along({kEnd, kProtected}, 1)))), text_of(inside(done({kEnd, kProtected}, 0))));
}

TEST_F(Sid, EndXWithALiveAdjacencyIsLeftToTheKernel) {
    expect_passed(along({kEndX, kProtected}, 1), SS_OUTCOME_PLAIN);
}

// The SID's adjacency decides, not the policy of the next segment.
TEST_F(Sid, EndXWithADeadAdjacencyTakesItsBypass) {
    down(kAdjacency);
    expect_inside(along({kEndX, kElsewhere}, 1), done({kEndX, kElsewhere}, 0));
    expect_inside(along({kEndX, kProtected}, 1), done({kEndX, kProtected}, 0));
    expect_inside(along({kEndXPsp, kElsewhere}, 1), to(kElsewhere, 63));
    EXPECT_EQ(programs_.stats(2, 0).packets, 3U);
    EXPECT_EQ(programs_.stats(kSlot, 1).packets, 0U);
}

// The kernel's End.X applies IPsec policies, too.
TEST_F(Sid, EndXLeavesWhatTheKernelEncryptsToIt) {
    down(kAdjacency);
    programs_.set_prefix(*Prefix::parse("::/0"), kKernelFirst);
    expect_passed(along({kEndX, kElsewhere}, 1), SS_OUTCOME_EXEMPT);
    expect_passed(along({kEnd, kElsewhere}, 1), SS_OUTCOME_EXEMPT);
}

TEST_F(Sid, ABypassIsTakenOnlyIfItIsBetter) {
    down(kAdjacency);
    down(kBackup);
    expect_passed(along({kEndX, kElsewhere}, 1), SS_DROP_NO_CANDIDATE);
    EXPECT_EQ(programs_.stats(2, 1).drops[SS_DROP_NO_CANDIDATE], 1U);
    programs_.states[kBackup].rank = SS_DEGRADED;
    programs_.states[kAdjacency].rank = SS_DEGRADED;
    expect_passed(along({kEndX, kElsewhere}, 1), SS_OUTCOME_PLAIN);
    programs_.states[kAdjacency].rank = SS_DOWN;
    repaired(along({kEndX, kElsewhere}, 1));
    programs_.set_policy(2, {});
    expect_passed(along({kEndX, kElsewhere}, 1), SS_OUTCOME_NO_POLICY);
}

// Not after End.X, whose packets go to another node.
TEST_F(Sid, SidsInARow) {
    expect_inside(along({kEnd, kEnd, kProtected}, 2), done({kEnd, kEnd, kProtected}, 0));
    expect_inside(along({kEnd, kEndPsp, kProtected}, 2), to(kProtected, 63));
    down(kAdjacency);
    expect_inside(along({kEnd, kEndX, kElsewhere}, 2), done({kEnd, kEndX, kElsewhere}, 0));
    expect_inside(along({kEndX, kEnd, kProtected}, 2), done({kEndX, kEnd, kProtected}, 1));
}

TEST_F(Sid, PacketsThatEndHereAreLeftToTheKernel) {
    expect_passed(along({kProtected, kEnd}, 0), SS_OUTCOME_NO_POLICY);  // segments left 0
    expect_passed(tunnel_to(kEnd), SS_OUTCOME_NO_POLICY);               // no SRH at all
}

TEST_F(Sid, AnInvalidSrhIsLeftToTheKernel) {
    const auto good = along({kEnd, kProtected}, 1);
    constexpr auto kSrh = kEthernetLength + kIpv6Length;
    auto beyond = good;
    beyond[kSrh + 3] = 3;  // segments left beyond last entry + 1
    auto shorter = good;
    shorter[kSrh + 4] = 2;  // last entry beyond the length
    auto longer = good;
    longer[kSrh + 1] = 0xf0;  // beyond the packet
    auto empty = good;
    empty[kSrh + 1] = 0;
    for (const auto& bad : {beyond, shorter, longer, empty}) {
        const auto malformed = programs_.outcomes(SS_OUTCOME_MALFORMED);
        const auto result = programs_.ingress(bad);
        EXPECT_EQ(result.code, kPass);
        EXPECT_EQ(text_of(result.packet), text_of(bad));
        EXPECT_EQ(programs_.outcomes(SS_OUTCOME_MALFORMED), malformed + 1);
        EXPECT_EQ(programs_.outcomes(SS_OUTCOME_REPAIRED), 0U);
    }
}

// RFC 8986, 4.16.1.2 and 5.2: in a reduced SRH, the active segment is only in the destination.
TEST_F(Sid, EndOfAReducedSrh) {
    const std::vector<Address> rest{address(kProtected), address(kElsewhere)};
    const auto in = packet(Ipv6{.to = kEnd, .next_header = kRouting}, srh(kUdp, rest, 2) + load());
    expect_inside(in, packet(Ipv6{.to = kProtected, .hop_limit = 63, .next_header = kRouting},
                             srh(kUdp, rest, 1, 0x5d01) + load()));
}

// A packet with many SIDs of ours comes back again and again. It is repaired twice.
TEST_F(Sid, AtMostTwoRepairsWithAnyNumberOfOurSids) {
    const std::vector<std::string_view> list(80, kEndX);
    down(kAdjacency);
    auto in = along(list, 79);
    for (const std::uint16_t tag : std::vector<std::uint16_t>{0x5d01, 0x5d02}) {
        const auto out = repaired(in);
        const auto left = 79U - (tag & 0xffU);
        const auto expected = along(list, left, static_cast<std::uint8_t>(64 - (tag & 0xffU)), tag);
        ASSERT_EQ(text_of(std::span(out).subspan(kEthernetLength + kIpv6Length)), text_of(inside(expected)));
        in = expected;
    }
    expect_passed(in, SS_DROP_LOOP);
    // Another node's tag is left alone.
    expect_inside(along({kEndX, kElsewhere}, 1, 64, 0x1234), along({kEndX, kElsewhere}, 0, 63, 0x1234));
}

// More SIDs in a row than the program follows: the kernel processes them one by one.
TEST_F(Sid, ManySidsInARowAreLeftToTheKernel) {
    expect_inside(along({kEnd, kEnd, kEnd, kEnd, kProtected}, 4), done({kEnd, kEnd, kEnd, kEnd, kProtected}, 0));
    for (const std::size_t count : {5, 16, 80}) {
        std::vector<std::string_view> list(count, kEnd);
        list.push_back(kProtected);
        expect_passed(along(list, count), SS_OUTCOME_NO_POLICY);
    }
}

// RFC 8754, 5.1: if an SR domain is configured, only nodes in it may send to SIDs, whether sessions are up or not.
TEST_F(Sid, NotForOutsiders) {
    ss_hop hop{.ifindex = kLoopback, .gateway = {}};
    (void)bpf_map__delete_elem(programs_.maps().ss_adjacencies, &hop, sizeof hop, 0);
    programs_.set_domain({*Prefix::parse("2001:db8:5::/48")});
    repaired(along({kEnd, kProtected}, 1));
    programs_.set_domain({*Prefix::parse("fd00::/16")});
    expect_dropped(along({kEnd, kProtected}, 1), SS_OUTCOME_NOT_IN_DOMAIN);
    expect_dropped(along({kEndX, kElsewhere}, 1), SS_OUTCOME_NOT_IN_DOMAIN);
    programs_.states[kPrimary].rank = SS_UP;
    programs_.repair[0].active = 0;
    expect_dropped(along({kEnd, kProtected}, 1), SS_OUTCOME_NOT_IN_DOMAIN);
    EXPECT_EQ(programs_.ingress(along({"fc00::9", kProtected}, 1)).code, kPass) << "not to a SID of ours";
    programs_.set_adjacency(kLoopback, {}, {.session = 5, .slot = 0});
    EXPECT_EQ(programs_.ingress(along({kEnd, kProtected}, 1)).code, kPass) << "from a router of the domain";
}

// Options before or after the SRH do not matter to SIDs.
TEST_F(Sid, OptionsAroundTheSrh) {
    const std::vector<Address> list{address(kEnd), address(kProtected)};
    for (const auto first : {kHopByHop, kDestinationOptions}) {
        const auto in = packet(Ipv6{.to = kEnd, .next_header = first},
                               options(kRouting) + srh(kDestinationOptions, list, 1) + options(kUdp) + load());
        expect_inside(in,
                      packet(Ipv6{.to = kProtected, .hop_limit = 63, .next_header = first},
                             options(kRouting) + srh(kDestinationOptions, list, 0, 0x5d01) + options(kUdp) + load()));
    }
    // Removing an SRH that follows other headers is left to the kernel.
    const std::vector<Address> popped{address(kEndPsp), address(kProtected)};
    expect_passed(packet(Ipv6{.to = kEndPsp, .next_header = kDestinationOptions},
                         options(kRouting) + srh(kUdp, popped, 1) + load()),
                  SS_OUTCOME_NO_POLICY);
}

// A packet that was repaired here before, or too often, is left to the kernel.
TEST_F(Sid, NoLoops) {
    const auto out = repaired(to(kProtected));
    auto back = out;
    std::fill_n(back.begin(), 12, std::uint8_t{0});
    std::ranges::copy(address(kProtected).bytes, back.begin() + kEthernetLength + 24);
    expect_passed(back, SS_DROP_LOOP);
    const std::vector<Address> list{address(kProtected), address(kElsewhere)};
    const auto repaired_before = [&](std::uint16_t tag) {
        return packet(Ipv6{.to = kProtected, .next_header = kRouting}, srh(kUdp, list, 1, tag) + load());
    };
    expect_passed(repaired_before(0x5d02), SS_DROP_LOOP);
    expect_passed(repaired_before(0x5dff), SS_DROP_LOOP);
    for (const std::uint16_t tag : std::vector<std::uint16_t>{0x0002, 0x5c02, 0x5e02, 0x5d00, 0x5d01})
        repaired(repaired_before(tag));
    EXPECT_EQ(programs_.stats(kSlot, 1).drops[SS_DROP_LOOP], 3U);
    // Local traffic also has our source address, and is not a repair.
    const auto own = own_source().to_string();
    repaired(packet(Ipv6{.from = own, .to = kProtected}, load()));
}

}  // namespace
}  // namespace sidestep
