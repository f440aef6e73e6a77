// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What comes into the engine while it runs, as one value, so that it can be recorded and fed to another engine later.
#pragma once

#include <string>
#include <variant>

#include "bpf/abi/sidestep.h"
#include "common/duration.hpp"
#include "detector/core/kernel_change.hpp"

namespace sidestep {

/// Every present link has been told.
struct LinksKnown {};
/// No more changes of the kernel are waiting.
struct ChangesSettled {};
/// Timers are due.
struct TimersDue {};
/// The engine compares its view with shared memory.
struct Comparison {};

/// The operator takes a session down, or lets it come up.
struct AdminCommand {
    std::string session;
    bool up = false;
};

/// The operator has a session fail until `end`.
struct Rehearsal {
    std::string session;
    Nanoseconds end{};
};

/// A verdict of the tick on a session.
struct NamedVerdict {
    std::string session;  ///< indices may differ between two engines
    ss_event event{};
};

/// Routes are not among them: they decide where packets go, and no event depends on them.
using EngineInput = std::variant<NamedVerdict, LinkChange, NeighborChange, AddressChange, LinksKnown, ChangesSettled,
                                 AdminCommand, Rehearsal, TimersDue, Comparison>;

class Engine;

/// Tells an engine, as whoever recorded the input told another one. What is about a session that it does not have is left
/// out.
void tell(Engine& engine, const EngineInput& input, Nanoseconds now);

}  // namespace sidestep
