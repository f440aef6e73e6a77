// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Repair in the kernel: which packets are encapsulated, and every byte of those that are.
//
//   policy 1 of 2001:db8:d::/48    candidate 0: plain, session 0
//                                  candidate 1: H.Encaps by session 1
//                                  candidate 2: H.Encaps by session 2
#include <set>

#include <gtest/gtest.h>

#include "tests/bpf/programs.hpp"

namespace sidestep {
namespace {

constexpr LinkAddresses kLink{.own = {2, 0, 0, 0, 0, 0x0a}, .neighbor = {2, 0, 0, 0, 0, 0x0c}};

std::vector<Address> segments(unsigned count) {
    std::vector<Address> result(count, address("fc00::1"));
    for (unsigned i = 0; i < count; ++i) result[i].bytes[3] = static_cast<std::uint8_t>(i + 1);
    return result;
}

ss_candidate candidate(std::uint16_t session, const std::vector<std::uint8_t>& header = {}) {
    ss_candidate result{};
    result.mode = header.empty() ? SS_MODE_PLAIN : SS_MODE_ENCAPS;
    result.sessions = 1;
    result.session[0] = session;
    result.ifindex = kLoopback;
    result.header_length = static_cast<std::uint16_t>(header.size());
    std::ranges::copy(header, result.header);
    return result;
}

Bytes backup(unsigned count) {
    return make_encaps_header(kLink, address("2001:db8:a::1"), segments(count));
}

class Repair : public testing::Test {
  protected:
    void SetUp() override {
        if (!programs_.why_not().empty()) GTEST_SKIP() << programs_.why_not();
        auto& candidates = programs_.maps().ss_candidates;
        programs_.set(candidates, 0, candidate(0));
        programs_.set(candidates, 1, candidate(1, backup(2)));
        programs_.set(candidates, 2, candidate(2, backup(3)));
        programs_.set_policy(1, {0, 1, 2});
        programs_.set_prefix(*Prefix::parse("2001:db8:d::/48"), 1);
    }

    void expect_untouched(const Bytes& packet, ss_outcome outcome) {
        const auto counted = programs_.outcomes(outcome);
        const auto result = programs_.ingress(packet);
        EXPECT_EQ(result.code, kPass);
        EXPECT_EQ(result.packet, packet);
        EXPECT_EQ(programs_.outcomes(outcome), counted + 1);
        EXPECT_EQ(programs_.outcomes(SS_OUTCOME_REPAIRED), 0U);
    }

