// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Dispatch of requests by the table of commands.
#include "detector/app/api_commands.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace sidestep {
namespace {

using nlohmann::json;

constexpr auto kHelp = "help";

/// Why `request` does not fit `command`; empty if it does.
std::string mismatch(const ApiCommand& command, const json& request) {
    for (const auto& field : command.fields) {
        const auto found = request.find(field.name);
        if (found == request.end() && !field.required) continue;
        if (found != request.end() && field.type == found->type_name()) continue;
        return fmt::format("{} needs the field \"{}\" ({})", command.name, field.name, field.type);
    }
    return {};
}

json describe(const ApiCommand& command) {
    json fields = json::array();
    for (const auto& field : command.fields)
        fields.push_back({{"name", field.name}, {"type", field.type}, {"required", field.required}});
    return {{"name", command.name}, {"help", command.help}, {"fields", std::move(fields)}};
}

bool allows(ApiAccess access, const ApiCommand& command) {
    return access == ApiAccess::control || command.access == ApiAccess::questions;
}

}  // namespace

std::optional<json> ApiCommands::run(const json& request, ConnectionId connection, ApiAccess access) const {
    const auto named = request.find("command");
    if (named == request.end() || !named->is_string())
        return error_answer("a request names its \"command\", one of: " + names(access));
    const auto& name = named->get_ref<const std::string&>();
    if (name == kHelp) return help(access);
    const auto found = std::ranges::find(commands_, name, &ApiCommand::name);
    if (found == commands_.end())
        return error_answer(fmt::format("unknown command '{}'; known: {}", name, names(access)));
    if (!allows(access, *found))
        return error_answer(fmt::format("'{}' is for root and operators: this socket is for questions only", name));
    if (auto problem = mismatch(*found, request); !problem.empty()) return error_answer(std::move(problem));
    return found->run(request, connection);
}

json ApiCommands::help(ApiAccess access) const {
    json list = json::array();
    for (const auto& command : commands_) {
        if (allows(access, command)) list.push_back(describe(command));
    }
    list.push_back(describe({.name = kHelp, .help = "This table", .fields = {}, .run = {}}));
    return {{"commands", std::move(list)}};
}

std::string ApiCommands::names(ApiAccess access) const {
    std::string result;
    for (const auto& command : commands_) {
        if (allows(access, command)) result += command.name + ", ";
    }
    return result + kHelp;
}

}  // namespace sidestep
