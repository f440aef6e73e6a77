// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the choice of a candidate and of one of its lists: every combination of ranks against a naive rule, shares of
// flows, and special cases.
#include <algorithm>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "bpf/abi/sidestep.h"

struct ss_view {
    std::vector<ss_session_state> states;
    std::vector<ss_candidate> candidates;
    std::vector<ss_list> lists;
};

namespace {

const ss_session_state* ss_view_state(const ss_view* view, __u32 index) {
    return index < view->states.size() ? &view->states[index] : nullptr;
}

const ss_candidate* ss_view_candidate(const ss_view* view, __u32 index) {
    return index < view->candidates.size() ? &view->candidates[index] : nullptr;
}

const ss_list* ss_view_list(const ss_view* view, __u32 index) {
    return index < view->lists.size() ? &view->lists[index] : nullptr;
}

}  // namespace

#include "bpf/lib/pick.h"

namespace sidestep {
namespace {

constexpr std::uint32_t kRanks = SS_UP + 1;

ss_list depending_on(const std::vector<std::uint16_t>& sessions) {
    ss_list list{};
    list.sessions = static_cast<std::uint16_t>(sessions.size());
    std::ranges::copy(sessions, list.session);
    return list;
}

ss_candidate weighing(const std::vector<ss_weighted>& lists) {
    ss_candidate candidate{};
    for (const auto& list : lists) {
        candidate.list[candidate.lists++] = list;
        candidate.weight += list.weight;
    }
    return candidate;
}

// Candidate i contains only list i.
ss_view view_of(std::vector<ss_session_state> states, std::vector<ss_list> lists) {
    ss_view view{.states = std::move(states), .candidates = {}, .lists = std::move(lists)};
    for (std::uint32_t i = 0; i < view.lists.size(); ++i) {
        view.candidates.push_back(weighing({{.list = i, .weight = 1}}));
    }
    return view;
}

std::optional<std::uint32_t> pick(const ss_view& view, const ss_policy& policy, std::uint32_t from = 0) {
    const auto picked = ss_pick(&view, &policy, from);
    if (picked.position == SS_MAX_CANDIDATES) {
        EXPECT_EQ(picked.rank, unsigned{SS_DOWN});
        return std::nullopt;
    }
    EXPECT_EQ(picked.rank, ss_candidate_rank(&view, policy.candidate[picked.position]));
    return policy.candidate[picked.position];
}

unsigned worst_of(const ss_view& view, const ss_list& list) {
    unsigned worst = SS_UP;
    for (int s = 0; s < list.sessions; ++s) worst = std::min(worst, view.states[list.session[s]].rank);
    return worst;
}

// The naive rule: take the earliest of the candidates whose best list has the best worst session, unless that is down.
std::optional<std::uint32_t> naive_pick(const ss_view& view, const ss_policy& policy) {
    for (const unsigned wanted : {SS_UP, SS_DEGRADED, SS_WAITING, SS_UNSTABLE}) {
        for (std::uint32_t i = 0; i < policy.count; ++i) {
            const auto& candidate = view.candidates[policy.candidate[i]];
            unsigned best = SS_DOWN;
            for (std::uint32_t l = 0; l < candidate.lists; ++l) {
                best = std::max(best, worst_of(view, view.lists[candidate.list[l].list]));
            }
            if (best == wanted) return policy.candidate[i];
        }
    }
    return std::nullopt;
}

// Three candidates over five partly shared sessions, and a fourth with two lists: 5^5 states, all orders of preference.
TEST(Pick, AgreesWithTheRuleForAllRanks) {
    auto view =
        view_of(std::vector<ss_session_state>(5), {depending_on({0}), depending_on({1, 2}), depending_on({2, 3, 4})});
    view.candidates.push_back(weighing({{.list = 0, .weight = 1}, {.list = 2, .weight = 5}}));
    ss_policy policy{.count = 4, .pad = 0, .candidate = {0, 1, 2, 3}};
    do {
        for (unsigned ranks = 0; ranks < kRanks * kRanks * kRanks * kRanks * kRanks; ++ranks) {
            unsigned rest = ranks;
            for (auto& state : view.states) {
                state.rank = rest % kRanks;
                rest /= kRanks;
            }
            ASSERT_EQ(pick(view, policy), naive_pick(view, policy)) << ranks;
        }
    } while (std::next_permutation(policy.candidate, policy.candidate + policy.count));
}

TEST(Pick, WithoutSessionsACandidateIsUp) {
    const auto view = view_of({{.rank = SS_DEGRADED, .protects = 1}}, {depending_on({0}), depending_on({})});
    EXPECT_EQ(pick(view, {.count = 2, .pad = 0, .candidate = {0, 1}}), 1U);
}

TEST(Pick, MissingEntriesAreNotPicked) {
    auto view = view_of({{.rank = SS_UP, .protects = 1}}, {depending_on({0}), depending_on({0, 77})});
    view.candidates.push_back(weighing({{.list = 99, .weight = 1}}));
    view.candidates.push_back(weighing({}));
    EXPECT_EQ(pick(view, {.count = 0, .pad = 0, .candidate = {0}}), std::nullopt);
    EXPECT_EQ(pick(view, {.count = 2, .pad = 0, .candidate = {9, 0}}), 0U) << "no such candidate";
    EXPECT_EQ(pick(view, {.count = 1, .pad = 0, .candidate = {1}}), std::nullopt) << "no such session";
    EXPECT_EQ(pick(view, {.count = 1, .pad = 0, .candidate = {2}}), std::nullopt) << "no such list";
    EXPECT_EQ(pick(view, {.count = 1, .pad = 0, .candidate = {3}}), std::nullopt) << "no list at all";
}

TEST(Pick, AnUnusableListIsDown) {
    auto view = view_of({{.rank = SS_UP, .protects = 1}}, {depending_on({0}), depending_on({0})});
    view.lists[0].mode = SS_MODE_UNUSABLE;
    EXPECT_EQ(pick(view, {.count = 2, .pad = 0, .candidate = {0, 1}}), 1U);
}

TEST(Pick, EarlierPositionsDoNotCount) {
    const auto view = view_of({{.rank = SS_UP, .protects = 1}, {.rank = SS_DEGRADED, .protects = 1}},
                              {depending_on({0}), depending_on({1}), depending_on({0})});
    const ss_policy policy{.count = 3, .pad = 0, .candidate = {0, 1, 2}};
    EXPECT_EQ(pick(view, policy, 1), 2U);
    EXPECT_EQ(pick(view, {.count = 2, .pad = 0, .candidate = {0, 1}}, 1), 1U);
    EXPECT_EQ(pick(view, policy, 3), std::nullopt);
}

TEST(Pick, ReadsNoFurtherThanItsArrays) {
    auto view = view_of(std::vector<ss_session_state>(SS_MAX_LIST_SESSIONS, {.rank = SS_UP, .protects = 1}),
                        {depending_on({0, 1, 2, 3, 4, 5, 6, 7})});
    view.lists[0].sessions = 0xffff;
    EXPECT_EQ(pick(view, {.count = ~0U, .pad = 0, .candidate = {9, 9, 9, 9, 9, 0}}), 0U);
    view.candidates[0].lists = ~0U;
    EXPECT_EQ(pick(view, {.count = ~0U, .pad = 0, .candidate = {9, 9, 9, 9, 9, 0}}), 0U);
    view.states[7].rank = SS_DOWN;
    EXPECT_EQ(pick(view, {.count = ~0U, .pad = 0, .candidate = {9, 9, 9, 9, 9, 0}}), std::nullopt);
}

// Four lists with weights 1 to 4, each with a session of its own.
class Draw : public testing::Test {
  protected:
    static constexpr std::uint32_t kFlows = 10'000;

