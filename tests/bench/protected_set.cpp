// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/protected_set.hpp"

#include <array>
#include <iterator>
#include <random>
#include <set>

#include <fmt/format.h>

#include "routing/core/sids.hpp"
#include "topo/protection.hpp"

namespace sidestep::bench {
namespace {

constexpr std::uint32_t kSeed = 1;
constexpr const char* kDestination = "2001:db8:d::/48";

using Lengths = std::array<std::uint8_t, 4>;

/// Different prefixes whose lengths take turns, around random addresses.
template <typename Random>
std::vector<Prefix> draw(std::size_t count, const Lengths& lengths, Random address) {
    std::mt19937 random(kSeed);
    std::set<Prefix> taken;
    std::vector<Prefix> prefixes;
    prefixes.reserve(count);
    while (prefixes.size() < count) {
        const auto prefix = Prefix::covering(address(random), lengths[prefixes.size() % lengths.size()]);
        if (taken.insert(prefix).second) prefixes.push_back(prefix);
    }
    return prefixes;
}

/// Probes are rare: they are not what is measured.
topo::Protection protection() {
    return {.node = "A",
            .link = "A-B",
            .backup_link = "A-C",
            .via = {"C", "B"},
            .destination = "D",
            .interval = "100ms",
            .wait_to_restore = "20ms"};
}

std::string head(const topo::Lab& lab, const std::string& bypass = "") {
    const auto what = protection();
    return topo::head_yaml(lab, what) + topo::ingress_yaml(lab, what) + "adjacencies:\n" +
           topo::adjacency_yaml(lab, what, what.link) + bypass + topo::adjacency_yaml(lab, what, what.backup_link);
}

std::string candidates(const topo::Lab& lab) {
    return "[{adjacency: A-B}, " + topo::detour_yaml(lab, protection()) + "]";
}

void add_policy(std::string& text, std::size_t number, const std::string& prefixes, const std::string& paths) {
    fmt::format_to(std::back_inserter(text), "  - {{name: p{}, prefixes: [{}], candidates: {}}}\n", number, prefixes,
                   paths);
}

}  // namespace

std::vector<Prefix> random_prefixes(std::size_t count) {
    return draw(count, {48, 44, 56, 64}, [](std::mt19937& random) {
        Address address;
        for (std::size_t i = 0; i < 8; ++i) address.bytes[i] = static_cast<std::uint8_t>(random());
        address.bytes[0] = static_cast<std::uint8_t>(0x30U | (address.bytes[0] & 0x0fU));
        return address;
    });
}

std::string random_space() {
    return "3000::/4";
}

std::vector<Prefix> random_prefixes_v4(std::size_t count) {
    return draw(count, {96 + 24, 96 + 22, 96 + 23, 96 + 28}, [](std::mt19937& random) {
        Address address{.bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}};
        for (std::size_t i = 12; i < 16; ++i) address.bytes[i] = static_cast<std::uint8_t>(random());
        address.bytes[12] |= 0x80U;
        address.bytes[12] &= 0xbfU;
        return address;
    });
}

std::string random_space_v4() {
    return "128.0.0.0/2";
}

std::vector<Address> destinations_in(const std::vector<Prefix>& prefixes, std::size_t count) {
    std::vector<Address> destinations;
    destinations.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        destinations.push_back(prefixes[i % prefixes.size()].address);
        destinations.back().bytes[15] |= 1U;
    }
    return destinations;
}

std::string one_policy(const topo::Lab& lab, const std::vector<Prefix>& prefixes) {
    std::string list;
    for (const auto& prefix : prefixes)
        fmt::format_to(std::back_inserter(list), "{}\"{}\"", list.empty() ? "" : ", ", prefix.to_string());
    auto text = head(lab) + "policies:\n";
    add_policy(text, 0, list, candidates(lab));
    return text;
}

std::string one_policy_at_xdp(const topo::Lab& lab, const std::vector<Prefix>& prefixes) {
    const std::array interfaces{"S-A", "A-B", "A-C"};
    std::string list;
    for (const auto* link : interfaces)
        fmt::format_to(std::back_inserter(list), "{}{}", list.empty() ? "" : ", ", lab.interface("A", link).name);
    return one_policy(lab, prefixes) + "xdp: [" + list + "]\nxdp-on-virtual: true\n";
}

std::string own_policies(const topo::Lab& lab, const std::vector<Prefix>& prefixes) {
    auto text = head(lab) + "policies:\n";
    for (std::size_t i = 0; i < prefixes.size(); ++i)
        add_policy(text, i, '"' + prefixes[i].to_string() + '"', i == 0 ? "&same " + candidates(lab) : "*same");
    return text;
}

std::string bypass_only(const topo::Lab& lab) {
    return head(lab, "    bypass: [" + topo::detour_yaml(lab, protection()) + "]\n");
}

std::string policy_device(const topo::Lab& lab) {
    auto what = protection();
    what.node = "S";
    what.link = what.backup_link = "S-A";
    what.via = {"A", "B"};
    return topo::head_yaml(lab, what) + topo::ingress_yaml(lab, what) + "adjacencies:\n" +
           topo::adjacency_yaml(lab, what, what.link) +
           fmt::format(
               "device: sr0\npolicies:\n  - {{name: to-D, prefixes: [\"{}\"], steering: device, candidates: [{}]}}\n",
               kDestination, topo::detour_yaml(lab, what));
}

void steer_by_seg6(const Rig& rig, const std::string& node) {
    const auto& lab = rig.lab();
    const std::string next = node == "A" ? "C" : "A";
    const auto link = node + "-" + next;
    rig.ip(node, fmt::format("route add {} encap seg6 mode encap segs {},{} via {} dev {} metric 10\n", kDestination,
                             lab.sid(next, routing::kFunctionEnd).to_string(),
                             lab.sid("B", routing::kFunctionDecap).to_string(),
                             lab.peer(node, link).link_local.to_string(), lab.interface(node, link).name));
}

void set_seg6_source(const Rig& rig, const std::string& node) {
    rig.ip(node, fmt::format("sr tunsrc set {}\n", rig.lab().address(node).to_string()));
}

void add_routes(const Rig& rig, const std::vector<std::string>& prefixes) {
    const auto& lab = rig.lab();
    const auto next = lab.peer("A", "A-B").link_local.to_string();
    const auto& device = lab.interface("A", "A-B").name;
    std::string batch;
    for (const auto& prefix : prefixes) {
        const bool v4 = prefix.find(':') == std::string::npos;
        fmt::format_to(std::back_inserter(batch), "route add {} via {}{} dev {}\n", prefix, v4 ? "inet6 " : "", next,
                       device);
    }
    rig.ip("A", std::move(batch));
}

}  // namespace sidestep::bench
