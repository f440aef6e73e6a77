// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The detector's logic between its inputs (the kernel's verdicts, rtnetlink, timers, the operator) and the data plane.
// Single-threaded, without system calls; every input comes with the time, so that a test can drive it.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "detector/core/change_plan.hpp"
#include "detector/core/desired.hpp"
#include "detector/core/inner_routes.hpp"
#include "detector/core/kernel_change.hpp"
#include "detector/core/problems.hpp"
#include "detector/core/silence.hpp"
#include "detector/core/stale_routes.hpp"
#include "detector/engine/copies.hpp"
#include "detector/engine/drain_plan.hpp"
#include "detector/engine/engine_input.hpp"
#include "detector/engine/event_log.hpp"
#include "detector/engine/neighbor_queue.hpp"
#include "detector/maps/policy_table.hpp"
#include "detector/maps/reflector_table.hpp"
#include "detector/maps/session_table.hpp"
#include "detector/maps/sid_table.hpp"

namespace sidestep {

/// What the engine needs from its owner.
struct EngineHooks {
    /// Reports what the kernel knows of a neighbor, and has the neighbor asked for its MAC address. The answers come later,
    /// as NeighborChanges.
    std::function<void(int ifindex, const Address& neighbor)> resolve;
    /// Called when a session has changed its state.
    std::function<void(const LoggedEvent&)> on_event;
    /// Whether the kernel uses routes over an interface without carrier. Called when one loses it.
    std::function<LinkdownIgnored(const std::string& interface)> linkdown_ignored;
    /// Called with what the engine is told, before it acts on it; empty: nobody records.
    std::function<void(const EngineInput& input, Nanoseconds now)> on_input{};
};

/// Of a backup, from end to end.
enum class Verification : std::uint8_t {
    none,    ///< nothing verifies it, or has had an answer yet
    proven,  ///< by answers, until now
    silent,  ///< there were answers, and there are none now
};

class Engine {
  public:
    /// `saved` holds the sessions of a predecessor whose maps cannot be adopted.
    Engine(Maps& maps, EngineHooks hooks, SavedSessions saved = {});

    /// Moves from the present desired state, if any, to this one, and returns the steps. On failure the old state
    /// stays, with all its sessions. Sessions that a predecessor left in the maps are adopted by name; the first call
    /// ends the others.
    Result<ChangePlan> apply(const Desired& wanted, Nanoseconds now);
    [[nodiscard]] const Desired& present() const { return present_; }
    /// The sessions' states, for a successor that cannot adopt the maps (state_file.hpp).
    [[nodiscard]] SavedSessions save() const;

    void on_kernel_event(const ss_event& event, Nanoseconds now);
    /// Returns true if the link is new or gone, or if it is up or runs where it did not, or the other way round.
    bool on_link(const LinkChange& change, Nanoseconds now);
    void on_neighbor(const NeighborChange& change, Nanoseconds now);
    void on_address(const AddressChange& change);
    void on_route(const RouteChange& change, Nanoseconds now);
    /// All routes are told from here on, until on_routes_told(): what is not told again is gone.
    void doubt_routes();
    void on_routes_told(Nanoseconds now);
    /// For what the kernel tells of nexthop objects and rules.
    [[nodiscard]] StaleRoutes& routes() { return routes_; }
    /// Tells that every present link has been reported; other interfaces do not exist.
    void on_links_known(Nanoseconds now);
    /// Destinations of the kernel's IPsec policies: packets to them are not repaired before it has applied these.
    void guard(std::set<Prefix> destinations) { policies_.guard(std::move(destinations)); }
    /// A router on the way did not pass on a packet, of ours perhaps.
    void on_icmp_error(const ss_icmp_error_event& event, Nanoseconds now);
    /// Must be called once no more changes of links, neighbors and routes are waiting. It writes what many of them
    /// would otherwise write again and again.
    void settle();
    void on_admin(Session& session, bool up, Nanoseconds now);
    /// Has the session fail until `end`, though nothing is wrong.
    void rehearse_failure(Session& session, Nanoseconds end, Nanoseconds now);
    /// What would follow if the operator took an adjacency's session down (engine_drain.cpp).
    [[nodiscard]] DrainPlan plan_drain(const Session& adjacency) const;
    /// Of a hitless policy.
    [[nodiscard]] Copies copies_of(const Policy& policy) const;
    /// Whether an operator holds a session down: nothing is undrained otherwise.
    [[nodiscard]] bool has_drained() const;
    [[nodiscard]] Undrained undrained(const Policy& policy) const;

