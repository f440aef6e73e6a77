// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the STAMP session reflector against the bytes that RFC 8762, RFC 8972 and RFC 9503 ask for.
#include <ctime>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detector/core/stamp.hpp"
#include "tests/bpf/probing.hpp"
#include "tests/bpf/reflecting.hpp"

namespace sidestep {
namespace {

using testing::ElementsAreArray;

constexpr std::uint16_t kSenderPort = 50'000;
constexpr std::size_t kUdpAt = kEthernetLength + kIpv6Length;
constexpr std::size_t kPayloadAt = kUdpAt + 8;

/// Sequence 7, time 1.5 s in NTP's format, error estimate 0x8101, SSID 0x1234 (RFC 8762, 4.2.1; RFC 8972, 3).
Bytes test_packet(const Bytes& tlvs = {}) {
    auto bytes = hex("00000007 00000001 80000000 8101 1234");
    bytes.resize(44);
    return bytes + tlvs;
}

std::uint64_t utc_ns(clockid_t clock = CLOCK_REALTIME) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

class StampReflector : public testing::Test {
  protected:
    void SetUp() override {
        if (!programs_.why_not().empty()) GTEST_SKIP() << programs_.why_not();
        open_reflectors(programs_, reflector_at(862));
    }
    static Bytes by_ipv6(const Bytes& payload, std::string_view from = kSenderAddress,
                         std::string_view to = kReflectorAddress, std::uint16_t from_port = kSenderPort) {
        return packet(Ipv6{.from = from, .to = to, .hop_limit = 61, .traffic_class = 0xb9},
                      datagram(address(from), address(to), from_port, 862, payload));
    }
    /// The payload of the answer, which has to be one: as long as the packet, turned around, with a right checksum.
    Bytes answer_to(const Bytes& payload) {
        const auto sent = by_ipv6(payload);
        const auto result = programs_.ingress(sent);
        EXPECT_EQ(result.code, TC_ACT_REDIRECT);
        if (result.packet.size() != sent.size()) {
            ADD_FAILURE() << result.packet.size() << " bytes instead of " << sent.size();
            return Bytes(payload.size());
        }
        const auto udp = part_of(result.packet, kUdpAt, payload.size() + 8);
        EXPECT_EQ(udp_sum(address(kReflectorAddress), address(kSenderAddress), udp), 0);
        return part_of(udp, 8, payload.size());
    }
    Bytes flags_of_answer_to(const Bytes& tlvs) { return part_of(answer_to(test_packet(tlvs)), 44, tlvs.size()); }
    void expect_refused(const Bytes& bytes, ss_reject reason) {
        const auto counted = programs_.rejects(reason);
        EXPECT_EQ(programs_.ingress(bytes).code, TC_ACT_SHOT);
        EXPECT_EQ(programs_.rejects(reason), counted + 1);
        EXPECT_EQ(programs_.outcomes(SS_OUTCOME_STAMP_ANSWERED), 0U);
    }
    void expect_left(const Bytes& bytes) {
        const auto counted = programs_.all_counters();
        const auto result = programs_.ingress(bytes);
        EXPECT_EQ(result.code, kPass);
        EXPECT_EQ(result.packet, bytes);
        EXPECT_EQ(programs_.all_counters(), counted);
    }
    void set_wall(const ss_wall_clock& wall) { programs_.reflectors[0].wall = wall; }

