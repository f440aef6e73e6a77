// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A node on which all is well, for tests that break one thing: A of the README, with links to B, C and S.
#pragma once

#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "doctor/checks.hpp"

namespace sidestep {

inline Address addr(std::string_view text) {
    return *Address::parse(text);
}

inline AdjacencyConfig link_to(const std::string& name, const std::string& interface, std::string_view neighbor,
                               std::string_view return_address) {
    AdjacencyConfig result;
    result.name = name;
    result.interface = interface;
    result.neighbor = addr(neighbor);
    result.probe.return_address = addr(return_address);
    return result;
}

inline SegmentListConfig list_over(const std::string& adjacency, const std::vector<std::string>& segments = {}) {
    SegmentListConfig list;
    list.adjacency = adjacency;
    list.encap = segments.empty() ? Encap::plain : Encap::h_encaps;
    for (const auto& segment : segments) list.segments.push_back(addr(segment));
    return list;
}

inline Config good_config() {
    Config config;
    config.node = "A";
    config.source = addr("fd00:a::1");
    config.adjacencies = {link_to("A-B", "to-B", "fe80::b", "fd00:ab::a"),
                          link_to("A-C", "to-C", "fe80::c", "fd00:ac::a")};
    PolicyConfig policy;
    policy.name = "to-D";
    policy.prefixes = {*Prefix::parse("2001:db8:d::/64")};
    policy.candidates = {{.lists = {list_over("A-B")}}, {.lists = {list_over("A-C", {"fd00:c::", "fd00:b:d6::"})}}};
    policy.candidates[1].lists[0].sessions = {"A-C-B"};
    config.policies = {policy};
    config.ingress = {"to-S"};
    return config;
}

inline SeenInterface wire(const std::string& name, std::string_view address, unsigned mtu = 1500) {
    return {.name = name,
            .up = true,
            .carrier = true,
            .sends_broadcast = true,
            .mtu = mtu,
            .addresses = {{.address = addr(address), .length = 64}}};
}

inline Machine good_machine() {
    Machine machine;
    machine.looked = true;
    machine.kernel = "6.1.0-18-amd64";
    machine.interfaces = {{"to-B", wire("to-B", "fd00:ab::a")},
                          {"to-C", wire("to-C", "fd00:ac::a", 1600)},
                          {"to-S", wire("to-S", "2001:db8:5::a")},
                          {"lo", {.name = "lo", .up = true, .carrier = true, .loopback = true, .mtu = 65536}}};
    machine.interfaces["lo"].addresses = {{.address = addr("fd00:a::1")}};
    machine.neighbors = {{.interface = "to-B", .address = addr("fe80::b"), .state = "REACHABLE"},
                         {.interface = "to-C", .address = addr("fe80::c"), .state = "STALE"}};
    machine.sysctls = {{"net.ipv6.conf.all.forwarding", "1"},
                       {"net.ipv6.conf.all.seg6_enabled", "0"},
                       {"net.ipv6.neigh.default.gc_thresh3", "1024"}};
    machine.lookups["2001:db8:d::"] = {
        .prefix = *Prefix::parse("2001:db8:d::/64"), .gateway = addr("fe80::b"), .interface = "to-B"};
    return machine;
}

/// A session as the daemon answers it.
inline nlohmann::json seen_session(const std::string& name, const std::string& state, unsigned sent = 3000,
                                   unsigned answered = 3000) {
    return {{"name", name},
            {"state", state},
            {"reason", state == "down" ? "unanswered" : "none"},
            {"sent", sent},
            {"answered", answered}};
}

inline Case good_case() {
    Case node{.config = good_config(), .machine = good_machine(), .daemon = {}};
    node.daemon.running = true;
    node.daemon.status = {{"node", "A"}, {"clock", {{"kind", "kernel"}}}};
    node.daemon.sessions = {{"sessions", {seen_session("A-B", "up"), seen_session("A-C", "up")}}};
    return node;
}

/// The only finding.
inline Finding only(const Findings& findings) {
    EXPECT_EQ(findings.size(), 1U) << to_text(findings);
    return findings.empty() ? Finding{} : findings.front();
}

}  // namespace sidestep
