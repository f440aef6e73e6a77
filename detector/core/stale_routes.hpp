// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Remembers which adjacency packets would leave by, where the FIB says so no more: its routes went with an interface, or a
// routing daemon withdrew them after a failure. Pure; time is a parameter.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "common/address.hpp"
#include "common/duration.hpp"
#include "detector/core/kernel_change.hpp"
#include "detector/core/route_table.hpp"

namespace sidestep {

/// At most this many prefixes are claimed.
inline constexpr std::uint32_t kStaleRoutes = 131072;
/// At most this many routes are remembered, in about 90 bytes each.
inline constexpr std::size_t kRoutesKept = 1U << 21;

/// An entry in the table of prefixes.
struct StaleClaim {
    std::uint32_t slot = 0;  ///< of a bypass; SS_POLICY_NONE: a route that is still there, within a stale one
    bool unrouted = true;    ///< only for packets that the FIB has no route for

    auto operator<=>(const StaleClaim&) const = default;  // NOLINT(modernize-use-nullptr)
};

/// An interface that routes may use.
struct RouteLink {
    int ifindex = 0;
    bool up = false;
    bool running = false;
    LinkdownIgnored ignored;  ///< without carrier, routes of these families are not used
};

class StaleRoutes {
  public:
    /// The slot of the bypass for packets that leave by this hop; SS_POLICY_EXEMPT if there is none.
    using SlotOf = std::function<std::uint32_t(const RouteHop&)>;

    explicit StaleRoutes(SlotOf slot_of, std::size_t most_claims = kStaleRoutes, std::size_t most_routes = kRoutesKept)
        : slot_of_(std::move(slot_of)), most_(most_claims), routes_(most_routes) {}

    void on_route(const RouteChange& change, Nanoseconds now);
    /// Returns true if routes go another way, or are gone, which the kernel may not tell.
    bool on_nexthop(const NextHopChange& change, Nanoseconds now);
    void on_rules(RouteFamily family, RuleSet rules) { rules_[family] = std::move(rules); }
    void on_link(const RouteLink& link, Nanoseconds now);
    /// The adjacency whose bypass has this slot fails, or works again, though its interface is there.
    void on_adjacency(std::uint32_t slot, bool failed, Nanoseconds now);
    /// A dump of routes, or of nexthop objects, begins.
    void doubt_routes() { routes_.doubt_routes(); }
    void doubt_nexthops() { routes_.doubt_nexthops(); }
    /// The dump of routes has ended, that of nexthop objects before it: what they did not name is gone.
    void sweep(Nanoseconds now);
    /// Drops what was kept long enough.
    void expire(Nanoseconds now);
    /// Drops what leads to such slots.
    void forget(const std::function<bool(std::uint32_t slot)>& is_gone);

    /// Called once all routes are known: what has none is as if it had lost it.
    void note_unrouted(const Prefix& prefix);

    [[nodiscard]] const std::map<Prefix, StaleClaim>& claims() const { return claims_; }
    /// Prefixes that lost their last route with a failure, and for which the main table has had none since, not even a
    /// shorter one.
    [[nodiscard]] const std::set<Prefix>& unrouted() const { return unrouted_; }
    /// Whether that has changed since the last call.
    bool take_unrouted_change() { return std::exchange(unrouted_changed_, false); }
    /// The prefixes whose claims have changed since the last call.
    std::set<Prefix> take_changes() { return std::exchange(changes_, {}); }
    [[nodiscard]] const RouteTable& routes() const { return routes_; }
    /// Stale routes that found no room.
    [[nodiscard]] std::size_t unplaced() const { return unplaced_; }

  private:
    struct Failure {
        Nanoseconds since{};
        std::optional<Nanoseconds> ended;
        std::map<RouteHop, std::uint32_t> slots;  ///< of its hops, as they were when it began
    };
    /// Why, and since when, a prefix is stale.
    struct Stale {
        FibKey key;
        std::uint32_t slot = 0;
        int ifindex = 0;
        Nanoseconds since{};
        std::vector<Prefix> exceptions;
    };
    struct Withdrawn {
        FibKey key;
        RouteTable::Hops hops;
        Nanoseconds when{};
    };

    void set(const FibKey& key, const RouteChange& change);
    void drop(const FibKey& key, const RouteTable::Hops& hops, Nanoseconds now);
    void withdraw(const FibKey& key, const RouteTable::Hops& hops, Nanoseconds now);
    bool claim_if_failed(const FibKey& key, const RouteTable::Hops& hops, Nanoseconds now);
    void claim_withdrawn(Nanoseconds now);
    void claim(const FibKey& key, std::uint32_t slot, int ifindex, Nanoseconds now);
    [[nodiscard]] bool redundant(const FibKey& key, std::uint32_t slot) const;
    [[nodiscard]] bool overrides_routes(const FibKey& key) const;
    void except(const Prefix& prefix, Stale& from);
    void except_under_cover(const Prefix& prefix);
    void note_routed(const Prefix& prefix);
    std::map<Prefix, Stale>::iterator release(std::map<Prefix, Stale>::iterator stale);
    void write(const Prefix& prefix, const StaleClaim& claim);
    [[nodiscard]] Reach reach(const FibKey& key) const;
    [[nodiscard]] bool is_dead(const RouteHop& hop, RouteFamily family, bool by_object) const;
    [[nodiscard]] Nanoseconds deadline(const Stale& stale) const;

    SlotOf slot_of_;
    std::size_t most_;
    std::size_t unplaced_ = 0;
    RouteTable routes_;
    std::map<RouteFamily, RuleSet> rules_;
    std::map<int, RouteLink> links_;             ///< those that are not up and running
    std::map<int, Failure> link_failures_;       ///< by interface
    std::map<std::uint32_t, Failure> failures_;  ///< of adjacencies, by slot
    std::deque<Withdrawn> withdrawn_;            ///< lately; news of the failure may follow
    std::map<Prefix, Stale> stale_;
    std::set<Prefix> overriding_;  ///< stale prefixes that go before other routes
    std::map<Prefix, StaleClaim> claims_;
    std::set<Prefix> changes_;
    std::set<Prefix> unrouted_;
    bool unrouted_changed_ = false;
};

}  // namespace sidestep
