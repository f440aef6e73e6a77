// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Pairs the reports of both ends of each link.
#include "routing/core/isis_graph.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "routing/core/sids.hpp"

namespace sidestep::routing {
namespace {

using EndIds = std::pair<NodeId, NodeId>;

class Converter {
  public:
    Converter(const IsisDatabase& database, const LocatorPlan& plan) : database_(database), plan_(plan) {}

    IsisGraph run() {
        result_.warnings = database_.left_out;
        collect_owners();
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
        graph.attach_anycast(metrics_);
        graph.freeze();
        return std::move(result_);
    }

  private:
    /// Who announces each prefix, and how; of what was leaked down, only what nobody else has (RFC 5302, 3.2).
    void collect_owners() {
        for (const auto& node : database_.nodes) {
            if (node.id.pseudonode != 0) continue;
            for (const auto& announced : node.prefixes) {
                const auto [entry, fresh] = owners_[announced.prefix].emplace(node.id.system, announced);
                const auto order = [](const IsisPrefix& it) { return std::tie(it.down, it.metric); };
                if (!fresh && order(announced) < order(entry->second)) entry->second = announced;
            }
        }
        for (auto& [prefix, owners] : owners_) {
            const auto up = [](const auto& owner) { return !owner.second.down; };
            if (std::any_of(owners.begin(), owners.end(), up)) std::erase_if(owners, std::not_fn(up));
        }
    }

    /// The router that a locator belongs to: others leak or redistribute it, at a higher metric.
    [[nodiscard]] const std::string& origin_of(const Prefix& prefix) const {
        const auto order = [](const auto& owner) { return std::tie(owner.second.external, owner.second.metric); };
        return std::ranges::min_element(owners_.at(prefix), {}, order)->first;
    }

    void add_node(const IsisNode& isis) {
        Node node;
        node.name = result_.graph.find_node(isis.name) ? isis.id.system : isis.name;
        node.overload = isis.overload;
        std::set<Prefix> seen;
        for (const auto& announced : isis.prefixes) {
            const auto& prefix = announced.prefix;
            const auto& owners = owners_.at(prefix);
            if (!owners.contains(isis.id.system) || !seen.insert(prefix).second) continue;
            if (prefix.length == plan_.length && plan_.block.contains(prefix) && !node.locator) {
                if (origin_of(prefix) == isis.id.system) {
                    node.locator = prefix;
                } else {
                    warn("{} announces the locator of another router: ignored", node.name);
                }
            } else if (prefix.length == 128 && !prefix.address.is_v4() && !node.loopback && owners.size() == 1) {
                node.loopback = prefix.address;
            } else {
                node.prefixes.push_back(prefix);
            }
        }
        if (!node.locator) warn("{} announces no locator of the plan: no segment can end there", node.name);
        const auto id = result_.graph.add_node(std::move(node));
        nodes_.emplace(isis.id.system, id);
        for (const auto& prefix : result_.graph.node(id).prefixes) {
            metrics_[{prefix, id}] = owners_.at(prefix).at(isis.id.system).metric;
        }
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
                    reports_[{from, to->second}][std::nullopt].push_back(neighbor.metric);
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
        // Between two routers only, it is an ordinary link.
        std::optional<Srlg> group;
        if (members.size() > 2) group = kFirstLan + static_cast<Srlg>(std::distance(lans_.begin(), found));
        for (const auto& member : members) {
            const auto to = nodes_.find(member.id.system);
            if (to != nodes_.end() && to->second != from) reports_[{from, to->second}][group].push_back(lan.metric);
        }
    }

    void add_links() {
        for (auto& [ends, there] : reports_) {
            const auto [from, to] = ends;
            auto& back = reports_[{to, from}];
            std::vector<Link> links;
            for (auto& [lan, metrics] : there) pair_up(ends, lan, metrics, back[lan], links);
            if (from > to) continue;
            std::ranges::stable_sort(links, {}, &Link::metrics);
            for (std::size_t i = 0; i < links.size(); ++i) {
                links[i].id = fmt::format("{}-{}", result_.graph.node(from).name, result_.graph.node(to).name);
                if (i > 0) links[i].id += fmt::format(".{}", i + 1);
                links_.push_back(std::move(links[i]));
            }
        }
        if (result_.self) name_interfaces();
    }

    /// The links between two nodes over one LAN, or over none.
    void pair_up(const EndIds& ends, std::optional<Srlg> lan, std::vector<Metric>& there, std::vector<Metric>& back,
                 std::vector<Link>& links) {
        if (there.size() > back.size()) {
            const auto& other = result_.graph.node(ends.second).name;
            warn("{} reports {} more link(s) to {} than {} does: left out", result_.graph.node(ends.first).name,
                 there.size() - back.size(), other, other);
        }
        std::ranges::sort(there);
        std::ranges::sort(back);
        for (std::size_t i = 0; i < std::min(there.size(), back.size()); ++i) {
            Link link;
            link.ends = {ends.first, ends.second};
            // A metric of 0 is legal in IS-IS and would make paths of equal cost loop: it counts as 1.
            link.metrics = {std::max<Metric>(there[i], 1), std::max<Metric>(back[i], 1)};
            if (lan) link.srlgs.push_back(*lan);
            links.push_back(std::move(link));
        }
    }

    /// Gives the links of this node their interfaces, where metrics tell which is which.
    void name_interfaces() {
        using Key = std::pair<NodeId, Metric>;  // the neighbor, and the metric at this node's end
        std::map<Key, std::set<std::string>> interfaces;
        for (const auto& adjacency : database_.adjacencies) {
            const auto by_id = nodes_.find(adjacency.neighbor);
            const auto neighbor =
                by_id != nodes_.end() ? std::optional(by_id->second) : result_.graph.find_node(adjacency.neighbor);
            if (neighbor) interfaces[{*neighbor, std::max<Metric>(adjacency.metric, 1)}].insert(adjacency.interface);
        }
        std::map<Key, std::vector<std::string*>> places;
        for (auto& link : links_) {
            for (std::size_t end = 0; end < 2; ++end) {
                if (link.ends[end] == *result_.self)
                    places[{link.ends[end ^ 1U], link.metrics[end]}].push_back(&link.interfaces[end]);
            }
        }
        for (const auto& [key, empty] : places) {
            auto& names = interfaces[key];
            for (std::size_t i = 0; names.size() == empty.size() && i < empty.size(); ++i)
                *empty[i] = *std::next(names.begin(), static_cast<std::ptrdiff_t>(i));
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
    std::map<std::string, NodeId> nodes_;                         // by system ID
    std::map<IsisId, const IsisNode*> lans_;                      // pseudonodes
    std::map<Prefix, std::map<std::string, IsisPrefix>> owners_;  // by system ID
    PrefixMetrics metrics_;
    std::map<EndIds, std::map<std::optional<Srlg>, std::vector<Metric>>> reports_;  // by LAN, if any
    std::vector<Link> links_;
};

}  // namespace

IsisGraph graph_of(const IsisDatabase& database, const LocatorPlan& plan) {
    return Converter(database, plan).run();
}

}  // namespace sidestep::routing
