// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// By what our routes are told from the kernel's and from those of others, since they have the protocol of the kernel's.
#pragma once

#include "common/address.hpp"

struct nl_msg;
struct nlattr;
struct rtmsg;

namespace sidestep {

/// rtm_protocol of our routes: RTPROT_KERNEL. Routing daemons leave such routes alone: they are no rivals of their own
/// ones, and not redistributed. What distinguishes ours from the kernel's is in is_ours()
/// (docs/decisions/0043-routes-like-the-kernels.md).
inline constexpr unsigned char kRouteProtocol = 2;
/// The protocol of our routes in builds before the first release: they are replaced or removed.
inline constexpr unsigned char kFormerProtocol = 86;

/// rtm_scope of our IPv4 routes: RT_SCOPE_SITE, which neither the kernel nor other programs use. It decides only which
/// gateways are reachable, and none is by our routes. IPv6 routes have no scope.
inline constexpr unsigned char kRouteScope = 200;

/// True for a route of ours. `preference` is RTA_PREF, or null: the kernel prefers its IPv6 routes medium, ours are low,
/// which matters only among routes of one metric. IPv4 routes have their scope.
bool is_ours(const rtmsg& route, nlattr* preference);

/// Adds what is_ours() looks for, apart from protocol and scope, to a message that installs a route.
void put_mark(nl_msg* message, const Prefix& prefix);

}  // namespace sidestep
