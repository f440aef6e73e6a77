// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Asks the kernel which way a packet would take, as `ip route get` does, or by which route, as with `fibmatch`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/address.hpp"
#include "common/error.hpp"
#include "detector/kernel/rtnl.hpp"

namespace sidestep {

struct FibAnswer {
    std::string type = "unicast";  ///< or local, blackhole, unreachable, prohibit ...
    std::string interface {};      ///< empty: none
    int ifindex = 0;
    std::optional<Address> gateway{};
    std::uint32_t table = 0;
    unsigned protocol = 0;  ///< who made the route (rtnetlink(7))

    // Of the route rather than of the way: match_route() only.
    Prefix prefix{};
    std::uint32_t metric = 0;
    bool ours = false;    ///< is_ours()
    bool is_sid = false;  ///< a seg6local route
};

/// In the network namespace of this thread. An error says why there is no route.
Result<FibAnswer> look_up_route(const Address& destination);

/// The route that a packet from this node to `destination` takes, through all rules and tables; none if there is no route.
/// A blackhole and its kin are routes, too, if the kernel tells them.
std::optional<FibAnswer> match_route(Rtnl& rtnl, const Address& destination);

/// "fd00:a::/48 dev lo proto kernel metric 256", "anycast fd00:a::/128 dev lo proto kernel metric 0 table local".
std::string describe(const FibAnswer& answer);

}  // namespace sidestep
