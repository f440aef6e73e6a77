// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads and writes session states as a JSON object, by session name.
#include "detector/app/state_file.hpp"

#include <nlohmann/json.hpp>

#include "common/file.hpp"

namespace sidestep {

using nlohmann::json;

Result<void> save_state(const std::string& path, const SavedSessions& sessions) {
    json document = json::object();
    for (const auto& [name, session] : sessions) {
        document[name] = {{"state", static_cast<unsigned>(session.state)},
                          {"reason", static_cast<unsigned>(session.reason)}};
    }
    return replace_file(path, document.dump(-1, ' ', false, json::error_handler_t::replace) + '\n');
}

SavedSessions load_state(const std::string& path) {
    SavedSessions sessions;
    const auto text = read_file(path);
    if (!text) return sessions;
    const auto document = json::parse(*text, nullptr, false);
    if (!document.is_object()) return sessions;
    for (const auto& [name, entry] : document.items()) {
        if (!entry.is_object() || !entry.contains("state") || !entry["state"].is_number_unsigned()) continue;
        const auto state = entry["state"].get<unsigned>();
        const auto reason =
            entry.contains("reason") && entry["reason"].is_number_unsigned() ? entry["reason"].get<unsigned>() : 0;
        if (state >= kSessionStates || reason >= kReasons) continue;
        sessions[name] = {.state = static_cast<SessionState>(state), .reason = static_cast<Reason>(reason)};
    }
    return sessions;
}

}  // namespace sidestep
