// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests packets to SIDs of this node: if their next segment needs repair, they are repaired as if our SID had processed
// them; otherwise they are left alone.
//
//   fd00:a::1        End                     fd00:a::2    End, PSP
//   fd00:a::3, ::4   End.X by session 2      fd00:a::4    with PSP
//   slot 2           bypass of that adjacency: a single segment, H.Encaps
#include "tests/bpf/repairing.hpp"

namespace sidestep {
namespace {

constexpr std::string_view kEnd = "fd00:a::1";
constexpr std::string_view kEndPsp = "fd00:a::2";
constexpr std::string_view kEndX = "fd00:a::3";
constexpr std::string_view kEndXPsp = "fd00:a::4";
constexpr std::string_view kProtected = "2001:db8:d::7";
constexpr std::string_view kElsewhere = "2001:db8:e::7";  // in no policy

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
