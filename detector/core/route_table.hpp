// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The kernel's routes as they were last told, in little memory: routes that go the same way share its description. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "common/address.hpp"
#include "detector/core/kernel_change.hpp"

namespace sidestep {

/// What makes it another route.
struct FibKey {
    Prefix prefix;
    std::uint32_t table = RouteChange::kMainTable;
    std::uint32_t metric = 0;
    std::uint32_t selector = 0;

    auto operator<=>(const FibKey&) const = default;  // NOLINT(modernize-use-nullptr)
};

inline FibKey key_of(const RouteChange& change) {
    return {.prefix = change.prefix, .table = change.table, .metric = change.metric, .selector = change.selector};
}

class RouteTable {
  public:
    using Hops = std::vector<RouteHop>;

    /// Keeps at most `most` routes; forgotten() counts the others.
    explicit RouteTable(std::size_t most) : most_(most) {}

    void set(const FibKey& key, const RouteChange& change);
    /// A route with fewer hops.
    void set_hops(const FibKey& key, Hops hops);
    bool erase(const FibKey& key);
    /// The hops of a route, nexthop objects resolved; nullopt if there is no such route.
    [[nodiscard]] std::optional<Hops> hops_of(const FibKey& key) const;

    /// Returns true if routes go another way than before; an object that was not known changes none.
    bool set_nexthop(const NextHopChange& change);
    void erase_nexthop(std::uint32_t id) { objects_.erase(id); }
    /// Whether routes use the object, themselves or as a member of a group.
    [[nodiscard]] bool uses_nexthop(std::uint32_t id) const;
    [[nodiscard]] std::vector<FibKey> users_of(std::uint32_t nexthop) const;
    [[nodiscard]] std::set<RouteHop> hops_on(int ifindex) const;

    /// Whether a route of this table, for all packets, has exactly this prefix, or covers it.
    [[nodiscard]] bool has(const Prefix& prefix, std::uint32_t table) const;
    [[nodiscard]] bool covers(const Prefix& prefix, std::uint32_t table) const;
    /// The outermost prefixes within this one that the table has routes for, but not more than `most`.
    [[nodiscard]] std::vector<Prefix> inside(const Prefix& prefix, std::uint32_t table, std::size_t most) const;
    /// Whether any other table of this family than `table` has routes.
    [[nodiscard]] bool has_others(RouteFamily family, const std::function<bool(std::uint32_t table)>& counts) const;

    /// A hop that can be used no more, for routes of this family; `by_object`: for those with a nexthop object.
    using IsDead = std::function<bool(const RouteHop& hop, RouteFamily family, bool by_object)>;
    struct Lost {
        FibKey key;
        Hops hops;  ///< as they were
    };
    /// Takes these hops from all routes, and returns the routes that have none left, which are erased, in order.
    std::vector<Lost> strike(const IsDead& is_dead);
    /// Forgets nexthop objects whose hop is dead.
    void strike_nexthops(const std::function<bool(const RouteHop&)>& is_dead);

    /// From here on, all routes or nexthop objects are in doubt.
    void doubt_routes() { ++round_; }
    void doubt_nexthops() { ++nexthop_round_; }
    /// Erases, and returns, the routes that were not set since.
    std::vector<Lost> sweep_routes();
    /// After the routes, which are judged by them.
    void sweep_nexthops();

    /// Calls `visit` for each route that uses such a hop, in order of prefixes.
    void for_each_over(const std::function<bool(const RouteHop&)>& uses,
                       const std::function<void(const FibKey&)>& visit) const;

    [[nodiscard]] std::size_t size() const { return routes_.size(); }
    [[nodiscard]] std::size_t forgotten() const { return forgotten_; }

  private:
    /// Where routes go. A nexthop object, if it is known, goes before hops.
    struct Way {
        std::uint32_t nexthop = 0;
        Hops hops;
        bool fixed = false;

        auto operator<=>(const Way&) const = default;  // NOLINT(modernize-use-nullptr)
    };
    struct Route {
        std::uint32_t way = 0;
        std::uint32_t round = 0;
    };
    struct Object {
        NextHopChange change;
        std::uint32_t round = 0;
    };
    using Routes = std::map<FibKey, Route>;

    std::uint32_t number_of(Way way);
    void release(std::uint32_t way);
    [[nodiscard]] Hops resolve(const Way& way) const;
    [[nodiscard]] bool knows(const Way& way) const { return way.nexthop != 0 && objects_.contains(way.nexthop); }
    void put(const FibKey& key, Way way);
    Routes::iterator remove(Routes::iterator at);

    std::size_t most_;
    std::size_t forgotten_ = 0;
    std::uint32_t round_ = 0;
    std::uint32_t nexthop_round_ = 0;
    Routes routes_;
    std::map<std::uint32_t, Object> objects_;
    std::map<Way, std::uint32_t> numbers_;
    std::vector<std::pair<Way, std::size_t>> ways_;                        ///< by number, with how many routes go there
    std::vector<std::uint32_t> free_;                                      ///< numbers
    std::map<std::pair<RouteFamily, std::uint32_t>, std::size_t> tables_;  ///< routes
};

inline RouteFamily family_of(const Prefix& prefix) {
    return prefix.address.is_v4() && prefix.length >= 96 ? RouteFamily::v4 : RouteFamily::v6;
}

}  // namespace sidestep
