// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Pairs the reports of both ends of each link.
#include "routing/core/isis_graph.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "routing/core/sids.hpp"

namespace sidestep::routing {
namespace {

class Converter {
  public:
    Converter(const IsisDatabase& database, const LocatorPlan& plan) : database_(database), plan_(plan) {}

    IsisGraph run() {
        for (const auto& node : database_.nodes) {
            if (node.id.pseudonode == 0) {
                add_node(node);
            } else {
                lans_.emplace(node.id, &node);
            }
        }
        collect_reports();
        add_links();
        number_adjacencies();
        auto& graph = result_.graph;
        for (auto& link : links_) graph.add_link(std::move(link));
        graph.attach_anycast();
        graph.freeze();
        return std::move(result_);
    }

  private:
    void add_node(const IsisNode& isis) {
        Node node;
        node.name = result_.graph.find_node(isis.name) ? isis.id.system : isis.name;
        node.overload = isis.overload;
        for (const auto& prefix : isis.prefixes) {
            if (prefix.length == plan_.length && plan_.block.contains(prefix) && !node.locator) {
                node.locator = prefix;
            } else if (prefix.length == 128 && !prefix.address.is_v4() && !node.loopback) {
                node.loopback = prefix.address;
            } else if (std::find(node.prefixes.begin(), node.prefixes.end(), prefix) == node.prefixes.end()) {
                node.prefixes.push_back(prefix);
            }
        }
        if (!node.locator) warn("{} announces no locator of the plan: no segment can end there", node.name);
        if (node.locator && !locators_.insert(*node.locator).second) {
            warn("{} announces the locator of another router: ignored", node.name);
            node.locator.reset();
        }
        const auto id = result_.graph.add_node(std::move(node));
        nodes_.emplace(isis.id.system, id);
        if (isis.id.system == database_.self) result_.self = id;
    }

    /// Fills reports_ with each router's reports about the others, over links and LANs.
    void collect_reports() {
        for (const auto& isis : database_.nodes) {
            if (isis.id.pseudonode != 0) continue;
            const auto from = nodes_.at(isis.id.system);
            for (const auto& neighbor : isis.neighbors) {
                if (neighbor.id.pseudonode != 0) {
                    collect_lan(from, isis.id.system, neighbor);
                } else if (const auto to = nodes_.find(neighbor.id.system); to != nodes_.end()) {
                    reports_[{from, to->second}].push_back(neighbor.metric);
                } else {
                    warn("{} reports {}, which is not in the database", result_.graph.node(from).name,
                         neighbor.id.system);
                }
            }
        }
    }

    void collect_lan(NodeId from, const std::string& system, const IsisNeighbor& lan) {
        const auto found = lans_.find(lan.id);
        if (found == lans_.end()) return;
        const auto& members = found->second->neighbors;
        const auto is = [](const std::string& wanted) {
            return [&](const IsisNeighbor& member) { return member.id.system == wanted; };
        };
        if (std::none_of(members.begin(), members.end(), is(system))) return;
        for (const auto& member : members) {
            const auto to = nodes_.find(member.id.system);
            if (to != nodes_.end() && to->second != from) reports_[{from, to->second}].push_back(lan.metric);
        }
    }

    void add_links() {
        for (auto& [ends, metrics] : reports_) {
            const auto [from, to] = ends;
            const auto other = reports_.find({to, from});
            const auto back = other == reports_.end() ? 0 : other->second.size();
            if (metrics.size() > back) {
                warn("{} reports {} more link(s) to {} than {} does: left out", result_.graph.node(from).name,
                     metrics.size() - back, result_.graph.node(to).name, result_.graph.node(to).name);
            }
            if (back == 0 || from > to) continue;
            std::sort(metrics.begin(), metrics.end());
            std::sort(other->second.begin(), other->second.end());
            for (std::size_t i = 0; i < std::min(metrics.size(), back); ++i) {
                Link link;
                link.id = fmt::format("{}-{}", result_.graph.node(from).name, result_.graph.node(to).name);
                if (i > 0) link.id += fmt::format(".{}", i + 1);
                link.ends = {from, to};
                // A metric of 0 is legal in IS-IS and would make paths of equal cost loop: it counts as 1.
                link.metrics = {std::max<Metric>(metrics[i], 1), std::max<Metric>(other->second[i], 1)};
                links_.push_back(std::move(link));
            }
        }
    }

    /// End.X numbers, unless two neighbors of a node would get the same.
    void number_adjacencies() {
        std::map<std::pair<NodeId, std::uint16_t>, NodeId> taken;
        std::set<std::pair<NodeId, std::uint16_t>> ambiguous;
        const auto number = [&](NodeId neighbor) {
            const auto& locator = result_.graph.node(neighbor).locator;
            return locator ? neighbor_function(*locator) : std::nullopt;
        };
        for (const auto& link : links_) {
            for (std::size_t end = 0; end < 2; ++end) {
                const auto neighbor = link.ends[end ^ 1U];
                const auto function = number(neighbor);
                if (!function) continue;
                const auto [entry, fresh] = taken.emplace(std::pair(link.ends[end], *function), neighbor);
                if (!fresh && entry->second != neighbor) ambiguous.insert(entry->first);
            }
        }
        for (auto& link : links_) {
            for (std::size_t end = 0; end < 2; ++end) {
                const auto function = number(link.ends[end ^ 1U]);
                if (function && !ambiguous.contains({link.ends[end], *function})) link.functions[end] = function;
            }
        }
        for (const auto& [node, function] : ambiguous) {
            warn("two neighbors of {} share the End.X number {:#x}: no adjacency segments to them",
                 result_.graph.node(node).name, function);
        }
    }

    template <typename... Args>
    void warn(fmt::format_string<Args...> format, Args&&... args) {
        result_.warnings.push_back(fmt::format(format, std::forward<Args>(args)...));
    }

    const IsisDatabase& database_;
    LocatorPlan plan_;
    IsisGraph result_;
    std::map<std::string, NodeId> nodes_;     // by system ID
    std::map<IsisId, const IsisNode*> lans_;  // pseudonodes
    std::set<Prefix> locators_;
    std::map<std::pair<NodeId, NodeId>, std::vector<Metric>> reports_;
    std::vector<Link> links_;
};

}  // namespace

IsisGraph graph_of(const IsisDatabase& database, const LocatorPlan& plan) {
    return Converter(database, plan).run();
}

}  // namespace sidestep::routing
