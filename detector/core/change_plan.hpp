// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Lists the steps from one desired state to the next: `sidestep diff` prints them, the engine carries them out. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "detector/core/desired.hpp"

namespace sidestep {

enum class ChangeKind : std::uint8_t { added, removed, changed, renamed };

/// "added", "removed", ...
std::string_view to_string(ChangeKind kind);

/// A change of one session.
struct SessionChange {
    ChangeKind kind{};
    std::string name;                 ///< the new name; for a removed session, the old one
    std::string before;               ///< the old name of a renamed session
    bool starts_anew = false;         ///< it watches another link or path: its state no longer applies
    std::vector<std::string> fields;  ///< configuration keys that differ, as "interval: 1 ms -> 10 ms"

    bool operator==(const SessionChange&) const = default;
};

/// A policy, bypass, prefix, SID, interface with our program, or setting of the node.
struct ItemChange {
    ChangeKind kind{};
    std::string name;
    std::vector<std::string> fields;

    bool operator==(const ItemChange&) const = default;
};

struct ChangePlan {
    std::vector<SessionChange> sessions;  ///< in the order: renamed, changed, added, removed
    std::vector<ItemChange> policies;     ///< candidates, steering; prefixes are listed separately
    std::vector<ItemChange> prefixes;     ///< "2001:db8::/32", with its policy before and after
    std::vector<ItemChange> sids;
    std::vector<ItemChange> entrances;  ///< interfaces with our program at ingress
    std::vector<ItemChange> settings;   ///< node, clock, device, routing
    bool protecting = false;            ///< the set of sessions that protect something differs
    bool adjacencies = false;           ///< neighbors or gateways differ
    bool unprotected = false;           ///< the set of destinations without policy differs

    /// True if there is nothing to do.
    [[nodiscard]] bool empty() const;
    /// True if the tables of policies and prefixes must be written.
    [[nodiscard]] bool rewrites_policies() const;
    /// True if sessions come or go that nothing else refers to, and nothing else changes but their interfaces.
    [[nodiscard]] bool only_sessions() const;

    bool operator==(const ChangePlan&) const = default;
};

/// A removed session counts as renamed, and keeps its state, if an added one has the same interface, neighbor and
/// segments.
ChangePlan plan_changes(const Desired& present, const Desired& wanted);

/// One line per change, followed by the fields that differ: "session A-B changed: interval 1 ms -> 10 ms".
std::vector<std::string> describe(const ChangePlan& plan);

}  // namespace sidestep
