// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// From a topology file.
#include <map>
#include <set>

#include <fmt/format.h>

#include "bpf/abi/sidestep.h"
#include "doctor/proposal.hpp"

namespace sidestep {
namespace {

using routing::NodeKind;

struct Ends {
    std::size_t own;
    std::size_t peer;
};

/// "to-B"; parallel links "to-B", "to-B-2"..., as labs have them.
std::string interface_of(const routing::Link& link, std::size_t end, const std::string& peer,
                         std::map<std::string, int>& used) {
    const int number = ++used[peer];
    if (!link.interfaces[end].empty()) return link.interfaces[end];
    return number == 1 ? "to-" + peer : fmt::format("to-{}-{}", peer, number);
}

/// The source addresses of all nodes, or the smallest blocks with them that are few enough for a configuration:
/// customers may have prefixes next to them.
std::vector<Prefix> domain_of(const routing::Graph& graph) {
    std::set<Prefix> blocks;
    for (const unsigned bits : {128U, 64U, 48U, 32U, 16U, 8U}) {
        blocks.clear();
        for (const auto& node : graph.nodes()) {
            if (node.loopback) blocks.insert(Prefix::covering(*node.loopback, static_cast<std::uint8_t>(bits)));
        }
        if (blocks.size() <= SS_MAX_DOMAIN) break;
    }
    return {blocks.begin(), blocks.end()};
}

}  // namespace

Result<Proposal> propose(const routing::Graph& graph, routing::NodeId node, const std::string& path) {
    const auto& self = graph.node(node);
    Proposal proposal{.node = self.name};
    if (self.kind != NodeKind::router) return fail(self.name + " is no router: only routers run sidestepd");
    if (!self.loopback) return fail(self.name + " has no `loopback`, which is where its probes come from");
    proposal.source = *self.loopback;
    proposal.source_origin = "its loopback";
    proposal.routing = fmt::format(R"({{topology: "{}", node: "{}"}})", path, self.name);
    proposal.domain = domain_of(graph);
    std::map<std::string, int> used;
    for (const auto& link : graph.links()) {
        if (link.ends[0] != node && link.ends[1] != node) continue;
        const auto ends = link.ends[0] == node ? Ends{0, 1} : Ends{1, 0};
        const auto& peer = graph.node(link.ends[ends.peer]);
        if (peer.kind == NodeKind::anycast) continue;
        const auto interface = interface_of(link, ends.own, peer.name, used);
        const auto own = link.address(ends.own);
        const auto theirs = link.address(ends.peer);
        if (peer.kind == NodeKind::host) {
            proposal.ingress.push_back(interface);
        } else if (own && theirs) {
            proposal.links.push_back({.name = link.id,
                                      .interface = interface,
                                      .neighbor = *theirs,
                                      .return_address = *own,
                                      .gateways = {},
                                      .origin = "link " + link.id});
        } else {
            proposal.remarks.push_back(fmt::format(
                "link {} has no `subnet`, so its addresses are not known: add it to `adjacencies`", link.id));
        }
    }
    if (proposal.links.empty()) return fail(self.name + " has no link with a `subnet` to another router");
    return proposal;
}

}  // namespace sidestep