    Programs programs_;
};

TEST_F(StampReflector, AnswersByIpv6) {
    const auto sent = by_ipv6(test_packet());
    const auto result = programs_.ingress(sent);
    EXPECT_EQ(result.code, TC_ACT_REDIRECT);
    ASSERT_EQ(result.packet.size(), sent.size());
    auto header =
        part_of(packet(Ipv6{.from = kReflectorAddress, .to = kSenderAddress, .hop_limit = 255, .traffic_class = 0xb8},
                       Bytes(52)),
                0, kUdpAt);
    EXPECT_EQ(part_of(result.packet, 0, kUdpAt), header);
    EXPECT_EQ(part_of(result.packet, kUdpAt, 4), hex("035e c350"));
    const auto payload = part_of(result.packet, kPayloadAt, 44);
    EXPECT_EQ(part_of(payload, 0, 4), hex("00000007"));                           // stateless: the sender's number
    EXPECT_EQ(part_of(payload, 14, 2), hex("1234"));                              // SSID
    EXPECT_EQ(part_of(payload, 24, 14), hex("00000007 00000001 80000000 8101"));  // of the sender
    EXPECT_EQ(part_of(payload, 38, 6), hex("0000 3d 000000"));                    // its hop limit, 61
    EXPECT_EQ(programs_.outcomes(SS_OUTCOME_STAMP_ANSWERED), 1U);
}

TEST_F(StampReflector, AnswersByIpv4) {
    const auto from = address(kSenderAddress4);
    const auto to = address(kReflectorAddress4);
    const Ipv4 ip{.from = kSenderAddress4, .to = kReflectorAddress4, .ttl = 60, .tos = 0xb9};
    const auto sent = packet(ip, datagram(from, to, kSenderPort, 862, test_packet()));
    const auto result = programs_.ingress(sent);
    EXPECT_EQ(result.code, TC_ACT_REDIRECT);
    ASSERT_EQ(result.packet.size(), sent.size());
    const auto header = part_of(result.packet, kEthernetLength, kIpv4Length);
    EXPECT_EQ(internet_checksum(header), 0);
    EXPECT_EQ(header[1], 0xb8);
    EXPECT_EQ(header[8], 255);
    EXPECT_EQ(part_of(header, 12, 8), hex("c0000201 c6336407"));
    const auto udp = part_of(result.packet, kEthernetLength + kIpv4Length, 52);
    EXPECT_EQ(udp_sum(to, from, udp), 0);
    EXPECT_EQ(udp[8 + 40], 60);  // the sender's TTL
}

TEST_F(StampReflector, LeavesADatagramWithoutChecksumWithoutOne) {
    const Ipv4 ip{.from = kSenderAddress4, .to = kReflectorAddress4};
    auto bytes = udp(kSenderPort, 862, 44);
    const auto result = programs_.ingress(packet(ip, bytes));
    EXPECT_EQ(result.code, TC_ACT_REDIRECT);
    EXPECT_EQ(read_u16(result.packet, kEthernetLength + kIpv4Length + 6), 0);
}

TEST_F(StampReflector, CountsTheAnswersOfAStatefulSessionFromZero) {
    auto config = reflector_at(862);
    config.stateful = true;
    open_reflectors(programs_, config);
    auto other = test_packet();
    other[15] ^= 1;  // another SSID
    const auto number = [&](const Bytes& request) { return part_of(answer_to(request), 0, 4); };
    EXPECT_EQ(number(test_packet()), hex("00000000"));
    EXPECT_EQ(number(test_packet()), hex("00000001"));
    EXPECT_EQ(number(other), hex("00000000"));
    EXPECT_EQ(number(test_packet()), hex("00000002"));
}

TEST_F(StampReflector, StampsInNtpFormat) {
    set_wall({.tai_offset = 0, .error_estimate = 0x8203, .good_until = UINT32_MAX});
    const auto offset = utc_ns(CLOCK_TAI) / 1'000'000'000 - utc_ns() / 1'000'000'000;
    const auto before = utc_ns();
    const auto answer = stamp::read_answer(answer_to(test_packet()));
    const auto after = utc_ns();
    ASSERT_TRUE(answer);
    const auto ns = [&](std::uint64_t field) {
        return static_cast<std::uint64_t>(stamp::decode_time(field, false, {}).count()) - offset * 1'000'000'000;
    };
    EXPECT_LE(before, ns(answer->received) + 1);  // the format rounds down
    EXPECT_LE(ns(answer->received), ns(answer->time));
    EXPECT_LE(ns(answer->time), after);
    EXPECT_EQ(answer->error_estimate, 0x8203);
}

TEST_F(StampReflector, SubtractsWhatTheKernelsTaiIsAhead) {
    const auto seconds = [&] { return stamp::read_answer(answer_to(test_packet()))->received >> 32; };
    set_wall({.tai_offset = 37, .error_estimate = 1, .good_until = UINT32_MAX});
    const auto late = seconds();
    set_wall({.tai_offset = 36, .error_estimate = 1, .good_until = UINT32_MAX});
    const auto later = seconds();
    EXPECT_THAT(later - late, testing::AllOf(testing::Ge(1U), testing::Le(2U)));
}

TEST_F(StampReflector, StampsInPtpFormat) {
    auto config = reflector_at(862);
    config.ptp = true;
    open_reflectors(programs_, config);
    set_wall({.tai_offset = 37, .error_estimate = 0x8203, .good_until = UINT32_MAX});
    const auto before = utc_ns(CLOCK_TAI);
    const auto answer = stamp::read_answer(answer_to(test_packet()));
    const auto after = utc_ns(CLOCK_TAI);
    const auto ns = [](std::uint64_t field) { return (field >> 32) * 1'000'000'000 + (field & UINT32_MAX); };
    EXPECT_LE(before, ns(answer->received));
    EXPECT_LE(ns(answer->time), after);
    EXPECT_EQ(answer->error_estimate, 0xc203);  // Z
}

TEST_F(StampReflector, IsSynchronizedOnlyAsLongAsItIsTold) {
    set_wall({.tai_offset = 0, .error_estimate = 0x8203, .good_until = 0});
    EXPECT_EQ(part_of(answer_to(test_packet()), 12, 2), hex("0203"));
    set_wall({.tai_offset = 0, .error_estimate = 0, .good_until = 0});
    EXPECT_EQ(part_of(answer_to(test_packet()), 12, 2), hex("0001"));  // never 0
    auto config = reflector_at(862);
    config.ptp = true;  // TAI, which the kernel does not know
    open_reflectors(programs_, config);
    set_wall({.tai_offset = 0, .error_estimate = 0x8203, .good_until = UINT32_MAX});
    EXPECT_EQ(part_of(answer_to(test_packet()), 12, 2), hex("4203"));
}

TEST_F(StampReflector, SaysWhatItThinksOfTlvs) {
    EXPECT_EQ(flags_of_answer_to(hex("80 01 0004 00000000")), hex("00 01 0004 00000000"));  // Extra Padding
    EXPECT_EQ(flags_of_answer_to(hex("80 c8 0002 abcd")), hex("80 c8 0002 abcd"));          // unknown
    EXPECT_EQ(flags_of_answer_to(hex("00 c8 0002 abcd")), hex("80 c8 0002 abcd"));
    EXPECT_EQ(flags_of_answer_to(hex("ff 01 0000")), hex("00 01 0000"));  // only the reflector sets the others
    // An odd length, and what follows it.
    EXPECT_EQ(flags_of_answer_to(hex("80 01 0001 55 00 c8 0001 aa 80 01 0000")),
              hex("00 01 0001 55 80 c8 0001 aa 00 01 0000"));
}

TEST_F(StampReflector, MarksMalformedTlvsAndLeavesTheRest) {
    EXPECT_EQ(flags_of_answer_to(hex("80 01 0005 00000000")), hex("40 01 0005 00000000"));
    EXPECT_EQ(flags_of_answer_to(hex("80 01 ffff 80 01 0000")), hex("40 01 ffff 80 01 0000"));
    EXPECT_EQ(flags_of_answer_to(hex("80 01 0000 80 01")), hex("00 01 0000 40 01"));
    EXPECT_EQ(flags_of_answer_to(hex("80")), hex("40"));
    EXPECT_EQ(flags_of_answer_to(hex("80 09 0003 000000 80 01 0000")), hex("40 09 0003 000000 80 01 0000"));
}

TEST_F(StampReflector, AnswersOnlyAsTheDestinationNode) {
    const auto to = [](std::string_view node) { return hex("80 09 0010") + Bytes(memory_of(address(node).bytes)); };
    EXPECT_EQ(flags_of_answer_to(to(kReflectorAddress))[0], 0);
    EXPECT_EQ(flags_of_answer_to(hex("80 09 0004 c0000201"))[0], 0);
    const auto answered = programs_.outcomes(SS_OUTCOME_STAMP_ANSWERED);
    EXPECT_EQ(programs_.ingress(by_ipv6(test_packet(to("fd00:a::2")))).code, TC_ACT_SHOT);
    EXPECT_EQ(programs_.rejects(SS_REJECT_REFLECT_UNWANTED), 1U);
    EXPECT_EQ(programs_.outcomes(SS_OUTCOME_STAMP_ANSWERED), answered);
}

TEST_F(StampReflector, HeedsTheReturnPath) {
    // The same link: as it does anyway here.
    EXPECT_EQ(flags_of_answer_to(hex("80 0a 0008 80 01 0004 00000001")), hex("00 0a 0008 00 01 0004 00000001"));
    // An SRv6 segment list, and then another TLV: not done, which it says in both.
    const auto list = hex("80 04 0010") + Bytes(16, 0xfd);
    EXPECT_EQ(flags_of_answer_to(hex("80 0a 0014") + list + hex("80 01 0000")),
              hex("80 0a 0014 80 04 0010") + Bytes(16, 0xfd) + hex("00 01 0000"));
    EXPECT_EQ(flags_of_answer_to(hex("80 0a 0008 80 01 0008 00000001")), hex("40 0a 0008 40 01 0008 00000001"));
    EXPECT_EQ(flags_of_answer_to(hex("80 0a 0000")), hex("40 0a 0000"));
    EXPECT_EQ(programs_.ingress(by_ipv6(test_packet(hex("80 0a 0008 80 01 0004 00000000")))).code, TC_ACT_SHOT);
    EXPECT_EQ(programs_.rejects(SS_REJECT_REFLECT_UNWANTED), 1U);
}

TEST_F(StampReflector, LooksAtSomeTlvsOnly) {
    Bytes many;
    for (int i = 0; i < 20; ++i) many = many + hex("80 01 0000");
    const auto flags = flags_of_answer_to(many);
    EXPECT_EQ(flags.at(std::size_t{4} * (SS_MAX_TLVS - 1)), 0);
    EXPECT_EQ(flags.at(std::size_t{4} * SS_MAX_TLVS), 0x80);  // not recognized: it was not looked at
}

TEST_F(StampReflector, RefusesOthersThanItsSources) {
    expect_refused(by_ipv6(test_packet(), "2001:db8::1"), SS_REJECT_REFLECT_SOURCE);
}

TEST_F(StampReflector, NeverAnswersAnAnswer) {
    for (const auto port : std::initializer_list<std::uint16_t>{862, 7, 3784, 3785, 4784, 7784})
        expect_refused(by_ipv6(test_packet(), kSenderAddress, kReflectorAddress, port), SS_REJECT_REFLECT_LOOP);
    expect_refused(by_ipv6(test_packet(), kReflectorAddress), SS_REJECT_REFLECT_LOOP);
    expect_refused(by_ipv6(test_packet(), "fd00:a::ffff"), SS_REJECT_REFLECT_LOOP);  // node.source-address
    // What the reflector says to one that listens at the same port of another node.
    const auto answer = programs_.ingress(by_ipv6(test_packet(), kSenderAddress)).packet;
    EXPECT_EQ(programs_.outcomes(SS_OUTCOME_STAMP_ANSWERED), 1U);
    EXPECT_EQ(read_u16(answer, kUdpAt), 862);
}

TEST_F(StampReflector, NeverAnswersItsOwnProbes) {
    constexpr std::uint16_t kSession = 3;
    auto& conf = programs_.sessions[kSession].conf;
    conf.flags = SS_SESSION_ACTIVE;
    conf.return_ifindex = kLoopback;
    std::ranges::copy(address(kReflectorAddress).bytes, conf.return_address);
    auto probe = test_packet();
    probe[14] = 0;
    probe[15] = kSession;
    probe = probe + hex("80 fc 0008 0000000000000000");
    EXPECT_EQ(programs_.ingress(by_ipv6(probe)).code, TC_ACT_SHOT);
    EXPECT_EQ(programs_.rejects(SS_REJECT_BAD_MAC), 1U);
    EXPECT_EQ(programs_.outcomes(SS_OUTCOME_STAMP_ANSWERED), 0U);
    conf.flags = 0;  // the session is gone, its probe still under way: it has this node's source
    expect_refused(by_ipv6(probe, "fd00:a::ffff"), SS_REJECT_REFLECT_LOOP);
}

TEST_F(StampReflector, RefusesWhatIsShorterThanAnAnswer) {
    auto brief = test_packet();
    brief.pop_back();
    expect_refused(by_ipv6(brief), SS_REJECT_TRUNCATED);
    auto lies = by_ipv6(test_packet());
    lies[kUdpAt + 5] = 200;  // the length in the UDP header
    expect_refused(lies, SS_REJECT_TRUNCATED);
}

TEST_F(StampReflector, LimitsItsAnswers) {
    auto config = reflector_at(862);
    config.rate = 1;  // and a burst of 16, on each CPU
    open_reflectors(programs_, config);
    std::uint64_t refused = 0;
    for (int i = 0; i < 1000 && refused == 0; ++i) {
        programs_.ingress(by_ipv6(test_packet()));
        refused = programs_.rejects(SS_REJECT_REFLECT_RATE);
    }
    EXPECT_EQ(refused, 1U);
}

TEST_F(StampReflector, LeavesWhatIsForNobodyHere) {
    expect_left(by_ipv6(test_packet(), kSenderAddress, "fd00:a::2"));
    const auto inner = datagram(address(kSenderAddress), address(kReflectorAddress), kSenderPort, 862, test_packet());
    expect_left(packet(Ipv6{.from = kSenderAddress, .to = kReflectorAddress, .next_header = kDestinationOptions},
                       options(kUdp) + inner));
    expect_left(packet(Ipv6{.from = kSenderAddress, .to = kReflectorAddress, .next_header = kRouting},
                       srh(kUdp, {address(kReflectorAddress), address("fd00:c::1")}, 1) + inner));
    auto cut = by_ipv6(test_packet());
    cut.pop_back();
    expect_left(cut);
    open_reflectors(programs_, std::nullopt);
    expect_left(by_ipv6(test_packet()));
}

TEST_F(StampReflector, TakesTheSegmentListOffThatBroughtThePacket) {
    const auto inner = datagram(address(kSenderAddress), address(kReflectorAddress), kSenderPort, 862, test_packet());
    const auto result =
        programs_.ingress(packet(Ipv6{.from = kSenderAddress, .to = kReflectorAddress, .next_header = kRouting},
                                 srh(kUdp, {address("fd00:c::1"), address(kReflectorAddress)}, 0) + inner));
    EXPECT_EQ(result.code, TC_ACT_REDIRECT);
    ASSERT_EQ(result.packet.size(), kUdpAt + inner.size());
    EXPECT_EQ(read_u16(result.packet, kEthernetLength + 4), inner.size());
    EXPECT_EQ(result.packet[kEthernetLength + 6], kUdp);
    EXPECT_EQ(
        udp_sum(address(kReflectorAddress), address(kSenderAddress), part_of(result.packet, kUdpAt, inner.size())), 0);
}

TEST_F(StampReflector, AnswersAtAnotherPort) {
    open_reflectors(programs_, reflector_at(10'862));
    expect_left(by_ipv6(test_packet()));
    const auto bytes =
        datagram(address(kSenderAddress), address(kReflectorAddress), kSenderPort, 10'862, test_packet());
    EXPECT_EQ(programs_.ingress(packet(Ipv6{.from = kSenderAddress, .to = kReflectorAddress}, bytes)).code,
              TC_ACT_REDIRECT);
}

}  // namespace
}  // namespace sidestep
