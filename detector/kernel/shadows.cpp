// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/kernel/shadows.hpp"

#include <linux/rtnetlink.h>

#include <fmt/format.h>

#include "common/last_address.hpp"

namespace sidestep {
namespace {

/// What the operator can do about it.
std::string advice(const FibAnswer& found, const Prefix& ours) {
    if (found.type == "anycast") {
        return fmt::format(
            "it is the subnet-router anycast address of an address of this node in {}; give that address the length "
            "128, unless FRR announces its locator by it",
            ours.to_string());
    }
    if (found.table == RT_TABLE_LOCAL) return "it is an address of this node; use another SID, or another address";
    if (found.table != RT_TABLE_MAIN) return "a rule leads there (`ip -6 rule`, `ip rule`) before the main table";
    return found.prefix == ours ? "its metric is better" : "our route is not used";
}

}  // namespace

std::vector<Address> asked_for(const RouteSpec& spec) {
    const auto prefix = key_of(spec).prefix;
    if (!std::holds_alternative<SidRoute>(spec)) {
        const auto host = last_host(prefix);
        return host ? std::vector{*host} : std::vector<Address>();
    }
    return prefix.length == 128 ? std::vector{prefix.address} : std::vector{last_address(prefix), prefix.address};
}

std::string shadow(const RouteSpec& spec, const Address& destination, const std::optional<FibAnswer>& found) {
    const auto prefix = key_of(spec).prefix;
    if (!found) {
        return fmt::format("is not used: packets to {} have no route; a rule forbids them, or leads to another table",
                           destination.to_string());
    }
    if (found->ours) return {};
    const bool more_specific = found->prefix.length > prefix.length;
    const bool is_the_sid = std::holds_alternative<SidRoute>(spec) && destination == prefix.address;
    if (more_specific && (!is_the_sid || found->is_sid)) return {};
    return fmt::format("is not used: packets to {} take the route {}: {}", destination.to_string(), describe(*found),
                       advice(*found, prefix));
}

std::string find_shadow(Rtnl& rtnl, const RouteSpec& spec) {
    for (const auto& destination : asked_for(spec)) {
        auto text = shadow(spec, destination, match_route(rtnl, destination));
        if (!text.empty()) return text;
    }
    return {};
}

}  // namespace sidestep
