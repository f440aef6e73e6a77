// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `sidestep init`: a first configuration, from what this machine does already, or from a topology file. Pure. It says in
// comments where each value is from, so that whoever reads it knows what to look at.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "doctor/machine.hpp"
#include "routing/core/graph.hpp"

namespace sidestep {

struct ProposedLink {
    std::string name{};
    std::string interface {};
    Address neighbor{};
    Address return_address{};
    std::vector<Address> gateways{};  ///< other addresses of the neighbor
    std::string origin{};             ///< where this is from, for a comment
};

struct Proposal {
    std::string node{};
    Address source{};  ///< unspecified: there is none, and no link needs one
    std::string source_origin{};
    std::optional<Address> source_v4{};  ///< of probes by IPv4, if a link has such
    std::string source_v4_origin{};
    std::vector<ProposedLink> links{};
    std::vector<std::string> ingress{};
    std::string routing{};               ///< the value of `routing`; empty: there is no source
    std::vector<Prefix> domain{};        ///< where packets for SIDs of this node come from
    std::vector<std::string> remarks{};  ///< what was left out, and why
};

/// From interfaces, addresses, neighbors and routes: an adjacency for each neighbor that routes lead to, by IPv4 if there
/// is no IPv6 on its link. Fails if there is none, or no address to send from.
Result<Proposal> propose(const Machine& machine, const std::string& node = {});

/// From the network's graph: an adjacency for each link to another router. Interfaces are called to-NEIGHBOR unless the
/// graph knows better. `path` is where the file will be for the daemon.
Result<Proposal> propose(const routing::Graph& graph, routing::NodeId node, const std::string& path);

/// The configuration, with comments.
std::string to_yaml(const Proposal& proposal);

}  // namespace sidestep
