// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests what this node says by BFD: states, timers and their changes, clause by clause (RFC 5880, 6.8).
#include "detector/core/bfd_machine.hpp"

#include <arpa/inet.h>

#include <array>
#include <tuple>

#include <gtest/gtest.h>

#include "detector/core/headers.hpp"

namespace sidestep::bfd {
namespace {

constexpr auto kAdmin = BfdState::admin_down;
constexpr auto kDown = BfdState::down;
constexpr auto kInit = BfdState::init;
constexpr auto kUp = BfdState::up;

class BfdMachine : public testing::Test {
  protected:
    /// Receives one more packet in this state.
    bool hear(BfdState state, bool final = false) {
        situation_.heard.state = state;
        situation_.heard.discriminator = 77;
        ++situation_.heard.packets;
        if (final) ++situation_.heard.finals;
        situation_.heard.lately = true;
        return advance(machine_, situation_);
    }
    bool look() { return advance(machine_, situation_); }
    void come_up() {
        hear(kDown);
        hear(kUp);
        ASSERT_EQ(machine_.state, kUp);
    }
    void end_poll() {
        hear(kUp, true);
        ASSERT_FALSE(machine_.polling);
    }

    Machine machine_{.discriminator = 5};
    Situation situation_{.timers = {.desired_tx_us = 10'000, .required_rx_us = 20'000}, .heard = {}};
};

// 6.8.6: the state of the packet on the left, ours on top.
TEST_F(BfdMachine, EveryPairOfStatesHasItsNextState) {
    constexpr std::array<std::array<BfdState, 4>, 4> kNext{{
        //            ours: admin-down, down, init, up
        /* admin-down */ {kAdmin, kDown, kDown, kDown},
        /* down       */ {kAdmin, kInit, kInit, kDown},
        /* init       */ {kAdmin, kUp, kUp, kUp},
        /* up         */ {kAdmin, kDown, kUp, kUp},
    }};
    for (const auto theirs : {kAdmin, kDown, kInit, kUp}) {
        for (const auto ours : {kAdmin, kDown, kInit, kUp}) {
            machine_ = {.state = ours};
            situation_.admin_down = ours == kAdmin;
            hear(theirs);
            const auto wanted = kNext.at(static_cast<std::size_t>(theirs)).at(static_cast<std::size_t>(ours));
            EXPECT_EQ(machine_.state, wanted) << to_string(ours) << " hears " << to_string(theirs);
            const bool signaled = wanted == kDown && (ours == kUp || ours == kInit);
            if (signaled) {
                EXPECT_EQ(machine_.diagnostic, Diagnostic::neighbor_signaled);
            }
        }
    }
}

TEST_F(BfdMachine, ComesUpInTwoStepsAndCountsIt) {
    look();
    EXPECT_EQ(machine_.tx_us, kSlowUs) << "6.8.3: slow until it is up";
    EXPECT_EQ(machine_.rx_us, 20'000U);
    EXPECT_TRUE(hear(kDown));
    EXPECT_EQ(machine_.state, kInit);
    EXPECT_EQ(machine_.remote_discriminator, 77U);
    EXPECT_EQ(machine_.tx_us, kSlowUs);
    EXPECT_FALSE(look()) << "a packet is acted on once";
    EXPECT_TRUE(hear(kInit));
    EXPECT_EQ(machine_.state, kUp);
    EXPECT_EQ(machine_.ups, 1U);
    EXPECT_EQ(machine_.diagnostic, Diagnostic::none);
}

TEST_F(BfdMachine, OnePacketTakesItDownButNotAtOnceToInit) {
    come_up();
    hear(kDown);
    EXPECT_EQ(machine_.state, kDown);
    EXPECT_FALSE(look());
    hear(kDown);
    EXPECT_EQ(machine_.state, kInit);
    EXPECT_EQ(machine_.diagnostic, Diagnostic::neighbor_signaled) << "kept until it is up again";
}

TEST_F(BfdMachine, FollowsTheKernelsVerdict) {
    come_up();
    situation_.ended = Diagnostic::detection_time_expired;
    situation_.heard.lately = false;
    EXPECT_TRUE(look());
    EXPECT_EQ(machine_.state, kDown);
    EXPECT_EQ(machine_.diagnostic, Diagnostic::detection_time_expired);
    EXPECT_EQ(machine_.remote_discriminator, 0U) << "6.8.1";
    EXPECT_EQ(machine_.tx_us, kSlowUs);
    EXPECT_FALSE(look());
}

TEST_F(BfdMachine, AVerdictOfAnEarlierLifeEndsNothing) {
    situation_.ended = Diagnostic::detection_time_expired;
    hear(kDown);
    EXPECT_EQ(machine_.state, kInit);
}

TEST_F(BfdMachine, GivesUpANeighborThatFallsSilentOnTheWay) {
    hear(kDown);
    situation_.heard.lately = false;
    EXPECT_TRUE(look());
    EXPECT_EQ(machine_.state, kDown);
    EXPECT_EQ(machine_.diagnostic, Diagnostic::detection_time_expired);
    EXPECT_EQ(machine_.remote_discriminator, 0U);
}

TEST_F(BfdMachine, WhileItIsUpSilenceIsTheKernelsToJudge) {
    come_up();
    situation_.heard.lately = false;
    look();
    EXPECT_EQ(machine_.state, kUp);
}

TEST_F(BfdMachine, TheOperatorTakesItDownAndLetsItComeBack) {
    come_up();
    situation_.admin_down = true;
    EXPECT_TRUE(look());
    EXPECT_EQ(machine_.state, kAdmin);
    EXPECT_EQ(machine_.diagnostic, Diagnostic::admin_down);
    hear(kUp);
    hear(kDown);
    EXPECT_EQ(machine_.state, kAdmin) << "6.8.6: discarded in effect";
    situation_.admin_down = false;
    EXPECT_TRUE(look());
    EXPECT_EQ(machine_.state, kDown);
    hear(kDown);
    hear(kInit);
    EXPECT_EQ(machine_.state, kUp);
    EXPECT_EQ(machine_.ups, 2U);
}

TEST_F(BfdMachine, PollsWhenItBecomesFastAndEndsWithTheFinal) {
    come_up();
    EXPECT_TRUE(machine_.polling);
    EXPECT_EQ(machine_.tx_us, 10'000U);
    EXPECT_EQ(machine_.tx_now_us, 10'000U) << "6.8.3: faster at once";
    hear(kUp);
    EXPECT_TRUE(machine_.polling) << "only F ends it";
    EXPECT_TRUE(hear(kUp, true));
    EXPECT_FALSE(machine_.polling);
    EXPECT_FALSE(hear(kUp, true)) << "nobody asked";
}

TEST_F(BfdMachine, SlowerTransmissionAndFasterReceptionWaitForTheFinal) {
    come_up();
    end_poll();
    situation_.timers.desired_tx_us = 50'000;
    situation_.timers.required_rx_us = 5'000;
    EXPECT_TRUE(look());
    EXPECT_TRUE(machine_.polling);
    EXPECT_EQ(machine_.tx_us, 50'000U);
    EXPECT_EQ(machine_.rx_us, 5'000U);
    EXPECT_EQ(machine_.tx_now_us, 10'000U);
    EXPECT_EQ(machine_.rx_now_us, 20'000U);
    hear(kUp, true);
    EXPECT_EQ(machine_.tx_now_us, 50'000U);
    EXPECT_EQ(machine_.rx_now_us, 5'000U);
}

TEST_F(BfdMachine, FasterTransmissionAndSlowerReceptionDoNot) {
    come_up();
    end_poll();
    situation_.timers.desired_tx_us = 4'000;
    situation_.timers.required_rx_us = 90'000;
    look();
    EXPECT_TRUE(machine_.polling);
    EXPECT_EQ(machine_.tx_now_us, 4'000U);
    EXPECT_EQ(machine_.rx_now_us, 90'000U);
}

TEST_F(BfdMachine, AChangeWhilePollingAsksAgain) {
    come_up();
    end_poll();
    situation_.timers.desired_tx_us = 50'000;
    look();
    situation_.timers.desired_tx_us = 60'000;
    look();
    EXPECT_EQ(machine_.tx_now_us, 10'000U);
    hear(kUp, true);
    EXPECT_EQ(machine_.tx_now_us, 60'000U);
}

TEST_F(BfdMachine, APollEndsWithTheSession) {
    come_up();
    ASSERT_TRUE(machine_.polling);
    hear(kDown);
    EXPECT_FALSE(machine_.polling);
}

TEST_F(BfdMachine, IsNotFasterThanConfiguredWhenSlow) {
    situation_.timers.desired_tx_us = 3'000'000;
    come_up();
    EXPECT_EQ(machine_.tx_us, 3'000'000U);
    EXPECT_FALSE(machine_.polling) << "nothing changed";
}

TEST_F(BfdMachine, SurvivesThePacketThatItIsWrittenInto) {
    come_up();
    const auto conf = write_bfd(machine_, situation_.timers);
    EXPECT_EQ(conf.packet.version_diagnostic, 1U << 5);
    EXPECT_EQ(conf.packet.state_flags, 3U << 6 | SS_BFD_POLL | SS_BFD_INDEPENDENT);
    EXPECT_EQ(conf.packet.length, 24U);
    EXPECT_EQ(ntohl(conf.packet.my_discriminator), 5U);
    EXPECT_EQ(ntohl(conf.packet.your_discriminator), 77U);
    EXPECT_EQ(ntohl(conf.packet.desired_tx_us), 10'000U);
    EXPECT_EQ(ntohl(conf.packet.required_rx_us), 20'000U);
    auto expected = machine_;
    expected.acted = expected.finals = 0;  // the kernel counts these
    EXPECT_EQ(read_bfd(conf), expected);
}

TEST_F(BfdMachine, APassiveOneWaitsUntilItIsSpokenTo) {
    situation_.timers.passive = true;
    look();
    EXPECT_EQ(write_bfd(machine_, situation_.timers).tx_us, 0U);
    hear(kDown);
    EXPECT_EQ(write_bfd(machine_, situation_.timers).tx_us, kSlowUs);
}

// RFC 7880, 7.3: a reflector is up or it is not, and is asked with D by its discriminator.
TEST_F(BfdMachine, AnInitiatorFollowsItsReflector) {
    situation_.timers.reflector = 0xabcd;
    look();
    auto conf = write_bfd(machine_, situation_.timers);
    EXPECT_EQ(ntohl(conf.packet.your_discriminator), 0xabcdU) << "it is known beforehand";
    EXPECT_EQ(conf.packet.state_flags, 1U << 6 | SS_BFD_DEMAND | SS_BFD_INDEPENDENT);
    EXPECT_EQ(conf.packet.required_rx_us, 0U);
    hear(kUp);
    EXPECT_EQ(machine_.state, kUp);
    EXPECT_TRUE(machine_.polling) << "it becomes fast";
    hear(kAdmin);
    EXPECT_EQ(machine_.state, kDown);
    EXPECT_EQ(machine_.diagnostic, Diagnostic::neighbor_signaled);
    hear(kDown);
    EXPECT_EQ(machine_.state, kDown) << "no reflector says so";
    hear(kUp);
    EXPECT_EQ(machine_.state, kUp);
    EXPECT_EQ(machine_.ups, 2U);
    conf = write_bfd(machine_, situation_.timers);
    EXPECT_EQ(read_bfd(conf).rx_us, 20'000U) << "though it is not said";
}

TEST(BfdLocalAddress, IsOfThePeersKindAndClosestToIt) {
    const auto at = [](const char* text) { return *Address::parse(text); };
    const std::vector own{at("fe80::1"), at("2001:db8:1::1"), at("2001:db8:2::1"), at("192.0.2.1"), at("10.0.0.1")};
    EXPECT_EQ(local_address(at("fe80::2"), own), at("fe80::1"));
    EXPECT_EQ(local_address(at("2001:db8:2::9"), own), at("2001:db8:2::1"));
    EXPECT_EQ(local_address(at("10.0.0.2"), own), at("10.0.0.1"));
    EXPECT_EQ(local_address(at("fe80::2"), {at("2001:db8::1")}), std::nullopt);
}

TEST(BfdTexts, AreThoseOfFrr) {
    EXPECT_EQ(to_string(Diagnostic::neighbor_signaled), "neighbor signaled session down");
    EXPECT_EQ(to_string(static_cast<Diagnostic>(31)), "unknown");
}

}  // namespace
}  // namespace sidestep::bfd
