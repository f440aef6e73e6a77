// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The routes that Sidestep installs, to rtnetlink messages and back. libnl's route objects know no seg6local and no bpf
// encapsulation and would drop it silently, so attributes are put and read one by one.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "common/address.hpp"
#include "detector/kernel/rtnl.hpp"

namespace sidestep {

/// rtm_protocol of all our routes, and of no others in this network namespace: what carries it is ours to remove. Not
/// in the kernel's list, nor used by FRR or BIRD.
inline constexpr unsigned char kRouteProtocol = 86;

/// A prefix led into the policy device.
struct DeviceRoute {
    Prefix prefix;
    int ifindex = 0;
    unsigned metric = 0;  ///< 0: the kernel's default, which is 1024 for IPv6
};

/// Where a program runs: `in` sees forwarded packets, `xmit` forwarded and local ones.
enum class ProgramHook : unsigned char { in, xmit };

/// A prefix whose packets pass a program (`encap bpf`), and then go on to the gateway.
struct ProgramRoute {
    Prefix prefix;
    ProgramHook hook = ProgramHook::in;
    int program_fd = -1;           ///< loaded, of type LWT_IN or LWT_XMIT
    unsigned program_id = 0;       ///< of that descriptor; filled in by InstalledRoutes
    std::optional<Address> via{};  ///< IPv6 also for an IPv4 prefix (RFC 5549); none: the prefix is on the link
    int ifindex = 0;
    unsigned metric = 0;
    unsigned mtu = 0;  ///< what the kernel tells senders of larger packets; 0: the interface's
};

/// A SID of this node that the kernel processes (seg6local).
struct SidRoute {
    Prefix sid;
    std::optional<Address> neighbor{};  ///< End.X to this one; none: End
    int neighbor_ifindex = 0;           ///< where a link-local neighbor is
    bool psp = false;                   ///< kernels have it for End only
    bool next_csid = false;
    unsigned block_bits = 32;     ///< of NEXT-C-SID
    unsigned function_bits = 16;  ///< of NEXT-C-SID
    int ifindex = 0;              ///< the policy device; `lo` is refused, packets to SIDs there get lost
    unsigned metric = 0;
};

using RouteSpec = std::variant<DeviceRoute, ProgramRoute, SidRoute>;

/// What tells routes of one table from one another.
struct RouteKey {
    Prefix prefix;
    unsigned metric = 0;

    auto operator<=>(const RouteKey&) const = default;  // NOLINT(modernize-use-nullptr): what it expands to
};

RouteKey key_of(const RouteSpec& spec);

/// RTM_NEWROUTE for the main table; `flags` beside NLM_F_REQUEST and NLM_F_CREATE.
NlMessage new_route(const RouteSpec& spec, int flags);
/// RTM_DELROUTE that matches routes of ours only.
NlMessage delete_route(const RouteKey& key);
/// A dump of routes of this family; of ours only, where the kernel can filter.
NlMessage dump_routes(int family, bool ours_only);

/// A route as the kernel tells about it.
struct SeenRoute {
    RouteKey key;
    unsigned char protocol = 0;
    std::string text;  ///< all that we ask for, spelled as by describe()
};

/// None if the message is no IPv4 or IPv6 route of the main table.
std::optional<SeenRoute> seen_route(nlmsghdr* header);

/// "2001:db8::/48 metric 5 dev 7 via fe80::1 encap bpf in sidestep-12": what a SeenRoute has to be equal to.
std::string describe(const RouteSpec& spec);
/// "kernel", "zebra" or, for numbers without a name, "protocol 99".
std::string protocol_name(unsigned char protocol);

}  // namespace sidestep