    Draw() {
        view_ = view_of(std::vector<ss_session_state>(4, {.rank = SS_UP, .protects = 1}),
                        {depending_on({0}), depending_on({1}), depending_on({2}), depending_on({3})});
        candidate_ = weighing(
            {{.list = 0, .weight = 1}, {.list = 1, .weight = 2}, {.list = 2, .weight = 3}, {.list = 3, .weight = 4}});
    }

    // The list of each flow; the hashes are well spread, like the kernel's.
    [[nodiscard]] std::vector<std::uint32_t> draw(std::uint32_t rank = SS_UP) const {
        std::mt19937 hashes(1);
        std::vector<std::uint32_t> result(kFlows);
        std::ranges::generate(result,
                              [&] { return ss_draw(&view_, &candidate_, rank, static_cast<std::uint32_t>(hashes())); });
        return result;
    }

    // Compares the share of all flows that takes a list with the share of its weight among the lists that are left.
    static void expect_share(const std::vector<std::uint32_t>& drawn, std::uint32_t list, double share) {
        EXPECT_NEAR(static_cast<double>(std::ranges::count(drawn, list)) / kFlows, share, 0.015) << "list " << list;
    }

    ss_view view_;
    ss_candidate candidate_;
};

TEST_F(Draw, SharesAreAsTheWeights) {
    const auto drawn = draw();
    for (std::uint32_t list = 0; list < 4; ++list) expect_share(drawn, list, (list + 1) / 10.0);
    EXPECT_EQ(draw(), drawn) << "a flow draws the same again";
}

TEST_F(Draw, OnlyTheFlowsOfADeadListMoveAndAreSharedOut) {
    const auto before = draw();
    view_.states[3].rank = SS_DOWN;
    const auto after = draw();
    for (std::size_t flow = 0; flow < kFlows; ++flow) {
        if (before[flow] == 3) continue;
        ASSERT_EQ(after[flow], before[flow]) << flow;
    }
    for (std::uint32_t list = 0; list < 3; ++list) expect_share(after, list, (list + 1) / 6.0);

    view_.states[2].rank = SS_DOWN;  // the second dead list
    const auto last = draw();
    for (std::size_t flow = 0; flow < kFlows; ++flow) {
        if (after[flow] == 2) continue;
        ASSERT_EQ(last[flow], after[flow]) << flow;
    }
    for (std::uint32_t list = 0; list < 2; ++list) expect_share(last, list, (list + 1) / 3.0);

    view_.states[2].rank = SS_UP;
    EXPECT_EQ(draw(), after);
    view_.states[3].rank = SS_UP;
    EXPECT_EQ(draw(), before);
}

// Even if the weight of the remaining list is tiny, the draws end.
TEST_F(Draw, TheLastListIsFound) {
    candidate_ = weighing({{.list = 0, .weight = 1}, {.list = 1, .weight = 1'000'000}});
    view_.states[1].rank = SS_DOWN;
    EXPECT_EQ(std::ranges::count(draw(), 0U), kFlows);
}

TEST_F(Draw, OnlyListsAsGoodAsTheCandidateAreTaken) {
    for (const unsigned session : {0, 1, 3}) view_.states[session].rank = SS_DEGRADED;
    EXPECT_EQ(std::ranges::count(draw(SS_UP), 2U), kFlows);
    expect_share(draw(SS_DEGRADED), 2, 0.3);
}

}  // namespace
}  // namespace sidestep
