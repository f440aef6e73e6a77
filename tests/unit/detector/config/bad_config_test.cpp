// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the exact complaint about each bad value of structure, node, probe and adjacencies.
#include <gtest/gtest.h>

#include "detector/config/config_file.hpp"
#include "tests/unit/detector/config/config_text.hpp"

namespace sidestep {
namespace {

class BadConfig : public testing::TestWithParam<BadCase> {};

TEST_P(BadConfig, IsNamedByLineColumnFieldAndReason) {
    expect_complaints(GetParam());
}

std::vector<BadCase> bad_structure() {
    return {
        {"UnknownKeyAtTheTop",
         [](Parts& p) { p.ingress = "ingres: [to-S]"; },
         {"f:9:1: ingres: unknown key; known: node, clock, mode, probe, adjacencies, paths, passives, policies, "
          "ingress, "
          "xdp, xdp-on-virtual, egress, verify, ipsec, netfilter, device, sr-domain, sids, routing, hooks, bfd, "
          "stamp, sbfd"}},
        {"UnknownKeyInNode",
         [](Parts& p) { p.node = "node: {name: A, source-address: fd00::1, asn: 1}"; },
         {"f:1:42: node.asn: unknown key; known: name, source-address, source-address-ipv4"}},
        {"UnknownKeyInDefaults",
         [](Parts& p) { p.probe = "probe: {return-address: fd00::1}"; },
         {"f:3:9: probe.return-address: unknown key; known: interval, multiplier, up-count, start, wait-to-restore, "
          "allowance, "
          "turnaround, size, traffic-class, loss-limit, rtt-limit, damping"}},
        {"DampingThatNeverSuppresses",
         [](Parts& p) { p.probe = "probe: {damping: {half-life: 10s, max-suppress: 1s}}"; },
         {"f:3:18: probe.damping: never suppresses: with this half-life and max-suppress the penalty stays below "
          "1072"}},
        {"UnknownKeyInAdjacency",
         [](Parts& p) {
             p.first = "- {name: A-B, interface: to-B, neighbor: fe80::b, mtu: 1, probe: {return-address: fd00:ab::1}}";
         },
         {"f:5:51: adjacencies[0].mtu: unknown key; known: name, interface, neighbor, gateways, link, mode, "
          "probe, bfd, bypass"}},
        {"UnknownKeyInProbe",
         [](Parts& p) { p.first = adjacency_with_probe("{return-address: fd00:ab::1, mult: 3}"); },
         {"f:5:89: adjacencies[0].probe.mult: unknown key; known: interval, multiplier, up-count, start, "
          "wait-to-restore, "
          "allowance, turnaround, size, traffic-class, loss-limit, rtt-limit, damping, return-address, segment"}},
        {"UnknownKeyInPolicy",
         [](Parts& p) { p.policy = "- {name: to-D, prefix: x, prefixes: [], candidates: [{adjacency: A-B}]}"; },
         {"f:8:16: policies[0].prefix: unknown key; known: name, prefixes, candidates, steering, metric, over-routes, "
          "protection, flow"}},
        {"UnknownKeyInCandidate",
         [](Parts& p) { p.policy = policy_with_candidates("[{adjacency: A-B, weight: 2}]"); },
         {"f:8:60: policies[0].candidates[0].weight: unknown key; known: adjacency, encap, segments, sessions, "
          "preference, lists, mtu, verify"}},
        {"KeyTwice",
         [](Parts& p) { p.node = "node: {name: A, name: B, source-address: fd00::1}"; },
         {"f:1:17: node.name: given twice"}},
        {"MissingNode", [](Parts& p) { p.node = ""; }, {"f:2:1: node: missing"}},
        {"MissingNodeFields",
         [](Parts& p) { p.node = "node: {}"; },
         {"f:1:7: node.name: missing", "f:1:7: node.source-address: missing"}},
        {"MissingAdjacencyFields",
         [](Parts& p) { p.second = "- {}"; },
         {"f:6:3: adjacencies[1].name: missing", "f:6:3: adjacencies[1].interface: missing",
          "f:6:3: adjacencies[1].neighbor: missing", "f:6:3: adjacencies[1].probe: missing"}},
        {"MissingPolicyFields",
         [](Parts& p) { p.policy = "- {}"; },
         {"f:8:3: policies[0].name: missing", "f:8:3: policies[0].prefixes: missing",
          "f:8:3: policies[0].candidates: missing"}},
        {"MissingCandidateAdjacency",
         [](Parts& p) { p.policy = policy_with_candidates("[{encap: plain}]"); },
         {"f:8:43: policies[0].candidates[0].adjacency: missing"}},
        {"NotAMap", [](Parts& p) { p.node = "node: A"; }, {"f:1:7: node: must be a map"}},
        {"NotAList", [](Parts& p) { p.ingress = "ingress: to-S"; }, {"f:9:10: ingress: must be a list"}},
    };
}

constexpr const char* kBadNodeName =
    "f:1:14: node.name: must be 1 to 32 letters, digits, dots, underscores or hyphens, and must not begin with a dot "
    "or "
    "a hyphen";

std::vector<BadCase> bad_node() {
    return {
        {"NodeNameWithASlash", [](Parts& p) { p.node = "node: {name: a/b, source-address: fd00::1}"; }, {kBadNodeName}},
        {"NodeNameIsADirectoryAbove",
         [](Parts& p) { p.node = "node: {name: .., source-address: fd00::1}"; },
         {kBadNodeName}},
        {"NodeNameLooksLikeAnOption",
         [](Parts& p) { p.node = "node: {name: -f, source-address: fd00::1}"; },
         {kBadNodeName}},
        {"NodeNameTooLong",
         [](Parts& p) { p.node = "node: {name: " + std::string(33, 'a') + ", source-address: fd00::1}"; },
         {kBadNodeName}},
        {"SourceIsNoAddress",
         [](Parts& p) { p.node = "node: {name: A, source-address: fd00::g}"; },
         {"f:1:33: node.source-address: must be an IPv6 address"}},
        {"SourceIsIpv4",
         [](Parts& p) { p.node = "node: {name: A, source-address: 192.0.2.1}"; },
         {"f:1:33: node.source-address: must be an IPv6 address"}},
        {"SourceIsLinkLocal",
         [](Parts& p) { p.node = "node: {name: A, source-address: fe80::1}"; },
         {"f:1:33: node.source-address: must not be a link-local address: routers do not forward to it"}},
        {"SourceIsLoopback",
         [](Parts& p) { p.node = "node: {name: A, source-address: '::1'}"; },
         {"f:1:33: node.source-address: must not be the loopback address"}},
        {"SourceOfIcmpV4IsIpv6",
         [](Parts& p) { p.node = "node: {name: A, source-address: fd00::1, source-address-ipv4: fd00::1}"; },
         {"f:1:63: node.source-address-ipv4: must be an IPv4 address"}},
        {"SourceOfIcmpV4IsLoopback",
         [](Parts& p) { p.node = "node: {name: A, source-address: fd00::1, source-address-ipv4: 127.0.0.1}"; },
         {"f:1:63: node.source-address-ipv4: must not be a loopback address"}},
        {"SourceOfIcmpV4IsBroadcast",
         [](Parts& p) { p.node = "node: {name: A, source-address: fd00::1, source-address-ipv4: 255.255.255.255}"; },
         {"f:1:63: node.source-address-ipv4: must not be the broadcast address"}},
        {"IngressTwice",
         [](Parts& p) { p.ingress = "ingress: [to-S, to-B, to-S]"; },
         {"f:9:23: ingress[2]: 'to-S' is already given on line 9"}},
        {"XdpWhereNothingEnters",
         [](Parts& p) { p.more = "xdp: [to-B, to-X]"; },
         {"f:10:13: xdp[1]: 'to-X' is neither listed under `ingress` nor an adjacency's interface"}},
        {"XdpTwice",
         [](Parts& p) { p.more = "xdp: [to-B, to-B]"; },
         {"f:10:13: xdp[1]: 'to-B' is already given on line 10"}},
        {"XdpOnVirtualIsNoBoolean",
         [](Parts& p) { p.more = "xdp-on-virtual: often"; },
         {"f:10:17: xdp-on-virtual: must be true or false"}},
        {"DeviceIsNoName",
         [](Parts& p) { p.more = "device: a/b"; },
         {"f:10:9: device: 'a/b' cannot be the name of an interface"}},
        {"DeviceIsLo",
         [](Parts& p) { p.more = "device: lo"; },
         {"f:10:9: device: 'lo' cannot be the policy device: sidestepd creates a device of its own"}},
        {"DeviceIsAnAdjacencys",
         [](Parts& p) { p.more = "device: to-C"; },
         {"f:10:9: device: 'to-C' is the interface of adjacency 'A-C'; sidestepd creates the policy device itself"}},
        {"UnknownClock",
         [](Parts& p) { p.clock = "clock: sundial"; },
         {"f:2:8: clock: must be one of: auto, kernel, process"}},
    };
}

std::vector<BadCase> bad_probe() {
    return {
        {"IntervalBelowTheProcessClock",
         [](Parts& p) {
             p.clock = "clock: process";
             p.probe = "probe: {interval: 999us}";
         },
         {"f:3:19: probe.interval: must be from 1 ms to 60 s with clock: process"}},
        {"IntervalBelowTheKernelClock",
         [](Parts& p) {
             p.clock = "clock: kernel";
             p.probe = "probe: {interval: 49us}";
         },
         {"f:3:19: probe.interval: must be from 50 us to 60 s with clock: kernel"}},
        {"IntervalBelowAnyClock",
         [](Parts& p) { p.first = adjacency_with_probe("{return-address: fd00:ab::1, interval: 49us}"); },
         {"f:5:99: adjacencies[0].probe.interval: must be from 50 us to 60 s with clock: auto"}},
        {"IntervalTooLong",
         [](Parts& p) { p.probe = "probe: {interval: 61s}"; },
         {"f:3:19: probe.interval: must be from 50 us to 60 s with clock: auto"}},
        {"IntervalWithoutUnit",
         [](Parts& p) { p.probe = "probe: {interval: 1}"; },
         {"f:3:19: probe.interval: must be a duration with its unit, such as 250us, 1ms or 5s"}},
        {"MultiplierZero",
         [](Parts& p) { p.probe = "probe: {multiplier: 0}"; },
         {"f:3:21: probe.multiplier: must be a whole number from 1 to 32 probes"}},
        {"UpCountTooLarge",
         [](Parts& p) { p.probe = "probe: {up-count: 65}"; },
         {"f:3:19: probe.up-count: must be a whole number from 1 to 64 probes"}},
        {"WaitToRestoreTooLong",
         [](Parts& p) { p.probe = "probe: {wait-to-restore: 2h}"; },
         {"f:3:26: probe.wait-to-restore: must be from 0 ns to 3600 s"}},
        {"AllowanceTooShort",
         [](Parts& p) { p.probe = "probe: {allowance: 9us}"; },
         {"f:3:20: probe.allowance: must be from 10 us to 10 s"}},
        {"SizeTooSmall",
         [](Parts& p) { p.probe = "probe: {size: 159}"; },
         {"f:3:15: probe.size: must be 0 (as small as possible) or at least 160 bytes"}},
        {"SizeTooLarge",
         [](Parts& p) { p.first = adjacency_with_probe("{return-address: fd00:ab::1, size: 9001}"); },
         {"f:5:95: adjacencies[0].probe.size: must be a whole number from 0 to 9000 bytes"}},
        {"TrafficClassTooLarge",
         [](Parts& p) { p.probe = "probe: {traffic-class: 256}"; },
         {"f:3:24: probe.traffic-class: must be a whole number from 0 to 255"}},
        {"UnknownTurnaround",
         [](Parts& p) { p.probe = "probe: {turnaround: u-turn}"; },
         {"f:3:21: probe.turnaround: must be one of: forward, end, end.x"}},
        {"ReturnAddressMissing",
         [](Parts& p) { p.first = adjacency_with_probe("{interval: 1ms}"); },
         {"f:5:60: adjacencies[0].probe.return-address: missing"}},
        {"ReturnAddressIsLinkLocal",
         [](Parts& p) { p.first = adjacency_with_probe("{return-address: fe80::a}"); },
         {"f:5:77: adjacencies[0].probe.return-address: must not be a link-local address: routers do not forward to "
          "it"}},
        {"SegmentMissing",
         [](Parts& p) { p.first = adjacency_with_probe("{return-address: fd00:ab::1, turnaround: end.x}"); },
         {"f:5:60: adjacencies[0].probe.segment: missing"}},
        {"SegmentMissingForTheInheritedTurnaround",
         [](Parts& p) {
             p.probe = "probe: {turnaround: end}";
             p.second = "";
         },
         {"f:5:60: adjacencies[0].probe.segment: missing"}},
        {"SegmentWithForward",
         [](Parts& p) { p.first = adjacency_with_probe("{return-address: fd00:ab::1, segment: 'fd00:b::'}"); },
         {"f:5:98: adjacencies[0].probe.segment: is for turnaround end and end.x only; this probe uses "
          "forward"}},
    };
}

std::vector<BadCase> bad_adjacencies() {
    const auto adjacency = [](const std::string& name, const std::string& interface, const std::string& neighbor) {
        return "- {name: " + name + ", interface: " + interface + ", neighbor: '" + neighbor +
               "', probe: {return-address: fd00:ab::1}}";
    };
    return {
        {"NameTwice",
         [=](Parts& p) { p.second = adjacency("A-B", "to-C", "fe80::c"); },
         {"f:6:10: adjacencies[1].name: 'A-B' is already given on line 5"}},
        {"NameWithASpace",
         [=](Parts& p) { p.second = adjacency("A C", "to-C", "fe80::c"); },
         {"f:6:10: adjacencies[1].name: must be 1 to 63 printable characters without spaces"}},
        {"InterfaceNameTooLong",
         [=](Parts& p) { p.second = adjacency("A-C", "sixteen-letters-", "fe80::c"); },
         {"f:6:26: adjacencies[1].interface: 'sixteen-letters-' is longer than the 15 characters of an interface "
          "name"}},
        {"InterfaceNameWithASlash",
         [=](Parts& p) { p.second = adjacency("A-C", "to/C", "fe80::c"); },
         {"f:6:26: adjacencies[1].interface: 'to/C' cannot be the name of an interface"}},
        {"NeighborIsMulticast",
         [=](Parts& p) { p.second = adjacency("A-C", "to-C", "ff02::1"); },
         {"f:6:42: adjacencies[1].neighbor: must not be a multicast address"}},
        {"NeighborIsNoAddress",
         [=](Parts& p) { p.second = adjacency("A-C", "to-C", "C"); },
         {"f:6:42: adjacencies[1].neighbor: must be an IP address"}},
        {"NeighborIsUnspecified",
         [=](Parts& p) { p.second = adjacency("A-C", "to-C", "::"); },
         {"f:6:42: adjacencies[1].neighbor: must not be the unspecified address"}},
    };
}

INSTANTIATE_TEST_SUITE_P(Structure, BadConfig, testing::ValuesIn(bad_structure()), name_of);
INSTANTIATE_TEST_SUITE_P(Node, BadConfig, testing::ValuesIn(bad_node()), name_of);
INSTANTIATE_TEST_SUITE_P(Probe, BadConfig, testing::ValuesIn(bad_probe()), name_of);
INSTANTIATE_TEST_SUITE_P(Adjacencies, BadConfig, testing::ValuesIn(bad_adjacencies()), name_of);

}  // namespace
}  // namespace sidestep
