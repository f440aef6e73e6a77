// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/net/routing/computed_lab.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "routing/core/graph.hpp"

namespace sidestep::topo {

void ComputedLab::SetUp() {
    RepairLab::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    std::filesystem::copy_file(topology(), graph_file());
}

void ComputedLab::write_graph(const std::string& text) const {
    const auto fresh = graph_file() + ".new";
    std::ofstream(fresh) << text;
    std::filesystem::rename(fresh, graph_file());
}

std::string ComputedLab::read_graph() const {
    std::ifstream file(graph_file());
    return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> ComputedLab::core_links(const std::string& node) const {
    std::vector<std::string> links;
    for (const auto& hop : lab().graph().hops(lab().id_of(node))) {
        if (lab().graph().node(hop.neighbor).kind != routing::NodeKind::router) continue;
        links.push_back(lab().graph().link(routing::link_of(hop.arc)).id);
    }
    return links;
}

std::string ComputedLab::neighbors_config(const std::string& node) const {
    const auto& graph = lab().graph();
    const auto id = lab().id_of(node);
    std::string text = fmt::format("node: {{name: {}, source-address: \"{}\"}}\n", node,
                                   graph.node(id).loopback.value_or(lab().address(node)).to_string());
    std::vector<std::string> edges;
    for (const auto& hop : graph.hops(id)) {
        if (graph.node(hop.neighbor).kind == routing::NodeKind::router) continue;
        edges.push_back(lab().interface(node, graph.link(routing::link_of(hop.arc)).id).name);
    }
    if (!edges.empty()) text += fmt::format("ingress: [{}]\n", fmt::join(edges, ", "));
    text += "adjacencies:\n";
    for (const auto& link : core_links(node)) {
        const auto& own = lab().interface(node, link);
        text += fmt::format(
            "  - name: {}\n"
            "    interface: {}\n"
            "    neighbor: \"{}\"\n"
            "    probe: {{interval: 1ms, multiplier: 3, return-address: \"{}\", wait-to-restore: 100ms}}\n",
            link, own.name, lab().peer(node, link).link_local.to_string(), own.address.to_string());
    }
    return text;
}

std::string ComputedLab::computed_config(const std::string& node, const std::string& extra) const {
    return neighbors_config(node) +
           fmt::format("device: sr0\nsr-domain: [\"fd00::/16\"]\nrouting: {{topology: {}{}}}\n", graph_file(), extra);
}

testing::AssertionResult ComputedLab::start_routed(const std::string& node, const std::string& config) {
    shell(node, fmt::format("ip link del {}", kSidDevice));
    auto started = start(node, config);
    return started ? delivered(node) : started;
}

testing::AssertionResult ComputedLab::delivered(const std::string& node, std::uint64_t deliveries) {
    json seen;
    const bool came = eventually([&] {
        seen = ask(node, "routing");
        return seen.value("deliveries", std::uint64_t{0}) >= deliveries && seen["problem"].is_null() &&
               policy_names(node).size() == seen.value("policies", std::size_t{0});
    });
    if (came) return testing::AssertionSuccess();
    return testing::AssertionFailure() << node << " has no computed policies: " << seen.dump();
}

testing::AssertionResult ComputedLab::has(const std::string& node, const std::string& command,
                                          const std::string& pointer, const json& value) {
    json seen;
    const bool came = eventually([&] {
        seen = ask(node, command);
        const json::json_pointer at(pointer);
        return seen.contains(at) && seen[at] == value;
    });
    if (came) return testing::AssertionSuccess();
    return testing::AssertionFailure() << command << " of " << node << " does not have " << value << " at " << pointer
                                       << " but: " << seen.dump();
}

Cut& ComputedLab::cut_of(const std::string& link) {
    if (link == cut_link()) return cut();
    const auto known = cuts_.find(link);
    if (known != cuts_.end()) return known->second;
    auto made = lab().install_cut(link);
    if (!made) throw std::runtime_error(made.error().message);
    return cuts_.emplace(link, std::move(*made)).first->second;
}

std::vector<std::string> ComputedLab::policy_names(const std::string& node) {
    std::vector<std::string> names;
    for (const auto& policy : ask(node, "policies").value("policies", json::array())) {
        if (policy["bypass_of"].is_null()) names.push_back(policy.value("name", ""));
    }
    return names;
}

std::uint64_t ComputedLab::expired() {
    std::uint64_t sum = 0;
    for (const auto& node : lab().graph().nodes()) {
        if (node.kind != routing::NodeKind::router) continue;
        sum += std::stoull(shell(node.name, "awk '$1 == \"Icmp6OutTimeExcds\" {print $2}' /proc/net/snmp6"));
    }
    return sum;
}

}  // namespace sidestep::topo
