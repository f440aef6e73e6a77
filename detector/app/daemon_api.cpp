// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the running daemon answers to the commands of the API.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/network_namespace.hpp"
#include "detector/app/answer_metrics.hpp"
#include "detector/app/answer_why.hpp"
#include "detector/app/answers.hpp"
#include "detector/app/daemon_loop.hpp"
#include "detector/app/drain.hpp"
#include "detector/app/service_status.hpp"

namespace sidestep {

using nlohmann::json;

DetectorActions Daemon::actions() {
    return {.status = [this] { return status(); },
            .sessions = [this](const ListQuery& query) { return answer_sessions(*engine_, clients_, history_, query); },
            .policies = [this](const ListQuery& query) { return answer_policies(*engine_, *dataplane_, query); },
            .metrics =
                [this] {
                    return answer_metrics(*engine_, history_,
                                          [this](std::uint32_t flow) { return dataplane_->merge(flow); });
                },
            .events = [this] { return events(); },
            .routing =
                [this] {
                    return feed_ ? feed_->status() : json{{"error", "no `routing` in the configuration"}};
                },
            .why = [this](const std::string& destination) { return why(destination); },
            .bfd_peers = [this] { return bfd_peers(); },
            .admin = [this](const std::string& session, bool up, bool dry_run) { return admin(session, up, dry_run); },
            .drain = [this](const DrainRequest& request) { return drain(request); },
            .add_session = [this](const json& request,
                                  ConnectionId connection) { return add_session(request, connection); },
            .remove_session = [this](const std::string& name, bool force,
                                     ConnectionId connection) { return remove_session(name, force, connection); },
            .reload =
                [this](const std::string& file, bool dry_run, ConnectionId connection) {
                    reload(file.empty() ? options_.config_file : file, dry_run,
                           [this, connection](const json& answer) { server_->reply(connection, answer); });
                },
            .write = [this](ConnectionId connection,
                            ApiPortions portions) { server_->reply_in_portions(connection, std::move(portions)); }};
}

json Daemon::status() {
    auto answer = answer_status(*engine_, *dataplane_,
                                {.node = config_.node,
                                 .clock = clock_->kind(),
                                 .attached = kind_ == TcKind::tcx ? "tcx" : "clsact",
                                 .started = started_,
                                 .longest_lateness = lateness_.longest(),
                                 .recent_lateness = lateness_.recent(),
                                 .clock_restarts = clock_->restarts(),
                                 .entrances = attachments_->entrances(),
                                 .problems = problems_,
                                 .spare = bfd_ ? bfd_->spare() : std::set<std::string>()},
                                kernel_now());
    answer["config_file"] = options_.config_file;
    answer["network_namespace"] = network_namespace();
    return answer;
}

/// At once, when the answer is due: a follower gets what happens afterwards, and nothing twice.
ApiPortions Daemon::events() {
    return [this](std::string& text) {
        text = event_file_->answer();
        return false;
    };
}

json Daemon::why(const std::string& destination) {
    const auto address = Address::parse(destination);
    if (!address) return {{"error", "'" + destination + "' is no address"}};
    const auto fib = look_up_route(*address);
    const auto& policies = engine_->policies();
    const auto found = find_policy(policies.all(), engine_->present().adjacencies, *address, fib);
    const int active = found.policy != nullptr ? policies.active(*found.policy) : -1;
    json answer{{"destination", address->to_string()},
                {"prefix", found.prefix ? json(found.prefix->to_string()) : json()},
                {"why", explain_choice(found, active, fib)},
                {"policy", nullptr},
                {"sessions", json::array()},
                {"fib", to_json(fib)}};
    if (found.policy == nullptr) return answer;
    if (sends_copies(*found.policy) && active >= 0)
        answer["why"] = answer["why"].get<std::string>() + "; " + to_string(engine_->copies_of(*found.policy));
    answer["policy"] = answer_policy(*engine_, *dataplane_, *found.policy);
    for (const auto& name : sessions_of(found.policy->config)) {
        const auto* session = engine_->sessions().find(name);
        if (session == nullptr) continue;
        auto entry = answer_session(*engine_, *session, clients_, history_, kernel_now());
        const auto* past = history_.find(name);
        entry["last_event"] = past != nullptr ? past->last_event : json();
        answer["sessions"].push_back(std::move(entry));
    }
    return answer;
}

json Daemon::admin(const std::string& name, bool up, bool dry_run) {
    auto* session = engine_->sessions().find(name);
    if (session == nullptr) return {{"error", "no session '" + name + "'; `sidestep sessions` lists them"}};
    const bool changes = up == (session->fsm.state == SessionState::admin_down) || is_rehearsing(session->fsm);
    if (!dry_run) engine_->on_admin(*session, up, kernel_now());
    arm_timer();
    return {{"session", name}, {"state", to_string(session->fsm.state)}, {"changed", changes}};
}

json Daemon::drain(const DrainRequest& request) {
    auto* session = engine_->sessions().find(request.adjacency);
    if (session == nullptr)
        return error_answer("no adjacency '" + request.adjacency + "'; `sidestep sessions` lists them");
    if (auto possible = check_drain(*session, request); !possible) return error_answer(possible.error().message);
    const auto plan = engine_->plan_drain(*session);
    if (!plan.stays.empty() && !request.force && !request.dry_run)
        return error_answer(
            fmt::format("nothing else takes {}: these packets would stay on the link. `--dry-run` shows "
                        "more, `--force` moves the others",
                        to_string(plan.stays)));
    const auto now = kernel_now();
    if (!request.dry_run && request.for_ms) {
        engine_->rehearse_failure(*session, now + time_of(*request.for_ms), now);
    } else if (!request.dry_run) {
        engine_->on_admin(*session, false, now);
    }
    arm_timer();
    return answer_drain(plan, *session, request);
}

std::string Daemon::service_status() {
    if (!in_force_) return "waiting for computed policies";
    ServiceStatus status{.policies = engine_->policies().all().size()};
    for (const auto& session : engine_->sessions().all()) {
        if (session.config.verifies) continue;
        ++status.sessions;
        const auto state = session.fsm.state;
        if (state != SessionState::up)
            status.not_up.push_back(fmt::format("{} {}", session.config.name, to_string(state)));
    }
    for (const auto& policy : engine_->policies().all()) {
        if (engine_->policies().reroutes(policy)) ++status.rerouting;
    }
    return to_string(status);
}

}  // namespace sidestep
