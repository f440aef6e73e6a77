// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "topo/plan_json.hpp"

#include <nlohmann/json.hpp>

#include "topo/plan.hpp"

namespace sidestep::topo {
namespace {

using OrderedJson = nlohmann::ordered_json;

template <typename T>
OrderedJson text_or_null(const std::optional<T>& value) {
    return value ? OrderedJson(value->to_string()) : OrderedJson(nullptr);
}

OrderedJson node_json(const routing::Node& node, const NodePlan& plan) {
    OrderedJson prefixes = OrderedJson::array();
    for (const auto& prefix : node.prefixes) prefixes.push_back(prefix.to_string());
    OrderedJson sysctls = OrderedJson::object();
    for (const auto& [path, value] : plan.sysctls) sysctls[path] = value;
    std::optional<Prefix> announce;
    if (node.locator) announce = announced_locator(*node.locator);
    return {{"name", plan.name},
            {"router", plan.router},
            {"address", plan.address.to_string()},
            {"address_v4", text_or_null(plan.address_v4)},
            {"loopback", text_or_null(node.loopback)},
            {"locator", text_or_null(node.locator)},
            {"announce", text_or_null(announce)},
            {"prefixes", std::move(prefixes)},
            {"sysctls", std::move(sysctls)},
            {"batch", plan.batch}};
}

OrderedJson interface_json(const InterfacePlan& interface) {
    return {{"name", interface.name},
            {"ifindex", interface.ifindex},
            {"mac", interface.mac},
            {"address", interface.address.to_string()},
            {"link_local", interface.link_local.to_string()}};
}

OrderedJson link_json(const routing::Graph& graph, const routing::Link& link,
                      const std::array<InterfacePlan, 2>& plan) {
    return {{"id", link.id},
            {"ends", {graph.node(link.ends[0]).name, graph.node(link.ends[1]).name}},
            {"metrics", link.metrics},
            {"srlgs", link.srlgs},
            {"interfaces", {interface_json(plan[0]), interface_json(plan[1])}},
            {"create", creation_line(plan, "{0}", "{1}")}};
}

}  // namespace

Result<std::string> plan_json(const routing::Graph& graph) {
    const auto plan = make_plan(graph);
    if (!plan) return std::unexpected(plan.error());
    OrderedJson nodes = OrderedJson::array();
    for (routing::NodeId id = 0; id < plan->nodes.size(); ++id) {
        if (!plan->nodes[id].name.empty()) nodes.push_back(node_json(graph.node(id), plan->nodes[id]));
    }
    OrderedJson links = OrderedJson::array();
    for (routing::LinkId id = 0; id < plan->links.size(); ++id) {
        if (!plan->links[id][0].name.empty()) links.push_back(link_json(graph, graph.link(id), plan->links[id]));
    }
    const OrderedJson all = {{"route_metric", kRouteMetric},
                             {"sid_device", std::string(kSidDevice)},
                             {"nodes", std::move(nodes)},
                             {"links", std::move(links)}};
    return all.dump(1) + "\n";
}

}  // namespace sidestep::topo
