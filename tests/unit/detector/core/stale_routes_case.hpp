// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Routes over B and C, neighbors with bypasses in slots 2 and 3, on interfaces of these numbers; and over X, one without.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "bpf/abi/sidestep.h"
#include "detector/core/stale_routes.hpp"

namespace sidestep::stale {

using namespace std::chrono_literals;

inline const Prefix kD = *Prefix::parse("2001:db8:d::/48");
inline const Prefix kE = *Prefix::parse("2001:db8:e::/48");
inline const Prefix kFour = *Prefix::parse("10.4.0.0/16");
inline const Prefix kInFour = *Prefix::parse("10.4.1.0/24");
inline const Prefix kAllFour = *Prefix::parse("0.0.0.0/0");
inline const RouteHop kB{.ifindex = 2, .gateway = *Address::parse("fe80::b")};
inline const RouteHop kC{.ifindex = 3, .gateway = *Address::parse("fe80::c")};
inline const RouteHop kX{.ifindex = 9, .gateway = *Address::parse("fe80::1")};
inline const StaleClaim kByB{.slot = 2, .unrouted = true};
inline const StaleClaim kByC{.slot = 3, .unrouted = true};
inline const StaleClaim kByBFirst{.slot = 2, .unrouted = false};
inline const StaleClaim kLeft{.slot = SS_POLICY_NONE, .unrouted = false};

inline RouteChange route(const Prefix& prefix, std::vector<RouteHop> hops, unsigned metric = 20) {
    return {.prefix = prefix, .metric = metric, .hops = std::move(hops), .gone = false};
}

inline RouteChange gone(const Prefix& prefix, std::vector<RouteHop> hops, unsigned metric = 20) {
    return {.prefix = prefix, .metric = metric, .hops = std::move(hops), .gone = true};
}

inline RouteChange in_table(RouteChange change, std::uint32_t table) {
    change.table = table;
    return change;
}

inline RouteChange by_object(const Prefix& prefix, std::uint32_t nexthop) {
    return {.prefix = prefix, .metric = 20, .hops = {}, .nexthop = nexthop};
}

class StaleRoutesTest : public testing::Test {
  protected:
    void down(int ifindex, Nanoseconds now) { memory_.on_link({.ifindex = ifindex, .ignored = {}}, now); }
    void up(int ifindex, Nanoseconds now) {
        memory_.on_link({.ifindex = ifindex, .up = true, .running = true, .ignored = {}}, now);
    }
    void without_carrier(int ifindex, LinkdownIgnored ignored, Nanoseconds now) {
        memory_.on_link({.ifindex = ifindex, .up = true, .running = false, .ignored = ignored}, now);
    }
    [[nodiscard]] const std::map<Prefix, StaleClaim>& claims() const { return memory_.claims(); }

    StaleRoutes memory_{[](const RouteHop& hop) { return hop == kB   ? 2U
                                                         : hop == kC ? 3U
                                                                     : SS_POLICY_EXEMPT; }, 100,
                        100};
};

}  // namespace sidestep::stale
