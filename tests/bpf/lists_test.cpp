// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests weighted segment lists in the kernel: which flows take which list, and which flows move when a list dies.
//
//   candidate 1: lists 1, 2, 3 with weights 1, 2, 5; list i depends on session i and has i segments
#include "tests/bpf/repairing.hpp"

namespace sidestep {
namespace {

class Lists : public Repairing {
  protected:
    static constexpr std::size_t kFlows = 10'000;
    using Taken = std::vector<unsigned>;  // the list of each flow

    void SetUp() override {
        Repairing::SetUp();
        if (IsSkipped()) return;
        for (std::uint16_t list = 1; list <= 3; ++list) programs_.lists[list] = encaps_list(list, list);
        programs_.set_candidate(1, {{.list = 1, .weight = 1}, {.list = 2, .weight = 2}, {.list = 3, .weight = 5}});
    }

    void raise(std::uint32_t session) {
        programs_.states[session].rank = SS_UP;
        --programs_.repair[0].active;
    }

    // The lists that `kFlows` datagrams with different ports take, half of them IPv4; the SRH's last entry tells.
    Taken take() {
        Taken taken(kFlows);
        for (std::size_t flow = 0; flow < kFlows; ++flow) {
            const auto payload = udp(static_cast<std::uint16_t>(1000 + flow), 80, 1);
            const auto result = programs_.ingress(flow % 2 == 0 ? packet(Ipv6{}, payload) : packet(Ipv4{}, payload));
            EXPECT_EQ(result.code, TC_ACT_REDIRECT);
            if (result.packet.size() > kEthernetLength + kIpv6Length + 4)
                taken[flow] = result.packet[kEthernetLength + kIpv6Length + 4] + 1U;
        }
        return taken;
    }

    static void expect_shares(const Taken& taken, const std::vector<double>& shares) {
        for (unsigned list = 1; list <= shares.size(); ++list) {
            EXPECT_NEAR(static_cast<double>(std::ranges::count(taken, list)) / kFlows, shares[list - 1], 0.02)
                << "list " << list;
        }
    }

    // Checks that flows of list `dead` moved, and no others.
    static void expect_only_moved(const Taken& before, const Taken& after, unsigned dead) {
        for (std::size_t flow = 0; flow < kFlows; ++flow) {
            if (before[flow] == dead) {
                ASSERT_NE(after[flow], dead);
            } else {
                ASSERT_EQ(after[flow], before[flow]);
            }
        }
    }
};

TEST_F(Lists, FlowsAreSharedByWeightAndMoveOnlyWithTheirList) {
    const auto all = take();
    expect_shares(all, {1 / 8.0, 2 / 8.0, 5 / 8.0});
    EXPECT_EQ(take(), all);

    programs_.lower(3);
    const auto two = take();
    expect_only_moved(all, two, 3);
    expect_shares(two, {1 / 3.0, 2 / 3.0, 0});

    programs_.lower(2);
    const auto one = take();
    expect_only_moved(two, one, 2);
    expect_shares(one, {1, 0, 0});

    raise(2);
    EXPECT_EQ(take(), two);
    raise(3);
    EXPECT_EQ(take(), all);
    EXPECT_EQ(programs_.stats(kSlot, 1).packets, 6 * kFlows) << "the candidate is counted, not the list";
}

TEST_F(Lists, AnUnusableListCountsAsDead) {
    const auto all = take();
    programs_.lists[3].mode = SS_MODE_UNUSABLE;
    expect_only_moved(all, take(), 3);
}

// RFC 9256, 2.11 and 5.1: a path is valid with one valid list; the next path is used if there is none.
TEST_F(Lists, TheNextCandidateIsUsedWhenTheLastListDies) {
    programs_.set_path(4, encaps_list(4, 4));
    programs_.set_policy(kSlot, {0, 1, 4});
    programs_.lower(1);
    programs_.lower(2, SS_DEGRADED);
    expect_shares(take(), {0, 0, 1, 0});
    programs_.lower(3);
    expect_shares(take(), {0, 0, 0, 1});  // up before degraded
    programs_.lower(4);
    expect_shares(take(), {0, 1, 0, 0});
    programs_.lower(2);
    expect_passed(packet(Ipv6{}, udp(1, 2, 1)), SS_DROP_NO_CANDIDATE);
}

}  // namespace
}  // namespace sidestep
