// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The detector's logic between its inputs (the kernel's verdicts, rtnetlink, timers, the operator) and the data plane.
// Single-threaded; every input comes with the time, so that a test can drive it.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "detector/app/event_log.hpp"
#include "detector/core/stale_routes.hpp"
#include "detector/kernel/netlink.hpp"
#include "detector/maps/policy_table.hpp"
#include "detector/maps/session_table.hpp"
#include "detector/maps/sid_table.hpp"

namespace sidestep {

class Engine {
  public:
    Engine(Dataplane& dataplane, const Config& config, const SavedSessions& saved_sessions = {});

    /// What a successor shall know (state_file.hpp).
    [[nodiscard]] SavedSessions remember() const;

    /// Writes the policies. To be called once, before anything else.
    Result<void> start();
    /// Puts what routing computed in force, instead of what it computed before.
    Result<void> replace(const PolicySet& computed);

    void on_kernel_event(const ss_event& event, Nanoseconds now);
    void on_link(const LinkChange& change, Nanoseconds now);
    void on_neighbor(const NeighborChange& change, Nanoseconds now);
    void on_address(const AddressChange& change);
    void on_route(const RouteChange& change, Nanoseconds now);
    /// To be called once there are no more changes of links, neighbors and routes for the moment: what many of them
    /// would write again and again is written then.
    void settle();
    void on_admin(Session& session, bool up, Nanoseconds now);

    /// Delivers the timers that are due.
    void run_timers(Nanoseconds now);
    /// When run_timers() has something to do next.
    [[nodiscard]] std::optional<Nanoseconds> next_timer() const;
    /// Compares what is believed with what shared memory says, should an event have been lost. About every 100 ms.
    void reconcile(Nanoseconds now);

    /// Asks for a neighbor to be resolved (Netlink::resolve); set by the owner before start().
    std::function<void(int ifindex, const Address& neighbor)> resolve;

    SessionTable sessions;
    PolicyTable policies;
    AdjacencyTable adjacencies;
    SidTable sids;
    StaleRoutes routes;
    EventLog log;

  private:
    void deliver(Session& session, SessionEvent event, Nanoseconds now, const ss_event* evidence = nullptr);
    void relink(Session& session);
    /// Prefixes whose routes went down with an interface take the bypass of the adjacency that they had.
    void refresh_stale();
    void forget_bypasses();
    void note_return_link(Session& session, const LinkChange& change);

    std::map<Address, std::set<int>> own_addresses_;  ///< and the interfaces that have them
    bool relinked_ = false;                        ///< interfaces or addresses changed since adjacencies were written
    std::map<Prefix, std::uint32_t> stale_;        ///< and the bypasses that they were given
    std::map<std::uint16_t, Nanoseconds> timers_;  ///< by session index
    Nanoseconds next_resolve_{};
    Nanoseconds next_audit_{};
};

}  // namespace sidestep
