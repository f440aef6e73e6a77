// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Checks requests to drain an adjacency, and words the answers.
#include "detector/app/drain.hpp"

#include <fmt/format.h>

#include "detector/core/names.hpp"

namespace sidestep {

using nlohmann::json;

Nanoseconds time_of(double milliseconds) {
    return Nanoseconds(static_cast<Nanoseconds::rep>(milliseconds * 1e6));
}

Result<void> check_drain(const Session& session, const DrainRequest& request) {
    const auto& name = session.config.name;
    if (const auto kind = kind_of(session.config); kind != "adjacency")
        return fail(fmt::format("{} is a {} session, no adjacency: `sidestep session {} down` takes it down", name,
                                kind, name));
    if (session.config.mode == Mode::observe && !request.force)
        return fail(
            fmt::format("{} has `mode: observe`: no packet would be moved, only counted. `--force` takes it "
                        "down all the same",
                        name));
    if (!request.for_ms) return {};
    const std::chrono::duration<double, std::milli> time(*request.for_ms);
    if (!(time >= kShortestRehearsal && time <= kLongestRehearsal))
        return fail("a rehearsed failure lasts from 1 ms to 1 h");
    if (session.fsm.state == SessionState::admin_down && !is_rehearsing(session.fsm))
        return fail(fmt::format("{} is drained already: `sidestep undrain {}` first", name, name));
    if (session.fsm.state == SessionState::down)
        return fail(fmt::format("{} is down already ({})", name, to_string(session.fsm.reason)));
    return {};
}

json answer_drain(const DrainPlan& plan, const Session& session, const DrainRequest& request) {
    json stays = json::array();
    for (const auto& traffic : plan.stays) {
        json prefixes = json::array();
        for (const auto& prefix : traffic.prefixes) prefixes.push_back(prefix.to_string());
        stays.push_back({{"policy", traffic.policy.empty() ? json() : json(traffic.policy)},
                         {"count", traffic.count},
                         {"prefixes", std::move(prefixes)}});
    }
    return {{"adjacency", session.config.name},
            {"state", to_string(session.fsm.state)},
            {"reason", to_string(session.fsm.reason)},
            {"dry_run", request.dry_run},
            {"refused", request.dry_run && !request.force && !plan.stays.empty()},
            {"for_ms", request.for_ms ? json(*request.for_ms) : json()},
            {"moves", plan.moves},
            {"unprotected", plan.unprotected},
            {"stays", std::move(stays)}};
}

}  // namespace sidestep
