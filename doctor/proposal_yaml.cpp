// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Writes a proposal as the configuration that sidestep.yaml(5) describes.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "doctor/proposal.hpp"

namespace sidestep {
namespace {

std::string quoted(const Address& address) {
    return fmt::format("\"{}\"", address.to_string());
}

std::string quoted(const std::vector<Prefix>& prefixes) {
    std::vector<std::string> texts;
    for (const auto& prefix : prefixes) texts.push_back(fmt::format("\"{}\"", prefix.to_string()));
    return fmt::format("{}", fmt::join(texts, ", "));
}

std::string adjacency(const ProposedLink& link) {
    auto text = fmt::format(
        "  - name: {}{}\n"
        "    interface: {}\n"
        "    neighbor: {}\n",
        link.name, link.origin.empty() ? "" : "          # " + link.origin, link.interface, quoted(link.neighbor));
    if (!link.gateways.empty()) {
        std::vector<std::string> gateways;
        for (const auto& gateway : link.gateways) gateways.push_back(quoted(gateway));
        text += fmt::format("    gateways: [{}]          # its other addresses that routes name\n",
                            fmt::join(gateways, ", "));
    }
    return text + fmt::format("    probe: {{return-address: {}}}          # our address on this link\n",
                              quoted(link.return_address));
}

std::string policies_sample(const Proposal& proposal) {
    const bool alone = proposal.links.size() == 1;
    const auto first_v4 = proposal.links.front().neighbor.is_v4();
    const auto last_v4 = proposal.links.back().neighbor.is_v4();
    return fmt::format(
        "# What to protect: prefixes, the way they are routed, and a way around it with the SIDs of the routers "
        "there.\n"
        "# Without policies, failures are detected and logged, and traffic is left alone.\n{}"
        "# policies:\n"
        "#   - name: to-somewhere\n"
        "#     prefixes: [\"{}\"]\n"
        "#     candidates:\n"
        "#       - {{adjacency: {}}}\n"
        "#       - {{adjacency: {}{}}}\n",
        alone ? "# The backup needs another adjacency than the protected one; this node has none so far.\n" : "",
        first_v4 || last_v4 ? "203.0.113.0/24" : "2001:db8:d::/48", proposal.links.front().name,
        alone ? "ANOTHER" : proposal.links.back().name, last_v4 ? "" : R"(, segments: ["fd00:c::", "fd00:b:d6::"])");
}

}  // namespace

std::string to_yaml(const Proposal& proposal) {
    std::string text =
        "# Made by `sidestep init`. sidestep.yaml(5) explains every key; check it with `sidestep check FILE`, and a "
        "running\n"
        "# node with `sidestep doctor`.\n";
    text += fmt::format("node:\n  name: {}\n", proposal.node);
    if (!proposal.source.is_unspecified())
        text += fmt::format("  source-address: {}          # {}\n", quoted(proposal.source), proposal.source_origin);
    if (proposal.source_v4)
        text += fmt::format("  source-address-ipv4: {}          # {}\n", proposal.source_v4->to_string(),
                            proposal.source_v4_origin);
    text += '\n';
    text +=
        "# A link is down after `multiplier` unanswered probes, and used again after it has answered for "
        "`wait-to-restore`.\n"
        "probe: {interval: 1ms, multiplier: 3, wait-to-restore: 5s}\n\n"
        "# The neighbor forwards each probe back to the return address; it needs no Sidestep.\n"
        "adjacencies:\n";
    for (const auto& link : proposal.links) text += adjacency(link);
    text += "\n# Where traffic to protect enters, beside the interfaces above.\n";
    text += fmt::format("{}ingress: [{}]\n\n", proposal.ingress.empty() ? "# " : "", fmt::join(proposal.ingress, ", "));
    if (proposal.routing.empty()) {
        text += policies_sample(proposal);
    } else {
        text += fmt::format(
            "# Policies, bypasses and SIDs are computed from the network's graph.\n"
            "routing: {}\n"
            "device: sr0          # sidestepd makes it, for the SIDs of this node\n"
            "sr-domain: [{}]          # the source addresses of all nodes\n",
            proposal.routing, quoted(proposal.domain));
    }
    for (const auto& remark : proposal.remarks) text += "# Left out: " + remark + ".\n";
    return text;
}

}  // namespace sidestep
