// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What `sidestep check` says about the example.
#include "detector/app/describe.hpp"

#include <gtest/gtest.h>

#include "detector/io/config_file.hpp"

namespace sidestep {
namespace {

Config example() {
    Complaints complaints;
    return read_config_file(SIDESTEP_SOURCE_DIR "/docs/example.yaml", complaints).value();
}

TEST(Describe, SaysHowFastAndWhereTo) {
    EXPECT_EQ(describe(example()), R"(node A, source fd00:a::1, clock auto, beat 250 us
ingress: to-S, to-B, to-C

ADJACENCY  INTERFACE  NEIGHBOR  TURNAROUND  INTERVAL(ms)  MULT  ALLOWANCE(ms)   VERDICT(ms)  FROM-FAILURE(ms)  RESTORE(ms)
A-B        to-B       fe80::b   forward            1.000     3          0.200  2.200..2.450             3.450     5002.000
A-C        to-C       fe80::c   end.x              1.000     3          0.200  2.200..2.450             3.450     5002.000
VERDICT: from the first unanswered probe until the adjacency is down; FROM-FAILURE: from the failure, at most.
RESTORE: from the first answered probe until it is trusted again, at least.
The round trip may exceed the interval; what it exceeds the allowance by adds to both.

POLICY  PREFIXES         CANDIDATE  ADJACENCY  ENCAP     SEGMENTS              PATHS
to-D    2001:db8:d::/48          0  A-B        plain
                                 1  A-C        h.encaps  fd00:c:: fd00:b:d6::
)");
}

TEST(Describe, SaysTheSameAsJson) {
    const auto json = describe_json(example());
    EXPECT_EQ(json.at("node"), "A");
    EXPECT_EQ(json.at("clock"), nlohmann::json::parse(R"({"kind": "auto", "beat_us": 250.0})"));
    EXPECT_EQ(json.at("adjacencies").at(1), nlohmann::json::parse(R"({
        "name": "A-C", "interface": "to-C", "neighbor": "fe80::c", "path": [], "sink": "fd00:ac::a", "turnaround": "end.x",
        "segment": "fd00:c:a::", "interval_us": 1000.0, "multiplier": 3, "up_count": 3, "allowance_us": 200.0,
        "wait_to_restore_ms": 5000.0, "verdict_min_ms": 2.2, "verdict_max_ms": 2.45, "from_failure_max_ms": 3.45,
        "restore_min_ms": 5002.0})"));
    EXPECT_EQ(json.at("policies"), nlohmann::json::parse(R"([{"name": "to-D", "prefixes": ["2001:db8:d::/48"],
        "candidates": [{"index": 0, "adjacency": "A-B", "encap": "plain", "segments": [], "sessions": []},
                       {"index": 1, "adjacency": "A-C", "encap": "h.encaps",
                        "segments": ["fd00:c::", "fd00:b:d6::"], "sessions": []}]}])"));
    EXPECT_EQ(json.at("ingress"), nlohmann::json::parse(R"(["to-S", "to-B", "to-C"])"));
}

TEST(Describe, ANodeWithoutPoliciesOnlyReports) {
    auto config = example();
    config.policies.clear();
    config.ingress.clear();
    const auto text = describe(config);
    EXPECT_NE(text.find("ingress: none\n"), std::string::npos);
    EXPECT_NE(text.find("\nno policies: failures are reported, traffic is left alone\n"), std::string::npos);
}

}  // namespace
}  // namespace sidestep
