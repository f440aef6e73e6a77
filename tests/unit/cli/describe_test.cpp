// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What `sidestep check` says about the example.
#include "cli/describe.hpp"

#include <gtest/gtest.h>

#include "detector/config/config_file.hpp"

namespace sidestep {
namespace {

Config example() {
    Complaints complaints;
    return read_config_file(SIDESTEP_SOURCE_DIR "/docs/example.yaml", complaints).value();
}

TEST(Describe, SaysHowFastAndWhereTo) {
    EXPECT_EQ(describe(example()), R"(node A, source fd00:a::1, clock auto, tick 250 us
ingress: to-S, to-B, to-C

ADJACENCY  INTERFACE  NEIGHBOR  TURNAROUND  INTERVAL(ms)  MULT  ALLOWANCE(ms)   VERDICT(ms)  FROM-FAILURE(ms)  RESTORE(ms)
A-B        to-B       fe80::b   forward            1.000     3          0.200  2.200..2.450             3.450     5002.000
A-C        to-C       fe80::c   end.x              1.000     3          0.200  2.200..2.450             3.450     5002.000
VERDICT: from the first unanswered probe until the adjacency is down; FROM-FAILURE: from the failure, at most.
RESTORE: from the first answered probe until it is trusted again, at least.
The round trip may exceed the interval; if it exceeds the allowance, the excess adds to both.

POLICY  PREFIXES         STEERING  CANDIDATE  WEIGHT  ADJACENCY  ENCAP     SEGMENTS              PATHS
to-D    2001:db8:d::/48  transit           0          A-B        plain
                                           1          A-C        h.encaps  fd00:c:: fd00:b:d6::
)");
}

TEST(Describe, SaysTheSameAsJson) {
    const auto answer = describe_json(example());
    EXPECT_EQ(answer.at("node"), "A");
    EXPECT_EQ(answer.at("clock"), nlohmann::json::parse(R"({"kind": "auto", "tick_us": 250.0})"));
    EXPECT_EQ(answer.at("adjacencies").at(1), nlohmann::json::parse(R"({
        "name": "A-C", "interface": "to-C", "neighbor": "fe80::c", "path": [], "return_address": "fd00:ac::a",
        "mode": "repair", "turnaround": "end.x",
        "segment": "fd00:c:a::", "size": 0, "interval_us": 1000.0, "multiplier": 3, "up_count": 3, "start": "proven", "allowance_us": 200.0,
        "wait_to_restore_ms": 5000.0, "verdict_min_ms": 2.2, "verdict_max_ms": 2.45, "from_failure_max_ms": 3.45,
        "restore_min_ms": 5002.0})"));
    EXPECT_EQ(answer.at("policies"), nlohmann::json::array());
    EXPECT_EQ(policy_json(example().policies.at(0)),
              nlohmann::json::parse(R"({"name": "to-D", "prefixes": ["2001:db8:d::/48"],
        "steering": "transit", "metric": 5, "flow": null, "over_routes": false, "candidates": [
            {"index": 0, "preference": 100,
             "lists": [{"weight": 1, "adjacency": "A-B", "encap": "plain", "segments": [], "sessions": []}]},
            {"index": 1, "preference": 100,
             "lists": [{"weight": 1, "adjacency": "A-C", "encap": "h.encaps",
                        "segments": ["fd00:c::", "fd00:b:d6::"], "sessions": []}]}]})"));
    for (const auto* key : {"source_address_ipv4", "device", "routing"}) EXPECT_EQ(answer.at(key), nullptr) << key;
    for (const auto* key : {"bypasses", "sr_domain", "sids"}) EXPECT_EQ(answer.at(key), nlohmann::json::array()) << key;
    EXPECT_EQ(answer.at("ingress"), nlohmann::json::parse(R"(["to-S", "to-B", "to-C"])"));
}

TEST(Describe, NamesWhatIsAtXdp) {
    auto config = example();
    EXPECT_EQ(describe(config).find("XDP"), std::string::npos);
    config.xdp = {"to-B", "to-C"};
    EXPECT_NE(describe(config).find("\nat XDP: to-B, to-C\n"), std::string::npos);
    config.xdp_on_virtual = true;
    EXPECT_NE(describe(config).find("\nat XDP: to-B, to-C, virtual ones, too\n"), std::string::npos);
    EXPECT_EQ(describe_json(config).at("xdp"), nlohmann::json::parse(R"(["to-B", "to-C"])"));
    EXPECT_EQ(describe_json(config).at("xdp_on_virtual"), true);
    EXPECT_EQ(describe_json(config).at("egress"), true);
    EXPECT_EQ(describe_json(config).at("ipsec"), "heed");
    EXPECT_EQ(describe_json(config).at("mode"), "repair");
    EXPECT_EQ(describe_json(config).at("netfilter"), "warn");
}

TEST(Describe, ANodeWithoutPoliciesOnlyReports) {
    auto config = example();
    config.policies.clear();
    config.ingress.clear();
    const auto text = describe(config);
    EXPECT_NE(text.find("ingress: none\n"), std::string::npos);
    EXPECT_NE(text.find("\nno policies: failures are reported, traffic is left alone\n"), std::string::npos);
}

/// A node with one of everything that repairs are made of.
Config repairing() {
    Complaints complaints;
    auto config = read_config(R"(
node: {name: A, source-address: "fd00:a::1", source-address-ipv4: 192.0.2.1}
device: sr0
sr-domain: ["fd00::/16", "fcbb::/16"]
adjacencies:
  - name: A-B
    interface: to-B
    neighbor: "fe80::b"
    probe: {return-address: "fd00:ab::a"}
    bypass: [{adjacency: A-C}, {preference: 50, adjacency: A-C, encap: h.insert, segments: ["fd00:c::"]}]
  - {name: A-C, interface: to-C, neighbor: "fe80::c", probe: {return-address: "fd00:ac::a", size: 1500}}
policies:
  - name: to-D
    prefixes: [192.0.2.0/24, "2001:db8::/32"]
    steering: device
    candidates:
      - lists: [{weight: 3, adjacency: A-B}, {adjacency: A-C, encap: h.encaps.red, segments: ["fd00:c::"]}]
sids:
  - {sid: "fd00:a::", behavior: end, flavors: [psp, next-csid]}
  - {sid: "fd00:a:1::", behavior: end.x, adjacency: A-B, install: false}
  - {sid: "fd00:a:2::", behavior: end.dt46}
routing: {topology: net.yaml, protect: srlg, next-csid: true, hold: 500ms}
)",
                              complaints);
    EXPECT_EQ(complaints.to_string(), "");
    return config.value_or(Config{});
}

TEST(Describe, NamesWhatTheNodeRepairsWith) {
    const auto text = describe(repairing());
    EXPECT_EQ(text.substr(0, text.find("\n\n")), R"(node A, source fd00:a::1 and 192.0.2.1, clock auto, tick 250 us
ingress: none
policy device: sr0
SR domain: fd00::/16, fcbb::/16
routing: topology net.yaml, as A, protects srlg, h.encaps of at most 10 segments in next-csid containers, hold 500 ms)");
    EXPECT_EQ(text.substr(text.find("POLICY")),
              R"(POLICY  PREFIXES       STEERING          CANDIDATE  WEIGHT  ADJACENCY  ENCAP         SEGMENTS  PATHS
to-D    192.0.2.0/24   device, metric 5          0       3  A-B        plain
        2001:db8::/32                                    1  A-C        h.encaps.red  fd00:c::

BYPASS-OF  CANDIDATE  WEIGHT  ADJACENCY  ENCAP     SEGMENTS  PATHS
A-B                0          A-C        plain
                   1          A-C        h.insert  fd00:c::

SID             BEHAVIOR  FLAVORS               ADJACENCY  ROUTE
fd00:a::/48     end       psp, next-csid 32+16             installed
fd00:a:1::/128  end.x                           A-B
fd00:a:2::/128  end.dt46
)");
}

TEST(Describe, NamesRepairsInJson) {
    const auto answer = describe_json(repairing());
    EXPECT_EQ(answer.at("source_address_ipv4"), "192.0.2.1");
    EXPECT_EQ(answer.at("device"), "sr0");
    EXPECT_EQ(answer.at("sr_domain"), nlohmann::json::parse(R"(["fd00::/16", "fcbb::/16"])"));
    EXPECT_EQ(answer.at("adjacencies").at(1).at("size"), 1500);
    EXPECT_EQ(policy_json(repairing().policies.at(0)).at("candidates").at(0).at("lists").at(0).at("weight"), 3);
    EXPECT_EQ(answer.at("bypasses"), nlohmann::json::parse(R"([{"adjacency": "A-B", "candidates": [
        {"index": 0, "preference": 100,
         "lists": [{"weight": 1, "adjacency": "A-C", "encap": "plain", "segments": [], "sessions": []}]},
        {"index": 1, "preference": 50,
         "lists": [{"weight": 1, "adjacency": "A-C", "encap": "h.insert", "segments": ["fd00:c::"], "sessions": []}]}]
        }])"));
    EXPECT_EQ(answer.at("sids"), nlohmann::json::parse(R"([
        {"sid": "fd00:a::/48", "behavior": "end", "flavors": ["psp", "next-csid"], "block_bits": 32,
         "function_bits": 16, "adjacency": null, "flows": [], "window": null, "reset_ms": null, "install": true},
        {"sid": "fd00:a:1::/128", "behavior": "end.x", "flavors": [], "block_bits": null, "function_bits": null,
         "adjacency": "A-B", "flows": [], "window": null, "reset_ms": null, "install": false},
        {"sid": "fd00:a:2::/128", "behavior": "end.dt46", "flavors": [], "block_bits": null, "function_bits": null,
         "adjacency": null, "flows": [], "window": null, "reset_ms": null, "install": false}])"));
    EXPECT_EQ(answer.at("routing"), nlohmann::json::parse(R"({"topology": "net.yaml", "vtysh": null,
        "vty_directory": null, "node": "A", "protect": "srlg", "encap": "h.encaps", "max_segments": 10,
        "next_csid": true, "hold_ms": 500.0, "install_sids": true})"));
}

TEST(Describe, SaysWhatRepairsANodeWithoutPolicies) {
    auto config = repairing();
    config.policies.clear();
    EXPECT_NE(describe(config).find("\nno policies except those that routing computes\n"), std::string::npos);
    config.routing.reset();
    EXPECT_NE(describe(config).find("\nno policies: bypasses only\n"), std::string::npos);
}

}  // namespace
}  // namespace sidestep
