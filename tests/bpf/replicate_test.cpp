// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests what the policy device does with packets of a hitless policy: a copy by each list that is up, one number, and
// nothing at all where that would be wrong. The first copy leaves by a veth pair, the last one is the program's result.
#include "tests/bpf/repairing.hpp"
#include "tests/bpf/veth_pair.hpp"

namespace sidestep {
namespace {

constexpr std::uint32_t kFlow = 7;
constexpr std::size_t kDestination = kEthernetLength + 24;
constexpr std::size_t kSrh = kEthernetLength + kIpv6Length;

class Replicate : public Repairing {
  protected:
    void SetUp() override {
        if (!veth_.why_not().empty()) GTEST_SKIP() << veth_.why_not();
        Repairing::SetUp();
        if (IsSkipped()) return;
        programs_.states[2].rank = SS_UP;
        set_number(1000);
        by(1, 2);
    }

    void set_number(std::uint64_t number) { programs_.set(programs_.maps().ss_senders, kFlow, ss_sender{number}); }

    // Two lists of this many segments; the first by the veth pair.
    void by(unsigned one, unsigned other, bool reduced = true) {
        use({list(one, reduced, kBackup, kVethNear), list(other, reduced, 2, kLoopback)});
    }

    // Three, all but the last by the veth pair.
    void by(unsigned one, unsigned other, unsigned third, bool reduced) {
        use({list(one, reduced, kBackup, kVethNear), list(other, reduced, 2, kVethNear),
             list(third, reduced, 2, kLoopback)});
    }

    // The first copy, and the program's result.
    std::pair<std::vector<Bytes>, RunResult> send(const Bytes& packet, std::size_t copies = 1) {
        auto result = programs_.device(packet);
        return {veth_.received(copies), result};
    }

    // Checks the copy of `in` by one of the lists.
    void expect_copy(const Bytes& copy, const Bytes& in, std::size_t which, std::uint64_t number) {
        const auto& list = lists_.at(which);
        ASSERT_EQ(copy.size(), in.size() - kEthernetLength + list.header_length);
        EXPECT_EQ(text_of(std::span(copy).subspan(list.header_length)), text_of(inside(in)));
        const auto argument = std::uint64_t{kFlow} << 48 | std::uint64_t{which} << 46 | number;
        auto expected = header_of(list);
        const auto write = [&](std::size_t at) {
            for (std::size_t i = 0; i < 8; ++i)
                expected.at(at + 8 + i) = static_cast<std::uint8_t>(argument >> (56 - 8 * i));
        };
        if (list.srh_offset != 0) write(kSrh + 8);
        if (list.srh_offset == 0 || expected.at(kSrh + 3) == 0) write(kDestination);
        const std::span header(copy.data(), list.header_length);
        EXPECT_EQ(text_of(header.subspan(kEthernetLength + 8, 32)),
                  text_of(std::span(expected).subspan(kEthernetLength + 8, 32)))
            << "outer addresses";
        if (list.srh_offset != 0) {
            EXPECT_EQ(text_of(header.subspan(kSrh + 8)), text_of(std::span(expected).subspan(kSrh + 8))) << "segments";
        }
        EXPECT_EQ(text_of(header.first(12)), text_of(std::span(expected).first(12))) << "MAC addresses";
        EXPECT_EQ(read_u16(copy, kEthernetLength + 4), copy.size() - kEthernetLength - kIpv6Length) << "payload length";
    }

    void expect_refused(const Bytes& packet, ss_drop drop) {
        const auto counted = programs_.drops(drop);
        const auto in_all = programs_.all_counters();
        const auto [copies, result] = send(packet, 0);
        EXPECT_EQ(result.code, TC_ACT_SHOT);
        EXPECT_TRUE(copies.empty());
        EXPECT_EQ(programs_.drops(drop), counted + 1);
        EXPECT_EQ(programs_.all_counters(), in_all + 1);
    }

    VethPair veth_;
    const Bytes v6_ = packet(Ipv6{}, udp(1, 2, 100));
    const Bytes v4_ = packet(Ipv4{}, udp(1, 2, 100));

  private:
    void use(std::vector<ss_list> lists) {
        lists_ = std::move(lists);
        std::vector<ss_weighted> weighted;
        for (std::uint32_t i = 1; i <= lists_.size(); ++i) {
            programs_.lists[i] = lists_.at(i - 1);
            weighted.push_back({.list = i, .weight = 1});
        }
        programs_.set_candidate(1, weighted);
        programs_.set_policy(kSlot, {1});
    }

    // With room for the argument in its last SID.
    static ss_list list(unsigned count, bool reduced, std::uint16_t session, std::uint32_t ifindex) {
        auto sids = segments(count);
        sids.back() = address("fc00:d:0:7::");
        auto result = segment_list(SS_MODE_ENCAPS, make_encaps_header(kLink, own_source(), sids, reduced), session);
        result.ifindex = ifindex;
        result.flow = kFlow;
        result.candidate = 1;
        return result;
    }

