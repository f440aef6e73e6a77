// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the probe receiver in the kernel: it takes a session's own probes, refuses others by reason, and changes
// nothing for those.
#include <ctime>

#include <gtest/gtest.h>

#include "bpf/lib/answer.h"
#include "tests/bpf/probing.hpp"
#include "tests/bpf/programs.hpp"

namespace sidestep {
namespace {

constexpr std::uint16_t kSession = 5;
constexpr std::size_t kStampAt = kEthernetLength + kIpv6Length + 8;

std::uint64_t now() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
}

class Receiver : public testing::Test {
  protected:
    void SetUp() override {
        if (!programs_.why_not().empty()) GTEST_SKIP() << programs_.why_not();
        open_session(programs_, kSession, address("2001:db8:ab::a"));
        programs_.sessions[kSession].tx.sequence = 100;
    }

    [[nodiscard]] Bytes probe(std::uint32_t sequence) const {
        return returned_probe(programs_, kSession, sequence, now());
    }

    // Checks that the packet is refused, that only the counter of `reason` grows, by one, and that the session is
    // unchanged.
    void expect_refused(const Bytes& packet, ss_reject reason) {
        const auto before = memory_of(programs_.sessions[kSession]);
        const auto counted = programs_.rejects(reason);
        const auto in_all = programs_.all_counters();
        EXPECT_EQ(programs_.ingress(packet).code, TC_ACT_SHOT);
        EXPECT_EQ(programs_.rejects(reason), counted + 1);
        EXPECT_EQ(programs_.all_counters(), in_all + 1);
        EXPECT_EQ(memory_of(programs_.sessions[kSession]), before);
    }

    void expect_passed(const Bytes& packet) {
        const auto in_all = programs_.all_counters();
        const auto result = programs_.ingress(packet);
        EXPECT_EQ(result.code, kPass);
        EXPECT_EQ(result.packet, packet);
        EXPECT_EQ(programs_.sessions[kSession].rx.answered, 0U);
        EXPECT_EQ(programs_.all_counters(), in_all);
    }

    Programs programs_;
};

TEST_F(Receiver, AProbeOfAVerificationComesHomeByAnyInterface) {
    programs_.sessions[kSession].conf.return_ifindex = kLoopback + 1;
    expect_refused(probe(90), SS_REJECT_WRONG_INTERFACE);
    programs_.sessions[kSession].conf.return_ifindex = 0;
    EXPECT_EQ(programs_.ingress(probe(90)).code, TC_ACT_STOLEN);
    EXPECT_EQ(programs_.sessions[kSession].rx.answered, 1U);
}

TEST_F(Receiver, RecordsAndConsumesAGoodProbe) {
    const auto sent = now();
    EXPECT_EQ(programs_.ingress(returned_probe(programs_, kSession, 99, sent)).code, TC_ACT_STOLEN);
    const auto& rx = programs_.sessions[kSession].rx;
    EXPECT_EQ(rx.newest, 99U);
    EXPECT_EQ(ss_window(&rx, 99), 1U);
    EXPECT_EQ(rx.answered, 1U);
    EXPECT_GE(rx.last_answer_ns, sent);
    EXPECT_LE(rx.last_answer_ns, now());
    EXPECT_EQ(rx.rtt_ns, rx.last_answer_ns - sent);
    EXPECT_EQ(programs_.ingress(probe(100)).code, TC_ACT_STOLEN);
    EXPECT_EQ(ss_window(&rx, 100), 3U);
    EXPECT_EQ(programs_.all_counters(), 0U);
}

TEST_F(Receiver, TakesAProbeThatStillHasItsSrh) {
    open_session(programs_, kSession, address("2001:db8:ab::a"), kLoopback, std::vector{address("fc00::1")});
    auto bytes = probe(100);
    std::ranges::copy(address("2001:db8:ab::a").bytes, bytes.begin() + kEthernetLength + 24);  // as after End
    EXPECT_EQ(programs_.ingress(bytes).code, TC_ACT_STOLEN);
    EXPECT_EQ(programs_.sessions[kSession].rx.newest, 100U);
}

TEST_F(Receiver, RefusesATruncatedProbe) {
    const auto whole = probe(100);
    for (const std::size_t length : {whole.size() - 1, kStampAt + SS_STAMP_SIGNED}) {
        expect_refused(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)), SS_REJECT_TRUNCATED);
    }
}

