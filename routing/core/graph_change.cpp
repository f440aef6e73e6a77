// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Pairs links of two graphs: first those equal in everything, last those equal only in their ends.
#include "routing/core/graph_change.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <utility>

namespace sidestep::routing {
namespace {

bool is_anycast(const Graph& graph, LinkId link) {
    const auto& ends = graph.link(link).ends;
    return graph.node(ends[0]).kind == NodeKind::anycast || graph.node(ends[1]).kind == NodeKind::anycast;
}

/// A link in a form that both graphs share: the end with the smaller name comes first.
struct Named {
    LinkId link;
    std::array<Metric, 2> metrics;
};
using Ends = std::pair<std::string, std::string>;
using ByEnds = std::map<Ends, std::vector<Named>>;

ByEnds links_of(const Graph& graph) {
    ByEnds result;
    for (LinkId id = 0; id < graph.link_count(); ++id) {
        const auto& link = graph.link(id);
        Ends ends{graph.node(link.ends[0]).name, graph.node(link.ends[1]).name};
        auto metrics = link.metrics;
        if (ends.second < ends.first) {
            std::swap(ends.first, ends.second);
            std::swap(metrics[0], metrics[1]);
        }
        result[std::move(ends)].push_back({.link = id, .metrics = metrics});
    }
    return result;
}

class Comparison {
  public:
    Comparison(const Graph& old, const Graph& fresh) : old_(old), fresh_(fresh) {}

    GraphChange run() {
        compare_nodes();
        const auto before = links_of(old_);
        auto after = links_of(fresh_);
        for (const auto& [ends, links] : before) pair_up(links, std::exchange(after[ends], {}));
        for (const auto& [ends, links] : after) pair_up({}, links);
        return std::move(change_);
    }

  private:
    void compare_nodes() {
        for (const auto& node : old_.nodes()) {
            const auto found = fresh_.find_node(node.name);
            if (!found) continue;  // its links are gone
            const auto& other = fresh_.node(*found);
            const auto face = [](const Node& it) { return std::tie(it.kind, it.overload, it.locator); };
            if (face(node) != face(other)) change_.nodes = true;
        }
    }

    /// The links between two nodes before and after.
    void pair_up(std::vector<Named> before, std::vector<Named> after) {
        const auto same_id = [this](const Named& a, const Named& b) {
            return old_.link(a.link).id == fresh_.link(b.link).id;
        };
        const auto same_metrics = [](const Named& a, const Named& b) { return a.metrics == b.metrics; };
        match(before, after, [&](const Named& a, const Named& b) { return same_id(a, b) && same_metrics(a, b); });
        match(before, after, same_metrics);
        match(before, after, same_id);
        for (const auto& link : before)
            (is_anycast(old_, link.link) ? change_.left_anycast : change_.gone).push_back(link.link);
        for (const auto& link : after)
            (is_anycast(fresh_, link.link) ? change_.joined_anycast : change_.came).push_back(link.link);
    }

    /// Removes pairs that are equal by this rule from both, and notes their difference in metrics.
    template <typename Same>
    void match(std::vector<Named>& before, std::vector<Named>& after, const Same& same) {
        std::erase_if(before, [&](const Named& link) {
            const auto found = std::ranges::find_if(after, [&](const Named& other) { return same(link, other); });
            if (found == after.end()) return false;
            const auto& [now, metrics] = *found;
            if (metrics[0] > link.metrics[0] || metrics[1] > link.metrics[1]) change_.raised.push_back(link.link);
            if (metrics[0] < link.metrics[0] || metrics[1] < link.metrics[1]) change_.cut.push_back(now);
            after.erase(found);
            return true;
        });
    }

    const Graph& old_;
    const Graph& fresh_;
    GraphChange change_;
};

bool touches(const Graph& graph, LinkId link, NodeId node) {
    const auto& ends = graph.link(link).ends;
    return ends[0] == node || ends[1] == node;
}

bool in_group(const Graph& graph, LinkId link, Srlg srlg) {
    return std::ranges::find(graph.link(link).srlgs, srlg) != graph.link(link).srlgs.end();
}

}  // namespace

GraphChange compare(const Graph& old, const Graph& fresh) {
    return Comparison(old, fresh).run();
}

bool local_failure(const Graph& old, NodeId plr, const GraphChange& change, Protect protect) {
    if (change.nodes || !change.came.empty() || !change.cut.empty() || !change.raised.empty()) return false;
    const auto own = std::ranges::find_if(change.gone, [&](LinkId link) { return touches(old, link, plr); });
    if (own == change.gone.end()) return false;
    if (change.gone.size() == 1) return true;
    if (protect == Protect::node) {
        const auto& ends = old.link(*own).ends;
        const auto neighbor = ends[0] == plr ? ends[1] : ends[0];
        const auto of_neighbor = [&](LinkId link) { return touches(old, link, neighbor); };
        if (std::ranges::all_of(change.gone, of_neighbor)) return true;
    }
    return std::ranges::any_of(old.link(*own).srlgs, [&](Srlg srlg) {
        const bool counts = protect == Protect::srlg || srlg >= kFirstLan;
        return counts && std::ranges::all_of(change.gone, [&](LinkId link) { return in_group(old, link, srlg); });
    });
}

}  // namespace sidestep::routing