    /// Delivers the timers that are due.
    void run_timers(Nanoseconds now);
    /// When run_timers() has work next.
    [[nodiscard]] std::optional<Nanoseconds> next_timer() const;
    /// Compares the engine's view with shared memory, in case an event was lost. Called about every 100 ms.
    void reconcile(Nanoseconds now);

    [[nodiscard]] SessionTable& sessions() { return sessions_; }
    [[nodiscard]] const SessionTable& sessions() const { return sessions_; }
    [[nodiscard]] const PolicyTable& policies() const { return policies_; }
    [[nodiscard]] const SidTable& sids() const { return sids_; }
    [[nodiscard]] const EventLog& log() const { return log_; }
    /// Addresses of this node on an interface, as the kernel has told.
    [[nodiscard]] std::vector<Address> addresses_on(const std::string& interface) const;
    /// Mistakes that no event reports: sessions that have not been proven for 3 s since they could have, with the likely
    /// causes (engine_silence.cpp), lists whose packets a router refuses, and the like.
    [[nodiscard]] std::map<std::string, Problem> problems() const;
    /// What verifies the list has to say of it.
    [[nodiscard]] Verification verification_of(const SegmentListConfig& list) const;
    /// What a router said lately of packets of this list (engine_refusals.cpp); empty: nothing.
    [[nodiscard]] std::string refusal_of(const SegmentListConfig& list) const;

  private:
    /// The three parts of a change: what the policies will need, the policies, and what they no longer need.
    Result<void> begin_sessions(const ChangePlan& plan, const Desired& wanted);
    Result<void> change_policies(const ChangePlan& plan, const Desired& wanted);
    void finish_sessions(const ChangePlan& plan, const Desired& wanted, Nanoseconds now);
    void undo_sessions(const ChangePlan& plan);
    void start_session(Session& session, Nanoseconds now);
    void forget_timers(const Session& session);
    void wait_by_its_policy(Session& session, Nanoseconds now);

    /// Has what the engine is told recorded.
    template <typename Input>
    void record(const Input& input, Nanoseconds now = {}) const {
        if (hooks_.on_input) hooks_.on_input(input, now);
    }
    void deliver(Session& session, SessionEvent event, Nanoseconds now, const ss_event* evidence = nullptr);
    void carry_out(Session& session, const SessionActions& actions, Nanoseconds now,
                   const ss_event* evidence = nullptr);
    void follow_link(Session& session, const LinkChange& link, Nanoseconds now);
    void follow_return_link(Session& session, const LinkChange& link, Nanoseconds now);
    void relink(Session& session);
    bool note_link(const LinkChange& change);
    [[nodiscard]] LinkChange link_at(const std::string& name) const;
    /// Has the session's neighbor asked for, as soon as that may be done.
    void seek(const Session& session);
    void ask_for_neighbors(Nanoseconds now);
    void seek_silent(Nanoseconds now);
    void compare_verdict(Session& session, Nanoseconds now);
    /// Whether shared memory knows better than an event that was read late.
    [[nodiscard]] bool is_old_news(const Session& session, const ss_event& event) const;
    /// Whether its probes come back now.
    [[nodiscard]] bool is_answered(const Session& session) const;
    void on_neighbor_failed(Session& session, Nanoseconds now);
    /// What is trusted is probed.
    void check_probing(Session& session, Nanoseconds now);
    /// What never answered does not stay in init, if it has to be proven.
    void check_start(Session& session, Nanoseconds now);
    /// Prefixes whose routes went down with an interface get the bypass of the adjacency that they used.
    void refresh_stale();
    void refresh_unrouted();
    void forget_bypasses();
    void note_failure(const Session& session, Nanoseconds now);
    void note_route_link(const LinkChange& change, Nanoseconds now);
    /// Routes inside policies' prefixes, other than those that the policies protect, have their packets to themselves.
    void note_upstreams();
    void refresh_inner();