TEST_F(Receiver, RefusesAForgedProbeWhateverBitIsWrong) {
    const auto good = probe(100);
    for (std::size_t bit = 0; bit < 8UL * SS_STAMP_SIGNED; ++bit) {
        if (bit / 16 == 7) continue;  // the session's index: without it, nobody knows whose probe it is
        auto forged = good;
        forged[kStampAt + bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        expect_refused(forged, SS_REJECT_BAD_MAC);
    }
    for (std::size_t bit = 0; bit < 64; ++bit) {
        auto forged = good;
        forged[forged.size() - 1 - bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        expect_refused(forged, SS_REJECT_BAD_MAC);
    }
    EXPECT_EQ(programs_.ingress(good).code, TC_ACT_STOLEN);
}

TEST_F(Receiver, RefusesRepeatedLateAndEarlyProbes) {
    ASSERT_EQ(programs_.ingress(probe(100)).code, TC_ACT_STOLEN);
    expect_refused(probe(100), SS_REJECT_REPLAYED);
    expect_refused(probe(36), SS_REJECT_TOO_OLD);
    expect_refused(probe(101), SS_REJECT_NOT_SENT);
    EXPECT_EQ(programs_.ingress(probe(37)).code, TC_ACT_STOLEN);
    expect_refused(probe(37), SS_REJECT_REPLAYED);
}

TEST_F(Receiver, RefusesAProbeThatReturnsByAnotherLink) {
    programs_.sessions[kSession].conf.return_ifindex = 99;
    expect_refused(probe(100), SS_REJECT_WRONG_INTERFACE);
}

TEST_F(Receiver, RefusesAProbeWithAnotherSessionsIndex) {
    open_session(programs_, kSession + 1, address("2001:db8:ab::a"));
    programs_.sessions[kSession + 1].tx.sequence = 100;
    auto stolen = returned_probe(programs_, kSession + 1, 100, now());
    stolen[kStampAt + 15] = kSession;
    expect_refused(stolen, SS_REJECT_BAD_MAC);
}

TEST_F(Receiver, LeavesOtherPacketsToTheKernel) {
    const auto good = probe(100);
    auto elsewhere = good;
    elsewhere[kEthernetLength + 39] ^= 1;  // destination
    expect_passed(elsewhere);
    auto other_port = good;
    other_port[kStampAt - 5] ^= 1;
    expect_passed(other_port);
    auto no_session = good;
    no_session[kStampAt + 14] = 0xff;  // an index beyond the map
    expect_passed(no_session);
    programs_.sessions[kSession].conf.flags = 0;
    expect_passed(good);
}

class ReceiverV4 : public Receiver {
  protected:
    void SetUp() override {
        Receiver::SetUp();
        if (IsSkipped()) return;
        open_session(programs_, kSession, address("10.0.1.1"));
    }
};

TEST_F(ReceiverV4, RecordsAndConsumesAGoodProbe) {
    EXPECT_EQ(programs_.ingress(probe(99)).code, TC_ACT_STOLEN);
    EXPECT_EQ(programs_.ingress(probe(100)).code, TC_ACT_STOLEN);
    const auto& rx = programs_.sessions[kSession].rx;
    EXPECT_EQ(rx.newest, 100U);
    EXPECT_EQ(rx.answered, 2U);
    EXPECT_EQ(programs_.all_counters(), 0U);
}

TEST_F(ReceiverV4, RefusesThoseThatAreShortOrForgedOrComeByAnotherLink) {
    const auto good = probe(100);
    expect_refused(Bytes(good.begin(), good.end() - 1), SS_REJECT_TRUNCATED);
    auto forged = good;
    forged.back() ^= 1;
    expect_refused(forged, SS_REJECT_BAD_MAC);
    programs_.sessions[kSession].conf.return_ifindex = 99;
    expect_refused(good, SS_REJECT_WRONG_INTERFACE);
}

// What follows the header of a fragment may be anything; no probe has options.
TEST_F(ReceiverV4, LeavesFragmentsAndOtherPacketsToTheKernel) {
    const auto good = probe(100);
    auto elsewhere = good;
    elsewhere[kEthernetLength + 19] ^= 8;  // destination
    expect_passed(elsewhere);
    for (const auto bits : Bytes{0x20, 0x01}) {  // more fragments; an offset
        auto fragment = good;
        fragment[kEthernetLength + 6] = bits;
        expect_passed(fragment);
    }
    auto with_options = good;
    with_options[kEthernetLength] = 0x46;
    expect_passed(with_options);
}

TEST_F(ReceiverV4, NeverRepairsAProbe) {
    programs_.lower(kSession);
    programs_.set_policy(1, {});
    programs_.set_prefix(*Prefix::parse("0.0.0.0/0"), 1);
    auto others = probe(100);
    others[kEthernetLength + 19] ^= 8;
    expect_passed(others);
}

TEST_F(Receiver, NeverRepairsAProbe) {
    programs_.lower(kSession);
    programs_.set_policy(1, {});
    programs_.set_prefix(*Prefix::parse("::/0"), 1);
    auto others = probe(100);
    others[kEthernetLength + 39] ^= 1;
    expect_passed(others);
}

}  // namespace
}  // namespace sidestep