    Programs programs_;
};

// header + the packet without its Ethernet header, one hop less; length and class filled in. The flow label is any.
void expect_encapsulated(const RunResult& result, Bytes header, const Bytes& packet) {
    ASSERT_EQ(result.code, TC_ACT_REDIRECT);
    ASSERT_EQ(result.packet.size(), header.size() + packet.size() - kEthernetLength);
    const auto payload = result.packet.size() - kEthernetLength - kIpv6Length;
    header[kEthernetLength] = packet[kEthernetLength];
    header[kEthernetLength + 1] = static_cast<std::uint8_t>(packet[kEthernetLength + 1] & 0xf0);
    header[kEthernetLength + 4] = static_cast<std::uint8_t>(payload >> 8);
    header[kEthernetLength + 5] = static_cast<std::uint8_t>(payload);
    auto expected = header;
    append(expected, std::span(packet).subspan(kEthernetLength));
    expected[header.size() + 7]--;

    auto actual = result.packet;
    actual[kEthernetLength + 1] &= 0xf0;
    actual[kEthernetLength + 2] = 0;
    actual[kEthernetLength + 3] = 0;
    EXPECT_EQ(actual, expected);
}

TEST_F(Repair, NothingIsTouchedWhileAllIsWell) {
    programs_.words[0].rank = SS_DOWN;  // the gate says otherwise, and the gate is asked first
    const auto bytes = packet({}, udp(1, 2, 100));
    const auto result = programs_.ingress(bytes);
    EXPECT_EQ(result.code, kPass);
    EXPECT_EQ(result.packet, bytes);
    EXPECT_EQ(programs_.all_counters(), 0U);
}

TEST_F(Repair, EncapsulatesWithAnyNumberOfSegments) {
    programs_.lower(0);
    for (const unsigned count : {1, 2, 3, 10, 16}) {
        SCOPED_TRACE(count);
        programs_.set(programs_.maps().ss_candidates, 1, candidate(1, backup(count)));
        for (const std::size_t length : {0, 1, 64, 1000}) {
            const auto bytes = packet({.hop_limit = 2, .traffic_class = 0xb9}, udp(1, 2, length));
            expect_encapsulated(programs_.ingress(bytes), backup(count), bytes);
        }
    }
    EXPECT_EQ(programs_.outcomes(SS_OUTCOME_REPAIRED), 20U);
    EXPECT_EQ(programs_.all_counters(), 20U);
}

TEST_F(Repair, CountsWhatACandidateCarries) {
    programs_.lower(0);
    const auto bytes = packet({}, udp(1, 2, 100));
    programs_.ingress(bytes);
    programs_.ingress(bytes);
    ss_candidate_stats sum{};
    for (const auto& stats : programs_.per_cpu<ss_candidate_stats>(programs_.maps().ss_stats, 1)) {
        sum.packets += stats.packets;
        sum.bytes += stats.bytes;
        sum.last_ns += stats.last_ns;
    }
    EXPECT_EQ(sum.packets, 2U);
    EXPECT_EQ(sum.bytes, 2 * bytes.size());
    EXPECT_NE(sum.last_ns, 0U);
}

TEST_F(Repair, AFlowKeepsItsLabelAndFlowsDiffer) {
    programs_.lower(0);
    std::set<std::vector<std::uint8_t>> labels;
    for (std::uint16_t port = 1; port <= 8; ++port) {
        const auto label = [&](std::size_t length) {
            const auto out = programs_.ingress(packet({}, udp(port, 2, length))).packet;
            return Bytes{static_cast<std::uint8_t>(out.at(15) & 0xf), out.at(16), out.at(17)};
        };
        EXPECT_EQ(label(10), label(500));
        labels.insert(label(10));
    }
    EXPECT_GT(labels.size(), 4U);
}

TEST_F(Repair, TakesTheSecondBackupWhenTheFirstIsDownToo) {
    programs_.lower(0);
    programs_.lower(1);
    const auto bytes = packet({}, udp(1, 2, 100));
    expect_encapsulated(programs_.ingress(bytes), backup(3), bytes);
}

TEST_F(Repair, PrefersUpToDegradedToDown) {
    const auto bytes = packet({}, udp(1, 2, 100));
    programs_.lower(0);
    programs_.lower(1, SS_DEGRADED);
    expect_encapsulated(programs_.ingress(bytes), backup(3), bytes);
    programs_.lower(2);
    expect_encapsulated(programs_.ingress(bytes), backup(2), bytes);
}

TEST_F(Repair, PassesOverACandidateThatIsNotUsable) {
    auto unusable = candidate(1, backup(2));
    unusable.mode = SS_MODE_UNUSABLE;
    programs_.set(programs_.maps().ss_candidates, 1, unusable);
    programs_.lower(0);
    const auto bytes = packet({}, udp(1, 2, 100));
    expect_encapsulated(programs_.ingress(bytes), backup(3), bytes);
}

TEST_F(Repair, LeavesToTheKernelWhatPlainForwardingCarries) {
    programs_.lower(1);  // the gate is closed, but not for the sake of this policy's first candidate
    expect_untouched(packet({}, udp(1, 2, 100)), SS_OUTCOME_PLAIN);
}

TEST_F(Repair, LeavesToTheKernelWhatNoPolicyIsFor) {
    programs_.lower(0);
    expect_untouched(packet({.to = "2001:db8:e::1"}, udp(1, 2, 100)), SS_OUTCOME_NO_POLICY);
    programs_.set_prefix(*Prefix::parse("2001:db8:e::/48"), 7777);
    expect_untouched(packet({.to = "2001:db8:e::1"}, udp(1, 2, 100)), SS_OUTCOME_NO_POLICY);
}

TEST_F(Repair, LeavesToTheKernelWhatIsExemptWithinAPolicysPrefix) {
    programs_.lower(0);
    programs_.set_prefix(*Prefix::parse("2001:db8:d::1"), SS_POLICY_EXEMPT);
    expect_untouched(packet({}, udp(1, 2, 100)), SS_OUTCOME_EXEMPT);
}

TEST_F(Repair, LeavesToTheKernelWhatExpiresHere) {
    programs_.lower(0);
    for (const std::uint8_t hops : Bytes{0, 1})
        expect_untouched(packet({.hop_limit = hops}, udp(1, 2, 100)), SS_OUTCOME_HOP_LIMIT);
}

TEST_F(Repair, LeavesToTheKernelWhatNoCandidateCarries) {
    for (const unsigned session : {0, 1, 2}) programs_.lower(session);
    expect_untouched(packet({}, udp(1, 2, 100)), SS_OUTCOME_NO_CANDIDATE);
}

TEST_F(Repair, LeavesAloneWhatIsNotIpv6) {
    programs_.lower(0);
    auto ipv4 = packet({}, udp(1, 2, 100));
    ipv4[12] = 0x08;
    ipv4[13] = 0x00;
    auto version = packet({}, udp(1, 2, 100));
    version[kEthernetLength] = 0x40;
    for (const auto& bytes : {ipv4, version}) {
        const auto result = programs_.ingress(bytes);
        EXPECT_EQ(result.code, kPass);
        EXPECT_EQ(result.packet, bytes);
    }
    EXPECT_EQ(programs_.all_counters(), 0U);
}

TEST_F(Repair, ABrokenHeaderIsDroppedNotSent) {
    programs_.lower(0);
    auto broken = candidate(1, backup(2));
    for (const unsigned length : {0, 13, 53, SS_HEADER_MAX + 1, 0xffff}) {
        broken.header_length = static_cast<std::uint16_t>(length);
        programs_.set(programs_.maps().ss_candidates, 1, broken);
        EXPECT_EQ(programs_.ingress(packet({}, udp(1, 2, 100))).code, TC_ACT_SHOT) << length;
    }
    EXPECT_EQ(programs_.outcomes(SS_OUTCOME_PUSH_FAILED), 5U) << "every drop is counted";
}

}  // namespace
}  // namespace sidestep
