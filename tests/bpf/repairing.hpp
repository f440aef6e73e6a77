// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Base of most tests of the data plane: two destinations whose plain path is down.
//
//   policy 1 of 2001:db8:d::/48 and 203.0.113.0/24    candidate 0: plain, session 0, down
//                                                     candidate 1: session 1, set by the test
#pragma once

#include "tests/bpf/ways.hpp"

namespace sidestep {

class Repairing : public testing::Test {
  protected:
    explicit Repairing(bool at_xdp = hook_is_xdp()) : programs_(at_xdp) {}

    static constexpr std::uint16_t kPrimary = 0;
    static constexpr std::uint16_t kBackup = 1;
    static constexpr std::uint32_t kSlot = 1;

    void SetUp() override {
        if (!programs_.why_not().empty()) GTEST_SKIP() << programs_.why_not();
        std::ranges::copy(own_source().bytes, programs_.node().source);
        programs_.set_path(0, plain_list(kPrimary));
        programs_.set_policy(kSlot, {0, 1});
        programs_.set_prefix(*Prefix::parse("2001:db8:d::/48"), kSlot);
        programs_.set_prefix(*Prefix::parse("203.0.113.0/24"), kSlot);
        programs_.lower(kPrimary);
    }

    /// Sets candidate 1.
    void back_up(const ss_list& list) { programs_.set_path(1, list); }

    /// Checks that the packet is sent, and counted only as that. Returns it.
    Bytes repaired(const Bytes& packet) {
        const auto in_all = programs_.all_counters();
        const auto counted = programs_.outcomes(SS_OUTCOME_REPAIRED);
        const auto result = programs_.ingress(packet);
        EXPECT_EQ(result.code, TC_ACT_REDIRECT);
        EXPECT_EQ(programs_.outcomes(SS_OUTCOME_REPAIRED), counted + 1);
        EXPECT_EQ(programs_.all_counters(), in_all + 1);
        return result.packet;
    }

    /// Checks that the packet is passed unchanged, and counted once, under `counter`.
    void expect_passed(const Bytes& packet, std::uint32_t counter) { expect_counted(packet, counter, kPass); }
    void expect_passed(const Bytes& packet, ss_outcome outcome) { expect_passed(packet, SS_COUNT_OUTCOMES + outcome); }
    void expect_passed(const Bytes& packet, ss_drop drop) { expect_passed(packet, SS_COUNT_DROPS + drop); }

    void expect_dropped(const Bytes& packet, ss_outcome outcome) {
        expect_counted(packet, SS_COUNT_OUTCOMES + outcome, TC_ACT_SHOT);
    }

    Programs programs_;

  private:
    void expect_counted(const Bytes& packet, std::uint32_t counter, std::uint32_t code) {
        const auto in_all = programs_.all_counters();
        const auto counted = programs_.counter(counter);
        const auto result = programs_.ingress(packet);
        EXPECT_EQ(result.code, code);
        if (code == kPass) {
            EXPECT_EQ(text_of(result.packet), text_of(packet));
        }
        EXPECT_EQ(programs_.counter(counter), counted + 1) << "counter " << counter;
        EXPECT_EQ(programs_.all_counters(), in_all + 1);
    }
};

/// Clears the flow label of the outer header, which the kernel's hash decides.
inline Bytes without_label(Bytes packet) {
    packet.at(kEthernetLength + 1) &= 0xf0;
    packet.at(kEthernetLength + 2) = 0;
    packet.at(kEthernetLength + 3) = 0;
    return packet;
}

}  // namespace sidestep
