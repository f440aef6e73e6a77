// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "topo/protection.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "routing/core/sids.hpp"

namespace sidestep::topo {
namespace {

std::vector<std::string> segments(const Lab& lab, const Protection& protection) {
    std::vector<std::string> quoted;
    for (const auto& router : protection.via) {
        const bool last = quoted.size() + 1 == protection.via.size();
        const auto sid = lab.sid(router, last ? routing::kFunctionDecap : routing::kFunctionEnd);
        quoted.push_back('"' + sid.to_string() + '"');
    }
    return quoted;
}

std::vector<std::string> prefixes(const Lab& lab, const std::string& node) {
    std::vector<std::string> quoted;
    for (const auto& prefix : lab.graph().node(lab.id_of(node)).prefixes) {
        quoted.push_back('"' + prefix.to_string() + '"');
    }
    return quoted;
}

}  // namespace

std::string head_yaml(const Lab& lab, const Protection& protection) {
    const auto& node = lab.graph().node(lab.id_of(protection.node));
    const auto source = node.loopback.value_or(lab.address(protection.node));
    return fmt::format("node: {{name: {}, source-address: \"{}\"}}\nclock: auto\n", node.name, source.to_string());
}

std::string adjacency_yaml(const Lab& lab, const Protection& protection, const std::string& link) {
    const auto& own = lab.interface(protection.node, link);
    return fmt::format(
        "  - name: {}\n"
        "    interface: {}\n"
        "    neighbor: \"{}\"\n"
        "    probe: {{interval: {}, multiplier: {}, turnaround: forward, return-address: \"{}\", wait-to-restore: "
        "{}}}\n",
        link, own.name, lab.peer(protection.node, link).link_local.to_string(), protection.interval,
        protection.multiplier, own.address.to_string(), protection.wait_to_restore);
}

std::string detour_yaml(const Lab& lab, const Protection& protection) {
    return fmt::format("{{adjacency: {}, encap: h.encaps, segments: [{}]}}", protection.backup_link,
                       fmt::join(segments(lab, protection), ", "));
}

std::string ingress_yaml(const Lab& lab, const Protection& protection) {
    std::vector<std::string> names;
    for (const auto& hop : lab.graph().hops(lab.id_of(protection.node))) {
        const auto& link = lab.graph().link(routing::link_of(hop.arc)).id;
        names.push_back(lab.interface(protection.node, link).name);
    }
    return fmt::format("ingress: [{}]\n", fmt::join(names, ", "));
}

std::string protection_config(const Lab& lab, const Protection& protection) {
    auto text = head_yaml(lab, protection) + "adjacencies:\n";
    text += adjacency_yaml(lab, protection, protection.link);
    text += adjacency_yaml(lab, protection, protection.backup_link);
    text += fmt::format(
        "policies:\n"
        "  - name: to-{}\n"
        "    prefixes: [{}]\n"
        "    candidates:\n"
        "      - {{adjacency: {}}}\n"
        "      - {}\n",
        protection.destination, fmt::join(prefixes(lab, protection.destination), ", "), protection.link,
        detour_yaml(lab, protection));
    return text + ingress_yaml(lab, protection);
}

}  // namespace sidestep::topo
