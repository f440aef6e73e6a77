// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests what is different at XDP: whose packets they are, packets that cannot leave there, and packets that visit us
// more than once. The other tests run at both hooks and cover the rest.
#include "tests/bpf/repairing.hpp"

namespace sidestep {
namespace {

class Xdp : public Repairing {
  protected:
    Xdp() : Repairing(true) {}

    void SetUp() override {
        Repairing::SetUp();
        if (!IsSkipped()) back_up(encaps_list(kBackup, 2));
    }

    // Checks that the packet goes on unchanged and uncounted; the next hook counts it.
    void expect_left_alone(const Bytes& packet) {
        const auto result = programs_.ingress(packet);
        EXPECT_EQ(result.code, kPass);
        EXPECT_EQ(text_of(result.packet), text_of(packet));
        EXPECT_EQ(programs_.all_counters(), 0U);
    }

    static Bytes addressed_to(Bytes packet, std::string_view mac) {
        std::ranges::copy(hex(mac), packet.begin());
        return packet;
    }

    const Bytes packet_ = packet(Ipv6{}, udp(1, 2, 100));
};

TEST_F(Xdp, OtherTestsRunAtXdp) {
    repaired(packet_);
    EXPECT_TRUE(programs_.at_xdp());
}

TEST_F(Xdp, OnlyFramesWithOurMacAddress) {
    expect_left_alone(addressed_to(packet_, "020000000077"));
    expect_left_alone(addressed_to(packet_, "ffffffffffff"));
    expect_left_alone(addressed_to(packet_, "333300000001"));
    programs_.set_xdp_interface(kLoopback, {.mac = {2, 0, 0, 0, 0, 0x77}, .redirect_target = 1, .no_headroom = 0});
    repaired(addressed_to(packet_, "020000000077"));
}

TEST_F(Xdp, TheNextHopMustBeARedirectTarget) {
    programs_.lists[1].ifindex = 99;
    expect_left_alone(packet_);
    programs_.set_xdp_interface(99, {.mac = {}, .redirect_target = 0, .no_headroom = 0});
    expect_left_alone(packet_);
    programs_.set_xdp_interface(99, {.mac = {}, .redirect_target = 1, .no_headroom = 0});
    repaired(packet_);
    EXPECT_FALSE(programs_.has_no_headroom(kLoopback));
}

// The others get their headers behind the redirect, which a test run does not reach: CopiesAtXdp looks at them.
TEST_F(Xdp, TheFirstOfTheCopiesGetsItsHeaderHere) {
    std::array lists{encaps_list(kBackup, 1, true), encaps_list(2, 2, true)};
    for (std::uint32_t i = 0; i < lists.size(); ++i) {
        lists.at(i).flow = 7;
        lists.at(i).candidate = 1;
        programs_.lists[i + 1] = lists.at(i);
    }
    programs_.states[2].rank = SS_UP;
    programs_.set_candidate(1, {{.list = 1, .weight = 1}, {.list = 2, .weight = 1}});
    expect_left_alone(packet_);  // tc makes them
    programs_.let_copies_out(1, {kLoopback, kLoopback});
    constexpr std::size_t kNote = 32;  // metadata, which a test run returns in front of the frame
    EXPECT_EQ(repaired(packet_).size(), kNote + packet_.size() + lists[0].header_length - kEthernetLength);
    programs_.states[kBackup].rank = SS_DOWN;
    EXPECT_EQ(repaired(packet_).size(), packet_.size() + lists[1].header_length - kEthernetLength);
    programs_.lists[2].ifindex = 99;
    EXPECT_EQ(programs_.ingress(packet_).code, kPass) << "one of them could not leave";
}

TEST_F(Xdp, AHeaderMustFitIntoTheHeadroom) {
    const auto most = programs_.most_segments();
    ASSERT_LT(most, unsigned{SS_MAX_SEGMENTS});
    back_up(encaps_list(kBackup, most + 1));
    expect_left_alone(packet_);
    EXPECT_TRUE(programs_.has_no_headroom(kLoopback)) << "sidestepd is told";
    back_up(encaps_list(kBackup, most + 1, true));
    repaired(packet_);
}

TEST_F(Xdp, AnAnswerLeavesByTheInterfaceThatThePacketCameInBy) {
    programs_.lists[1].mtu = 1500;
    programs_.lists[1].ifindex = kVethNear;
    const auto too_big = packet(Ipv6{}, udp(1, 2, 1440));
    programs_.set_xdp_interface(kLoopback, {.mac = {}, .redirect_target = 0, .no_headroom = 0});
    expect_left_alone(too_big);
    programs_.set_xdp_interface(kLoopback, {.mac = {}, .redirect_target = 1, .no_headroom = 0});
    EXPECT_EQ(programs_.ingress(too_big).code, TC_ACT_REDIRECT);
    EXPECT_EQ(programs_.outcomes(SS_OUTCOME_PTB_SENT), 1U);
}

// The hash that the interface left on the packet is the kernel's, and cannot be removed here.
TEST_F(Xdp, PassesEverythingOnIfTheKernelUsesAnotherHash) {
    programs_.repair[0].hash_policy = 1U << SS_IPV6;
    expect_left_alone(packet_);
}

TEST_F(Xdp, OtherProtocolsPass) {
    auto arp = packet_;
    arp.at(12) = 0x08, arp.at(13) = 0x06;
    expect_left_alone(arp);
    auto tagged = packet_;
    tagged.at(12) = 0x81, tagged.at(13) = 0x00;
    expect_left_alone(tagged);
}

// A tunnel in a tunnel in a tunnel, each to this node: at tc the packet comes in again; here it is unwrapped in one
// run.
TEST_F(Xdp, UnwrapsNestedTunnelsToThisNode) {
    programs_.set_domain({*Prefix::parse("fd00::/16")});
    programs_.set_adjacency(kLoopback, {}, {.session = 5, .slot = 0});
    programs_.set_sid(*Prefix::parse("fd00:a::d46"),
                      {.behavior = SS_END_DT46, .flavors = 0, .block_bits = 0, .function_bits = 0, .adjacency = {}});
    const auto inner = packet(Ipv6{.to = "2001:db8:f::1", .hop_limit = 9}, udp(1, 2, 50));
    auto outer = inner;
    for (unsigned depth = 1; depth <= 4; ++depth) {
        outer = packet(Ipv6{.from = "fd00:b::1", .to = "fd00:a::d46", .next_header = kIpv6Inside}, inside(outer));
        const auto counted = programs_.outcomes(SS_OUTCOME_DECAPSULATED);
        const auto result = programs_.ingress(outer);
        EXPECT_EQ(result.code, kPass);
        EXPECT_EQ(text_of(result.packet), text_of(inner));
        EXPECT_EQ(programs_.outcomes(SS_OUTCOME_DECAPSULATED), counted + depth);
    }
    outer = packet(Ipv6{.from = "fd00:b::1", .to = "fd00:a::d46", .next_header = kIpv6Inside}, inside(outer));
    EXPECT_EQ(programs_.ingress(outer).code, TC_ACT_SHOT) << "nobody nests five on purpose";
    EXPECT_EQ(programs_.outcomes(SS_OUTCOME_SID_FAILED), 1U);
}

// Flows spread over the lists of a candidate, and stay on their list.
TEST_F(Xdp, AFlowKeepsItsList) {
    for (const std::uint32_t list : {2U, 3U}) {
        programs_.lists[list] = encaps_list(kBackup, list);
        programs_.lists[list].mtu = 1500;
    }
    programs_.set_candidate(1, {{.list = 2, .weight = 1}, {.list = 3, .weight = 1}});
    std::array<unsigned, 2> taken{};
    for (std::uint16_t port = 1; port <= 200; ++port) {
        const auto list_of = [&](std::size_t length) {
            return repaired(packet(Ipv6{}, udp(port, 2, length))).at(kEthernetLength + kIpv6Length + 4);
        };
        const auto list = list_of(10);
        EXPECT_EQ(list_of(700), list);
        ++taken.at(list - 1U);
    }
    for (const auto flows : taken) EXPECT_NEAR(flows, 100, 40);
}

}  // namespace
}  // namespace sidestep
