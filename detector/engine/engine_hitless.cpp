// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Watches whether packets of hitless policies have their second copy: one that is missing loses nothing, so nobody would
// notice.
#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include "detector/engine/engine.hpp"

namespace sidestep {

std::string to_string(const Copies& copies) {
    if (copies.protects()) return fmt::format("in {} copies, flow {}", copies.count, copies.flow);
    if (copies.down.empty()) return "unprotected: fewer than two lists can be used";
    return fmt::format("unprotected: {} {} down", fmt::join(copies.down, ", "), copies.down.size() == 1 ? "is" : "are");
}

Copies Engine::copies_of(const Policy& policy) const {
    Copies copies{.flow = policy.config.flow, .count = policies_.copies(policy)};
    // Up to the candidate that packets take: lower ones would not be asked.
    const auto last = static_cast<std::size_t>(std::max(policies_.active(policy), 0));
    for (std::size_t i = 0; i <= last && i < policy.config.candidates.size(); ++i) {
        for (const auto& list : policy.config.candidates[i].lists) {
            for (const auto& name : sessions_of(list)) {
                const auto* session = sessions_.find(name);
                if (session != nullptr && sessions_.rank(*session) == SS_DOWN) copies.down.insert(name);
            }
        }
    }
    return copies;
}

bool Engine::has_drained() const {
    return std::ranges::any_of(sessions_.all(),
                               [](const auto& session) { return session.fsm.state == SessionState::admin_down; });
}

/// Whatever else is down about it: a link is drained so that it can be pulled.
bool Engine::is_drained(const SegmentListConfig& list) const {
    return std::ranges::any_of(sessions_of(list), [&](const auto& name) {
        const auto* session = sessions_.find(name);
        return session != nullptr && session->fsm.state == SessionState::admin_down;
    });
}

Undrained Engine::undrained(const Policy& policy) const {
    Undrained best;
    std::uint32_t best_rank = SS_DOWN;
    for (std::size_t i = 0; i < policy.config.candidates.size() && best_rank != SS_UP; ++i) {
        const auto& lists = policy.config.candidates[i].lists;
        Undrained would{.active = static_cast<int>(i)};
        std::uint32_t rank = SS_DOWN;
        for (std::size_t j = 0; j < lists.size(); ++j) {
            const auto own = is_drained(lists[j]) ? std::uint32_t{SS_UP} : policies_.list_rank(policy, i, j);
            would.copies += own != SS_DOWN ? 1U : 0U;
            rank = std::max(rank, own);
        }
        if (rank <= best_rank) continue;
        best = would;
        best_rank = rank;
    }
    return best;
}

void Engine::note_hitless() {
    std::vector<WatchedPolicy> present;
    for (std::size_t at = 0; at < policies_.all().size(); ++at) {
        const auto& policy = policies_.all()[at];
        if (!sends_copies(policy)) continue;
        const auto known = std::ranges::find(watched_, policy.config.name, &WatchedPolicy::name);
        present.push_back({.name = policy.config.name, .at = at, .whole = known != watched_.end() && known->whole});
    }
    watched_ = std::move(present);
}

void Engine::watch_copies() {
    for (auto& watched : watched_) {
        const auto copies = copies_of(policies_.all()[watched.at]);
        if (std::exchange(watched.whole, copies.protects()) == copies.protects()) continue;
        spdlog::log(copies.protects() ? spdlog::level::info : spdlog::level::warn, "policy {}: {}", watched.name,
                    to_string(copies));
    }
}

}  // namespace sidestep
