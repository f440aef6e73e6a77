// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the tick in the kernel: what it sends, in which order, what it skips, and how it judges. The tests shift times
// instead of waiting: to make probes due, they set back the clock's progress; to make probes old, they set back the
// send times.
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bpf/lib/judge.h"
#include "tests/bpf/programs.hpp"
#include "tests/bpf/veth_pair.hpp"

namespace sidestep {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr std::size_t kUdpAt = kEthernetLength + kIpv6Length;
constexpr std::uint64_t kTick = 1'000'000'000;  // longer than any tick takes here
constexpr std::uint32_t kNoDevice = 9999;
constexpr std::uint64_t kInterval = 3'600'000'000'000;  // an hour: nothing is due unless the test makes it due

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

class Tick : public testing::Test {
  protected:
    void SetUp() override {
        if (!programs_.why_not().empty()) GTEST_SKIP() << programs_.why_not();
        if (!veth_.why_not().empty()) GTEST_SKIP() << veth_.why_not();
    }

    // Puts sessions 0 to count - 1 into one class, and the plan in force.
    void probe_sessions(std::uint16_t count) {
        auto& plan = programs_.plans[0];
        plan.classes = 1;
        plan.class_[0] = {.first = 0, .count = count, .interval_ns = kInterval};
        for (std::uint16_t i = 0; i < count; ++i) {
            plan.order[i] = i;
            open_session(programs_, i, address("2001:db8:ab::a"), VethPair::kNear);
            programs_.sessions[i].conf.interval_ns = kInterval;
        }
        plan.generation = 1;
        programs_.clock_confs[0].tick_ns = kTick;
        programs_.tick();
        ASSERT_THAT(veth_.received(), IsEmpty()) << "a new plan starts without a burst";
    }

    // Runs a tick in which `due` probes are due.
    std::vector<Bytes> tick(std::uint64_t due) {
        programs_.clocks[0].done[0] -= due;
        const auto before = sent();
        EXPECT_EQ(programs_.tick().code, TC_ACT_STOLEN);
        return veth_.received(sent() - before);
    }

    // Probes sent by all sessions.
    std::uint64_t sent() {
        std::uint64_t sum = 0;
        for (const auto& session : programs_.sessions.all()) sum += session.tx.sent;
        return sum;
    }

    // Returns a probe to the device that it left by.
    std::uint32_t answer(Bytes probe) {
        constexpr std::array<std::uint8_t, ETH_ALEN> kNearMac{2, 0, 0, 0, 0, 1};  // as VethPair sets it
        std::copy(kNearMac.begin(), kNearMac.end(), probe.begin());
        return programs_.ingress(probe, VethPair::kNear).code;
    }

    // Gives session 0 fresh proof and raises its state.
    void make_alive() {
        for (int i = 0; i < 3; ++i) {
            for (const auto& probe : tick(1)) answer(probe);
        }
        tick(1);
        ASSERT_EQ(tx().verdict, SS_ALIVE);
        ASSERT_THAT(programs_.events(), SizeIs(1));
        ASSERT_EQ(programs_.repair[0].active, 0U);
    }

    // After make_alive(): sends the next two probes, of which the second is the accused one.
    std::vector<Bytes> lose_two() {
        auto probes = tick(1);
        for (auto& probe : tick(1)) probes.push_back(probe);
        return probes;
    }

    // Makes every probe of session 0 older by this time.
    void age(std::uint64_t by) {
        for (auto& sent : tx().sent_at_ns) sent -= std::min<std::uint64_t>(sent, by);
    }

    ss_session_tx& tx() { return programs_.sessions[0].tx; }
    ss_clock& clock() { return programs_.clocks[0]; }

