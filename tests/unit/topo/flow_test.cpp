// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Losses and loss windows of numbered packets; a packet n is sent at 100 * n.
#include "topo/flow.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidestep::topo {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// The report on `sent` packets of which these arrived, in this order, 7 ns after they were sent.
FlowReport report_of(std::size_t sent, const std::vector<std::uint64_t>& arrived) {
    std::vector<std::int64_t> times(sent);
    for (std::size_t n = 0; n < sent; ++n) times[n] = static_cast<std::int64_t>(100 * n);
    std::vector<Arrival> arrivals;
    arrivals.reserve(arrived.size());
    for (const auto n : arrived)
        arrivals.push_back({.number = n, .received_ns = static_cast<std::int64_t>(100 * n + 7)});
    return report_flow(times, arrivals);
}

TEST(Flow, NothingLost) {
    const auto report = report_of(3, {0, 1, 2});
    EXPECT_EQ(report.sent, 3U);
    EXPECT_EQ(report.received, 3U);
    EXPECT_THAT(report.lost, IsEmpty());
    EXPECT_THAT(report.windows, IsEmpty());
    EXPECT_EQ(report.longest_send_gap_ns, 100);
    EXPECT_EQ(report.longest_delay_ns, 7);
}

TEST(Flow, NothingSent) {
    const auto report = report_of(0, {});
    EXPECT_EQ(report.sent, 0U);
    EXPECT_THAT(report.windows, IsEmpty());
}

TEST(Flow, WindowRunsFromFirstLostToNextThatArrived) {
    const auto report = report_of(8, {0, 3, 4, 6, 7});
    EXPECT_THAT(report.lost, ElementsAre(1, 2, 5));
    ASSERT_EQ(report.windows.size(), 2U);
    EXPECT_EQ(report.windows[0].first, 1U);
    EXPECT_EQ(report.windows[0].lost, 2U);
    EXPECT_EQ(report.windows[0].start_ns, 100);
    EXPECT_EQ(report.windows[0].length_ns(), 200);
    EXPECT_EQ(report.windows[1].length_ns(), 100);
}

TEST(Flow, WindowStaysOpenWhereNothingArrivesAgain) {
    const auto report = report_of(4, {0, 1});
    ASSERT_EQ(report.windows.size(), 1U);
    EXPECT_EQ(report.windows[0].lost, 2U);
    EXPECT_EQ(report.windows[0].length_ns(), std::nullopt);
}

TEST(Flow, DuplicatesAndReorderingAreNoLoss) {
    const auto report = report_of(4, {1, 0, 1, 3, 2, 99});
    EXPECT_EQ(report.received, 4U);
    EXPECT_EQ(report.duplicates, 1U);
    EXPECT_EQ(report.reordered, 2U);
    EXPECT_THAT(report.lost, IsEmpty());
}

TEST(Flow, LossBetweenJoinsTheWindowsOfOneCut) {
    const auto report = report_of(10, {0, 2, 4, 5, 6, 8, 9});  // lost at 100, 300, 700
    const auto loss = loss_between(report, 50, 600);
    const auto [first, lost, start_ns, end_ns] = loss.value_or(LossWindow{});
    EXPECT_EQ(first, 1U);
    EXPECT_EQ(start_ns, 100);
    EXPECT_EQ(end_ns, 400);
    EXPECT_EQ(lost, 2U);
    EXPECT_FALSE(loss_between(report, 400, 700));
}

}  // namespace
}  // namespace sidestep::topo
