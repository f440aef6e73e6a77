// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/app/session_history.hpp"

#include <cstdio>
#include <ctime>

namespace sidestep {

std::optional<std::int64_t> unix_milliseconds(const std::string& time) {
    std::tm parts{};
    int micros = 0;
    // NOLINTNEXTLINE(cert-err34-c): what does not fit is no time, whatever it becomes
    const int read = std::sscanf(time.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%6dZ", &parts.tm_year, &parts.tm_mon,
                                 &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &micros);
    if (read != 7) return std::nullopt;
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    return static_cast<std::int64_t>(::timegm(&parts)) * 1000 + micros / 1000;
}

void SessionHistory::note(const nlohmann::json& event) {
    const auto field = [&](const char* name) {
        const auto at = event.find(name);
        return at != event.end() && at->is_string() ? at->get<std::string>() : std::string();
    };
    const auto session = field("session");
    if (field("event").starts_with("frr-")) return;  // what bfdd was told is no change of the session
    if (session.empty() || (sessions_.size() >= kMost && !sessions_.contains(session))) return;
    auto& past = sessions_[session];
    past.last_event = event;
    past.last_change_ms = unix_milliseconds(field("time"));
    const auto state = field("state");
    if (state == "down" || state == "admin-down") ++past.downs[field("reason")];
}

const SessionPast* SessionHistory::find(const std::string& session) const {
    const auto at = sessions_.find(session);
    return at == sessions_.end() ? nullptr : &at->second;
}

}  // namespace sidestep
