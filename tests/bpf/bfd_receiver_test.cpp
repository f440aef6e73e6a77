// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests what the ingress program takes of BFD, what it refuses, and what it leaves to others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/bpf/bfd_speaking.hpp"

namespace sidestep {
namespace {

constexpr std::uint16_t kSpeaker = 5;
constexpr const char* kOwn6 = "fe80::1";
constexpr const char* kPeer6 = "fe80::2";

class BfdReceiver : public testing::Test {
  protected:
    void SetUp() override {
        if (!programs_.why_not().empty()) GTEST_SKIP() << programs_.why_not();
        open_bfd(programs_, kSpeaker, address(kOwn6), address(kPeer6));
    }
    static Bytes over_ipv6(const Bytes& datagram, std::uint8_t hop_limit = 255) {
        return packet(Ipv6{.from = kPeer6, .to = kOwn6, .hop_limit = hop_limit}, datagram);
    }
    [[nodiscard]] const ss_session_rx& rx() { return programs_.sessions[kSpeaker].rx; }
    void expect_refused(const Bytes& bytes, ss_reject reason) {
        const auto counted = programs_.rejects(reason);
        const auto in_all = programs_.all_counters();
        EXPECT_EQ(programs_.ingress(bytes).code, TC_ACT_SHOT);
        EXPECT_EQ(programs_.rejects(reason), counted + 1);
        EXPECT_EQ(programs_.all_counters(), in_all + 1);
        EXPECT_EQ(rx().answered, 0U);
        EXPECT_EQ(rx().bfd.reason, static_cast<std::uint32_t>(reason));
    }
    void expect_left(const Bytes& bytes) {
        const auto in_all = programs_.all_counters();
        const auto result = programs_.ingress(bytes);
        EXPECT_EQ(result.code, kPass);
        EXPECT_EQ(result.packet, bytes);
        EXPECT_EQ(programs_.all_counters(), in_all);
        EXPECT_EQ(rx().answered + rx().bfd.refused, 0U);
    }
    template <typename Change>
    static ss_bfd_packet changed(Change change) {
        auto result = bfd_of_neighbor(kSpeaker);
        change(result);
        return result;
    }

    Programs programs_;
};

TEST_F(BfdReceiver, TakesAPacketOfTheNeighborAndTellsWhatIsNew) {
    EXPECT_EQ(programs_.ingress(over_ipv6(bfd_datagram(bfd_of_neighbor(kSpeaker)))).code, TC_ACT_STOLEN);
    EXPECT_EQ(rx().answered, 1U);
    EXPECT_EQ(static_cast<std::uint32_t>(rx().bfd.said), 77U);
    EXPECT_EQ(rx().bfd.timers, 10'000'000ULL << 32 | 10'000'000);
    auto events = programs_.events();
    ASSERT_THAT(events, testing::SizeIs(1));
    EXPECT_EQ(events[0].type, static_cast<std::uint32_t>(SS_EVENT_BFD));
    EXPECT_EQ(events[0].session, kSpeaker);
    EXPECT_EQ(programs_.ingress(over_ipv6(bfd_datagram(bfd_of_neighbor(kSpeaker)))).code, TC_ACT_STOLEN);
    EXPECT_THAT(programs_.events(), testing::IsEmpty());
    EXPECT_EQ(rx().answered, 2U);
}

TEST_F(BfdReceiver, TakesItByIpv4) {
    open_bfd(programs_, kSpeaker, address("192.0.2.1"), address("192.0.2.2"));
    const Ipv4 ip{.from = "192.0.2.2", .to = "192.0.2.1", .ttl = 255};
    EXPECT_EQ(programs_.ingress(packet(ip, bfd_datagram(bfd_of_neighbor(kSpeaker)))).code, TC_ACT_STOLEN);
    EXPECT_EQ(rx().answered, 1U);
    const Ipv4 other{.from = "192.0.2.2", .to = "192.0.2.1", .ttl = 254};
    EXPECT_EQ(programs_.ingress(packet(other, bfd_datagram(bfd_of_neighbor(kSpeaker)))).code, TC_ACT_SHOT);
}

TEST_F(BfdReceiver, FindsTheSessionOfANeighborThatDoesNotKnowItYet) {
    const auto first = changed([](auto& p) {
        p.your_discriminator = 0;
        p.state_flags = SS_BFD_DOWN << 6;
    });
    EXPECT_EQ(programs_.ingress(over_ipv6(bfd_datagram(first))).code, TC_ACT_STOLEN);
    EXPECT_EQ(rx().answered, 1U);
}

TEST_F(BfdReceiver, RefusesByReason) {
    const auto refused = [&](auto change, ss_reject reason) {
        expect_refused(over_ipv6(bfd_datagram(changed(change))), reason);
    };
    refused([](auto& p) { p.version_diagnostic = 0; }, SS_REJECT_BFD_VERSION);
    refused([](auto& p) { p.length = 25; }, SS_REJECT_BFD_LENGTH);
    refused([](auto& p) { p.multiplier = 0; }, SS_REJECT_BFD_MULTIPLIER);
    refused([](auto& p) { p.state_flags |= SS_BFD_MULTIPOINT; }, SS_REJECT_BFD_MULTIPOINT);
    refused([](auto& p) { p.my_discriminator = 0; }, SS_REJECT_BFD_DISCRIMINATOR);
    refused([](auto& p) { p.your_discriminator ^= 0xff; }, SS_REJECT_BFD_SESSION);
    refused([](auto& p) { p.your_discriminator = 0; }, SS_REJECT_BFD_STATE);
    expect_refused(over_ipv6(bfd_datagram(bfd_of_neighbor(kSpeaker)), 254), SS_REJECT_BFD_HOP_LIMIT);
    auto cut = bfd_datagram(changed([](auto& p) { p.your_discriminator = 0; }));
    cut.pop_back();
    expect_refused(over_ipv6(cut), SS_REJECT_TRUNCATED);
    auto empty = bfd_datagram(bfd_of_neighbor(kSpeaker));
    empty[4] = empty[5] = 0;  // the length in the UDP header
    expect_refused(over_ipv6(empty), SS_REJECT_BFD_LENGTH);
}

TEST_F(BfdReceiver, RefusesWhatComesByAnotherLink) {
    programs_.sessions[kSpeaker].conf.return_ifindex = 99;
    expect_refused(over_ipv6(bfd_datagram(bfd_of_neighbor(kSpeaker))), SS_REJECT_WRONG_INTERFACE);
}

TEST_F(BfdReceiver, LeavesPacketsOfOtherSessionsToOtherDaemons) {
    const auto datagram = bfd_datagram(changed([](auto& p) { p.your_discriminator = htonl(1); }));
    expect_left(packet(Ipv6{.from = "fe80::3", .to = kOwn6, .hop_limit = 255}, datagram));
    expect_left(packet(Ipv6{.from = kPeer6, .to = "fe80::9", .hop_limit = 255}, datagram));
    auto other_port = bfd_datagram(bfd_of_neighbor(kSpeaker));
    other_port[3] ^= 1;
    expect_left(over_ipv6(other_port));
    programs_.sessions[kSpeaker].conf.flags = 0;
    expect_left(over_ipv6(bfd_datagram(bfd_of_neighbor(kSpeaker))));
}

}  // namespace
}  // namespace sidestep
