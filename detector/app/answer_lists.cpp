// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The lists of sessions and policies, a portion at a time: thousands of them as JSON take a tenth of a second.
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "detector/app/answer_merging.hpp"
#include "detector/app/answers.hpp"
#include "detector/app/portions.hpp"
#include "detector/kernel/kernel_time.hpp"

namespace sidestep {

ApiPortions answer_sessions(const Engine& engine, const ClientSessions& clients, const SessionHistory& history,
                            const ListQuery& query) {
    const auto selected = select_sessions(engine, query);
    std::vector<std::string> names;
    names.reserve(selected.items.size());
    for (const auto* session : selected.items) names.push_back(session->config.name);
    return list_in_portions(R"({"sessions":[)", std::move(names),
                            [&engine, &clients, &history](std::string& text, const std::string& name) {
                                const auto* session = engine.sessions().find(name);
                                if (session == nullptr) return false;
                                append_json(text, answer_session(engine, *session, clients, history, kernel_now()));
                                return true;
                            },
                            fmt::format(R"(],"matching":{}}})", selected.matching));
}

ApiPortions answer_policies(const Engine& engine, const Dataplane& dataplane, const ListQuery& query) {
    const auto selected = select_policies(engine, query);
    std::vector<PolicyPlace> places;
    places.reserve(selected.items.size());
    for (const auto* policy : selected.items) places.push_back(place_of(engine, *policy));
    auto rows = list_in_portions(R"({"policies":[)", std::move(places),
                                 [&engine, &dataplane](std::string& text, const PolicyPlace& place) {
                                     const auto* policy = policy_at(engine, place);
                                     if (policy == nullptr) return false;
                                     append_json(text, answer_policy(engine, dataplane, *policy));
                                     return true;
                                 },
                                 "],");
    const auto merge_of = [&dataplane](std::uint32_t flow) { return dataplane.merge(flow); };
    return one_after_the_other(
        std::move(rows), answer_merging(engine, merge_of, fmt::format(R"(],"matching":{}}})", selected.matching)));
}

}  // namespace sidestep
