// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the S-BFD reflector against the bytes that RFC 7880, 7.2, and RFC 7881 ask for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/bpf/reflecting.hpp"

namespace sidestep {
namespace {

constexpr std::uint16_t kInitiatorPort = 50'001;
constexpr std::size_t kDatagramAt = kEthernetLength + kIpv6Length;

/// Version 1, Down, D, 3 x 20 ms, from discriminator 0x4d to 0xabcd.
Bytes initiator_packet() {
    return hex("20 42 03 18 0000004d 0000abcd 00004e20 00000000 00000000");
}

class SbfdReflector : public testing::Test {
  protected:
    void SetUp() override {
        if (!programs_.why_not().empty()) GTEST_SKIP() << programs_.why_not();
        open();
    }
    void open(bool admin_down = false) {
        auto config = reflector_at(7784);
        config.discriminators = {1, 0xabcd};
        config.admin_down = admin_down;
        open_reflectors(programs_, std::nullopt, config);
    }
    static Bytes over_ipv6(const Bytes& payload, std::string_view from = kSenderAddress,
                           std::uint16_t port = kInitiatorPort) {
        const auto to = address(kReflectorAddress);
        return packet(Ipv6{.from = from, .to = kReflectorAddress}, datagram(address(from), to, port, 7784, payload));
    }
    Bytes answer_to(const Bytes& payload) {
        const auto result = programs_.ingress(over_ipv6(payload));
        EXPECT_EQ(result.code, TC_ACT_REDIRECT);
        const auto datagram = part_of(result.packet, kDatagramAt, payload.size() + 8);
        EXPECT_EQ(udp_sum(address(kReflectorAddress), address(kSenderAddress), datagram), 0);
        EXPECT_EQ(result.packet[kEthernetLength + 7], 255);
        EXPECT_EQ(part_of(datagram, 0, 4), hex("1e68 c351"));
        return part_of(datagram, 8, payload.size());
    }
    void expect_refused(std::size_t at, std::uint8_t value, ss_reject reason) {
        auto bytes = initiator_packet();
        bytes.at(at) = value;
        const auto counted = programs_.rejects(reason);
        EXPECT_EQ(programs_.ingress(over_ipv6(bytes)).code, TC_ACT_SHOT);
        EXPECT_EQ(programs_.rejects(reason), counted + 1) << reason;
    }

    Programs programs_;
};

TEST_F(SbfdReflector, SaysThatItIsUp) {
    // Up, C, and neither D nor P; the discriminators changed places; 10 ms.
    EXPECT_EQ(answer_to(initiator_packet()), hex("20 c8 03 18 0000abcd 0000004d 00004e20 00002710 00000000"));
    EXPECT_EQ(programs_.outcomes(SS_OUTCOME_SBFD_ANSWERED), 1U);
}

TEST_F(SbfdReflector, AnswersAPoll) {
    auto bytes = initiator_packet();
    bytes[1] |= SS_BFD_POLL;
    EXPECT_EQ(answer_to(bytes)[1], 0xd8);  // F
}

TEST_F(SbfdReflector, SaysThatItIsAdministrativelyDown) {
    open(true);
    EXPECT_EQ(answer_to(initiator_packet())[1], 0x08);
}

TEST_F(SbfdReflector, AnswersByIpv4) {
    const auto from = address(kSenderAddress4);
    const auto to = address(kReflectorAddress4);
    const auto sent = packet(Ipv4{.from = kSenderAddress4, .to = kReflectorAddress4},
                             datagram(from, to, kInitiatorPort, 7784, initiator_packet()));
    const auto result = programs_.ingress(sent);
    EXPECT_EQ(result.code, TC_ACT_REDIRECT);
    EXPECT_EQ(internet_checksum(part_of(result.packet, kEthernetLength, kIpv4Length)), 0);
    EXPECT_EQ(udp_sum(to, from, part_of(result.packet, kEthernetLength + kIpv4Length, 32)), 0);
}

TEST_F(SbfdReflector, RefusesByReason) {
    expect_refused(0, 0x00, SS_REJECT_BFD_VERSION);
    expect_refused(3, 23, SS_REJECT_BFD_LENGTH);
    expect_refused(3, 25, SS_REJECT_BFD_LENGTH);
    expect_refused(2, 0, SS_REJECT_BFD_MULTIPLIER);
    expect_refused(1, 0x43, SS_REJECT_BFD_MULTIPOINT);
    expect_refused(7, 0, SS_REJECT_BFD_DISCRIMINATOR);
    expect_refused(11, 0xce, SS_REJECT_REFLECT_SESSION);
    expect_refused(1, 0xc0, SS_REJECT_REFLECT_LOOP);  // without D, as reflectors answer
    auto authenticated = initiator_packet() + hex("01 03 01");
    authenticated[1] |= SS_BFD_AUTHENTICATED;
    authenticated[3] = 27;
    EXPECT_EQ(programs_.ingress(over_ipv6(authenticated)).code, TC_ACT_SHOT);
    EXPECT_EQ(programs_.rejects(SS_REJECT_BFD_AUTHENTICATION), 1U);
    EXPECT_EQ(programs_.outcomes(SS_OUTCOME_SBFD_ANSWERED), 0U);
}

TEST_F(SbfdReflector, RefusesOtherSendersAndItsOwnKind) {
    EXPECT_EQ(programs_.ingress(over_ipv6(initiator_packet(), "2001:db8::1")).code, TC_ACT_SHOT);
    EXPECT_EQ(programs_.rejects(SS_REJECT_REFLECT_SOURCE), 1U);
    EXPECT_EQ(programs_.ingress(over_ipv6(initiator_packet(), kSenderAddress, 7784)).code, TC_ACT_SHOT);
    EXPECT_EQ(programs_.rejects(SS_REJECT_REFLECT_LOOP), 1U);
    auto brief = initiator_packet();
    brief.pop_back();
    EXPECT_EQ(programs_.ingress(over_ipv6(brief)).code, TC_ACT_SHOT);
    EXPECT_EQ(programs_.rejects(SS_REJECT_TRUNCATED), 1U);
}

}  // namespace
}  // namespace sidestep
