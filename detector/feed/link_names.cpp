// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Matches in four passes, from the most to the least exact name; each adjacency is matched once.
#include "detector/feed/link_names.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <set>

#include <fmt/format.h>

namespace sidestep {
namespace {

using routing::Graph;
using routing::Hop;
using routing::NodeId;

class Matcher {
  public:
    Matcher(const Graph& graph, NodeId plr, const std::vector<AdjacencyConfig>& adjacencies)
        : graph_(graph), plr_(plr), adjacencies_(adjacencies) {
        std::map<NodeId, unsigned> seen;
        for (const auto& hop : graph.hops(plr)) {
            if (graph.node(hop.neighbor).kind == routing::NodeKind::anycast) continue;
            links_.push_back({.hop = hop, .rank = ++seen[hop.neighbor]});
        }
    }

    LinkNames run() {
        assign([this](const auto& adjacency, const Link& link) {
            return !interface(link).empty() && adjacency.interface == interface(link);
        });
        assign([this](const auto& adjacency, const Link& link) { return name_of(adjacency) == id(link); });
        assign([this](const auto& adjacency, const Link& link) { return spells(adjacency, link, suffix(link)); });
        assign([this](const auto& adjacency, const Link& link) { return spells(adjacency, link, ""); });
        for (const auto& link : links_) {
            // Links to hosts need none, since no path leads on from there.
            const bool needed = graph_.node(link.hop.neighbor).kind != routing::NodeKind::host;
            if (needed && !result_.adjacency.contains(link.hop.arc)) result_.unclaimed.push_back(id(link));
        }
        return std::move(result_);
    }

  private:
    struct Link {
        Hop hop;
        unsigned rank;  ///< among the links to the same neighbor, from 1
    };
    using Rule = std::function<bool(const AdjacencyConfig& adjacency, const Link& link)>;

    void assign(const Rule& fits) {
        for (const auto& link : links_) {
            if (result_.adjacency.contains(link.hop.arc)) continue;
            const auto found = std::ranges::find_if(adjacencies_, [&](const AdjacencyConfig& adjacency) {
                return !taken_.contains(adjacency.name) && fits(adjacency, link);
            });
            if (found == adjacencies_.end()) continue;
            taken_.insert(found->name);
            result_.adjacency.emplace(link.hop.arc, found->name);
        }
    }

    [[nodiscard]] static const std::string& name_of(const AdjacencyConfig& adjacency) {
        return adjacency.link.empty() ? adjacency.name : adjacency.link;
    }
    [[nodiscard]] const std::string& interface(const Link& link) const {
        return graph_.link(routing::link_of(link.hop.arc)).interfaces[link.hop.arc & 1U];
    }
    [[nodiscard]] const std::string& id(const Link& link) const {
        return graph_.link(routing::link_of(link.hop.arc)).id;
    }
    [[nodiscard]] static std::string suffix(const Link& link) {
        return link.rank == 1 ? "" : fmt::format(".{}", link.rank);
    }
    [[nodiscard]] bool spells(const AdjacencyConfig& adjacency, const Link& link, const std::string& suffix) const {
        const auto& name = name_of(adjacency);
        const auto& self = graph_.node(plr_).name;
        const auto& neighbor = graph_.node(link.hop.neighbor).name;
        return name == neighbor + suffix || name == self + "-" + neighbor + suffix ||
               name == neighbor + "-" + self + suffix;
    }

    const Graph& graph_;
    NodeId plr_;
    const std::vector<AdjacencyConfig>& adjacencies_;
    std::vector<Link> links_;
    std::set<std::string> taken_;
    LinkNames result_;
};

}  // namespace

LinkNames match_links(const Graph& graph, NodeId plr, const std::vector<AdjacencyConfig>& adjacencies) {
    std::vector<AdjacencyConfig> usable;
    std::ranges::copy_if(adjacencies, std::back_inserter(usable),
                         [](const AdjacencyConfig& adjacency) { return !adjacency.neighbor.is_v4(); });
    return Matcher(graph, plr, usable).run();
}

}  // namespace sidestep
