// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the engine sees in memory that the tick program writes: part of a recording, since the engine compares its view with
// it. Only changes are written.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "detector/maps/maps.hpp"

namespace sidestep::record {

/// Of one session.
struct SeenSession {
    std::uint32_t verdict = 0;
    std::uint32_t epoch = 0;
    std::uint32_t quality = 0;
    std::uint32_t rank = 0;
    std::uint64_t verdict_ns = 0;
    bool overdue = false;        ///< the next probe is
    std::uint64_t sequence = 0;  ///< of the last one; only if so
    std::uint64_t last_probe_ns = 0;

    bool operator==(const SeenSession&) const = default;
};

class MemoryWatch {
  public:
    explicit MemoryWatch(const Maps& maps) : maps_(maps) {}

    /// {"in": "memory", ...} with the sessions that are not as at the last call; null if all are.
    nlohmann::json changes();

  private:
    [[nodiscard]] SeenSession look(const ss_session& session, std::uint32_t rank) const;

    const Maps& maps_;
    std::map<std::string, SeenSession> seen_;
};

/// Puts into the memory of an engine what changes() of another one's said.
void apply_memory(Maps& maps, const nlohmann::json& line);

/// {"in": "adopted", ...} for each session that a predecessor left.
std::vector<nlohmann::json> adopted_lines(const Maps& maps);
void apply_adopted(Maps& maps, const nlohmann::json& line);

}  // namespace sidestep::record