    Programs programs_;
    VethPair veth_;
};

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
        EXPECT_LE(late, clock().longest_gap_ns) << i;
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

// A device that is down or without carrier swallows probes, and would swallow data. That is a failure, even if no
// detector is running.
TEST_F(Tick, ProbesThatADeadDeviceSwallowsAreUnanswered) {
    probe_sessions(1);
    make_alive();
    ASSERT_TRUE(VethPair::ip("link set dev near down"));
    for (int i = 0; i < 3; ++i) tick(1);
    EXPECT_EQ(tx().sequence, 7U);
    age(1'000'000'000);
    tick(1);
    EXPECT_EQ(tx().verdict, SS_DEAD);
}

// A few refusals accuse nobody, because a full queue also refuses.
TEST_F(Tick, ADeviceThatKeepsRefusingIsDead) {
    probe_sessions(1);
    make_alive();
    programs_.sessions[0].conf.ifindex = kNoDevice;
    const unsigned most = SS_UNSENT_FACTOR * programs_.sessions[0].conf.multiplier;
    for (unsigned i = 1; i < most; ++i) tick(1);
    EXPECT_EQ(tx().sequence, 4U);
    EXPECT_EQ(tx().verdict, SS_ALIVE);
    tick(1);
    tick(1);
    EXPECT_EQ(tx().verdict, SS_DEAD);
    const auto events = programs_.events();
    ASSERT_THAT(events, SizeIs(1));
    EXPECT_EQ(events[0].unsent, most);
}

TEST_F(Tick, AfterAStandstillAnswersComeFirst) {
    probe_sessions(1);
    make_alive();
    const auto late = lose_two();
    age(1'000'000'000);
    clock().last_tick_ns -= 10 * kTick;
    tick(0);
    ASSERT_EQ(tx().verdict, SS_ALIVE);
    for (const auto& probe : late) answer(probe);
    tick(0);
    EXPECT_EQ(tx().verdict, SS_ALIVE);
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

TEST_F(Tick, ADeadVerdictLowersTheStateCountsItAndIsReportedOnce) {
    probe_sessions(1);
    make_alive();  // 4 sent, 3 answered
    lose_two();
    EXPECT_EQ(tx().sequence, 6U);
    EXPECT_EQ(clock().suspects, 1U);
    ASSERT_EQ(tx().verdict, SS_ALIVE) << "the accused probe has time left";

    age(1'000'000'000);
    EXPECT_THAT(tick(0), IsEmpty()) << "no new probe is needed for a verdict";
    EXPECT_EQ(tx().verdict, SS_DEAD);
    EXPECT_EQ(programs_.states[0].rank, SS_DOWN);
    EXPECT_EQ(programs_.repair[0].active, 1U);
    EXPECT_EQ(clock().suspects, 0U);
    const auto events = programs_.events();
    ASSERT_THAT(events, SizeIs(1));
    EXPECT_EQ(events[0].type, SS_EVENT_DEAD);
    EXPECT_EQ(events[0].session, 0U);
    EXPECT_EQ(events[0].last_sent, 6U);
    EXPECT_EQ(events[0].last_answered, 3U);
    EXPECT_EQ(events[0].accused, 6U);
    EXPECT_EQ(events[0].accused_sent_ns, tx().sent_at_ns[6]);
    EXPECT_EQ(events[0].last_answer_ns, programs_.sessions[0].rx.last_answer_ns);
    EXPECT_EQ(events[0].time_ns, tx().verdict_ns);

    tick(1);
    tick(0);
    EXPECT_THAT(programs_.events(), IsEmpty());
    EXPECT_EQ(programs_.repair[0].active, 1U);
}

TEST_F(Tick, AStateRaisedDuringADeadVerdictIsLoweredAgain) {
    probe_sessions(1);
    make_alive();
    lose_two();
    age(1'000'000'000);
    tick(0);
    programs_.states[0].rank = SS_UP;
    programs_.repair[0].active = 0;
    tick(1);
    EXPECT_EQ(programs_.states[0].rank, SS_DOWN);
    EXPECT_EQ(programs_.repair[0].active, 1U);
}

TEST_F(Tick, AnAnswerAcquitsASuspect) {
    probe_sessions(1);
    make_alive();
    const auto probes = lose_two();
    ASSERT_EQ(clock().suspects, 1U);
    answer(probes[0]);
    age(1'000'000'000);
    tick(0);
    EXPECT_EQ(tx().verdict, SS_ALIVE);
    EXPECT_EQ(clock().suspects, 0U);
    EXPECT_EQ(programs_.states[0].rank, SS_UP);
}

TEST_F(Tick, AnEpochNeedsFreshProofAndTheKernelNeverRaisesTheState) {
    probe_sessions(1);
    make_alive();
    programs_.lower(0);
    programs_.sessions[0].conf.epoch = 1;
    auto probes = tick(1);
    EXPECT_EQ(tx().epoch, 1U);
    EXPECT_EQ(tx().verdict, SS_UNPROVEN);
    for (int answered = 0; answered < 3; ++answered) {
        EXPECT_EQ(tx().verdict, SS_UNPROVEN);
        EXPECT_THAT(programs_.events(), IsEmpty());
        for (const auto& probe : probes) answer(probe);
        probes = tick(1);
    }
    EXPECT_EQ(tx().verdict, SS_ALIVE);
    const auto events = programs_.events();
    ASSERT_THAT(events, SizeIs(1));
    EXPECT_EQ(events[0].type, SS_EVENT_ALIVE);
    EXPECT_EQ(events[0].epoch, 1U);
    EXPECT_EQ(programs_.states[0].rank, SS_DOWN);
    EXPECT_EQ(programs_.repair[0].active, 1U);
}

// 2^32 probes take 50 days at 1 ms: the session fails, stays down for as long again, and recovers.
TEST_F(Tick, ComesBackAfterMoreProbesThan32BitsCount) {
    constexpr std::uint64_t kLong = (1ULL << 32) - 2;
    probe_sessions(1);
    tx().sequence = kLong;
    make_alive();
    tx().sequence += kLong;  // all of them answered
    programs_.sessions[0].rx.newest = tx().sequence;
    for (const auto& probe : tick(1)) EXPECT_EQ(answer(probe), std::uint32_t{TC_ACT_STOLEN});
    ASSERT_EQ(tx().verdict, SS_ALIVE);
    for (int i = 0; i < 4; ++i) tick(1);
    age(1'000'000'000);
    tick(0);
    ASSERT_EQ(tx().verdict, SS_DEAD);
    tx().sequence += kLong;
    programs_.events();
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(tx().verdict, SS_DEAD);
        for (const auto& probe : tick(1)) EXPECT_EQ(answer(probe), std::uint32_t{TC_ACT_STOLEN});
    }
    tick(1);
    EXPECT_EQ(tx().verdict, SS_ALIVE);
    const auto events = programs_.events();
    ASSERT_THAT(events, SizeIs(1));
    EXPECT_EQ(events[0].last_sent, tx().sequence - 1);
    EXPECT_GT(events[0].last_sent, 3 * kLong);
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
