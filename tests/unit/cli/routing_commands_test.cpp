// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The subcommands as a user calls them: the JSON shape, drawings, and exit code 2 on bad input.
#include "cli/routing_commands.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "detector/core/config.hpp"

namespace sidestep::routing {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Outcome {
    int exit_code = 0;
    std::string out;
    std::string err;
};

Outcome sidestep(std::vector<std::string> arguments) {
    CLI::App app{"sidestep"};
    app.require_subcommand(1);
    add_routing_commands(app);
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants it
    Outcome outcome;
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    try {
        app.parse(arguments);
    } catch (const CLI::ParseError& error) {
        outcome.exit_code = error.get_exit_code();
    }
    outcome.out = testing::internal::GetCapturedStdout();
    outcome.err = testing::internal::GetCapturedStderr();
    return outcome;
}

/// tests/data/topologies/ladder.yaml:
//    S --- N --- D      S-N is in SRLG 1; P-Q costs 100, everything else 10
//    |     |
//    P --- Q
std::string ladder() {
    return std::string(SIDESTEP_SOURCE_DIR) + "/tests/data/topologies/ladder.yaml";
}

TEST(Commands, ComputePrintsTheRepairsAsJson) {
    const auto outcome = sidestep({"compute", "--topology", ladder(), "--node", "S", "--protect", "link", "--json"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    const auto json = nlohmann::json::parse(outcome.out);
    EXPECT_EQ(json["node"], "S");
    EXPECT_EQ(json["protect"], "link");
    ASSERT_EQ(json["repairs"].size(), 4U);
    EXPECT_EQ(json["repairs"][1], nlohmann::json::parse(R"({
        "destination": "D", "failed": {"link": "S-N"}, "primary": [{"link": "S-N", "neighbor": "N"}],
        "status": "protected", "reason": null, "via": {"link": "S-P", "neighbor": "P"},
        "segments": [{"link": "P-Q", "from": "P", "to": "Q"}],
        "sids": ["fd00:0:4:1004::", "fd00:0:5:6::"], "cost": 130, "path": ["S", "P", "Q", "N", "D"]})"));
}

TEST(Commands, NodeProtectionNamesTheLinkForTheNeighborItself) {
    const auto outcome = sidestep({"compute", "--topology", ladder(), "--node", "S", "--protect", "node", "--json"});
    const auto json = nlohmann::json::parse(outcome.out);
    std::map<std::string, std::string> failed;
    for (const auto& repair : json["repairs"]) failed[repair["destination"]] = repair["failed"].dump();
    EXPECT_THAT(failed, ElementsAre(testing::Pair("D", R"({"link":"S-N"})"), testing::Pair("N", R"({"link":"S-N"})"),
                                    testing::Pair("P", R"({"link":"S-P"})"), testing::Pair("Q", R"({"node":"N"})")));
}

TEST(Commands, UnprotectableHasItsReason) {
    const auto outcome = sidestep({"compute", "--topology", ladder(), "--node", "N", "--json"});
    const auto json = nlohmann::json::parse(outcome.out);
    for (const auto& repair : json["repairs"]) {
        if (repair["destination"] != "D") continue;
        EXPECT_EQ(repair["status"], "unprotectable");
        EXPECT_EQ(repair["reason"], "no path to D without link N-D");
        EXPECT_TRUE(repair["via"].is_null());
        EXPECT_TRUE(repair["path"].empty());
    }
    const auto shallow = sidestep({"compute", "--topology", ladder(), "--node", "S", "--max-sids", "1", "--json"});
    EXPECT_THAT(shallow.out, HasSubstr("needs 2 SIDs, but the maximum SID depth is 1"));
}

TEST(Commands, ExplainDrawsThePath) {
    const auto outcome =
        sidestep({"explain", "2001:db8:d::7", "--topology", ladder(), "--node", "S", "--protect", "link"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(outcome.out, R"(S to D, link protection: cost 20 by S-N to N

when link S-N fails:
  post-convergence path, cost 130 (P: in extended P-space, Q: in Q-space):
    S      repairs
    ║  S-P, 10, out of this interface
    P  P
    ║  P-Q, 100, adjacency segment
    Q   Q
    │  N-Q, 10
    N   Q
    │  N-D, 10
    D   Q
  P-space:          P
  extended P-space: P
  Q-space:          N, D, Q
  repair list: P-Q
  SIDs by H.Encaps: fd00:0:4:1004:: fd00:0:5:6::

pre-installed, the first candidate that is up is taken:
  0: by S-N to N, plain forwarding
  1: by S-P to P, fd00:0:4:1004:: fd00:0:5:6:: (against link S-N)
  for 2001:db8:d::/48 fd00:0:3::/48
)");
}

TEST(Commands, CoverageCountsTriples) {
    const auto outcome = sidestep({"coverage", "--topology", ladder(), "--protect", "link", "--json"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    const auto json = nlohmann::json::parse(outcome.out);
    EXPECT_EQ(json["triples"], 20);
    EXPECT_EQ(json["share_of_reachable"], 1.0);
    EXPECT_EQ(json["cut_off"], 5) << "D behind its bridge, and everything else seen from D";
}

TEST(Commands, ComputePrintsDisjointWays) {
    const std::vector<std::string> command{"compute", "--topology", ladder(), "--node", "S", "--disjoint", "node"};
    auto as_json = command;
    as_json.emplace_back("--json");
    const auto outcome = sidestep(as_json);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    const auto json = nlohmann::json::parse(outcome.out);
    EXPECT_EQ(json["node"], "S");
    EXPECT_EQ(json["disjoint"], "node");
    ASSERT_EQ(json["pairs"].size(), 4U);
    const auto to_d = std::ranges::find_if(json["pairs"], [](const auto& pair) { return pair["destination"] == "D"; });
    ASSERT_NE(to_d, json["pairs"].end());
    EXPECT_EQ(*to_d, nlohmann::json::parse(R"({
        "destination": "D", "status": "partly", "reason": null, "shared": [{"node": "N"}, {"link": "N-D"}],
        "ways": [{"via": {"link": "S-N", "neighbor": "N"}, "cost": 20, "path": ["S", "N", "D"],
                  "links": ["S-N", "N-D"], "segments": [], "sids": ["fd00:0:3:6::"], "reason": null},
                 {"via": {"link": "S-P", "neighbor": "P"}, "cost": 130, "path": ["S", "P", "Q", "N", "D"],
                  "links": ["S-P", "P-Q", "N-Q", "N-D"], "segments": [{"link": "P-Q", "from": "P", "to": "Q"}],
                  "sids": ["fd00:0:4:1004::", "fd00:0:3:6::"], "reason": null}]})"));
    EXPECT_THAT(sidestep(command).out, HasSubstr("D: node-disjoint but for node N, link N-D\n"
                                                 "  cost 20 by S-N, S N D: fd00:0:3:6::\n"
                                                 "  cost 130 by S-P, S P Q N D: fd00:0:4:1004:: fd00:0:3:6::"));
}

TEST(Commands, ExplainDrawsDisjointWays) {
    const auto outcome = sidestep({"explain", "D", "--topology", ladder(), "--node", "S", "--disjoint", "node"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(outcome.out, R"(S to D by two ways, node-disjoint but for node N, link N-D

  cost 20:
    S
    ║  S-N, 10, out of this interface
    N  (shared)
    │  N-D, 10  (shared)
    D
  SIDs by H.Encaps: fd00:0:3:6::

  cost 130:
    S
    ║  S-P, 10, out of this interface
    P
    ║  P-Q, 100, adjacency segment
    Q
    │  N-Q, 10
    N  (shared)
    │  N-D, 10  (shared)
    D
  SIDs by H.Encaps: fd00:0:4:1004:: fd00:0:3:6::
)");
    const auto one = sidestep({"explain", "D", "--topology", ladder(), "--node", "N", "--disjoint", "link"});
    EXPECT_EQ(one.out, "N to D by two ways, link-disjoint: there is only one way to D\n");
}

TEST(Commands, CoverageCountsDisjointWays) {
    const auto outcome = sidestep({"coverage", "--topology", ladder(), "--disjoint", "link", "--json"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    const auto json = nlohmann::json::parse(outcome.out);
    EXPECT_EQ(json["pairs"], 20);
    EXPECT_EQ(json["full"], 12) << "on the ring of S, N, Q and P";
    EXPECT_EQ(json["partly"], 6) << "to and from D, by its only link";
    EXPECT_EQ(json["one_way"], 2) << "between N and D";
    EXPECT_NE(sidestep({"coverage", "--topology", ladder(), "--disjoint", "city"}).exit_code, 0);
}

TEST(Commands, TheDefaultsAreThoseOfTheDaemon) {
    const auto outcome = sidestep({"compute", "--topology", ladder(), "--node", "S", "--json"});
    EXPECT_EQ(nlohmann::json::parse(outcome.out)["protect"], RoutingConfig().protect);
    EXPECT_THAT(sidestep({"compute", "--help"}).out, testing::Not(HasSubstr("link unless")));
}

/// A configuration of S next to the ladder, with these settings under `routing`.
class ConfigFile {
  public:
    explicit ConfigFile(const std::string& settings) {
        std::ofstream(path_) << "node: {name: S, source-address: \"fd00:0:1::1\"}\n"
                                "adjacencies:\n"
                                "  - {name: S-N, interface: lo, neighbor: \"fe80::1\", "
                                "probe: {return-address: \"fd00:0:1::1\"}}\n"
                             << settings;
    }
    ConfigFile(const ConfigFile&) = delete;
    ConfigFile& operator=(const ConfigFile&) = delete;
    ~ConfigFile() { std::filesystem::remove(path_); }
    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    std::string path_ = testing::TempDir() + "/sidestep-config-" + std::to_string(::getpid()) + ".yaml";
};

TEST(Commands, ExplainTakesNetworkNodeAndSettingsFromAConfiguration) {
    const ConfigFile config("routing: {topology: \"" + ladder() + "\", protect: link, max-segments: 1}\n");
    const auto outcome = sidestep({"explain", "D", "--config", config.path()});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_THAT(outcome.out, HasSubstr("S to D, link protection"));
    EXPECT_THAT(outcome.out, HasSubstr("needs 2 SIDs, but the maximum SID depth is 1"));
    const auto other = sidestep({"explain", "D", "--config", config.path(), "--protect", "node", "--max-sids", "4"});
    EXPECT_THAT(other.out, HasSubstr("S to D, node protection")) << "the command line wins";
    EXPECT_THAT(other.out, testing::Not(HasSubstr("maximum SID depth")));
}

TEST(Commands, AConfigurationWithoutRoutingIsNoNetwork) {
    const ConfigFile config("");
    const auto outcome = sidestep({"compute", "--config", config.path()});
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_THAT(outcome.err, HasSubstr("has no `routing`: use --topology FILE or --isis"));
}

TEST(Commands, ExplainAsksIsis) {
    std::string directory = testing::TempDir() + "/sidestep-vtysh-XXXXXX";
    ASSERT_NE(mkdtemp(directory.data()), nullptr);
    std::ofstream(directory + "/vtysh") << "#!/bin/sh\ncat " << SIDESTEP_SOURCE_DIR << "/tests/data/isis/ring.txt\n";
    std::filesystem::permissions(directory + "/vtysh", std::filesystem::perms::owner_all);
    const std::string path = std::getenv("PATH");
    ::setenv("PATH", (directory + ":" + path).c_str(), 1);
    const auto outcome = sidestep({"explain", "r4", "--isis"});
    const auto other = sidestep({"explain", "r4", "--isis", "--node", "r2", "--locators", "fd00::/32"});
    ::setenv("PATH", path.c_str(), 1);
    std::filesystem::remove_all(directory);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_THAT(outcome.out, HasSubstr("r1 to r4, node protection"));
    EXPECT_THAT(other.out, HasSubstr("r2 to r4, node protection"));
    EXPECT_NE(sidestep({"explain", "r4", "--isis", "--topology", ladder()}).exit_code, 0) << "one of them";
    EXPECT_NE(sidestep({"explain", "r4"}).exit_code, 0);
}

TEST(Commands, BadInputEndsInTwo) {
    const auto missing = sidestep({"compute", "--topology", "/nonexistent", "--node", "S"});
    EXPECT_EQ(missing.exit_code, 2);
    EXPECT_EQ(missing.err, "sidestep: /nonexistent: No such file or directory\n");
    const auto node = sidestep({"compute", "--topology", ladder(), "--node", "Z"});
    EXPECT_EQ(node.exit_code, 2);
    EXPECT_THAT(node.err, HasSubstr("has no node Z"));
    EXPECT_EQ(sidestep({"explain", "2001:db8:ffff::", "--topology", ladder(), "--node", "S"}).exit_code, 2);
}

}  // namespace
}  // namespace sidestep::routing
