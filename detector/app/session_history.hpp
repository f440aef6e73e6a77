// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the events say of each session's past: failures by reason, and the last change. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>

#include <nlohmann/json.hpp>

namespace sidestep {

/// Milliseconds since 1970 of "2026-11-29T13:00:00.123456Z"; none if it is something else.
std::optional<std::int64_t> unix_milliseconds(const std::string& time);

// NOLINTNEXTLINE(bugprone-exception-escape): moving a json does not throw
struct SessionPast {
    std::map<std::string, std::uint64_t> downs;  ///< by reason
    std::optional<std::int64_t> last_change_ms;  ///< since 1970
    nlohmann::json last_event;
};

class SessionHistory {
  public:
    /// `event`: as the API shows it (docs/api.md), in the order of their times.
    void note(const nlohmann::json& event);
    /// Null: nothing is known of it.
    [[nodiscard]] const SessionPast* find(const std::string& session) const;

  private:
    static constexpr std::size_t kMost = 16'384;  ///< sessions of clients come and go, with ever new names

    std::unordered_map<std::string, SessionPast> sessions_;
};

}  // namespace sidestep
