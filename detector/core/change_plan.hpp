// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The steps from one desired state to the next: what `sidestep diff` prints and what the engine carries out. Pure.
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

/// One session.
struct SessionChange {
    ChangeKind kind{};
    std::string name;                 ///< afterwards; of one that is removed: before
    std::string before;               ///< the old name of one that is renamed
    bool starts_anew = false;         ///< it watches another link or path: nothing that is known of it holds any more
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
    std::vector<ItemChange> policies;     ///< candidates, steering; prefixes are listed by themselves
    std::vector<ItemChange> prefixes;     ///< "2001:db8::/32", with the policies that it had and has
    std::vector<ItemChange> sids;
    std::vector<ItemChange> entrances;  ///< interfaces with our program at ingress
    std::vector<ItemChange> settings;   ///< node, clock, device, routing
    bool protecting = false;            ///< other sessions protect something
    bool adjacencies = false;           ///< neighbors or gateways differ
    bool unprotected = false;           ///< destinations without policy differ

    /// True if nothing is to be done.
    [[nodiscard]] bool empty() const;
    /// True if the tables of policies and prefixes have to be written.
    [[nodiscard]] bool rewrites_policies() const;

    bool operator==(const ChangePlan&) const = default;
};

/// A session that is removed, while one that is added has the same interface, neighbor and segments, is renamed: it keeps
/// its state.
ChangePlan plan_changes(const Desired& present, const Desired& wanted);

/// One line per change, with the fields that differ behind it: "session A-B changed: interval 1 ms -> 10 ms".
std::vector<std::string> describe(const ChangePlan& plan);

}  // namespace sidestep
