// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/app/list_query.hpp"

#include <algorithm>
#include <utility>

#include "bpf/lib/judge.h"
#include "bpf/lib/portable.h"

namespace sidestep {
namespace {

bool matches(const std::string& name, const ListQuery& query) {
    return query.filter.empty() || name.find(query.filter) != std::string::npos;
}

template <typename T>
void cut_off(Selected<T>& selected, std::size_t limit) {
    selected.matching = selected.items.size();
    if (selected.items.size() > limit) selected.items.resize(limit);
}

/// The higher, the more remarkable.
std::uint64_t weight(const Engine& engine, const Session& session, std::string_view order) {
    const auto& shared = engine.sessions().shared(session);
    if (order == "rtt") return SS_READ(shared.rx.smoothed_rtt_ns);
    if (order == "loss") return ss_lost(&shared);
    if (order == "downs") return session.fsm.downs;
    return SS_UP - std::min<std::uint32_t>(engine.sessions().rank(session), SS_UP);
}

}  // namespace

Selected<Session> select_sessions(const Engine& engine, const ListQuery& query) {
    std::vector<std::pair<std::uint64_t, const Session*>> weighed;
    for (const auto& session : engine.sessions().all()) {
        if (!matches(session.config.name, query)) continue;
        if (session.config.verifies && query.filter.empty()) continue;  // `policies` shows what they say
        const bool by_name = query.sort.empty() || query.sort == "name";
        weighed.emplace_back(by_name ? 0 : weight(engine, session, query.sort), &session);
    }
    if (query.sort == "name")
        std::ranges::stable_sort(weighed, {},
                                 [](const auto& one) -> const std::string& { return one.second->config.name; });
    std::ranges::stable_sort(weighed, std::ranges::greater{}, &std::pair<std::uint64_t, const Session*>::first);
    Selected<Session> selected;
    for (const auto& [ignored, session] : weighed) selected.items.push_back(session);
    cut_off(selected, query.limit);
    return selected;
}

Selected<Policy> select_policies(const Engine& engine, const ListQuery& query) {
    Selected<Policy> selected;
    for (const auto& policy : engine.policies().all()) {
        if (!matches(policy.config.name, query)) continue;
        if (!query.rerouting || engine.policies().reroutes(policy)) selected.items.push_back(&policy);
    }
    cut_off(selected, query.limit);
    return selected;
}

PolicyPlace place_of(const Engine& engine, const Policy& policy) {
    return {.at = static_cast<std::size_t>(&policy - engine.policies().all().data()), .key = key_of(policy)};
}

const Policy* policy_at(const Engine& engine, const PolicyPlace& place) {
    const auto& all = engine.policies().all();
    return place.at < all.size() && key_of(all[place.at]) == place.key ? &all[place.at] : nullptr;
}

}  // namespace sidestep
