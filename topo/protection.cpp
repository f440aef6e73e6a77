// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "topo/protection.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "routing/core/sids.hpp"

namespace sidestep::topo {
namespace {

std::string adjacency(const Lab& lab, const Protection& protection, const std::string& link) {
    const auto& own = lab.interface(protection.node, link);
    return fmt::format(
        "  - name: {}\n"
        "    interface: {}\n"
        "    neighbor: \"{}\"\n"
        "    probe: {{interval: {}, multiplier: {}, turnaround: forward, sink: \"{}\", wait-to-restore: {}}}\n",
        link, own.name, lab.peer(protection.node, link).link_local.to_string(), protection.interval,
        protection.multiplier, own.address.to_string(), protection.wait_to_restore);
}

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

std::vector<std::string> interfaces(const Lab& lab, const std::string& node) {
    std::vector<std::string> names;
    for (const auto& hop : lab.graph().hops(lab.id_of(node))) {
        names.push_back(lab.interface(node, lab.graph().link(routing::link_of(hop.arc)).id).name);
    }
    return names;
}

}  // namespace

std::string protection_config(const Lab& lab, const Protection& protection) {
    const auto& node = lab.graph().node(lab.id_of(protection.node));
    const auto source = node.loopback.value_or(lab.address(protection.node));
    std::string text = fmt::format("node: {{name: {}, source-address: \"{}\"}}\nclock: auto\nadjacencies:\n", node.name,
                                   source.to_string());
    text += adjacency(lab, protection, protection.link);
    text += adjacency(lab, protection, protection.backup_link);
    text += fmt::format(
        "policies:\n"
        "  - name: to-{}\n"
        "    prefixes: [{}]\n"
        "    candidates:\n"
        "      - {{adjacency: {}}}\n"
        "      - {{adjacency: {}, encap: h.encaps, segments: [{}]}}\n"
        "ingress: [{}]\n",
        protection.destination, fmt::join(prefixes(lab, protection.destination), ", "), protection.link,
        protection.backup_link, fmt::join(segments(lab, protection), ", "),
        fmt::join(interfaces(lab, protection.node), ", "));
    return text;
}

}  // namespace sidestep::topo
