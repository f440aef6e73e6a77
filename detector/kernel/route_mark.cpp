// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/kernel/route_mark.hpp"

#include <linux/icmpv6.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>

namespace sidestep {

static_assert(kRouteProtocol == RTPROT_KERNEL && kRouteScope == RT_SCOPE_SITE);

bool is_ours(const rtmsg& route, nlattr* preference) {
    if (route.rtm_protocol == kFormerProtocol) return true;
    if (route.rtm_protocol != kRouteProtocol || route.rtm_type != RTN_UNICAST) return false;
    if (route.rtm_family == AF_INET6) return preference != nullptr && nla_get_u8(preference) == ICMPV6_ROUTER_PREF_LOW;
    return route.rtm_family == AF_INET && route.rtm_scope == kRouteScope;
}

void put_mark(nl_msg* message, const Prefix& prefix) {
    if (!prefix.address.is_v4()) nla_put_u8(message, RTA_PREF, ICMPV6_ROUTER_PREF_LOW);
}

}  // namespace sidestep