    // engine_bfd.cpp

    /// Has a session that speaks BFD move on to what the kernel has heard, and says so.
    void review_bfd(Session& session, Nanoseconds now);
    void choose_local_address(Session& session) const;
    void follow_address(const AddressChange& change);
    void check_local_address(Session& session);

    // engine_drain.cpp

    [[nodiscard]] bool has_way_without(const Policy& policy, const Session& drained) const;
    [[nodiscard]] bool is_protected(const Prefix& route, const Session& drained) const;
    void plan_copies(const Policy& policy, const Session& drained, DrainPlan& plan) const;
    [[nodiscard]] StayingTraffic staying_routes(const Session& drained) const;

    // engine_hitless.cpp

    [[nodiscard]] bool is_drained(const SegmentListConfig& list) const;
    struct WatchedPolicy {
        std::string name;
        std::size_t at = 0;  ///< in policies_.all()
        bool whole = false;  ///< in two copies, as last logged
    };
    /// Has the present policies watched; to be called when they have been replaced.
    void note_hitless();
    /// Logs which hitless policies have lost their second copy or have it again.
    void watch_copies();

    // engine_verify.cpp

    /// Decides which backups are used last, because what verifies them has fallen silent.
    void review_backups(Nanoseconds now);
    void distrust(Session& session, bool distrusted, Nanoseconds now);
    [[nodiscard]] std::map<std::string, Problem> silent_backups() const;

    // engine_silence.cpp

    struct SilentSession {
        Nanoseconds since{};
        std::string cause{};  ///< as it was logged; empty: not yet
    };
    struct Refusal {
        std::string text;
        Nanoseconds since{};
        Nanoseconds last{};
    };
    void forget_refusals(Nanoseconds now);
    [[nodiscard]] std::map<std::string, Problem> refusals() const;
    void watch_silence(Nanoseconds now);
    void watch_source(Nanoseconds now);
    [[nodiscard]] bool never_proven(const Session& session) const;
    [[nodiscard]] Silence silence_of(const Session& session) const;
    [[nodiscard]] std::vector<std::string> holders_of(const Address& address) const;

    Maps& maps_;
    EngineHooks hooks_;
    Desired present_;
    bool applied_ = false;     ///< a desired state has been applied at least once
    bool links_seen_ = false;  ///< on_links_known() has been called
    SessionTable sessions_;
    PolicyTable policies_;
    AdjacencyTable adjacencies_;
    SidTable sids_;
    ReflectorTable reflectors_;
    StaleRoutes routes_;
    InnerRoutes inner_routes_;
    EventLog log_;
    std::map<std::string, LinkChange> links_;         ///< present links by name
    std::map<int, std::string> link_names_;           ///< names of present links
    std::map<Address, std::set<int>> own_addresses_;  ///< with the interfaces that have them
    std::size_t unplaced_ = 0;                        ///< stale routes without room, as last logged
    /// Slots of policies that yield to more specific routes, and the sessions of the adjacencies that they leave by while all
    /// is well.
    std::map<std::uint32_t, std::set<std::uint32_t>> upstreams_;
    bool upstreams_changed_ = false;
    bool routes_told_ = false;                     ///< all routes are known
    bool routes_sought_ = false;                   ///< policies that began without a route were looked for
    std::map<std::uint16_t, Nanoseconds> timers_;  ///< by session index
    /// Sessions that are answered and whose neighbors neighbor discovery has given up, and when that counts.
    std::map<std::uint16_t, Nanoseconds> neighbor_doubts_;
    NeighborQueue neighbors_;
    Nanoseconds next_seek_{};
    Nanoseconds next_audit_{};
    std::map<std::string, SilentSession> silences_;  ///< by session
    std::map<ListName, Refusal> refusals_;
    std::vector<WatchedPolicy> watched_;  ///< the hitless ones
    std::optional<Nanoseconds> source_missing_since_;
    bool source_problem_ = false;
    bool relinked_ = false;        ///< interfaces or addresses have changed since adjacencies were written
    bool inner_changed_ = false;   ///< since the entries of inner routes were last written
    bool copies_doubted_ = false;  ///< a session has changed since watch_copies()
};

}  // namespace sidestep
