// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Builds the link-state graph and finds nodes and links by name.
#include "routing/core/graph.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace sidestep::routing {

std::optional<Address> Link::address(std::size_t end) const {
    if (!subnet) return std::nullopt;
    auto result = subnet->address;
    result.bytes[15] = end == 0 ? 1 : 2;
    return result;
}

NodeId Graph::add_node(Node node) {
    const auto id = static_cast<NodeId>(nodes_.size());
    node_names_.emplace(node.name, id);
    nodes_.push_back(std::move(node));
    return id;
}

LinkId Graph::add_link(Link link) {
    const auto id = static_cast<LinkId>(links_.size());
    link_ids_.emplace(link.id, id);
    links_.push_back(std::move(link));
    return id;
}

void Graph::attach_anycast(const PrefixMetrics& metrics) {
    std::map<Prefix, std::vector<NodeId>> owners;
    for (NodeId id = 0; id < nodes_.size(); ++id) {
        for (const auto& prefix : nodes_[id].prefixes) owners[prefix].push_back(id);
    }
    for (const auto& [prefix, nodes] : owners) {
        if (nodes.size() < 2) continue;
        const auto name = prefix.to_string();
        const auto anycast = add_node({.name = name, .kind = NodeKind::anycast, .prefixes = {prefix}});
        for (const auto owner : nodes) {
            std::erase(nodes_[owner].prefixes, prefix);
            const auto metric = metrics.find({prefix, owner});
            add_link({.id = name + " at " + nodes_[owner].name,
                      .ends = {owner, anycast},
                      .metrics = {metric != metrics.end() ? metric->second : 0, kMaxMetric}});
        }
    }
}

void Graph::freeze() {
    first_hop_.assign(nodes_.size() + 1, 0);
    for (const auto& link : links_) {
        for (const auto end : link.ends) ++first_hop_[end + 1];
    }
    for (std::size_t i = 1; i < first_hop_.size(); ++i) first_hop_[i] += first_hop_[i - 1];
    hops_.resize(2 * links_.size());
    auto next = first_hop_;
    for (ArcId arc = 0; arc < 2 * links_.size(); ++arc) {
        hops_[next[from(arc)]++] = {
            .neighbor = to(arc), .arc = arc, .metric = metric(arc), .back_metric = metric(reverse(arc))};
    }
    transit_.resize(nodes_.size());
    for (NodeId id = 0; id < nodes_.size(); ++id) transit_[id] = nodes_[id].transit();
}

bool Graph::owns(NodeId node, NodeId destination) const {
    if (nodes_[destination].kind != NodeKind::anycast) return false;
    return std::ranges::find(hops(destination), node, &Hop::neighbor) != hops(destination).end();
}

std::optional<NodeId> Graph::find_node(const std::string& name) const {
    const auto found = node_names_.find(name);
    if (found == node_names_.end()) return std::nullopt;
    return found->second;
}

std::optional<LinkId> Graph::find_link(const std::string& id) const {
    const auto found = link_ids_.find(id);
    if (found == link_ids_.end()) return std::nullopt;
    return found->second;
}

std::optional<NodeId> Graph::find_destination(const std::string& text) const {
    if (auto node = find_node(text)) return node;
    const auto wanted = Prefix::parse(text);
    if (!wanted) return std::nullopt;
    std::optional<NodeId> best;
    int best_length = -1;
    const auto offer = [&](NodeId id, const Prefix& prefix) {
        if (!prefix.contains(*wanted) || prefix.length <= best_length) return;
        best = id;
        best_length = prefix.length;
    };
    for (NodeId id = 0; id < nodes_.size(); ++id) {
        const auto& node = nodes_[id];
        if (node.locator) offer(id, *node.locator);
        if (node.loopback) offer(id, {.address = *node.loopback, .length = 128});
        for (const auto& prefix : node.prefixes) offer(id, prefix);
    }
    return best;
}

}  // namespace sidestep::routing
