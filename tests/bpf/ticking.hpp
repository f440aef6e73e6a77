// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The tick in the kernel, under shifted times instead of waiting: to make probes due, the tests set back the clock's
// progress; to make probes old, they set back the send times.
#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/bpf/probing.hpp"
#include "tests/bpf/programs.hpp"
#include "tests/bpf/veth_pair.hpp"

namespace sidestep {

inline constexpr std::uint64_t kTick = 1'000'000'000;  // longer than any tick takes here
inline constexpr std::uint32_t kNoDevice = 9999;
inline constexpr std::uint64_t kInterval = 3'600'000'000'000;  // an hour: nothing is due unless the test makes it due

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
        ASSERT_THAT(veth_.received(), testing::IsEmpty()) << "a new plan starts without a burst";
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
        ASSERT_THAT(programs_.events(), testing::SizeIs(1));
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

}  // namespace sidestep
