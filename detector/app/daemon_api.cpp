// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the running daemon answers to the commands of the API.
#include <utility>

#include <fmt/format.h>

#include "detector/app/answers.hpp"
#include "detector/app/daemon_loop.hpp"
#include "detector/app/service_status.hpp"

namespace sidestep {
namespace {

using nlohmann::json;

}  // namespace

DetectorActions Daemon::actions() {
    return {.status = [this] { return status(); },
            .sessions = [this] { return answer_sessions(*engine_, clients_, monotonic_now()); },
            .policies = [this] { return answer_policies(*engine_, *dataplane_); },
            .events = [this] { return answer_events(engine_->log()); },
            .routing =
                [this] {
                    return feed_ ? feed_->status() : json{{"error", "no `routing` in the configuration"}};
                },
            .admin = [this](const std::string& session, bool up) { return admin(session, up); },
            .add_session = [this](const json& request,
                                  ConnectionId connection) { return add_session(request, connection); },
            .remove_session = [this](const std::string& name, bool force,
                                     ConnectionId connection) { return remove_session(name, force, connection); },
            .reload =
                [this](const std::string& file, bool dry_run, ConnectionId connection) {
                    reload(file.empty() ? options_.config_file : file, dry_run,
                           [this, connection](const json& answer) { server_->reply(connection, answer); });
                }};
}

json Daemon::status() {
    auto answer = answer_status(*engine_, *dataplane_,
                                {.node = config_.node,
                                 .clock = clock_->kind(),
                                 .attached = kind_ == TcKind::tcx ? "tcx" : "clsact",
                                 .started = started_,
                                 .longest_lateness = longest_lateness_,
                                 .clock_restarts = clock_->restarts(),
                                 .entrances = attachments_->entrances(),
                                 .problems = problems_},
                                monotonic_now());
    answer["config_file"] = options_.config_file;
    return answer;
}

json Daemon::admin(const std::string& name, bool up) {
    auto* session = engine_->sessions().find(name);
    if (session == nullptr) return {{"error", "no session '" + name + "'; `sidestep sessions` lists them"}};
    engine_->on_admin(*session, up, monotonic_now());
    arm_timer();
    return {{"session", name}, {"state", to_string(session->fsm.state)}};
}

std::string Daemon::service_status() {
    if (!in_force_) return "waiting for computed policies";
    ServiceStatus status{.sessions = engine_->sessions().all().size(), .policies = engine_->policies().all().size()};
    for (const auto& session : engine_->sessions().all()) {
        const auto state = session.fsm.state;
        if (state != SessionState::up)
            status.not_up.push_back(fmt::format("{} {}", session.config.name, to_string(state)));
    }
    for (const auto& policy : engine_->policies().all()) {
        if (engine_->policies().active(policy) != 0) ++status.rerouting;
    }
    return to_string(status);
}

}  // namespace sidestep
