// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The kernel: features, sysctls, tables, and who else is at our hooks.
#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/neighbor_table.hpp"
#include "doctor/checks.hpp"

namespace sidestep {
namespace {

constexpr int kLeastMajor = 6;
constexpr int kLeastMinor = 1;

/// 6.1.0-18-amd64 is 6 and 1.
std::pair<int, int> version_of(const std::string& release) {
    int major = 0;
    int minor = 0;
    const auto* end = release.data() + release.size();
    const auto first = std::from_chars(release.data(), end, major);
    if (first.ec == std::errc() && first.ptr != end) std::from_chars(first.ptr + 1, end, minor);
    return {major, minor};
}

std::set<std::string> entrances(const Config& config) {
    std::set<std::string> names(config.ingress.begin(), config.ingress.end());
    for (const auto& adjacency : config.adjacencies) names.insert(adjacency.interface);
    return names;
}

bool has_v4(const Config& config) {
    return std::ranges::any_of(config.policies, [](const PolicyConfig& policy) {
        return policy.steering != Steering::transit &&
               std::ranges::any_of(policy.prefixes, [](const Prefix& prefix) { return prefix.address.is_v4(); });
    });
}

}  // namespace

Findings check_kernel(const Case& node) {
    Findings findings;
    if (!node.machine.looked) return findings;
    const auto version = version_of(node.machine.kernel);
    if (version < std::pair(kLeastMajor, kLeastMinor) && !node.machine.kernel.empty()) {
        findings.push_back({Severity::error, "kernel",
                            fmt::format("{} is too old: Linux 6.1 or later is needed", node.machine.kernel),
                            "uname -r"});
    }
    if (!node.machine.sysctls.contains("net.ipv6.conf.all.forwarding")) {
        findings.push_back({Severity::error, "kernel", "has no IPv6", "modprobe ipv6"});
    } else if (!node.machine.sysctls.contains("net.ipv6.conf.all.seg6_enabled")) {
        findings.push_back({Severity::warning, "kernel",
                            "has no SRv6 (CONFIG_IPV6_SEG6_LWTUNNEL): End and End.X cannot be installed as routes",
                            "grep SEG6 /boot/config-$(uname -r)"});
    }
    if (!node.machine.privileged) {
        findings.push_back(
            {Severity::note, "doctor", "runs without root, so it does not see everything", "sudo sidestep doctor"});
    }
    return findings;
}

Findings check_forwarding(const Case& node) {
    Findings findings;
    if (!node.config || !node.machine.looked) return findings;
    // A host forwards nothing, and needs not.
    const bool router = !node.config->ingress.empty() || !node.config->sids.empty();
    const auto look = [&](std::string_view family, const std::string& name) {
        if (node.machine.sysctl(name).value_or(1) != 0) return;
        findings.push_back(
            {router ? Severity::error : Severity::note, "kernel",
             fmt::format("does not forward {}: traffic is not forwarded, and the probes of neighbors find no way back",
                         family),
             fmt::format("sysctl -w {}=1", name)});
    };
    const auto is_v4 = [](const AdjacencyConfig& adjacency) { return adjacency.neighbor.is_v4(); };
    const auto& adjacencies = node.config->adjacencies;
    if (!std::ranges::all_of(adjacencies, is_v4)) look("IPv6", "net.ipv6.conf.all.forwarding");
    if (std::ranges::any_of(adjacencies, is_v4)) look("IPv4", "net.ipv4.ip_forward");
    return findings;
}

/// Packets of a steered IPv4 prefix have their reverse path in the policy device.
Findings check_reverse_path(const Case& node) {
    Findings findings;
    if (!node.config || !node.machine.looked || !has_v4(*node.config)) return findings;
    const auto all = node.machine.sysctl("net.ipv4.conf.all.rp_filter").value_or(0);
    for (const auto& name : entrances(*node.config)) {
        const auto own = node.machine.sysctl(fmt::format("net.ipv4.conf.{}.rp_filter", name)).value_or(0);
        if (std::max(all, own) != 1) continue;
        findings.push_back({Severity::error, "interface " + name,
                            "has a strict reverse path filter: the reverse path of steered IPv4 prefixes is the policy "
                            "device, so their packets are dropped here",
                            fmt::format("sysctl -w net.ipv4.conf.{}.rp_filter=2", name)});
    }
    return findings;
}

/// The neighbor table belongs to the whole kernel, all network namespaces together.
Findings check_neighbor_table(const Case& node) {
    if (!node.machine.looked) return {};
    const auto most = node.machine.sysctl("net.ipv6.neigh.default.gc_thresh3");
    if (!most) return {};
    const auto sessions = node.config ? node.config->adjacencies.size() : 0;
    const auto wanted = static_cast<long>(std::max(node.machine.neighbors.size(), sessions));
    if (wanted * 4 < *most * 3) return {};
    return {
        {wanted >= *most ? Severity::error : Severity::warning, "kernel",
         fmt::format("the neighbor table has room for {} entries, and {} are in use or needed here, beside those of "
                     "other network namespaces: when it overflows, neighbors are forgotten and packets lost",
                     *most, wanted),
         command_for_room(static_cast<std::size_t>(wanted))}};
}

Findings check_vrfs(const Case& node) {
    Findings findings;
    if (!node.config || !node.machine.looked) return findings;
    for (const auto& name : entrances(*node.config)) {
        const auto* seen = node.machine.interface(name);
        const auto* master = seen == nullptr ? nullptr : node.machine.interface(seen->master);
        if (master == nullptr || master->kind != "vrf") continue;
        findings.push_back({Severity::warning, "interface " + name,
                            fmt::format("is in the VRF {}: policies and SIDs do not tell VRFs apart, so its packets to "
                                        "their prefixes are taken as well, and leave the VRF",
                                        seen->master),
                            fmt::format("ip route show vrf {}", seen->master)});
    }
    return findings;
}

Findings check_other_programs(const Case& node) {
    Findings findings;
    if (!node.config || !node.machine.looked) return findings;
    for (const auto& name : entrances(*node.config)) {
        const auto* seen = node.machine.interface(name);
        if (seen == nullptr) continue;
        if (!seen->xdp.empty()) {
            findings.push_back({Severity::warning, "interface " + name,
                                fmt::format("has an XDP program of somebody else ({}): what it drops or redirects, "
                                            "probes included, Sidestep never sees",
                                            seen->xdp),
                                fmt::format("ip -d link show dev {}", name)});
        }
        if (!seen->filters.empty()) {
            findings.push_back(
                {Severity::note, "interface " + name,
                 fmt::format("has other tc filters at ingress ({}): those before Sidestep's decide first",
                             fmt::join(seen->filters, ", ")),
                 fmt::format("tc filter show dev {} ingress", name)});
        }
    }
    return findings;
}

Findings check_clock(const Case& node) {
    if (!node.config || !node.daemon.running || !node.daemon.status.is_object()) return {};
    const auto clock = node.daemon.status.value("clock", nlohmann::json::object());
    if (node.config->clock == ClockKind::process || clock.value("kind", "") != "process") return {};
    return {
        {Severity::warning, "clock",
         "the process drives the probes, since the kernel has no veth or no TBF: detection is late while the machine "
         "is busy",
         "modprobe -a veth sch_tbf"}};
}

Findings check_passed_by(const Case& node) {
    Findings findings;
    const std::map<std::string, std::string> commands{{"IPsec policies", "ip xfrm policy"},
                                                      {"netfilter", "nft list ruleset"}};
    for (const auto& problem : node.daemon.problems()) {
        const auto about = problem.value("about", "");
        if (const auto command = commands.find(about); command != commands.end())
            findings.push_back({Severity::warning, about, problem.value("problem", ""), command->second});
    }
    return findings;
}

}  // namespace sidestep
