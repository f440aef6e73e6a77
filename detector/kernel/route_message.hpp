// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Converts the routes that Sidestep installs to rtnetlink messages and back. libnl's route objects do not know
// seg6local and bpf encapsulation and would drop it silently, so attributes are written and read one by one.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "common/address.hpp"
#include "detector/kernel/route_mark.hpp"
#include "detector/kernel/rtnl.hpp"

namespace sidestep {

/// A route that leads a prefix into the policy device.
struct DeviceRoute {
    Prefix prefix;
    int ifindex = 0;
    unsigned metric = 0;  ///< 0: the kernel's default, 1024 for IPv6
};

/// Where a program runs: `in` sees forwarded packets, `xmit` forwarded and local ones.
enum class ProgramHook : unsigned char { in, xmit };

/// A route whose packets pass a program (`encap bpf`) and then go on to the gateway.
struct ProgramRoute {
    Prefix prefix;
    ProgramHook hook = ProgramHook::in;
    int program_fd = -1;           ///< loaded, of type LWT_IN or LWT_XMIT
    unsigned program_id = 0;       ///< ID of program_fd; filled in by InstalledRoutes
    std::optional<Address> via{};  ///< may be IPv6 for an IPv4 prefix (RFC 5549); none: the prefix is on the link
    int ifindex = 0;
    unsigned metric = 0;
    unsigned mtu = 0;  ///< the MTU that the kernel reports to senders; 0: that of the interface
};

/// The metric of SIDs: it precedes what covers them with the same prefix, which is the locator on `lo` (256) or a route of
/// FRR (20).
inline constexpr unsigned kSidMetric = 5;

/// A SID of this node that the kernel processes (seg6local).
struct SidRoute {
    Prefix sid;
    std::optional<Address> neighbor{};  ///< for End.X; none: End
    int neighbor_ifindex = 0;           ///< the link of a link-local neighbor
    bool psp = false;                   ///< kernels support it for End only
    bool next_csid = false;
    unsigned block_bits = 32;     ///< of NEXT-C-SID
    unsigned function_bits = 16;  ///< of NEXT-C-SID
    int ifindex = 0;              ///< the policy device; `lo` is refused, because packets to SIDs on it are lost
    unsigned metric = kSidMetric;
};

using RouteSpec = std::variant<DeviceRoute, ProgramRoute, SidRoute>;

/// The key of a route within one table.
struct RouteKey {
    Prefix prefix;
    unsigned metric = 0;

    auto operator<=>(const RouteKey&) const = default;  // NOLINT(modernize-use-nullptr): the expansion of <=>
};

RouteKey key_of(const RouteSpec& spec);

/// RTM_NEWROUTE for the main table, with `flags` in addition to NLM_F_REQUEST and NLM_F_CREATE.
NlMessage new_route(const RouteSpec& spec, int flags);
/// RTM_DELROUTE for the main table. Only for a route that was seen to be ours: the kernel's own have the same protocol.
NlMessage delete_route(const RouteKey& key, unsigned char protocol = kRouteProtocol);
/// A dump of the routes of one family; with a protocol, only of those, if the kernel can filter.
NlMessage dump_routes(int family, unsigned char protocol = 0);

/// A route as the kernel reports it.
struct SeenRoute {
    RouteKey key;
    unsigned char protocol = 0;
    bool ours = false;
    std::string text;  ///< everything that we set, spelled as by describe(); of a former version, it differs
};

/// Asks for the way of packets to `destination`; with RTM_F_FIB_MATCH, for the route that they take, as it is in the tables.
NlMessage ask_route(const Address& destination, unsigned flags);

/// None if the message is not an IPv4 or IPv6 route of the main table.
std::optional<SeenRoute> seen_route(nlmsghdr* header);

/// "2001:db8::/48 metric 5 dev 7 via fe80::1 encap bpf in sidestep-12": the text that a SeenRoute must equal.
std::string describe(const RouteSpec& spec);
/// "kernel", "zebra" or, for a number without a name, "protocol 99".
std::string protocol_name(unsigned char protocol);

}  // namespace sidestep
