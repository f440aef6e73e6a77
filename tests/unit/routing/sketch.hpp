// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Graphs for tests in one line a link, so that a test reads like its drawing.
#pragma once

#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "routing/core/graph.hpp"
#include "routing/core/sids.hpp"

namespace sidestep::routing {

/// Links as "FROM TO METRIC" or "FROM TO METRIC/REVERSE", optionally followed by SRLGs; nodes are numbered as they
/// appear and get the locator fd00:0:<number + 1>::/48. A link's id is "FROM-TO", with ".2", ".3" for parallel ones.
struct Sketch {
    std::vector<std::string> links;
    std::set<std::string> overloaded = {};
    std::vector<std::string> prefixes = {};  ///< "NODE PREFIX"

    [[nodiscard]] Graph graph() const {
        Graph graph;
        for (const auto& line : links) {
            std::istringstream words(line);
            std::string from;
            std::string to;
            std::string metrics;
            words >> from >> to >> metrics;
            Link link;
            link.ends = {node(graph, from), node(graph, to)};
            const auto slash = metrics.find('/');
            link.metrics[0] = static_cast<Metric>(std::stoul(metrics));
            link.metrics[1] = slash == std::string::npos ? link.metrics[0]
                                                         : static_cast<Metric>(std::stoul(metrics.substr(slash + 1)));
            for (Srlg srlg = 0; words >> srlg;) link.srlgs.push_back(srlg);
            link.id = from + "-" + to;
            for (int n = 2; graph.find_link(link.id); ++n) link.id = fmt::format("{}-{}.{}", from, to, n);
            link.functions.fill(link_function(graph.link_count()));
            graph.add_link(std::move(link));
        }
        graph.attach_anycast();
        graph.freeze();
        return graph;
    }

  private:
    [[nodiscard]] NodeId node(Graph& graph, const std::string& name) const {
        if (const auto known = graph.find_node(name)) return *known;
        Node node;
        node.name = name;
        node.overload = overloaded.contains(name);
        node.locator = Prefix::parse(fmt::format("fd00:0:{:x}::/48", graph.node_count() + 1));
        for (const auto& line : prefixes) {
            if (line.starts_with(name + " ")) node.prefixes.push_back(*Prefix::parse(line.substr(name.size() + 1)));
        }
        return graph.add_node(std::move(node));
    }
};

}  // namespace sidestep::routing
