// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The routes that Sidestep has put into the kernel's main tables. There is no separate list: a route is ours by what
// is_ours() sees in it, so a successor finds what a killed process left.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/error.hpp"
#include "detector/kernel/route_message.hpp"
#include "detector/kernel/rtnl.hpp"

namespace sidestep {

/// A route that could not be installed.
struct RouteRefusal {
    RouteKey key;
    Error why;
};

/// Our routes in one network namespace. Destroying the object leaves them in place; remove_all() removes them.
class InstalledRoutes {
  public:
    static Result<InstalledRoutes> open();

    /// Installs a route and reads it back. If a route of ours has the same prefix and metric, it is replaced in one
    /// step, or left alone if it is equal; if the route belongs to somebody else, the error names its owner. So it is
    /// with a SID that is somebody else's, whatever the metric. A route that reads back differently is removed again and
    /// reported as an error.
    ///
    /// The kernel drops the routes of an interface that goes down: see missing().
    Result<void> add(const RouteSpec& spec);
    /// The same for many routes, with one dump of the tables. Tries all of them, and returns those that were refused.
    Result<std::vector<RouteRefusal>> add_all(std::span<const RouteSpec> specs);
    /// The same, but returns the first refusal as an error.
    Result<void> add(std::span<const RouteSpec> specs);
    /// Removes our route with this prefix and metric. No error if there is none.
    Result<void> remove(const RouteSpec& spec);
    /// Removes all our routes except those with the prefix and metric of one in `keep`.
    Result<void> remove_leftovers(std::span<const RouteSpec> keep);
    Result<void> remove_all();
    /// How many routes of ours there are.
    Result<std::size_t> count();

    /// The routes of `wanted` that are not in the kernel, or are different there.
    Result<std::vector<RouteSpec>> missing(std::span<const RouteSpec> wanted);

  private:
    explicit InstalledRoutes(Rtnl rtnl) : rtnl_(std::move(rtnl)) {}
    using Routes = std::map<RouteKey, SeenRoute>;

    /// Our routes, as the kernel has them.
    Result<Routes> ours();
    /// What was there already, once it had to be asked for.
    struct Before {
        std::optional<Routes> ours;
        std::optional<Routes> others;
    };
    Result<void> install(const RouteSpec& spec, Before& before);
    /// An error if a SID is somebody else's.
    Result<void> nobody_elses(const RouteSpec& spec);
    Result<void> replace(const RouteSpec& spec, Before& before);
    /// Somebody else's route with this prefix and metric.
    std::optional<SeenRoute> other_at(const RouteKey& key, Before& before);
    Result<void> check(std::span<const RouteSpec> specs, std::vector<RouteRefusal>& refused);
    Result<void> remove(const SeenRoute& route);

    Rtnl rtnl_;
};

}  // namespace sidestep
