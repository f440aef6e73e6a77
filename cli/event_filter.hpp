// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Which events the user asked for. Pure.
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "common/duration.hpp"

namespace sidestep {

struct EventFilter {
    std::string session;                ///< only of this one; empty: of all
    std::optional<Nanoseconds> from{};  ///< only those decided since this time of CLOCK_MONOTONIC

    [[nodiscard]] bool passes(const nlohmann::json& event) const;
    /// An answer {"events": [...]} with those that pass.
    [[nodiscard]] nlohmann::json apply(nlohmann::json answer) const;
};

/// Those that follow `last` in a list, in the order of their events; by their times, if it is no longer in there.
nlohmann::json events_after(nlohmann::json events, const nlohmann::json& last);

}  // namespace sidestep
