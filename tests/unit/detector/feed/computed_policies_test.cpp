// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the translation of routing's results into the terms of the configuration.
#include "detector/feed/computed_policies.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detector/feed/link_names.hpp"
#include "tests/unit/routing/sketch.hpp"

namespace sidestep {
namespace {

using routing::Sketch;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

/// A configuration with one adjacency per name and with computed routing.
Config config_with(const std::vector<std::string>& adjacencies) {
    Config config;
    config.node = "S";
    config.source = Address::parse("fd00:0:1::1").value();
    config.domain = {Prefix::parse("fd00::/32").value()};
    config.device = "sr0";
    for (const auto& name : adjacencies) {
        AdjacencyConfig adjacency;
        adjacency.name = name;
        adjacency.interface = "to-" + name;
        config.adjacencies.push_back(adjacency);
    }
    config.routing.emplace();
    config.routing->protect = "link";
    return config;
}

/// "S-A plain | S-B h-encaps fd00:...", in order.
std::vector<std::string> text(const std::vector<CandidateConfig>& candidates) {
    std::vector<std::string> result;
    for (const auto& candidate : candidates) {
        for (const auto& list : candidate.lists) {
            std::string line = list.adjacency + (list.encap == Encap::plain ? "" : " push");
            for (const auto& segment : list.segments) line += " " + segment.to_string();
            result.push_back(line);
        }
    }
    return result;
}

std::vector<std::string> candidates_of(const PolicySet& set, const std::string& policy) {
    const auto found = std::ranges::find(set.policies, policy, &PolicyConfig::name);
    return found == set.policies.end() ? std::vector<std::string>{"no policy"} : text(found->candidates);
}

std::vector<std::string> names(const std::vector<Prefix>& prefixes) {
    std::vector<std::string> result;
    for (const auto& prefix : prefixes) result.push_back(prefix.to_string());
    return result;
}

PolicySet compute(const Sketch& sketch, const Config& config) {
    const auto graph = sketch.graph();
    return compute_set(graph, graph.find_node("S").value(), config);
}

//   S --- A --- D      S-C-B-D is the detour, one too long to be loop-free at C
//   |           |
//   C --------- B
const Sketch kRing{.links = {"S A 10", "A D 10", "S C 10", "C B 10", "B D 30"}};

TEST(ComputedPolicies, PrimariesFirstThenRepairs) {
    const auto set = compute(kRing, config_with({"S-A", "S-C"}));
    EXPECT_THAT(set.warnings, IsEmpty());
    // Repair of S-A towards D: at B, no old path to D uses S-A; C would send packets back, so C -> B and decapsulation.
    EXPECT_THAT(candidates_of(set, "to-D"), ElementsAre("S-A", "S-C push fd00:0:5:6::"));
    EXPECT_THAT(candidates_of(set, "to-A"), testing::SizeIs(2));
    EXPECT_THAT(set.policies.front().prefixes, testing::SizeIs(1)) << "the locator";
    for (const auto& policy : set.policies) {
        for (const auto& candidate : policy.candidates)
            EXPECT_EQ(candidate.preference, 100U) << "only the order decides";
    }
}

TEST(ComputedPolicies, EachEqualCostPathIsACandidate) {
    const Sketch sketch{.links = {"S A 10", "S B 10", "S C 10", "S E 10", "A D 10", "B D 10", "C D 10", "E D 10"}};
    const auto set = compute(sketch, config_with({"S-A", "S-B", "S-C", "S-E"}));
    EXPECT_THAT(candidates_of(set, "to-D"), ElementsAre("S-A", "S-B", "S-C")) << "three at most";
    EXPECT_THAT(set.warnings, Contains("to-D: 1 of its paths are left out; a policy holds 3"));
}

TEST(ComputedPolicies, ALoopFreeNeighborNeedsNoSegments) {
    const Sketch sketch{.links = {"S A 10", "S B 10", "A D 10", "B D 15"}};
    const auto set = compute(sketch, config_with({"S-A", "S-B"}));
    EXPECT_THAT(candidates_of(set, "to-D"), ElementsAre("S-A", "S-B"));
}

// Of two parallel links the first is gone. What is left is called as the first was, but its interface is known.
TEST(ComputedPolicies, AnInterfaceSaysMoreThanAName) {
    routing::Graph graph;
    const auto s = graph.add_node({.name = "S", .locator = Prefix::parse("fd00:0:1::/48")});
    const auto a = graph.add_node({.name = "A", .locator = Prefix::parse("fd00:0:2::/48")});
    graph.add_link({.id = "S-A", .ends = {s, a}, .metrics = {10, 10}, .interfaces = {"eth2", ""}});
    graph.freeze();
    auto config = config_with({"S-A", "S-A.2"});
    config.adjacencies[0].interface = "eth1";
    config.adjacencies[1].interface = "eth2";
    EXPECT_EQ(match_links(graph, s, config.adjacencies).adjacency.begin()->second, "S-A.2");
}

//   S --- A --- D      Without A, the way to D is S-C-B-F and the link F-D, which takes two SIDs.
//   |\   /      |
//   | -E-       |
//   C --- B --- F
TEST(ComputedPolicies, ALinkIsProtectedWhereItsNodeCannotBe) {
    const Sketch sketch{.links = {"S A 10", "A D 10", "S E 10", "E A 10", "S C 10", "C B 10", "B F 10", "F D 100"}};
    auto config = config_with({"S-A", "S-C", "S-E"});
    config.routing->protect = "node";
    EXPECT_THAT(candidates_of(compute(sketch, config), "to-D"),
                ElementsAre("S-A", "S-C push fd00:0:7:1007:: fd00:0:3:6::"));
    config.routing->max_segments = 1;
    const auto set = compute(sketch, config);
    EXPECT_THAT(candidates_of(set, "to-D"), ElementsAre("S-A", "S-E"));
    EXPECT_THAT(set.warnings, Contains(HasSubstr("D is unprotected against node A")));
    EXPECT_THAT(set.warnings, Contains(HasSubstr("its link is protected instead")));
}

TEST(ComputedPolicies, LinksWithoutAdjacencyAreNamedAndLeftOut) {
    const auto set = compute(kRing, config_with({"S-A"}));
    EXPECT_THAT(set.warnings, Contains(HasSubstr("link S-C of this node has no adjacency")));
    EXPECT_THAT(candidates_of(set, "to-D"), ElementsAre("S-A")) << "its repair would leave by S-C";
    EXPECT_THAT(candidates_of(set, "to-C"), ElementsAre("no policy")) << "its primary path does";
    EXPECT_THAT(set.bypasses, IsEmpty());
}

// Repairs are SRv6.
TEST(ComputedPolicies, NothingIsComputedOverANeighborKnownByIpv4) {
    auto config = config_with({"S-A", "S-C"});
    config.adjacencies[1].neighbor = *Address::parse("10.0.1.2");
    const auto set = compute(kRing, config);
    EXPECT_THAT(set.warnings, Contains(HasSubstr("link S-C of this node has no adjacency")));
    EXPECT_THAT(candidates_of(set, "to-D"), ElementsAre("S-A"));
}

// Without an entry of its own, C's prefix would match A's default policy while S-A is down, though C is a neighbor.
TEST(ComputedPolicies, ShorterPrefixesDoNotMatchUnprotectedDestinations) {
    auto sketch = kRing;
    sketch.prefixes = {"A 2001:db8::/32", "C 2001:db8:c::/48", "S 2001:db8:5::/48", "C 192.0.2.0/24"};
    auto config = config_with({"S-A"});
    auto set = compute(sketch, config);
    EXPECT_THAT(candidates_of(set, "to-A"), ElementsAre("S-A"));
    EXPECT_THAT(names(set.unprotected), testing::IsSupersetOf({"2001:db8:c::/48", "192.0.2.0/24", "2001:db8:5::/48"}));
    EXPECT_THAT(names(set.unprotected), testing::Not(Contains("2001:db8::/32")));

    PolicyConfig own;
    own.prefixes = {Prefix::parse("2001:db8:c::/48").value()};
    config.policies.push_back(own);
    EXPECT_THAT(names(compute(sketch, config).unprotected), testing::Not(Contains("2001:db8:c::/48")))
        << "it has a policy";

    config = config_with({"S-A", "S-C"});
    config.routing->encap = Encap::h_insert;
    EXPECT_THAT(names(compute(sketch, config).unprotected), Contains("192.0.2.0/24"));
}

TEST(ComputedPolicies, BypassesAreTunnelsToTheFarEnd) {
    auto config = config_with({"S-A", "S-C"});
    auto set = compute(kRing, config);
    ASSERT_THAT(set.bypasses, UnorderedElementsAre(Pair("S-A", testing::_), Pair("S-C", testing::_)));
    EXPECT_THAT(text(set.bypasses.at("S-A")), ElementsAre(testing::EndsWith(" fd00:0:2:6::")));

    config.routing->encap = Encap::h_insert;
    set = compute(kRing, config);
    EXPECT_EQ(set.bypasses.at("S-A").front().lists.front().encap, Encap::h_encaps) << "the neighbor decapsulates";
    EXPECT_THAT(candidates_of(set, "to-D"), ElementsAre("S-A", "S-C push fd00:0:5:1::")) << "End, no decapsulation";

    config.adjacencies[0].bypass.resize(1);
    EXPECT_THAT(compute(kRing, config).bypasses, ElementsAre(Pair("S-C", testing::_))) << "the file's own";
}

TEST(ComputedPolicies, TheFileWinsOverWhatIsComputed) {
    auto config = config_with({"S-A", "S-C"});
    PolicyConfig own;
    own.name = "mine";
    own.prefixes = {Prefix::parse("fd00:0:3::/48").value()};  // D's locator
    config.policies.push_back(own);
    SidConfig sid;
    sid.sid = Prefix::parse("fd00:0:1:6::").value();
    config.sids.push_back(sid);
    const auto set = compute(kRing, config);
    EXPECT_THAT(candidates_of(set, "to-D"), ElementsAre("no policy"));
    EXPECT_THAT(candidates_of(set, "to-A"), testing::SizeIs(2));
    for (const auto& computed : set.sids) EXPECT_NE(computed.sid, sid.sid);
}

TEST(ComputedPolicies, Ipv4NeedsATunnel) {
    routing::Graph graph;
    const auto s = graph.add_node({.name = "S", .locator = Prefix::parse("fd00:0:1::/48")});
    const auto a = graph.add_node(
        {.name = "A", .locator = Prefix::parse("fd00:0:2::/48"), .prefixes = {Prefix::parse("192.0.2.0/24").value()}});
    graph.add_link({.id = "S-A", .ends = {s, a}, .metrics = {10, 10}});
    graph.freeze();
    auto config = config_with({"S-A"});
    EXPECT_THAT(compute_set(graph, s, config).policies.front().prefixes, testing::SizeIs(2));
    config.routing->encap = Encap::h_insert;
    const auto set = compute_set(graph, s, config);
    EXPECT_THAT(set.policies.front().prefixes, ElementsAre(Prefix::parse("fd00:0:2::/48").value()));
    EXPECT_THAT(set.warnings, Contains("to-A: 192.0.2.0/24 is IPv4, which h.insert cannot carry: left out"));
}

TEST(ComputedPolicies, SidsThatNobodyCanUseAreNamed) {
    auto config = config_with({"S-A", "S-C"});
    config.device = "";
    EXPECT_THAT(compute(kRing, config).warnings, ElementsAre(HasSubstr("add a `device`")));
    config.routing->install_sids = false;
    EXPECT_THAT(compute(kRing, config).warnings, IsEmpty());
    config.domain.clear();
    EXPECT_THAT(compute(kRing, config).warnings, ElementsAre(HasSubstr("`sr-domain`")));
}

TEST(ComputedPolicies, SidsOfThisNode) {
    auto config = config_with({"S-A"});
    const auto lines = [&] {
        std::vector<std::string> result;
        for (const auto& sid : compute(kRing, config).sids) {
            result.push_back(fmt::format("{} {} {}{}{}", sid.sid.to_string(), static_cast<int>(sid.behavior),
                                         sid.adjacency, sid.install ? " install" : "",
                                         sid.next_csid ? fmt::format(" next {}", sid.function_bits) : ""));
        }
        return result;
    };
    EXPECT_THAT(lines(),
                ElementsAre("fd00:0:1:1::/128 0  install", "fd00:0:1:6::/128 4 ", "fd00:0:1:1000::/128 1 S-A install"))
        << "End, End.DT46 that ingress does, End.X of the adjacency there is";
    config.routing->next_csid = true;
    config.routing->install_sids = false;
    EXPECT_THAT(lines(), ElementsAre("fd00:0:1:1::/128 0 ", "fd00:0:1:6::/128 4 ", "fd00:0:1:1000::/64 1 S-A next 32",
                                     "fd00:0:1::/48 0  next 16"));
}

TEST(ComputedPolicies, LocatorsAreTakenFromTheDomain) {
    auto config = config_with({});
    EXPECT_EQ(locator_plan_of(config).block.to_string(), "fd00::/32");
    EXPECT_EQ(locator_plan_of(config).length, 48);
    config.domain = {Prefix::parse("2001:db8::/32").value(), Prefix::parse("fd00::/16").value()};
    EXPECT_EQ(locator_plan_of(config).block.to_string(), "fd00::/16");
}

/// "link: adjacency" for all links of S.
std::vector<std::string> matches(const Sketch& sketch, const std::vector<std::string>& names) {
    const auto graph = sketch.graph();
    const auto config = config_with(names);
    std::vector<std::string> result;
    for (const auto& [arc, name] : match_links(graph, graph.find_node("S").value(), config.adjacencies).adjacency) {
        result.push_back(graph.link(routing::link_of(arc)).id + ": " + name);
    }
    return result;
}

TEST(LinkNames, IdsThenNeighborsThenOrder) {
    const Sketch sketch{.links = {"A S 10", "S B 10", "S B 20", "C S 10"}};
    EXPECT_THAT(matches(sketch, {"A-S", "S-B", "S-B.2", "C-S"}),
                UnorderedElementsAre("A-S: A-S", "S-B: S-B", "S-B.2: S-B.2", "C-S: C-S"));
    EXPECT_THAT(matches(sketch, {"S-A", "B", "B.2", "S-C"}),
                UnorderedElementsAre("A-S: S-A", "S-B: B", "S-B.2: B.2", "C-S: S-C"))
        << "the other way round, or by neighbor";
    EXPECT_THAT(matches(sketch, {"east", "B"}), UnorderedElementsAre("S-B: B"));
}

TEST(LinkNames, SeveralAdjacenciesMayNameOneNeighbor) {
    const auto graph = Sketch{.links = {"S B 10", "S B 20", "S B 30"}}.graph();
    auto config = config_with({"upper", "lower"});
    for (auto& adjacency : config.adjacencies) adjacency.link = "B";
    const auto names = match_links(graph, graph.find_node("S").value(), config.adjacencies);
    EXPECT_THAT(names.adjacency, UnorderedElementsAre(Pair(0U, "upper"), Pair(2U, "lower")));
    EXPECT_THAT(names.unclaimed, ElementsAre("S-B.3"));
}

}  // namespace
}  // namespace sidestep