    std::vector<ss_list> lists_;
};

TEST_F(Replicate, EachListGetsACopyOfOneNumber) {
    std::uint64_t number = 1000;
    for (const bool reduced : {true, false}) {
        for (const auto& [one, other] : {std::pair{1U, 1U}, {1U, 2U}, {2U, 1U}, {2U, 2U}, {3U, 2U}, {2U, 3U}}) {
            by(one, other, reduced);
            for (const auto& in : {v6_, v4_}) {
                SCOPED_TRACE(testing::Message()
                             << one << " and " << other << " segments, " << (reduced ? "" : "not ") << "reduced");
                const auto [copies, last] = send(in);
                ASSERT_EQ(copies.size(), 1U);
                EXPECT_EQ(last.code, TC_ACT_REDIRECT);
                expect_copy(copies.front(), in, 0, number);
                expect_copy(last.packet, in, 1, number);
                ++number;
            }
        }
    }
    EXPECT_EQ(programs_.stats(kSlot, 0).packets, number - 1000) << "a packet counts once";
}

// Routers hash the destination: with the number in it, each of several equal ways would take some packets of a flow.
TEST_F(Replicate, UntilTheLastSegmentTheDestinationIsTheSameForAllPackets) {
    by(2, 2);
    const auto destination = [&](const Bytes& copy) { return text_of(std::span(copy).subspan(kDestination, 16)); };
    const auto [copies, last] = send(v6_);
    const auto [more, another] = send(v6_);
    EXPECT_EQ(destination(copies.front()), destination(more.front()));
    EXPECT_EQ(destination(last.packet), destination(another.packet));
    EXPECT_NE(text_of(last.packet), text_of(another.packet)) << "the number is in the SRH";
    by(1, 1);
    EXPECT_NE(destination(send(v6_).second.packet), destination(send(v6_).second.packet));
}

TEST_F(Replicate, HeadersMayGrowAndShrinkFromCopyToCopy) {
    std::uint64_t number = 1000;
    for (const bool reduced : {true, false}) {
        for (const auto& [one, other, third] : {std::tuple{1U, 2U, 1U}, {2U, 1U, 3U}, {3U, 1U, 2U}}) {
            by(one, other, third, reduced);
            for (const auto& in : {v6_, v4_}) {
                const auto [copies, last] = send(in, 2);
                ASSERT_EQ(copies.size(), 2U);
                EXPECT_EQ(last.code, TC_ACT_REDIRECT);
                expect_copy(copies.front(), in, 0, number);
                expect_copy(copies.back(), in, 1, number);
                expect_copy(last.packet, in, 2, number);
                ++number;
            }
        }
    }
}

TEST_F(Replicate, NumbersWrap) {
    constexpr auto kLast = (1ULL << SS_NUMBER_BITS) - 1;
    set_number(kLast);
    expect_copy(send(v6_).second.packet, v6_, 1, kLast);
    expect_copy(send(v6_).second.packet, v6_, 1, 0);
}

TEST_F(Replicate, AListThatIsDownGetsNoCopy) {
    programs_.lower(2);
    const auto [none, first] = send(v6_, 0);
    EXPECT_EQ(first.code, TC_ACT_REDIRECT);
    EXPECT_TRUE(none.empty()) << "the only copy is the program's result";
    expect_copy(first.packet, v6_, 0, 1000);
    programs_.states[2].rank = SS_UP;
    programs_.lower(kBackup);
    const auto [nothing, second] = send(v6_, 0);
    EXPECT_TRUE(nothing.empty());
    expect_copy(second.packet, v6_, 1, 1001);
    programs_.lower(2);
    expect_refused(v6_, SS_DROP_NO_CANDIDATE);
}

TEST_F(Replicate, ATunnelOfTheDomainIsNotReplicatedAgain) {
    const auto tunnel = [](std::string_view from) {
        return packet(Ipv6{.from = from, .next_header = kIpv6Inside}, inside(packet(Ipv6{}, udp(1, 2, 99))));
    };
    for (const auto* from : {"fd00:b::1", "2001:db8:77::1"}) expect_refused(tunnel(from), SS_DROP_SECOND_COPY);
    programs_.set_domain({*Prefix::parse("fd00::/16")});
    expect_refused(tunnel(own_source().to_string()), SS_DROP_SECOND_COPY);
    expect_refused(tunnel("fd00:b::1"), SS_DROP_SECOND_COPY);
    EXPECT_EQ(send(tunnel("2001:db8:77::1")).second.code, TC_ACT_REDIRECT) << "somebody else's tunnel";
}

// Copies and probes of other nodes that only pass by: they go on as they came, and once.
TEST_F(Replicate, IngressLeavesTunnelsToTheKernel) {
    programs_.repair[0].always = 1;
    const auto tunnel = [](std::string_view from, const Bytes& inner) {
        return packet(Ipv6{.from = from, .next_header = kIpv6Inside}, inside(inner));
    };
    const auto probe = packet(Ipv6{}, udp(1, SS_PROBE_PORT, 100));
    const auto by_srh = [](std::uint8_t next, const Bytes& load) {
        return packet(Ipv6{.from = "fd00:b::1", .next_header = kRouting},
                      srh(next, {address("fd00:e::1"), address("2001:db8:d::1")}, 0) + load);
    };
    for (const bool domain : {false, true}) {
        if (domain) programs_.set_domain({*Prefix::parse("fd00::/16")});
        for (const auto& in : {tunnel("fd00:b::1", v6_), tunnel("fd00:b::1", probe), by_srh(kIpv6Inside, inside(v6_)),
                               by_srh(kUdp, udp(1, 2, 100)), by_srh(kIpv4Inside, inside(v4_))}) {
            expect_passed(in, SS_DROP_SECOND_COPY);
        }
        EXPECT_EQ(programs_.ingress(probe).code, kPass) << "counted as a probe of somebody else";
    }
    EXPECT_TRUE(veth_.received(0).empty());
}

TEST_F(Replicate, WhatCannotBeSentWholeIsNotSentAtAll) {
    for (std::uint32_t i = 1; i <= 2; ++i) programs_.lists[i].mtu = static_cast<std::uint32_t>(v6_.size());
    expect_refused(v6_, SS_DROP_TOO_BIG);
}

// Its segments would all have one number, if somehow it was not split.
TEST_F(Replicate, AGsoPacketIsRefusedBehindTheSplitter) {
    programs_.node().splitter = kVethNear;
    programs_.node().splitter_exit = kLoopback;
    __sk_buff context{};
    context.ifindex = kLoopback;
    context.gso_segs = 2;
    context.gso_size = 1000;
    const auto counted = programs_.drops(SS_DROP_CANNOT_NUMBER);
    EXPECT_EQ(run_program(programs_.device_program(), packet(Ipv6{.next_header = kTcp}, tcp(1, 2, 1900)), context).code,
              TC_ACT_SHOT);
    EXPECT_EQ(programs_.drops(SS_DROP_CANNOT_NUMBER), counted + 1);
}

// Ingress counts the hop. The packet need not go over the policy device.
TEST_F(Replicate, IngressReplicates) {
    programs_.repair[0].always = 1;
    const auto result = programs_.ingress(packet(Ipv6{.hop_limit = 64}, udp(1, 2, 100)));
    EXPECT_EQ(result.code, TC_ACT_REDIRECT);
    const auto expected = packet(Ipv6{.hop_limit = 63}, udp(1, 2, 100));
    const auto copies = veth_.received(1);
    ASSERT_EQ(copies.size(), 1U);
    expect_copy(copies.front(), expected, 0, 1000);
    expect_copy(result.packet, expected, 1, 1000);
    EXPECT_EQ(result.packet.at(kEthernetLength + 7), 63) << "outer hop limit";
}

// So does egress, where a neighbor is not up to which the kernel sends a packet of such a policy.
TEST_F(Replicate, EgressReplicates) {
    const auto sent = packet(Ipv6{}, udp(1, 2, 100));
    Address neighbor;
    neighbor.bytes.fill(0xff);
    std::copy_n(sent.begin(), ETH_ALEN, neighbor.bytes.begin() + SS_HOP_MAC_AT);
    programs_.set_adjacency(kLoopback, neighbor, {.session = kPrimary, .slot = 0});
    programs_.lower(kPrimary);
    const auto result = programs_.egress(sent, kLoopback, kVethNear);
    EXPECT_EQ(result.code, TC_ACT_REDIRECT);
    EXPECT_EQ(veth_.received(1).size(), 1U);
    expect_copy(result.packet, sent, 1, 1000);
}

// The kernel splits it there; what comes out is replicated.
TEST_F(Replicate, AGsoPacketGoesToTheSplitter) {
    programs_.node().splitter = kVethNear;
    __sk_buff context{};
    context.ifindex = kLoopback;
    context.gso_segs = 2;
    context.gso_size = 1000;
    const auto in = packet(Ipv6{.next_header = kTcp}, tcp(1, 2, 1900));
    const auto result = run_program(programs_.device_program(), in, context);
    EXPECT_EQ(result.code, TC_ACT_REDIRECT);
    EXPECT_EQ(text_of(result.packet), text_of(in));
    EXPECT_EQ(programs_.all_counters(), 0U) << "it counts behind the splitter";
}

}  // namespace
}  // namespace sidestep
