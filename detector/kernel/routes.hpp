// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What Sidestep has put into the kernel's main tables. There is no list beside them: a route is ours by its protocol,
// so that a successor finds what a killed process left.
#pragma once

#include <span>
#include <vector>

#include "common/error.hpp"
#include "detector/kernel/route_message.hpp"
#include "detector/kernel/rtnl.hpp"

namespace sidestep {

/// Our routes of one network namespace. Destroying the object leaves them where they are; remove_all() takes them away.
class InstalledRoutes {
  public:
    static Result<InstalledRoutes> open();

    /// Installs a route and reads it back. One of ours with its prefix and metric is replaced at once, or left as it is
    /// if it does the same; one of somebody else's is an error that names its owner. What the kernel did not take as it
    /// was asked for is removed again, and an error.
    ///
    /// The kernel drops routes of an interface that goes down: see missing().
    Result<void> add(const RouteSpec& spec);
    /// The same for many, with one look at the tables instead of one for each. The first error, after all the others
    /// were tried.
    Result<void> add(std::span<const RouteSpec> specs);
    /// Removes the route of ours with this prefix and metric. No error if there is none.
    Result<void> remove(const RouteSpec& spec);
    /// Removes all that is ours except what has prefix and metric of one of `keep`.
    Result<void> remove_leftovers(std::span<const RouteSpec> keep);
    Result<void> remove_all();

    /// Those of `wanted` that are not in the kernel, or not as they should be.
    Result<std::vector<RouteSpec>> missing(std::span<const RouteSpec> wanted);

  private:
    explicit InstalledRoutes(Rtnl rtnl) : rtnl_(std::move(rtnl)) {}
    Result<std::vector<SeenRoute>> seen(bool ours_only);
    Result<void> install(const RouteSpec& spec);
    Result<void> replace(const RouteSpec& spec);
    Result<void> check(std::span<const RouteSpec> specs);
    Result<void> remove(const RouteKey& key);

    Rtnl rtnl_;
};

}  // namespace sidestep
