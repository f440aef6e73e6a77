// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests `mode: observe` in the kernel: what would be repaired is counted, once, and not touched.
#include "tests/bpf/repairing.hpp"

namespace sidestep {
namespace {

class Observed : public Repairing {
  protected:
    void SetUp() override {
        Repairing::SetUp();
        if (IsSkipped()) return;
        back_up(encaps_list(kBackup, 2));
        for (const auto* prefix : {"2001:db8:d::/48", "203.0.113.0/24"})
            programs_.set_prefix(*Prefix::parse(prefix), kSlot | kObservedSlot);
    }

    // At XDP it is passed without a count, since the program at tc ingress sees it next.
    void expect_observed(const Bytes& packet) {
        if (!programs_.at_xdp()) return expect_passed(packet, SS_DROP_OBSERVED);
        const auto in_all = programs_.all_counters();
        const auto result = programs_.ingress(packet);
        EXPECT_EQ(result.code, kPass);
        EXPECT_EQ(text_of(result.packet), text_of(packet));
        EXPECT_EQ(programs_.all_counters(), in_all);
    }
};

TEST_F(Observed, PacketsAreCountedAndNotTouched) {
    expect_observed(packet(Ipv6{}, udp(1, 2, 100)));
    expect_observed(packet(Ipv4{}, udp(1, 2, 100)));
    const auto counted = programs_.stats(kSlot, 1);
    EXPECT_EQ(counted.drops[SS_DROP_OBSERVED], programs_.at_xdp() ? 0U : 2U);
    EXPECT_EQ(counted.packets, 0U);
}

TEST_F(Observed, NobodyIsToldOfASizeThatDoesNotMatter) {
    auto small = encaps_list(kBackup, 2);
    small.mtu = 1280;
    back_up(small);
    expect_observed(packet(Ipv6{}, udp(1, 2, 1250)));
}

TEST_F(Observed, WhatCouldNotBeRepairedIsNotCountedAsIfItCould) {
    if (!programs_.at_xdp()) expect_passed(packet(Ipv6{.hop_limit = 1}, udp(1, 2, 9)), SS_DROP_HOP_LIMIT);
    programs_.lower(kBackup);
    expect_passed(packet(Ipv6{}, udp(1, 2, 9)), SS_DROP_NO_CANDIDATE);
}

TEST_F(Observed, OtherPoliciesAreRepaired) {
    programs_.set_policy(kSlot + 1, {0, 1});
    programs_.set_prefix(*Prefix::parse("2001:db8:d:1::/64"), kSlot + 1);
    (void)repaired(packet(Ipv6{.to = "2001:db8:d:1::1"}, udp(1, 2, 9)));
}

}  // namespace
}  // namespace sidestep
