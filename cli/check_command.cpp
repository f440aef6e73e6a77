// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `sidestep check FILE`: what is wrong with a configuration, or else what it means. Changes nothing.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/complain.hpp"
#include "cli/describe.hpp"
#include "cli/shadowed_routes.hpp"
#include "common/file.hpp"
#include "detector/config/config_file.hpp"
#include "detector/feed/graph_source.hpp"

namespace sidestep {
namespace {

using nlohmann::json;

struct CheckOptions {
    std::string file;
    bool interfaces = false;
    bool json = false;
};

json to_json(const std::vector<Complaint>& complaints) {
    auto list = json::array();
    for (const auto& [file, line, column, field, reason] : complaints) {
        list.push_back({{"file", file}, {"line", line}, {"column", column}, {"field", field}, {"reason", reason}});
    }
    return list;
}

std::string dump(const json& value) {
    return value.dump(2, ' ', false, json::error_handler_t::replace);
}

/// As a line of its own and those after it, `indent` spaces to the right; texts in JSON have no line ends.
std::string indented(std::string_view lines, std::size_t indent) {
    std::string text;
    for (std::size_t at = 0; at < lines.size();) {
        const auto end = std::min(lines.find('\n', at), lines.size());
        text += '\n' + std::string(indent, ' ');
        text += lines.substr(at, end - at);
        at = end + 1;
    }
    return text;
}

/// The description with its policies, which are made and printed one by one.
void print_json(const json& description, const std::vector<PolicyConfig>& policies) {
    const auto text = dump(description);
    const std::string_view list = "\n  \"policies\": [";
    const auto at = text.find(list) + list.size();
    fmt::print("{}", std::string_view(text).substr(0, at));
    for (const auto& policy : policies) {
        fmt::print("{}{}", &policy == &policies.front() ? "" : ",", indented(dump(policy_json(policy)), 4));
    }
    fmt::print("{}{}\n", policies.empty() ? "" : "\n  ", std::string_view(text).substr(at));
}

void print_warnings(const Complaints& complaints) {
    for (const auto& warning : complaints.warnings) complain(fmt::format("warning: {}\n", warning.to_string()));
}

[[noreturn]] void refuse(const Complaints& complaints, bool as_json) {
    if (as_json) {
        fmt::print("{}\n", dump({{"valid", false},
                                 {"complaints", to_json(complaints.list)},
                                 {"warnings", to_json(complaints.warnings)}}));
    } else {
        complain(fmt::format("{}\n", complaints.to_string()));
        print_warnings(complaints);
    }
    throw CLI::RuntimeError(kExitBadInput);
}

/// The configuration may well be checked on another machine than the one it is for: interfaces only matter if asked.
Config read_or_refuse(const CheckOptions& options, Complaints& complaints) {
    const auto absent = options.interfaces ? AbsentInterface::complaint : AbsentInterface::warning;
    const auto text = read_text(options.file, complaints, read_input);
    auto config = text ? read_config(*text, complaints, interface_exists, {}, absent) : std::nullopt;
    if (!config) refuse(complaints, options.json);
    resolve_paths(*config, options.file);
    return std::move(*config);
}

/// The daemon waits for a topology that it can use, so what is wrong with it is no more than a warning.
void check_topology(const Config& config, Complaints& complaints) {
    if (!config.routing || config.routing->topology.empty()) return;
    const std::string field = "routing.topology";
    const auto add = [&](std::string reason) {
        complaints.warnings.push_back({.file = complaints.file, .field = field, .reason = std::move(reason)});
    };
    if (std::ranges::find(complaints.warnings, field, &Complaint::field) != complaints.warnings.end()) return;
    const auto network = make_graph_source(config, std::chrono::milliseconds(0))->poll();
    if (!network) return add(network.error().message + "; no policies are computed until that is mended");
    for (const auto& warning : (*network)->warnings) add(warning);
}

void check(const CheckOptions& options) {
    Complaints complaints;
    const auto config = read_or_refuse(options, complaints);
    check_topology(config, complaints);
    if (options.json) {
        auto description = describe_json(config);
        description["valid"] = true;
        description["warnings"] = to_json(complaints.warnings);
        print_json(description, config.policies);
        return;
    }
    fmt::print("{}", describe(config));
    if (options.interfaces) fmt::print("{}", describe_shadowed(config));
    print_warnings(complaints);
}

}  // namespace

void add_check_command(CLI::App& app) {
    const auto options = std::make_shared<CheckOptions>();
    auto* const command = app.add_subcommand(
        "check", "Name the mistakes of a configuration, or print how fast it detects and where it reroutes");
    command->add_option("FILE", options->file, "The configuration, as sidestep.yaml(5) describes it; -: standard input")
        ->type_name("")
        ->required();
    command->add_flag("--interfaces", options->interfaces,
                      "Take interfaces that this machine does not have for mistakes; sidestepd waits for them. Also "
                      "name the routes of this machine whose packets policies take");
    command->add_flag("--json", options->json, "Print the meaning or the complaints as JSON");
    command->callback([=] { check(*options); });
}

}  // namespace sidestep
