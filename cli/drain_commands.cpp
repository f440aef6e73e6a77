// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/drain_commands.hpp"

#include <vector>

#include <fmt/format.h>

#include "cli/ask.hpp"
#include "common/duration.hpp"
#include "detector/core/session_fsm.hpp"

namespace sidestep {
namespace {

using nlohmann::json;

constexpr std::size_t kShownPolicies = 8;

struct DrainOptions {
    std::string adjacency;
    std::string time = "5s";
    bool force = false;
    bool dry_run = false;
};

std::string joined(std::vector<std::string> names, std::size_t count, std::size_t most) {
    const bool more = count > most || count > names.size();
    if (names.size() > most) names.resize(most);
    return fmt::format("{}{}", fmt::join(names, ", "), more ? ", ..." : "");
}

std::string staying_line(const json& traffic) {
    const auto count = traffic.value("count", std::size_t{0});
    const auto prefixes = joined(traffic.value("prefixes", std::vector<std::string>()), count, kShownPolicies);
    const auto policy = traffic.value("policy", json());
    const auto what = policy.is_string() ? "policy " + policy.get<std::string>()
                                         : fmt::format("{} route{} in no policy", count, count == 1 ? "" : "s");
    return fmt::format("  stays on the link: {} ({})\n", what, prefixes);
}

std::string headline(const json& answer, bool refused) {
    const auto name = answer.value("adjacency", "?");
    const auto time = answer.value("for_ms", json());
    const auto lasting = time.is_number()
                             ? format_duration(Nanoseconds(static_cast<Nanoseconds::rep>(time.get<double>() * 1e6)))
                             : std::string();
    if (refused) return fmt::format("{}: this would be refused without --force (nothing is changed)\n", name);
    if (answer.value("dry_run", false))
        return fmt::format("{} would {} (nothing is changed)\n", name,
                           lasting.empty() ? "be drained" : "fail for " + lasting);
    if (lasting.empty())
        return fmt::format("{} is drained until `sidestep undrain {}`; a restart keeps that, a stop does not\n", name,
                           name);
    return fmt::format("{} fails for {}, then it waits for proof and comes back by itself\n", name, lasting);
}

json request_of(const DrainOptions& drain) {
    return {{"command", "drain"}, {"adjacency", drain.adjacency}, {"force", drain.force}, {"dry_run", drain.dry_run}};
}

void send_drain(const DaemonOptions& options, const json& request) {
    const auto answer = ask(options, request);
    const bool refused = answer.value("refused", false);
    print(options.json ? json_text(answer, 2) : report_drain(answer, refused));
    if (refused) throw CLI::RuntimeError(kExitFailure);
}

void send_fail(const DaemonOptions& options, const DrainOptions& drain) {
    const auto time = parse_duration(drain.time);
    if (!time) give_up(kExitBadInput, "--for: not a duration such as 500ms, 5s or 1min: " + drain.time);
    if (*time < kShortestRehearsal || *time > kLongestRehearsal)
        give_up(kExitBadInput, "--for: a rehearsed failure lasts from 1 ms to 1 h: " + drain.time);
    auto request = request_of(drain);
    request["for_ms"] = static_cast<double>(time->count()) / 1e6;
    send_drain(options, request);
}

void send_undrain(const DaemonOptions& options, const DrainOptions& drain) {
    const auto answer =
        ask(options, {{"command", "admin"}, {"session", drain.adjacency}, {"up", true}, {"dry_run", drain.dry_run}});
    if (options.json) return print(json_text(answer, 2));
    const auto state = answer.value("state", "?");
    if (!answer.value("changed", false)) return print(fmt::format("{} is not drained ({})\n", drain.adjacency, state));
    print(fmt::format("{} {}waits for proof; traffic returns once it is proven and wait-to-restore is over\n",
                      drain.adjacency, drain.dry_run ? "would be let up (nothing is changed); it then " : ""));
}

}  // namespace

std::string report_drain(const json& answer, bool refused) {
    auto text = headline(answer, refused);
    const auto moves = answer.value("moves", std::vector<std::string>());
    const auto stays = answer.value("stays", json::array());
    const auto alone = answer.value("unprotected", std::vector<std::string>());
    const bool dry_run = answer.value("dry_run", false);
    const auto* verb = dry_run ? "would move" : "moved";
    if (!moves.empty())
        text += fmt::format("  {}: {} polic{} ({})\n", verb, moves.size(), moves.size() == 1 ? "y" : "ies",
                            joined(moves, moves.size(), kShownPolicies));
    if (!alone.empty())
        text += fmt::format("  {}without a second copy: polic{} {}\n", dry_run ? "would be " : "",
                            alone.size() == 1 ? "y" : "ies", joined(alone, alone.size(), kShownPolicies));
    if (moves.empty() && alone.empty() && stays.empty())
        text += "  no policy leaves it for another way: none takes it now\n";
    for (const auto& traffic : stays) text += staying_line(traffic);
    return text;
}

void add_drain_commands(CLI::App& app, const std::shared_ptr<DaemonOptions>& options) {
    const auto drain = std::make_shared<DrainOptions>();
    const auto add = [&](const char* name, const char* text) {
        auto* const command = app.add_subcommand(name, text)->fallthrough();
        command->add_option("ADJACENCY", drain->adjacency, "The adjacency, as `sidestep sessions` lists it")
            ->required();
        command->add_flag("--dry-run,-n", drain->dry_run, "Only say what would happen");
        command->add_flag("--json", options->json, "Print the daemon's answer as JSON");
        return command;
    };
    const auto* const force_text = "Even if packets are left that have no other way; these stay on the link";
    auto* const off = add("drain", "Move traffic off an adjacency, for maintenance");
    off->add_flag("--force", drain->force, force_text);
    off->callback([=] { send_drain(*options, request_of(*drain)); });
    add("undrain", "Let a drained adjacency come up again")->callback([=] { send_undrain(*options, *drain); });
    auto* const fail = add("fail", "Rehearse a failure: an adjacency counts as down for a while");
    fail->add_flag("--force", drain->force, force_text);
    fail->add_option("--for", drain->time, "How long: 500ms, 5s, 1min (at most 1 h)")
        ->type_name("DURATION")
        ->capture_default_str();
    fail->callback([=] { send_fail(*options, *drain); });
}

}  // namespace sidestep
