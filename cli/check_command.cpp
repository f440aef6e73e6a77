// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `sidestep check FILE`: what is wrong with a configuration, or else what it means. Changes nothing.
#include <cstdio>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/describe.hpp"
#include "detector/config/config_file.hpp"

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

void print_json(const json& value) {
    fmt::print("{}\n", value.dump(2, ' ', false, json::error_handler_t::replace));
}

void print_warnings(const Complaints& complaints) {
    for (const auto& warning : complaints.warnings) fmt::print(stderr, "warning: {}\n", warning.to_string());
}

[[noreturn]] void refuse(const Complaints& complaints, bool as_json) {
    if (as_json) {
        print_json(
            {{"valid", false}, {"complaints", to_json(complaints.list)}, {"warnings", to_json(complaints.warnings)}});
    } else {
        fmt::print(stderr, "{}\n", complaints.to_string());
        print_warnings(complaints);
    }
    throw CLI::RuntimeError(kExitBadInput);
}

/// The configuration may well be checked on another machine than the one it is for: interfaces only matter if asked.
Config read_or_refuse(const CheckOptions& options, Complaints& complaints) {
    const auto absent = options.interfaces ? AbsentInterface::complaint : AbsentInterface::warning;
    const auto text = read_text(options.file, complaints);
    auto config = text ? read_config(*text, complaints, interface_exists, {}, absent) : std::nullopt;
    if (!config) refuse(complaints, options.json);
    resolve_paths(*config, options.file);
    return std::move(*config);
}

void check(const CheckOptions& options) {
    Complaints complaints;
    const auto config = read_or_refuse(options, complaints);
    if (options.json) {
        auto description = describe_json(config);
        description["valid"] = true;
        description["warnings"] = to_json(complaints.warnings);
        print_json(description);
        return;
    }
    fmt::print("{}", describe(config));
    print_warnings(complaints);
}

}  // namespace

void add_check_command(CLI::App& app) {
    const auto options = std::make_shared<CheckOptions>();
    auto* const command = app.add_subcommand(
        "check", "Say what is wrong with a configuration, or how fast it detects and where it reroutes");
    command->add_option("FILE", options->file, "The configuration, as sidestep.yaml(5) describes it")
        ->type_name("")
        ->required();
    command->add_flag("--interfaces", options->interfaces,
                      "Refuse interfaces that this machine does not have, as sidestepd does");
    command->add_flag("--json", options->json, "Print what it means, or the complaints, as JSON");
    command->callback([=] { check(*options); });
}

}  // namespace sidestep
