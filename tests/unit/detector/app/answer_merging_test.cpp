// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests what a merging SID's counters say about each way, and that reading many of them holds up nothing.
#include "detector/app/answer_merging.hpp"

#include <array>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detector/app/portions.hpp"
#include "tests/unit/detector/engine/square.hpp"

namespace sidestep {
namespace {

TEST(Merging, WhatCameByAnotherListOnlyWasMissed) {
    std::array<ss_way, SS_MAX_LISTS> ways{};
    ways[0] = {.first = 70, .later = 20, .too_old = 0, .behind_ns = 0, .last_ns = 0, .skipped = 0};
    ways[1] = {.first = 30, .later = 60, .too_old = 1, .behind_ns = 0, .last_ns = 0, .skipped = 0};
    EXPECT_EQ(missed_by(ways, 0), 10U);
    EXPECT_EQ(missed_by(ways, 1), 10U) << "too late protects nothing";
    ways[1].too_old += 500;
    EXPECT_EQ(missed_by(ways, 1), 10U) << "nor do forged ones";
}

// Counters are read while packets arrive.
TEST(Merging, NothingIsMissedBelowZero) {
    std::array<ss_way, SS_MAX_LISTS> ways{};
    ways[0] = {.first = 1, .later = 0, .too_old = 0, .behind_ns = 0, .last_ns = 0, .skipped = 0};
    ways[1] = {.first = 0, .later = 2, .too_old = 0, .behind_ns = 0, .last_ns = 0, .skipped = 0};
    EXPECT_EQ(missed_by(ways, 1), 0U);
}

// A third list was added: it has missed nothing of what came before.
TEST(Merging, WhatCameBeforeAListIsNotMissed) {
    std::array<ss_way, SS_MAX_LISTS> ways{};
    ways[0] = {.first = 1100, .later = 0, .too_old = 0, .behind_ns = 0, .last_ns = 0, .skipped = 0};
    ways[2] = {.first = 0, .later = 98, .too_old = 0, .behind_ns = 0, .last_ns = 0, .skipped = 1000};
    EXPECT_EQ(missed_by(ways, 1), 1100U) << "nothing has ever come by it";
    EXPECT_EQ(missed_by(ways, 2), 2U);
}

class MergingFlows : public EngineTest {
  protected:
    void SetUp() override {
        auto config = square();
        SidConfig sid;
        sid.sid = *Prefix::parse("fd00:a::7/128");
        sid.behavior = SidBehavior::end_dt46;
        sid.flows = {1, 2, 3, 4};
        config.sids = {sid};
        ASSERT_TRUE(apply(config));
    }
    /// Flow 2 is gone, and nothing has come of flow 3.
    std::unique_ptr<ss_merge> slow_merge(std::uint32_t flow) {
        read_.push_back(flow);
        std::this_thread::sleep_for(2 * kPortion);
        if (flow == 2) return nullptr;
        auto merge = std::make_unique<ss_merge>();
        if (flow == 3) return merge;
        merge->way[0].first = flow;
        merge->way[2].later = 1;
        return merge;
    }

    std::vector<std::uint32_t> read_;
};

TEST_F(MergingFlows, AreReadOneByOne) {
    const auto portions = answer_merging(
        *engine_, [this](std::uint32_t flow) { return slow_merge(flow); }, R"(],"matching":0})");
    EXPECT_THAT(read_, testing::IsEmpty()) << "the question itself takes no time";
    std::string text = "{";
    std::size_t calls = 1;
    for (; portions(text); ++calls) EXPECT_EQ(read_.size(), calls);
    EXPECT_THAT(read_, testing::ElementsAre(1, 2, 3, 4));
    EXPECT_EQ(calls, 4U);
    std::vector<std::pair<unsigned, unsigned>> rows;  // flow and list
    const auto answer = nlohmann::json::parse(text);
    for (const auto& row : answer.at("merging")) rows.emplace_back(row.at("flow"), row.at("list"));
    EXPECT_THAT(rows, testing::ElementsAre(std::pair(1U, 0U), std::pair(1U, 1U), std::pair(1U, 2U), std::pair(4U, 0U),
                                           std::pair(4U, 1U), std::pair(4U, 2U)))
        << "nothing came by list 1, which is news";
    EXPECT_EQ(answer.at("matching"), 0);
}

/// The lists that have rows.
std::vector<unsigned> shown(const Engine& engine, const ss_merge& merge) {
    const auto portions = answer_merging(
        engine, [&](std::uint32_t flow) { return flow == 1 ? std::make_unique<ss_merge>(merge) : nullptr; }, "]");
    std::string text = "{";
    while (portions(text)) {
    }
    std::vector<unsigned> lists;
    const auto answer = nlohmann::json::parse(text + "}");
    for (const auto& row : answer.at("merging")) lists.push_back(row.at("list"));
    return lists;
}

TEST_F(MergingFlows, AListThatWasRemovedIsForgotten) {
    ss_merge merge{};
    constexpr __u64 kHour = 3'600'000'000'000;
    for (auto& way : merge.way)
        way = {.first = 1, .later = 9, .too_old = 0, .behind_ns = 0, .last_ns = kHour, .skipped = 0};
    EXPECT_THAT(shown(*engine_, merge), testing::ElementsAre(0, 1, 2, 3)) << "the flow itself is silent";
    merge.way[0].last_ns += SS_WAY_SILENT_NS;
    EXPECT_THAT(shown(*engine_, merge), testing::ElementsAre(0, 1, 2, 3)) << "a failure may last";
    merge.way[0].last_ns += 1;
    EXPECT_THAT(shown(*engine_, merge), testing::ElementsAre(0, 1)) << "a hitless policy has two lists at least";
}

}  // namespace
}  // namespace sidestep
