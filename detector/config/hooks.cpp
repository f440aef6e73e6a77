// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads the programs that are run on events.
#include <array>

#include <fmt/format.h>

#include "common/file.hpp"
#include "detector/config/reader.hpp"

namespace sidestep::config_reader {
namespace {

constexpr std::size_t kMostHooks = 16;
constexpr std::size_t kMostArguments = 64;
constexpr Nanoseconds kShortestTimeout = std::chrono::milliseconds(100);
constexpr Nanoseconds kLongestTimeout = std::chrono::minutes(1);

void read_states(const YamlPlace& place, HookConfig& hook) {
    std::array<std::string_view, kSessionStates> names;
    for (std::size_t i = 0; i < names.size(); ++i) names.at(i) = to_string(static_cast<SessionState>(i));
    for (const auto& item : place.items(1)) {
        if (const auto state = item.choice(names)) hook.on.insert(static_cast<SessionState>(*state));
    }
}

/// That it is not there is no mistake: it may be on the machine that the configuration is for.
void check_program(const YamlPlace& place, const std::string& path) {
    if (!path.starts_with('/')) return place.complain("must be an absolute path: no shell looks for it");
    if (const auto why = why_not_run(path); !why.empty())
        place.warn(fmt::format("'{}' cannot be run on this machine: {}", path, why));
}

void read_program(const YamlPlace& place, HookConfig& hook) {
    for (const auto& item : place.items(1, kMostArguments)) {
        const auto text = item.text();
        if (!text) continue;
        if (hook.run.empty()) check_program(item, *text);
        hook.run.push_back(*text);
    }
}

}  // namespace

void read_hooks(Reading& reading, const YamlPlace& place) {
    for (const auto& item : place.items(0, kMostHooks)) {
        if (!item.expect_map({"on", "run", "session", "timeout"})) continue;
        HookConfig hook;
        if (const auto states = item.required("on")) read_states(*states, hook);
        if (const auto program = item.required("run")) read_program(*program, hook);
        // Any name: clients' sessions and computed paths are not in the file.
        if (const auto session = item.optional("session")) {
            hook.session = session->text().value_or("");
            if (!reading.adjacencies.contains(hook.session) && !reading.sessions.contains(hook.session))
                session->warn(fmt::format(
                    "no session of this file is called '{}': only one of clients or of routing can be", hook.session));
        }
        if (const auto timeout = item.optional("timeout"))
            hook.timeout = timeout->duration(kShortestTimeout, kLongestTimeout).value_or(hook.timeout);
        reading.config.hooks.push_back(std::move(hook));
    }
}

}  // namespace sidestep::config_reader
