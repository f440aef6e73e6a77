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

// bfdd of FRR has discriminators of its own, and its neighbor may have more than one address.
TEST_F(BfdReceiver, FindsASessionWhoseDiscriminatorSomebodyElseHasChosen) {
    constexpr std::uint32_t kChosen = 0xabcdef01;
    programs_.sessions[kSpeaker].conf.bfd.packet.my_discriminator = htonl(kChosen);
    const auto datagram = bfd_datagram(changed([](auto& p) { p.your_discriminator = htonl(kChosen); }));
    const auto from_other_address = packet(Ipv6{.from = "fe80::3", .to = kOwn6, .hop_limit = 255}, datagram);
    expect_left(from_other_address);
    ss_passive_key key{.ifindex = SS_BFD_BY_DISCRIMINATOR, .source = {}};
    const std::uint32_t in_order = htonl(kChosen);
    const std::uint32_t value = kSpeaker;
    std::memcpy(key.source, &in_order, sizeof in_order);
    bpf_map__update_elem(programs_.maps().ss_passives, &key, sizeof key, &value, sizeof value, BPF_ANY);
    EXPECT_EQ(programs_.ingress(from_other_address).code, TC_ACT_STOLEN);
    const auto events = programs_.events();
    ASSERT_THAT(events, testing::SizeIs(1));
    EXPECT_EQ(events[0].session, kSpeaker);
}

TEST_F(BfdReceiver, TakesSignedPacketsOnceAndRefusesOthers) {
    sign_bfd(programs_, kSpeaker, address(kOwn6), address(kPeer6));
    const auto refused = [&](const Bytes& datagram) {
        const auto counted = programs_.rejects(SS_REJECT_BFD_AUTHENTICATION);
        EXPECT_EQ(programs_.ingress(over_ipv6(datagram)).code, TC_ACT_SHOT);
        EXPECT_EQ(programs_.rejects(SS_REJECT_BFD_AUTHENTICATION), counted + 1);
    };
    const auto good = signed_by_neighbor(programs_, kSpeaker, bfd_of_neighbor(kSpeaker), 41);
    refused(bfd_datagram(bfd_of_neighbor(kSpeaker)));
    auto bad = good;
    bad.signature.hash[19] ^= 1;
    refused(bfd_datagram(bad));
    EXPECT_EQ(rx().answered, 0U);
    EXPECT_EQ(programs_.ingress(over_ipv6(bfd_datagram(good))).code, TC_ACT_STOLEN);
    EXPECT_EQ(rx().answered, 1U);
    EXPECT_EQ(rx().bfd.sequence, SS_BFD_SEQUENCE_KNOWN | 41U);
    refused(bfd_datagram(good));
    const auto next = signed_by_neighbor(programs_, kSpeaker, bfd_of_neighbor(kSpeaker), 42);
    EXPECT_EQ(programs_.ingress(over_ipv6(bfd_datagram(next))).code, TC_ACT_STOLEN);
    programs_.sessions[kSpeaker].conf.bfd.auth = SS_BFD_AUTH_NONE;
    refused(bfd_datagram(signed_by_neighbor(programs_, kSpeaker, bfd_of_neighbor(kSpeaker), 43)));
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
