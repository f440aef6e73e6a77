// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests what the tick sends, in which order, and what it skips.
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/bpf/ticking.hpp"

namespace sidestep {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr std::size_t kUdpAt = kEthernetLength + kIpv6Length;

std::uint32_t read_u32(std::span<const std::uint8_t> bytes) {
    return static_cast<std::uint32_t>(bytes[0]) << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
}

std::uint32_t sequence_of(const Bytes& probe) {
    return read_u32(std::span(probe).subspan(kUdpAt + 8));
}

unsigned session_of(const Bytes& probe) {
    return probe.at(kUdpAt + 22) << 8 | probe.at(kUdpAt + 23);
}

// The checksum of pseudo-header and datagram, as a receiver computes it; 0xffff if right. For probes without segments.
std::uint32_t checksum_of(const Bytes& probe) {
    const auto udp = std::span(probe).subspan(kUdpAt);
    std::uint32_t sum = static_cast<std::uint32_t>(udp.size()) + kUdp;
    for (std::size_t i = kEthernetLength + 8; i < probe.size(); i += 2) {
        sum += static_cast<std::uint32_t>(probe[i] << 8 | probe[i + 1]);
    }
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

TEST_F(Tick, SendsTheTemplateWithSequenceTimeMacAndChecksum) {
    probe_sessions(1);
    for (std::uint32_t sequence = 1; sequence <= 3; ++sequence) {
        const auto probes = tick(1);
        ASSERT_THAT(probes, SizeIs(1));
        EXPECT_EQ(tx().sequence, sequence);
        EXPECT_EQ(tx().sent, sequence);
        EXPECT_EQ(probes[0], returned_probe(programs_, 0, sequence, tx().sent_at_ns[sequence]));
        EXPECT_EQ(checksum_of(probes[0]), 0xffffU);
    }
    EXPECT_THAT(tick(0), IsEmpty());
    EXPECT_EQ(clock().ticks, 5U);
}

TEST_F(Tick, SendsTemplatesOfDifferentLengthsInOneTick) {
    probe_sessions(3);
    open_session(programs_, 1, address("2001:db8:ab::a"), VethPair::kNear,
                 std::vector(SS_MAX_SEGMENTS, address("fc00::1")));
    const auto probes = tick(3);
    ASSERT_THAT(probes, SizeIs(3));
    std::set<std::size_t> sizes;
    for (const auto& probe : probes) sizes.insert(probe.size());
    EXPECT_EQ(sizes, (std::set<std::size_t>{118, 118 + 8 + 17 * 16}));
}

TEST_F(Tick, ItsOwnProbeIsAnAnswerWhenItComesBack) {
    probe_sessions(1);
    const auto probes = tick(1);
    ASSERT_THAT(probes, SizeIs(1));
    EXPECT_EQ(answer(probes[0]), TC_ACT_STOLEN);
    EXPECT_EQ(programs_.sessions[0].rx.newest, 1U);
}

// In real time: session i has its turn (i + 1) eighths into the interval. A tick may come late, but none comes early.
TEST_F(Tick, SpreadsSessionsEvenlyOverTheInterval) {
    constexpr std::uint64_t kShort = 32'000'000;
    constexpr std::uint64_t kInATick = 100'000;  // from its start to the last probe: much less than two turns are apart
    probe_sessions(8);
    programs_.plans[0].class_[0].interval_ns = kShort;
    programs_.plans[0].generation = 2;
    programs_.tick();
    clock().longest_gap_ns = 0;
    while (programs_.sessions[7].tx.sent < 3) programs_.tick();
    programs_.tick();
    for (std::uint64_t i = 0; i < 8; ++i) {
        const auto& session = programs_.sessions[i].tx;
        const auto turn = (i + 1) * kShort / 8;
        const auto late = (session.sent_at_ns[session.sequence] + kShort - turn % kShort) % kShort;
        EXPECT_LE(late, clock().longest_gap_ns + kInATick) << i;
    }
}

TEST_F(Tick, AStalledClockSkipsProbesAndCountsThem) {
    probe_sessions(8);
    const auto probes = tick(8 * 5 + 3);
    ASSERT_THAT(probes, SizeIs(8)) << "one each, not five";
    std::set<unsigned> sessions;
    for (const auto& probe : probes) {
        EXPECT_EQ(sequence_of(probe), 1U) << "sequence numbers have no gap";
        sessions.insert(session_of(probe));
    }
    EXPECT_THAT(sessions, SizeIs(8));
    EXPECT_EQ(clock().missed, 8U * 4 + 3);
}

TEST_F(Tick, ATickSendsAtMostABurstAndTheNextTicksTheRest) {
    // A power of two, so that turns may count from below zero: the machine may have been up for less than kInterval.
    probe_sessions(512);
    auto probes = tick(512);
    EXPECT_THAT(probes, SizeIs(256));
    const auto rest = tick(0);
    EXPECT_THAT(rest, SizeIs(256));
    probes.insert(probes.end(), rest.begin(), rest.end());
    std::set<unsigned> sessions;
    for (const auto& probe : probes) sessions.insert(session_of(probe));
    EXPECT_THAT(sessions, SizeIs(512)) << "each session once";
    EXPECT_THAT(tick(0), IsEmpty());
    EXPECT_EQ(clock().missed, 0U);
}

TEST_F(Tick, AProbeThatCannotBeSentGetsNoSequenceNumber) {
    probe_sessions(1);
    tick(1);
    programs_.sessions[0].conf.ifindex = kNoDevice;
    EXPECT_THAT(tick(1), IsEmpty());
    EXPECT_EQ(tx().sequence, 1U);
    EXPECT_EQ(tx().sent, 1U);
    EXPECT_EQ(tx().send_errors, 1U);
    EXPECT_EQ(tx().unsent, 1U);
    programs_.sessions[0].conf.ifindex = VethPair::kNear;
    const auto probes = tick(1);
    ASSERT_THAT(probes, SizeIs(1));
    EXPECT_EQ(sequence_of(probes[0]), 2U);
    EXPECT_EQ(tx().unsent, 0U);
}

TEST_F(Tick, AnInactiveSessionIsNotProbed) {
    probe_sessions(2);
    programs_.sessions[1].conf.flags = 0;
    const auto probes = tick(2);
    ASSERT_THAT(probes, SizeIs(1));
    EXPECT_EQ(session_of(probes[0]), 0U);
    EXPECT_EQ(programs_.sessions[1].tx.send_errors, 0U);
}

TEST_F(Tick, OtherPacketsAreNoTicksAndTwoClocksNeverTickAtOnce) {
    probe_sessions(1);
    const auto ticks = clock().ticks;
    EXPECT_EQ(programs_.tick(0).code, TC_ACT_SHOT);
    clock().busy = 1;
    EXPECT_THAT(tick(1), IsEmpty());
    EXPECT_EQ(clock().ticks, ticks);
    clock().busy = 0;
    EXPECT_THAT(tick(0), SizeIs(1)) << "the probe that was due then is still due";
}

TEST_F(Tick, ABrokenTemplateIsAnErrorAndNotSent) {
    probe_sessions(1);
    auto& conf = programs_.sessions[0].conf;
    const ss_session_conf good = conf;
    conf.template_length = 0;
    EXPECT_THAT(tick(1), IsEmpty());
    conf.template_length = SS_TEMPLATE_MAX + 1;
    EXPECT_THAT(tick(1), IsEmpty());
    conf.template_length = good.template_length;
    conf.udp_offset = good.template_length;
    EXPECT_THAT(tick(1), IsEmpty());
    conf.udp_offset = good.udp_offset;
    conf.length = static_cast<__u16>(good.template_length - 1);
    EXPECT_THAT(tick(1), IsEmpty());
    EXPECT_EQ(tx().send_errors, 4U);
    EXPECT_EQ(tx().sequence, 0U);
}

}  // namespace
}  // namespace sidestep
