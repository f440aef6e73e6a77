// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The subcommands that ask a running daemon: they find its socket, ask, and print.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/ask.hpp"
#include "cli/client.hpp"
#include "cli/commands.hpp"
#include "cli/complain.hpp"
#include "cli/daemon_options.hpp"
#include "cli/doctor_command.hpp"
#include "cli/drain_commands.hpp"
#include "cli/event_filter.hpp"
#include "cli/measure_command.hpp"
#include "cli/report.hpp"
#include "cli/report_bfd.hpp"
#include "cli/report_changes.hpp"
#include "cli/report_why.hpp"
#include "cli/top_command.hpp"
#include "common/address.hpp"
#include "common/duration.hpp"

namespace sidestep {
namespace {

using nlohmann::json;
using Report = std::string (*)(const json&);

constexpr auto kAskAgain = std::chrono::milliseconds(200);

void ask_and_print(const DaemonOptions& options, const char* command, Report report) {
    const auto answer = connect(options).ask({{"command", command}});
    if (!answer) give_up(kExitFailure, answer.error().message);
    print(options.json ? json_text(*answer, 2) : report(*answer));
}

/// What the operator's wish leads to, in a sentence: the session's state alone would say "down" to who asked for up.
std::string outcome(const std::string& session, const std::string& wish, const std::string& state) {
    if (wish == "up" && state == "down") {
        return "waits for proof; traffic returns once it is proven and wait-to-restore is over (`sidestep sessions`)";
    }
    if (wish == "up") return state + ", nobody had taken it down";
    return wish == "down" ? fmt::format("{}: no path uses it until `sidestep session {} up`", state, session) : state;
}

/// `state`: up, down or remove.
void set_session(const DaemonOptions& options, const std::string& session, const std::string& state) {
    const json admin{{"command", "admin"}, {"session", session}, {"up", state == "up"}};
    const json remove{{"command", "session-remove"}, {"session", session}, {"force", true}};
    const auto answer = connect(options).ask(state == "remove" ? remove : admin);
    if (!answer) give_up(kExitFailure, answer.error().message);
    print(options.json ? json_text(*answer, 2)
                       : fmt::format("session {}: {}\n", session, outcome(session, state, answer->value("state", ""))));
}

/// Colors are for people at a terminal who did not say no (no-color.org).
bool wants_color() {
    return isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
}

/// Exit codes of diff(1): 0 no difference, 1 some, 2 trouble.
void show_difference(const DaemonOptions& options, const std::string& file) {
    const auto path = std::filesystem::absolute(file).string();
    const auto answer = connect(options, kExitBadInput).ask({{"command", "diff"}, {"file", path}});
    if (!answer) give_up(kExitBadInput, answer.error().message);
    print(options.json ? json_text(*answer, 2) : report_changes(*answer, wants_color()));
    if (!answer->value("changes", json::array()).empty()) throw CLI::RuntimeError(1);
}

void reload(const DaemonOptions& options, bool dry_run) {
    const auto answer = connect(options).ask({{"command", "reload"}, {"dry_run", dry_run}});
    if (!answer) give_up(kExitFailure, answer.error().message);
    print(options.json ? json_text(*answer, 2) : report_changes(*answer, wants_color()));
}

void add_reload_commands(CLI::App& app, const std::shared_ptr<DaemonOptions>& options) {
    const auto dry_run = std::make_shared<bool>(false);
    auto* const again =
        app.add_subcommand("reload", "Have the daemon read its configuration file again")->fallthrough();
    again->add_flag("--dry-run,-n", *dry_run, "Only print what would change");
    again->add_flag("--json", options->json, "Print the daemon's answer as JSON");
    again->callback([=] { reload(*options, *dry_run); });

    const auto file = std::make_shared<std::string>();
    auto* const difference =
        app.add_subcommand("diff", "What would change if the daemon ran by another configuration file")->fallthrough();
    difference->add_option("FILE", *file, "The other configuration file (sidestep.yaml(5))")->required();
    difference->add_flag("--json", options->json, "Print the daemon's answer as JSON");
    difference->callback([=] { show_difference(*options, *file); });
}

/// What `events` is asked for.
struct EventOptions {
    bool follow = false;
    bool no_retry = false;
    std::string since;
    std::string session;
};

/// A duration; also in minutes as others write them, and in days and weeks.
std::optional<Nanoseconds> parse_age(const std::string& text) {
    if (text.ends_with('m')) return parse_duration(text + "in");
    const auto hours = text.ends_with('d') ? 24 : text.ends_with('w') ? 24 * 7 : 0;
    if (hours == 0) return parse_duration(text);
    const auto count = parse_duration(text.substr(0, text.size() - 1) + "h");
    return count ? std::optional(*count * hours) : std::nullopt;
}

EventFilter filter_of(const EventOptions& options) {
    EventFilter filter{.session = options.session};
    if (options.since.empty()) return filter;
    const auto since = parse_age(options.since);
    if (!since) give_up(kExitBadInput, "--since: not a duration such as 10m or 30s: " + options.since);
    filter.from = std::chrono::steady_clock::now().time_since_epoch() - *since;
    return filter;
}

/// A name that nothing has is mistyped, which an empty list would hide.
bool is_unknown(Client& client, const json& events, const std::string& session) {
    const auto named = [&](const json& list, const char* key) {
        return std::ranges::any_of(list, [&](const json& one) { return one.value(key, json()) == session; });
    };
    if (session.empty() || named(events.value("events", json::array()), "session")) return false;
    const auto sessions = client.ask({{"command", "sessions"}, {"filter", session}});
    return sessions && !named(sessions->value("sessions", json::array()), "name");
}

std::string unknown_session(const std::string& session) {
    return fmt::format("no session '{}', and no event of one; `sidestep sessions` lists them", session);
}

/// Prints what comes until the daemon ends; returns why. `last` is the last event that came, printed or not.
Error follow(const DaemonOptions& options, const EventFilter& filter, Result<Client>& client, json& last) {
    if (!client) return client.error();
    auto answer = client->ask({{"command", "events"}, {"follow", true}});
    for (; answer; answer = client->receive()) {
        if (const auto events = answer->find("events"); events != answer->end() && events->is_array()) {
            const bool again = !last.is_null();
            if (again) *events = events_after(std::move(*events), last);
            if (!events->empty()) last = events->back();
            *answer = filter.apply(std::move(*answer));
            if (again && answer->at("events").empty()) continue;
        } else {
            last = *answer;
            if (!filter.passes(*answer)) continue;
        }
        print(options.json ? json_text(*answer, -1) : report_events(*answer, false));
    }
    return answer.error();
}

/// Prints the events so far and each one when it happens. A restart of the daemon keeps its events, so that one line
/// follows another in spite of it.
void follow_events(const DaemonOptions& options, const EventFilter& filter, bool retry) {
    const auto socket = choose_socket(options);
    json last;
    auto client = connect_as_allowed(socket);
    if (!client) give_up(kExitFailure, client.error().message);
    if (!options.json) print(report_events(json::object()));
    for (bool told = false;; client = connect_as_allowed(socket)) {
        const bool connected = client.has_value();
        const auto why = follow(options, filter, client, last);
        if (!retry) give_up(kExitFailure, why.message);
        if (connected || !told) complain(why.message + "; trying again");
        told = true;
        std::this_thread::sleep_for(kAskAgain);
    }
}

void show_events(const DaemonOptions& options, const EventOptions& which) {
    const auto filter = filter_of(which);
    if (which.follow) follow_events(options, filter, !which.no_retry);
    auto client = connect(options);
    const auto answer = client.ask({{"command", "events"}});
    if (!answer) give_up(kExitFailure, answer.error().message);
    if (is_unknown(client, *answer, which.session)) give_up(kExitFailure, unknown_session(which.session));
    const auto events = filter.apply(*answer);
    print(options.json ? json_text(events, 2) : report_events(events));
}

void add_events_command(CLI::App& app, const std::shared_ptr<DaemonOptions>& options) {
    const auto which = std::make_shared<EventOptions>();
    auto* const events =
        app.add_subcommand("events", "The events of the sessions, with the evidence for each verdict")->fallthrough();
    events->add_flag("--json", options->json, "Print the daemon's answer as JSON");
    events->add_flag("--follow,-f", which->follow, "Print events as they happen, until interrupted");
    events->add_flag("--no-retry", which->no_retry, "With --follow: end when the daemon ends");
    events->add_option("--since", which->since, "Only events of the last 10m, 30s, 2h, 7d ...")->type_name("DURATION");
    events->add_option("--session", which->session, "Only events of this session")->type_name("NAME");
    events->callback([=] { show_events(*options, *which); });
}

void add_why_command(CLI::App& app, const std::shared_ptr<DaemonOptions>& options) {
    const auto destination = std::make_shared<std::string>();
    auto* const why =
        app.add_subcommand("why", "Why packets to an address take the way that they take now")->fallthrough();
    why->add_option("DESTINATION", *destination, "An IPv6 or IPv4 address")->required();
    why->add_flag("--json", options->json, "Print the daemon's answer as JSON");
    why->callback([=] {
        if (!Address::parse(*destination))
            give_up(kExitBadInput, fmt::format("'{}' is no IPv6 or IPv4 address", *destination));
        const auto answer = connect(*options).ask({{"command", "why"}, {"destination", *destination}});
        if (!answer) give_up(kExitFailure, answer.error().message);
        print(options->json ? json_text(*answer, 2) : report_why(*answer));
    });
}

void show_bfd_peers(const DaemonOptions& options, const std::string& how) {
    const auto answer = connect(options).ask({{"command", "bfd-peers"}});
    if (!answer) give_up(kExitFailure, answer.error().message);
    if (options.json) return print(json_text(*answer, 2));
    if (const auto lack = lack_of_bfdd(*answer); !lack.empty()) complain(lack);
    if (how == "json") return print(bfd_peers_json(*answer).dump(2) + '\n');
    print(how == "brief"      ? report_bfd_brief(*answer)
          : how == "counters" ? report_bfd_counters(*answer)
                              : report_bfd_peers(*answer));
}

/// The words of FRR's own command.
void add_show_command(CLI::App& app, const std::shared_ptr<DaemonOptions>& options) {
    const auto how = std::make_shared<std::string>();
    auto* const show = app.add_subcommand("show", "As in FRR: show bfd peers")->fallthrough();
    auto* const bfd =
        show->add_subcommand("bfd", "The peers of FRR's bfdd, and those that this node speaks BFD with")->fallthrough();
    auto* const peers =
        bfd->add_subcommand("peers", "Every peer, as FRR prints it: state, timers, and the session that answers for it")
            ->fallthrough();
    peers->add_option("FORM", *how, "brief: one line each; counters: packets and events; json: FRR's keys")
        ->check(CLI::IsMember({"brief", "counters", "json"}));
    peers->add_flag("--json", options->json, "Print the daemon's answer as JSON");
    peers->callback([=] { show_bfd_peers(*options, *how); });
    bfd->require_subcommand(1);
    show->require_subcommand(1);
}

}  // namespace

void add_daemon_commands(CLI::App& app) {
    const auto options = std::make_shared<DaemonOptions>();
    auto* const node =
        app.add_option("--node", options->node, "Ask the daemon of this node; not needed if only one runs")
            ->type_name("NAME");
    app.add_option("--socket", options->socket, "Ask the daemon at this socket")->type_name("PATH")->excludes(node);
    app.add_option("--run-dir", options->run_dir, "Directory of the daemons' sockets")
        ->type_name("DIR")
        ->envname("SIDESTEP_RUN_DIR")
        ->capture_default_str();

    const auto add = [&](const char* name, const char* text, Report report) {
        auto* const command = app.add_subcommand(name, text)->fallthrough();
        command->add_flag("--json", options->json, "Print the daemon's answer as JSON");
        command->callback([=] { ask_and_print(*options, name, report); });
        return command;
    };
    add("status", "The daemon at a glance: clock, sessions by state, rejected probes, counters", report_status);
    add("sessions", "Every liveness session: state, reason, probes, round trip", report_sessions);
    add("policies", "Every policy: its candidate paths, which one carries traffic, how much it carried",
        report_policies);
    add("routing", "The source of computed policies, and how the network converges", report_routing);
    add_events_command(app, options);
    add_why_command(app, options);
    add_show_command(app, options);

    struct SessionChange {
        std::string name;
        std::string state;
    };
    const auto change = std::make_shared<SessionChange>();
    auto* const session =
        app.add_subcommand("session", "Take a session down, let it come up again, or remove it")->fallthrough();
    session->add_option("NAME", change->name, "The session, as `sidestep sessions` lists it")->required();
    session
        ->add_option(
            "STATE", change->state,
            "down: no candidate path uses it; up: trusted again once it is proven; remove: it ends, if a client of "
            "the API asked for it")
        ->required()
        ->check(CLI::IsMember({"up", "down", "remove"}));
    session->add_flag("--json", options->json, "Print the daemon's answer as JSON");
    session->callback([=] { set_session(*options, change->name, change->state); });
    add_drain_commands(app, options);
    add_top_command(app, options);
    add_reload_commands(app, options);
    add_doctor_command(app, options);
    add_measure_command(app, options);
}

}  // namespace sidestep
