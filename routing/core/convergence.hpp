// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Decides which graph this node forwards by while the network converges. It is not always the newest one:
//
//   settled   the newest graph.
//   holding   A link of this node is gone, and its repairs carry the traffic. The previous graph's policies stay in
//             force for a while: if this node were among the first to follow, it might send packets to neighbors
//             that still send them back (RFC 8333). Any other change ends this at once.
//   avoiding  Any other change of links and metrics: the new graph at once, and for a while with lists that take
//             packets over the new paths even if other routers do not know them yet (micro_loop.hpp).
//
// Pure: time is a parameter, `now` on any steady clock.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "common/duration.hpp"
#include "routing/core/graph.hpp"
#include "routing/core/graph_change.hpp"
#include "routing/core/policy.hpp"
#include "routing/core/segment_list.hpp"
#include "routing/core/tilfa.hpp"

namespace sidestep::routing {

/// A graph as this node sees it.
struct View {
    std::shared_ptr<const Graph> graph;
    NodeId plr = 0;
};

/// The graphs that policies are computed from.
struct Plan {
    View view;
    std::optional<View> from = {};  ///< lists avoid loops between this graph and `view`; none: no such lists
};

/// Policies of a plan, lists that avoid loops included.
Policies compute_policies(const Plan& plan, Protect protect, const SidOptions& options);

class Convergence {
  public:
    enum class State { settled, holding, avoiding };

    /// `hold` is how long a network takes to converge (ULOOP_DELAY_DOWN_TIMER of RFC 8333); 0: always settled.
    Convergence(Protect protect, Nanoseconds hold) : protect_(protect), hold_(hold) {}

    /// A new graph; true if the plan changed. Changed prefixes and SRLGs count, too.
    bool update(View fresh, Nanoseconds now);
    /// Handles expired timers; true if the plan changed.
    bool advance(Nanoseconds now);
    /// When advance() has something to do; nullopt if never.
    [[nodiscard]] std::optional<Nanoseconds> deadline() const { return deadline_; }

    [[nodiscard]] State state() const { return state_; }
    /// Before the first update(), one without graph.
    [[nodiscard]] const Plan& plan() const { return plan_; }

  private:
    bool settle(View fresh);
    void hold(View fresh, Nanoseconds now);
    bool avoid(View fresh, const View& base, Nanoseconds now);

    Protect protect_;
    Nanoseconds hold_;
    State state_ = State::settled;
    Plan plan_;
    std::optional<View> waiting_;  ///< while holding: the newest graph
    std::optional<Nanoseconds> deadline_;
};

std::string_view to_string(Convergence::State state);

}  // namespace sidestep::routing
