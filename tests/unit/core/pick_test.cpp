// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Picking a candidate: every combination of ranks against the rule as one would say it, and the odd cases.
#include <algorithm>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "bpf/abi/sidestep.h"

struct ss_view {
    std::vector<ss_word> words;
    std::vector<ss_candidate> candidates;
};

static const ss_word* ss_view_word(const ss_view* view, __u32 index) {
    return index < view->words.size() ? &view->words[index] : nullptr;
}

static const ss_candidate* ss_view_candidate(const ss_view* view, __u32 index) {
    return index < view->candidates.size() ? &view->candidates[index] : nullptr;
}

#include "bpf/lib/pick.h"

namespace sidestep {
namespace {

constexpr std::uint32_t kRanks = 3;

ss_candidate depending_on(std::vector<std::uint16_t> sessions) {
    ss_candidate candidate{};
    candidate.sessions = static_cast<std::uint16_t>(sessions.size());
    std::ranges::copy(sessions, candidate.session);
    return candidate;
}

std::optional<std::uint32_t> pick(const ss_view& view, const ss_policy& policy) {
    std::uint32_t chosen = ~0U;
    const auto* candidate = ss_pick(&view, &policy, &chosen);
    if (!candidate) return std::nullopt;
    EXPECT_EQ(candidate, &view.candidates[chosen]);
    return chosen;
}

// The rule in words: the earliest of the candidates whose worst session is best, unless that is down.
std::optional<std::uint32_t> naive_pick(const ss_view& view, const ss_policy& policy) {
    for (const unsigned wanted : {SS_UP, SS_DEGRADED}) {
        for (std::uint32_t i = 0; i < policy.count; ++i) {
            const auto& candidate = view.candidates[policy.candidate[i]];
            unsigned worst = SS_UP;
            for (int s = 0; s < candidate.sessions; ++s) worst = std::min(worst, view.words[candidate.session[s]].rank);
            if (worst == wanted) return policy.candidate[i];
        }
    }
    return std::nullopt;
}

// Three candidates over five sessions that they partly share: 3^5 states, all orders of preference.
TEST(Pick, AgreesWithTheRuleForAllRanks) {
    ss_view view{.words = std::vector<ss_word>(5),
                 .candidates = {depending_on({0}), depending_on({1, 2}), depending_on({2, 3, 4})}};
    ss_policy policy{.count = 3, .candidate = {0, 1, 2}};
    do {
        for (unsigned state = 0; state < kRanks * kRanks * kRanks * kRanks * kRanks; ++state) {
            unsigned rest = state;
            for (auto& word : view.words) {
                word.rank = rest % kRanks;
                rest /= kRanks;
            }
            ASSERT_EQ(pick(view, policy), naive_pick(view, policy)) << state;
        }
    } while (std::next_permutation(policy.candidate, policy.candidate + policy.count));
}

TEST(Pick, WithoutSessionsACandidateIsUp) {
    const ss_view view{.words = {{.rank = SS_DEGRADED, .gates = 1}},
                       .candidates = {depending_on({0}), depending_on({})}};
    EXPECT_EQ(pick(view, {.count = 2, .candidate = {0, 1}}), 1U);
}

TEST(Pick, WhatDoesNotExistIsNotPicked) {
    const ss_view view{.words = {{.rank = SS_UP, .gates = 1}},
                       .candidates = {depending_on({0}), depending_on({0, 77})}};
    EXPECT_EQ(pick(view, {.count = 0, .candidate = {0}}), std::nullopt);
    EXPECT_EQ(pick(view, {.count = 2, .candidate = {9, 0}}), 0U) << "no such candidate";
    EXPECT_EQ(pick(view, {.count = 1, .candidate = {1}}), std::nullopt) << "no such session";
}

TEST(Pick, ReadsNoFurtherThanItsArrays) {
    ss_view view{.words = std::vector<ss_word>(SS_MAX_CANDIDATE_SESSIONS, {.rank = SS_UP, .gates = 1}),
                 .candidates = {}};
    view.candidates.push_back(depending_on({0, 1, 2, 3, 4, 5, 6, 7}));
    view.candidates[0].sessions = 0xffff;
    EXPECT_EQ(pick(view, {.count = ~0U, .candidate = {9, 9, 9, 9, 9, 9, 0}}), 0U);
    view.words[7].rank = SS_DOWN;
    EXPECT_EQ(pick(view, {.count = ~0U, .candidate = {9, 9, 9, 9, 9, 9, 0}}), std::nullopt);
}

}  // namespace
}  // namespace sidestep
