// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The plan of a lab, before anything exists. Pure: turns a topology into names, indexes and addresses, and into the
// text of one `ip -batch` per node. The batches name no namespace, so they also serve namespaces that someone else
// created.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/address.hpp"
#include "common/error.hpp"
#include "routing/core/graph.hpp"

namespace sidestep::topo {

/// The metric of every static route of a lab: a test overrides one by a route with a smaller metric.
inline constexpr int kRouteMetric = 100;
/// The device of a node's SIDs (an empty bridge).
inline constexpr std::string_view kSidDevice = "sr-sids";

/// One end of a link: an interface of a node.
struct InterfacePlan {
    routing::LinkId link = 0;
    std::string name;  ///< "to-B"; parallel links "to-B", "to-B-2", ...
    int ifindex = 0;   ///< unique in the whole lab
    std::string mac;
    Address address;     ///< global, /64
    Address link_local;  ///< fixed, /64
    Prefix subnet;       ///< contains `address`
};

struct NodePlan {
    std::string name;
    bool router = true;
    Address address;  ///< where traffic of this node begins and ends: in its first IPv6 prefix, else its loopback
    std::optional<Address> address_v4;  ///< in its first IPv4 prefix
    std::vector<std::pair<std::string, std::string>>
        sysctls;        ///< path below /proc/sys and value; set before links exist
    std::string batch;  ///< for `ip -batch`, once all its interfaces exist
};

struct Plan {
    std::vector<NodePlan> nodes;                      ///< by routing::NodeId; anycast nodes have an empty name
    std::vector<std::array<InterfacePlan, 2>> links;  ///< by routing::LinkId and end; anycast links have empty names
};

/// Fails where a name is too long for an interface or two names clash, or where a node has no address at all.
Result<Plan> make_plan(const routing::Graph& graph);

/// The line of `ip -batch` that creates the veth pair of a link between these namespaces, one per end.
std::string creation_line(const std::array<InterfacePlan, 2>& link, const std::string& first,
                          const std::string& second);

/// The `ip -batch` that creates the veth pairs in these namespaces (by routing::NodeId, names as in `ip netns`).
std::string creation_batch(const Plan& plan, const routing::Graph& graph, const std::vector<std::string>& namespaces);

/// An address within a locator for a loopback, so that a routing protocol that knows no locators announces it: no SID
/// of the plan.
Prefix announced_locator(const Prefix& locator);

}  // namespace sidestep::topo
