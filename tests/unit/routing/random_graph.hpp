// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Seeded random graphs: small metrics for many equal-cost paths, parallel links, SRLGs, overload, hosts, anycast.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>

#include <fmt/format.h>

#include "routing/core/graph.hpp"
#include "routing/core/sids.hpp"

namespace sidestep::routing {

/// How many graphs to try, where `usual` are enough for every day.
inline std::uint32_t rounds(std::uint32_t usual) {
    return std::getenv("SIDESTEP_NIGHTLY") == nullptr ? usual : 20 * usual;
}

struct RandomGraph {
    std::size_t nodes = 20;
    double degree = 4;  ///< links per node, both ends counted
    Metric max_metric = 10;
    bool symmetric = true;
    bool odd_nodes = false;  ///< some overloaded nodes, hosts and a prefix of several owners, each at its metric
    Srlg srlgs = 0;          ///< number of groups; a third of the links are in one or two
    std::uint32_t seed = 1;

    /// A random spanning tree, then random links between different nodes, parallel ones allowed.
    [[nodiscard]] Graph graph() const {
        std::mt19937 random(seed);
        const auto below = [&](std::size_t bound) { return static_cast<std::uint32_t>(random() % bound); };
        Graph graph;
        for (std::size_t i = 0; i < nodes; ++i) {
            Node node;
            node.name = fmt::format("n{}", i);
            node.locator = Prefix::parse(fmt::format("fd00:0:{:x}::/48", i + 1));
            if (odd_nodes && below(10) == 0) node.overload = true;
            if (odd_nodes && below(12) == 0) node.kind = NodeKind::host;
            if (odd_nodes && below(6) == 0) node.prefixes.push_back(*Prefix::parse("2001:db8:53::/48"));
            graph.add_node(std::move(node));
        }
        const auto links = static_cast<std::size_t>(static_cast<double>(nodes) * degree / 2);
        for (std::size_t i = 1; i < nodes || i <= links; ++i) {
            const NodeId from = i < nodes ? static_cast<NodeId>(i) : below(nodes);
            const NodeId to = i < nodes ? below(i) : (from + 1 + below(nodes - 1)) % static_cast<NodeId>(nodes);
            Link link;
            link.id = fmt::format("l{}", i);
            link.ends = {from, to};
            link.metrics[0] = 1 + below(max_metric);
            link.metrics[1] = symmetric ? link.metrics[0] : 1 + below(max_metric);
            if (srlgs != 0 && below(3) == 0) {
                link.srlgs.push_back(below(srlgs));
                const auto second = below(srlgs);
                if (second > link.srlgs[0]) link.srlgs.push_back(second);
            }
            link.functions.fill(link_function(graph.link_count()));
            graph.add_link(std::move(link));
        }
        PrefixMetrics at_owners;
        for (NodeId id = 0; odd_nodes && id < nodes; ++id) {
            for (const auto& prefix : graph.node(id).prefixes)
                at_owners[{prefix, id}] = below(std::size_t{2} * max_metric);
        }
        graph.attach_anycast(at_owners);
        graph.freeze();
        return graph;
    }
};

}  // namespace sidestep::routing
