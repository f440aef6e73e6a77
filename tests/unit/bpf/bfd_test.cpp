// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the kernel's part of BFD: which packets count, and when a session is over.
#include "bpf/lib/bfd.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "detector/core/headers.hpp"

namespace sidestep {
namespace {

constexpr std::uint64_t kBfdMs = 1'000'000;
constexpr std::uint64_t kBfdLook = 10 * kBfdMs / SS_BFD_LOOKS;
constexpr std::uint64_t kBfdTick = 2'500'000;

/// A session that speaks with a neighbor, at 10 ms x 3.
class BfdKernel : public testing::Test {
  protected:
    BfdKernel() {
        session_.conf.flags = SS_SESSION_ACTIVE | SS_SESSION_BFD;
        session_.conf.interval_ns = kBfdLook;
        say(bfd::BfdState::up);
        heard_.version_diagnostic = SS_BFD_VERSION << 5;
        heard_.state_flags = SS_BFD_UP << SS_BFD_STATE_SHIFT;
        heard_.multiplier = 3;
        heard_.length = sizeof heard_;
        heard_.my_discriminator = bpf_htonl(77);
        heard_.your_discriminator = bpf_htonl(0x5001);
        heard_.desired_tx_us = heard_.required_rx_us = bpf_htonl(10'000);
    }

    void say(bfd::BfdState state) {
        const bfd::Machine machine{.state = state,
                                   .discriminator = 0x5001,
                                   .remote_discriminator = 77,
                                   .ups = 1,
                                   .tx_us = 10'000,
                                   .rx_us = 10'000,
                                   .tx_now_us = 10'000,
                                   .rx_now_us = 10'000};
        session_.conf.bfd = write_bfd(machine, {});
    }
    bool hear() { return ss_bfd_record(&session_, &heard_, now_) != 0; }
    /// As the tick looks at it.
    std::uint32_t look(std::uint64_t after) {
        now_ += after;
        ss_bfd_look(&session_, now_, kBfdLook + kBfdTick);
        const auto verdict = ss_bfd_judge(&session_).verdict;
        if (verdict == SS_DEAD && session_.tx.verdict != SS_DEAD) ss_bfd_end(&session_);
        session_.tx.verdict = verdict;
        return verdict;
    }
    void come_alive() {
        look(kBfdLook);
        hear();
        ASSERT_EQ(look(kBfdLook), static_cast<std::uint32_t>(SS_ALIVE));
    }
    ss_bfd_packet said(bool final = false) {
        ss_bfd_packet packet{};
        ss_bfd_compose(&session_, final ? 1 : 0, &packet);
        return packet;
    }

    ss_session session_{};
    ss_bfd_packet heard_{};
    std::uint64_t now_ = 1000 * kBfdMs;
};

TEST_F(BfdKernel, RefusesByTheListOfTheRfc) {
    const auto reason = [this](auto change, std::uint32_t available = sizeof(ss_bfd_packet)) {
        auto packet = heard_;
        change(packet);
        auto result = ss_bfd_check(&packet, available);
        return result != 0 ? result : ss_bfd_check_session(&session_, &packet);
    };
    EXPECT_EQ(reason([](auto&) {}), 0U);
    EXPECT_EQ(reason([](auto& p) { p.version_diagnostic = 0; }), SS_REJECT_BFD_VERSION + 1U);
    EXPECT_EQ(reason([](auto& p) { p.version_diagnostic = 2 << 5; }), SS_REJECT_BFD_VERSION + 1U);
    EXPECT_EQ(reason([](auto& p) { p.length = 23; }), SS_REJECT_BFD_LENGTH + 1U);
    EXPECT_EQ(reason([](auto& p) { p.length = 25; }), SS_REJECT_BFD_LENGTH + 1U) << "longer than its datagram";
    EXPECT_EQ(reason([](auto& p) { p.length = 25; }, 25), 0U);
    EXPECT_EQ(reason([](auto& p) { p.state_flags |= SS_BFD_AUTHENTICATED; }, 40), SS_REJECT_BFD_LENGTH + 1U)
        << "too short for an authentication section";
    EXPECT_EQ(reason([](auto& p) { p.multiplier = 0; }), SS_REJECT_BFD_MULTIPLIER + 1U);
    EXPECT_EQ(reason([](auto& p) { p.state_flags |= SS_BFD_MULTIPOINT; }), SS_REJECT_BFD_MULTIPOINT + 1U);
    EXPECT_EQ(reason([](auto& p) { p.my_discriminator = 0; }), SS_REJECT_BFD_DISCRIMINATOR + 1U);
    EXPECT_EQ(reason([](auto& p) { p.your_discriminator ^= 1; }), SS_REJECT_BFD_SESSION + 1U);
    EXPECT_EQ(reason([](auto& p) { p.your_discriminator = 0; }), SS_REJECT_BFD_STATE + 1U);
    EXPECT_EQ(reason([](auto& p) {
                  p.your_discriminator = 0;
                  p.state_flags = SS_BFD_DOWN << SS_BFD_STATE_SHIFT;
              }),
              0U);
    EXPECT_EQ(reason(
                  [](auto& p) {
                      p.state_flags |= SS_BFD_AUTHENTICATED;
                      p.length = 26;
                  },
                  26),
              SS_REJECT_BFD_AUTHENTICATION + 1U);
}

TEST_F(BfdKernel, TellsWhatIsNew) {
    EXPECT_TRUE(hear());
    EXPECT_FALSE(hear()) << "the same again";
    heard_.state_flags |= SS_BFD_POLL;
    EXPECT_FALSE(hear()) << "the tick answers it";
    EXPECT_EQ(session_.rx.bfd.polls, 1U);
    heard_.state_flags = SS_BFD_UP << SS_BFD_STATE_SHIFT | SS_BFD_FINAL;
    EXPECT_TRUE(hear());
    EXPECT_TRUE(hear()) << "each ends a poll";
    heard_.my_discriminator = bpf_htonl(78);
    EXPECT_TRUE(hear());
    heard_.desired_tx_us = bpf_htonl(40'000);
    heard_.state_flags = SS_BFD_UP << SS_BFD_STATE_SHIFT;
    EXPECT_FALSE(hear());
    EXPECT_EQ(ss_bfd_detection_ns(&session_), 120 * kBfdMs) << "and counts from now on";
}

TEST_F(BfdKernel, TheDetectionTimeIsOfTheSlowerSide) {
    hear();
    EXPECT_EQ(ss_bfd_detection_ns(&session_), 30 * kBfdMs);
    session_.conf.bfd.rx_us = 20'000;
    EXPECT_EQ(ss_bfd_detection_ns(&session_), 60 * kBfdMs);
    heard_.multiplier = 255;
    heard_.desired_tx_us = 0xffffffff;
    hear();
    EXPECT_EQ(ss_bfd_detection_ns(&session_), 255ULL * 0xffffffff * 1000);
}

// A reflector repeats our timers, and answers no more often than it is asked.
TEST_F(BfdKernel, AReflectorIsGivenTimeForWhatItAllows) {
    session_.conf.bfd.kind = SS_BFD_SEAMLESS;
    heard_.required_rx_us = bpf_htonl(50'000);
    hear();
    EXPECT_EQ(ss_bfd_period_ns(&session_), 50 * kBfdMs);
    EXPECT_EQ(ss_bfd_detection_ns(&session_), 150 * kBfdMs);
    session_.conf.bfd.packet.state_flags |= SS_BFD_DEMAND;
    come_alive();
    look(160 * kBfdMs);
    for (int i = 0; i < 200; ++i) look(kBfdLook);
    EXPECT_EQ(ss_bfd_state_of(said().state_flags), static_cast<std::uint32_t>(SS_BFD_DOWN));
    EXPECT_NE(said().state_flags & SS_BFD_DEMAND, 0U) << "it goes on asking";
}

TEST_F(BfdKernel, AReflectorIsKnownByItsDiscriminatorAndDoesNotAsk) {
    session_.conf.bfd.kind = SS_BFD_SEAMLESS;
    const auto check = [this] { return ss_bfd_check_session(&session_, &heard_); };
    EXPECT_EQ(check(), 0U);
    heard_.my_discriminator = bpf_htonl(78);
    EXPECT_EQ(check(), SS_REJECT_BFD_SESSION + 1U);
    heard_.my_discriminator = bpf_htonl(77);
    heard_.state_flags |= SS_BFD_DEMAND;
    EXPECT_EQ(check(), SS_REJECT_BFD_SESSION + 1U);
    session_.conf.bfd.kind = SS_BFD_MULTIHOP;
    EXPECT_EQ(check(), 0U);
}

TEST_F(BfdKernel, ThePeriodIsOfTheSlowerSideAndSlowWhileItIsNotUp) {
    EXPECT_EQ(ss_bfd_period_ns(&session_), 10 * kBfdMs) << "of a neighbor that has not spoken";
    heard_.required_rx_us = bpf_htonl(50'000);
    hear();
    EXPECT_EQ(ss_bfd_period_ns(&session_), 50 * kBfdMs);
    heard_.required_rx_us = 0;
    hear();
    EXPECT_EQ(ss_bfd_period_ns(&session_), 0U) << "wants none (6.8.7)";
    heard_.required_rx_us = bpf_htonl(50'000);
    hear();
    say(bfd::BfdState::down);
    EXPECT_EQ(ss_bfd_period_ns(&session_), 1000 * kBfdMs);
}

TEST_F(BfdKernel, SaysNothingToANeighborInDemandModeExceptPolls) {
    heard_.state_flags |= SS_BFD_DEMAND;
    hear();
    EXPECT_EQ(ss_bfd_period_ns(&session_), 0U);
    session_.conf.bfd.packet.state_flags |= SS_BFD_POLL;
    EXPECT_EQ(ss_bfd_period_ns(&session_), 10 * kBfdMs);
}

TEST_F(BfdKernel, JitterIsUpToAQuarterAndWithMultiplierOneAtLeastATenth) {
    for (const std::uint32_t random : {0U, 1U << 31, ~0U}) {
        EXPECT_LE(ss_bfd_jittered(10 * kBfdMs, 3, random), 10 * kBfdMs);
        EXPECT_GE(ss_bfd_jittered(10 * kBfdMs, 3, random), 75 * kBfdMs / 10);
        EXPECT_LE(ss_bfd_jittered(10 * kBfdMs, 1, random), 9 * kBfdMs);
        EXPECT_GE(ss_bfd_jittered(10 * kBfdMs, 1, random), 75 * kBfdMs / 10);
    }
    EXPECT_LT(ss_bfd_jittered(10 * kBfdMs, 3, ~0U), 76 * kBfdMs / 10);
}

TEST_F(BfdKernel, LivesByPacketsAndDiesOfSilence) {
    come_alive();
    for (int i = 0; i < 100; ++i) {
        if (i % 4 == 0) hear();
        EXPECT_EQ(look(kBfdLook), static_cast<std::uint32_t>(SS_ALIVE)) << i;
    }
    hear();
    const auto last = now_;
    while (look(kBfdLook) == SS_ALIVE) ASSERT_LT(now_, last + 40 * kBfdMs);
    EXPECT_EQ(now_, last + 30 * kBfdMs);
    EXPECT_EQ(session_.tx.bfd.diagnostic, SS_BFD_EXPIRED);
}

TEST_F(BfdKernel, TimeInWhichNobodyLookedDoesNotCount) {
    come_alive();
    hear();
    look(kBfdLook);
    const auto before = session_.tx.bfd.silent_ns;
    EXPECT_EQ(look(500 * kBfdMs), static_cast<std::uint32_t>(SS_ALIVE)) << "a clock that stood still accuses nobody";
    EXPECT_LE(session_.tx.bfd.silent_ns, before + kBfdLook + kBfdTick);
    hear();
    EXPECT_EQ(look(500 * kBfdMs), static_cast<std::uint32_t>(SS_ALIVE));
    EXPECT_LE(session_.tx.bfd.silent_ns, kBfdLook + kBfdTick) << "nor one that stood still after a packet";
}

TEST_F(BfdKernel, DiesAtOnceWhenTheNeighborSaysSo) {
    come_alive();
    heard_.state_flags = SS_BFD_ADMIN_DOWN << SS_BFD_STATE_SHIFT;
    hear();
    EXPECT_EQ(look(kBfdLook), static_cast<std::uint32_t>(SS_DEAD));
    EXPECT_EQ(session_.tx.bfd.diagnostic, SS_BFD_SIGNALED);
}

TEST_F(BfdKernel, TheDeadSayDownUntilTheDetectorHasBroughtThemUp) {
    come_alive();
    while (look(kBfdLook) != SS_DEAD) {
    }
    const auto down = said();
    EXPECT_EQ(ss_bfd_state_of(down.state_flags), static_cast<std::uint32_t>(SS_BFD_DOWN));
    EXPECT_EQ(down.version_diagnostic, SS_BFD_VERSION << 5 | SS_BFD_EXPIRED);
    EXPECT_EQ(bpf_ntohl(down.desired_tx_us), SS_BFD_SLOW_US);
    EXPECT_EQ(ss_bfd_period_ns(&session_), 1000 * kBfdMs);
    hear();
    EXPECT_EQ(look(kBfdLook), static_cast<std::uint32_t>(SS_DEAD)) << "packets alone do not raise it";
    ++session_.conf.bfd.ups;
    hear();
    EXPECT_EQ(look(kBfdLook), static_cast<std::uint32_t>(SS_ALIVE));
    EXPECT_EQ(ss_bfd_state_of(said().state_flags), static_cast<std::uint32_t>(SS_BFD_UP));
}

TEST_F(BfdKernel, AnswersAPollWithoutAskingItself) {
    session_.conf.bfd.packet.state_flags |= SS_BFD_POLL;
    EXPECT_EQ(said().state_flags & (SS_BFD_POLL | SS_BFD_FINAL), SS_BFD_POLL);
    EXPECT_EQ(said(true).state_flags & (SS_BFD_POLL | SS_BFD_FINAL), SS_BFD_FINAL);
    EXPECT_EQ(ss_bfd_said(&session_.conf.bfd.packet) & SS_BFD_FINAL, 0U);
}

TEST_F(BfdKernel, ANeighborThatWantsMoreIsServedAtOnce) {
    ss_bfd_packet packet{};
    heard_.required_rx_us = bpf_htonl(1'000'000);
    hear();
    ASSERT_TRUE(ss_bfd_due(&session_, &packet, now_, 0));
    EXPECT_FALSE(ss_bfd_due(&session_, &packet, now_ + 500 * kBfdMs, 0));
    heard_.required_rx_us = bpf_htonl(10'000);
    hear();
    EXPECT_FALSE(ss_bfd_due(&session_, &packet, now_ + 500 * kBfdMs, 0));
    EXPECT_TRUE(ss_bfd_due(&session_, &packet, now_ + 510 * kBfdMs, 0)) << "6.8.3: without waiting for the old time";
}

TEST_F(BfdKernel, IntervalsVaryOverTheGridOfLooks) {
    hear();
    std::mt19937 dice(1);
    std::array<int, SS_BFD_LOOKS + 2> counts{};
    ss_bfd_packet packet{};
    std::size_t looks = 0;
    for (int i = 0; i < 1000; ++i) {
        now_ += kBfdLook;
        ++looks;
        if (!ss_bfd_due(&session_, &packet, now_, static_cast<std::uint32_t>(dice()))) continue;
        if (i > 0) ++counts.at(std::min<std::size_t>(looks, counts.size() - 1));
        looks = 0;
    }
    EXPECT_GT(counts[3], 50) << "three quarters of the interval";
    EXPECT_GT(counts[4], 50) << "all of it";
    EXPECT_EQ(counts[1] + counts[2] + counts[5], 0);
}

/// What may be true of a packet that is taken, in other words than the code's.
bool may_be_taken(const std::vector<std::uint8_t>& bytes, std::uint32_t discriminator) {
    const auto word = [&](std::size_t at) {
        return static_cast<std::uint32_t>(bytes[at]) << 24 | bytes[at + 1] << 16 | bytes[at + 2] << 8 | bytes[at + 3];
    };
    const bool names_us = word(8) == discriminator;
    const bool begins = word(8) == 0 && bytes[1] < 0x80;
    return (bytes[0] & 0xe0) == 0x20 && bytes[2] != 0 && bytes[3] >= 24 && bytes[3] <= bytes.size() &&
           (bytes[1] & 0x05) == 0 && word(4) != 0 && (names_us || begins);
}

TEST_F(BfdKernel, FiftyThousandDamagedPacketsAreTakenOrRefusedForAReason) {
    std::mt19937 dice(17);
    std::size_t taken = 0;
    for (int i = 0; i < 50'000; ++i) {
        std::vector<std::uint8_t> bytes(sizeof heard_ + dice() % 8);
        std::memcpy(bytes.data(), &heard_, sizeof heard_);
        for (auto left = dice() % 4; left > 0; --left) {
            auto& byte = bytes[dice() % bytes.size()];
            byte = dice() % 2 == 0 ? static_cast<std::uint8_t>(dice())
                                   : static_cast<std::uint8_t>(byte ^ 1U << dice() % 8);
        }
        ss_bfd_packet packet{};
        std::memcpy(&packet, bytes.data(), sizeof packet);
        auto reason = ss_bfd_check(&packet, static_cast<std::uint32_t>(bytes.size()));
        if (reason == 0) reason = ss_bfd_check_session(&session_, &packet);
        ASSERT_LE(reason, static_cast<std::uint32_t>(SS_REJECT_COUNT));
        ASSERT_EQ(reason == 0, may_be_taken(bytes, 0x5001)) << "packet " << i;
        if (reason == 0) {
            ++taken;
            ss_bfd_record(&session_, &packet, now_);
            ASSERT_NE(ss_bfd_detection_ns(&session_) | 1, 0U);
        }
    }
    EXPECT_GT(taken, 1000U);
    EXPECT_EQ(session_.rx.answered, taken);
}

}  // namespace
}  // namespace sidestep
