// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The detector's logic between its inputs (the kernel's verdicts, rtnetlink, timers, the operator) and the data plane.
// Single-threaded, no system calls; every input comes with the time, so that a test can drive it.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "detector/core/change_plan.hpp"
#include "detector/core/desired.hpp"
#include "detector/core/kernel_change.hpp"
#include "detector/core/stale_routes.hpp"
#include "detector/engine/event_log.hpp"
#include "detector/maps/policy_table.hpp"
#include "detector/maps/session_table.hpp"
#include "detector/maps/sid_table.hpp"

namespace sidestep {

/// What the engine asks of its owner.
struct EngineHooks {
    /// Have the kernel resolve a neighbor, or say what it knows of it: the answer comes as a NeighborChange, later.
    std::function<void(int ifindex, const Address& neighbor)> resolve;
    /// A session changed its state.
    std::function<void(const LoggedEvent&)> on_event;
};

class Engine {
  public:
    /// `saved`: sessions as a predecessor knew them whose maps cannot be adopted.
    Engine(Maps& maps, EngineHooks hooks, SavedSessions saved = {});

    /// Moves to another desired state, the first one included, and returns the steps. On failure the old one stays, with
    /// all its sessions. Sessions that a predecessor left in the maps are adopted by name; those left after the first
    /// call end.
    Result<ChangePlan> apply(const Desired& wanted, Nanoseconds now);
    [[nodiscard]] const Desired& present() const { return present_; }
    /// The sessions' states for a successor that cannot adopt the maps (state_file.hpp).
    [[nodiscard]] SavedSessions save() const;

    void on_kernel_event(const ss_event& event, Nanoseconds now);
    void on_link(const LinkChange& change, Nanoseconds now);
    void on_neighbor(const NeighborChange& change, Nanoseconds now);
    void on_address(const AddressChange& change);
    void on_route(const RouteChange& change, Nanoseconds now);
    /// Every present link has been reported: interfaces that were not do not exist.
    void on_links_known(Nanoseconds now);
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

    [[nodiscard]] SessionTable& sessions() { return sessions_; }
    [[nodiscard]] const SessionTable& sessions() const { return sessions_; }
    [[nodiscard]] const PolicyTable& policies() const { return policies_; }
    [[nodiscard]] const SidTable& sids() const { return sids_; }
    [[nodiscard]] const EventLog& log() const { return log_; }

  private:
    /// The order of a change: what policies will need, the policies, what they no longer need.
    Result<void> begin_sessions(const ChangePlan& plan, const Desired& wanted);
    Result<void> change_policies(const ChangePlan& plan, const Desired& wanted);
    void finish_sessions(const ChangePlan& plan, const Desired& wanted, Nanoseconds now);
    void undo_sessions(const ChangePlan& plan);
    void start_session(Session& session, Nanoseconds now);

    void deliver(Session& session, SessionEvent event, Nanoseconds now, const ss_event* evidence = nullptr);
    void follow_link(Session& session, const LinkChange& link, Nanoseconds now);
    void follow_return_link(Session& session, const LinkChange& link);
    void relink(Session& session);
    void note_link(const LinkChange& change);
    [[nodiscard]] LinkChange link_at(const std::string& name) const;
    void compare_verdict(Session& session, Nanoseconds now);
    /// Prefixes whose routes went down with an interface take the bypass of the adjacency that they had.
    void refresh_stale();
    void forget_bypasses();

    Maps& maps_;
    EngineHooks hooks_;
    Desired present_;
    bool applied_ = false;     ///< a desired state, once
    bool links_seen_ = false;  ///< on_links_known() was called
    SessionTable sessions_;
    PolicyTable policies_;
    AdjacencyTable adjacencies_;
    SidTable sids_;
    StaleRoutes routes_;
    EventLog log_;
    std::map<std::string, LinkChange> links_;         ///< present ones, by name
    std::map<int, std::string> link_names_;           ///< of the same
    std::map<Address, std::set<int>> own_addresses_;  ///< and the interfaces that have them
    bool relinked_ = false;                        ///< interfaces or addresses changed since adjacencies were written
    bool routes_changed_ = false;                  ///< since stale routes were looked at
    std::map<Prefix, std::uint32_t> stale_;        ///< and the bypasses that they were given
    std::map<std::uint16_t, Nanoseconds> timers_;  ///< by session index
    Nanoseconds next_resolve_{};
    Nanoseconds next_audit_{};
};

}  // namespace sidestep
