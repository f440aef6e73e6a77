// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/net/repair_lab.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "routing/core/sids.hpp"

namespace sidestep::topo {
namespace {

/// The two routers, seen from one of them.
struct Roles {
    std::string far_router;
    std::string far_host;
    std::string near_host;
    std::string near_link;
    std::string backup_link;
};

Roles roles_of(const std::string& node) {
    if (node == "A")
        return {.far_router = "B", .far_host = "D", .near_host = "S", .near_link = "S-A", .backup_link = "A-C"};
    return {.far_router = "A", .far_host = "S", .near_host = "D", .near_link = "B-D", .backup_link = "C-B"};
}

}  // namespace

std::string RepairLab::base_config(const std::string& node) const {
    const auto roles = roles_of(node);
    const auto text = fmt::format(
        "node: {{name: {}, source-address: \"{}\", source-address-ipv4: {}}}\n"
        "ingress: [to-{}]\n"
        "sr-domain: [\"fd00::/16\"]\n"
        "sids: [{{sid: \"{}\", behavior: end.dt46}}]\n"
        "adjacencies:\n",
        node, lab().graph().node(lab().id_of(node)).loopback->to_string(), lab().address_v4(node).to_string(),
        roles.near_host, decap(node).to_string());
    return text + adjacency_config(node, "A-B") + adjacency_config(node, roles.backup_link);
}

std::string RepairLab::adjacency_config(const std::string& node, const std::string& link) const {
    const auto& own = lab().interface(node, link);
    return fmt::format(
        "  - name: {}\n"
        "    interface: {}\n"
        "    neighbor: \"{}\"\n"
        "    probe: {{interval: 1ms, multiplier: 3, return-address: \"{}\", wait-to-restore: 100ms}}\n",
        link, own.name, lab().peer(node, link).link_local.to_string(), own.address.to_string());
}

std::string RepairLab::detour(const std::string& node, const std::string& encap) const {
    const auto roles = roles_of(node);
    return fmt::format(R"({{adjacency: {}, encap: {}, segments: ["{}", "{}"]}})", roles.backup_link, encap,
                       lab().sid("C", routing::kFunctionEnd).to_string(), decap(roles.far_router).to_string());
}

std::string RepairLab::far_prefixes(const std::string& node) const {
    const auto roles = roles_of(node);
    std::vector<std::string> quoted;
    for (const auto& owner : {roles.far_host, roles.far_router}) {
        for (const auto& prefix : lab().graph().node(lab().id_of(owner)).prefixes) {
            quoted.push_back('"' + prefix.to_string() + '"');
        }
    }
    return fmt::format("[{}]", fmt::join(quoted, ", "));
}

std::string RepairLab::policy_config(const std::string& node) const {
    return base_config(node) + fmt::format(
                                   "policies:\n"
                                   "  - name: far\n"
                                   "    prefixes: {}\n"
                                   "    candidates:\n"
                                   "      - {{adjacency: A-B}}\n"
                                   "      - {}\n",
                                   far_prefixes(node), detour(node));
}

std::string RepairLab::bypass_config(const std::string& node) const {
    return with(base_config(node), "wait-to-restore: 100ms}\n",
                fmt::format("wait-to-restore: 100ms}}\n    bypass: [{}]\n", detour(node)));
}

std::string RepairLab::steered_config(const std::string& steering) const {
    auto text = policy_config("A");
    if (steering == "transit") return text;
    text = with(text, "    candidates:", "    steering: " + steering + "\n    candidates:");
    text = with(text, "ingress: [to-S]\n", "");
    if (steering != "lwt-in") return text + "device: sr0\n";
    return with(text, far_prefixes("A"), "[\"2001:db8:d::/48\"]");  // IPv6 only
}

std::string RepairLab::at_xdp(const std::string& node, const std::string& config) const {
    const auto roles = roles_of(node);
    std::vector<std::string> names;
    for (const auto& link : {roles.near_link, std::string("A-B"), roles.backup_link}) {
        const auto takes = lab().take_frames(node, link);
        EXPECT_TRUE(takes) << takes.error().message;
        names.push_back(lab().interface(node, link).name);
    }
    return fmt::format("{}xdp: [{}]\nxdp-on-virtual: true\n", config, fmt::join(names, ", "));
}

bool RepairLab::at_xdp_alone(const std::string& node) {
    const auto entrances = ask(node, "status").value("xdp", json::array());
    return entrances.size() == 3 && std::ranges::all_of(entrances, [](const json& entrance) {
               return entrance.value("xdp", false) && !entrance.value("tc", true);
           });
}

testing::AssertionResult RepairLab::start_with(const std::string& a, const std::string& b) {
    auto started = start("A", a);
    return started ? start("B", b) : started;
}

Result<Flows> RepairLab::dual_flows(double rate) const {
    auto flows = Flows::start(lab(), rate);
    if (!flows) return flows;
    if (auto added = flows->add_v4(lab(), "S", "D", {.rate = rate}); !added) return std::unexpected(added.error());
    if (auto added = flows->add_v4(lab(), "D", "S", {.rate = rate}); !added) return std::unexpected(added.error());
    return flows;
}

Flows RepairLab::forward_flows() const {
    Flows flows;
    EXPECT_TRUE(flows.add(lab(), "S", "D", {.rate = 1000}));
    EXPECT_TRUE(flows.add_v4(lab(), "S", "D", {.rate = 1000}));
    EXPECT_TRUE(flows.pass());
    return flows;
}

void RepairLab::survives_cut(Flows flows) {
    ASSERT_TRUE(flows.pass());
    const auto cut_ns = cut().cut();
    EXPECT_TRUE(becomes("A", "down", "unanswered"));
    EXPECT_TRUE(becomes("B", "down", "unanswered"));
    EXPECT_TRUE(flows.pass());
    cut().restore();
    EXPECT_TRUE(becomes("A", "up"));
    EXPECT_TRUE(becomes("B", "up"));
    EXPECT_TRUE(flows.pass());
    EXPECT_TRUE(healed(flows.stop(), cut_ns));
}

json RepairLab::policy(const std::string& node, const std::string& name) {
    for (const auto& policy : ask(node, "policies").value("policies", json::array())) {
        if (policy.value("name", "") == name) return policy;
    }
    return json::object();
}

std::uint64_t RepairLab::taken(const std::string& node, const std::string& name, std::size_t candidate) {
    return policy(node, name)
        .value(json::json_pointer(fmt::format("/candidates/{}/packets", candidate)), std::uint64_t{0});
}

std::uint64_t RepairLab::counter(const std::string& node, const std::string& name) {
    return ask(node, "status").value(json::json_pointer("/counters/" + name), std::uint64_t{0});
}

}  // namespace sidestep::topo
