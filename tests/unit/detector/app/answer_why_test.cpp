// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests which policy is found for a destination, and what is said of the choice.
#include "detector/app/answer_why.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidestep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Address address(std::string_view text) {
    return *Address::parse(text);
}

Policy policy(const std::string& name, const std::vector<std::string_view>& prefixes,
              const std::string& bypass_of = "") {
    Policy result;
    result.config.name = name;
    result.bypass_of = bypass_of;
    for (const auto prefix : prefixes) result.config.prefixes.push_back(*Prefix::parse(prefix));
    SegmentListConfig plain;
    plain.adjacency = "A-B";
    SegmentListConfig detour;
    detour.adjacency = "A-C";
    detour.sessions = {"path-C", "A-B"};
    result.config.candidates = {{.lists = {plain}}, {.lists = {detour}}};
    return result;
}

class Why : public testing::Test {
  protected:
    [[nodiscard]] FoundPolicy find(std::string_view destination, const Result<FibAnswer>& fib) const {
        return find_policy(policies_, adjacencies_, address(destination), fib);
    }
    static FibAnswer by(const std::string& interface, std::optional<std::string_view> gateway = std::nullopt) {
        FibAnswer fib{.interface = interface};
        if (gateway) fib.gateway = address(*gateway);
        return fib;
    }

    std::vector<Policy> policies_{policy("wide", {"2001:db8::/32", "10.0.0.0/8"}),
                                  policy("narrow", {"2001:db8:d::/48"}), policy("A-B bypass", {}, "A-B")};
    std::vector<AdjacencyKey> adjacencies_{
        {.name = "A-C", .interface = "to-C", .neighbor = address("fe80::c"), .gateways = {}, .link = {}},
        {.name = "A-B",
         .interface = "to-B",
         .neighbor = address("fe80::b"),
         .gateways = {address("192.0.2.2")},
         .link = {}}};
};

TEST_F(Why, TheLongestPrefixWins) {
    EXPECT_EQ(find("2001:db8:d::1", by("to-B", "fe80::b")).policy->config.name, "narrow");
    EXPECT_EQ(find("2001:db8:e::1", by("to-B", "fe80::b")).policy->config.name, "wide");
    EXPECT_EQ(find("10.1.2.3", fail("no route")).policy->config.name, "wide");
    EXPECT_EQ(find("10.1.2.3", fail("no route")).prefix->to_string(), "10.0.0.0/8");
}

TEST_F(Why, WithoutPrefixTheBypassOfTheAdjacencyThatTheFibUses) {
    EXPECT_EQ(find("2001:db9::1", by("to-B", "fe80::b")).policy->bypass_of, "A-B");
    EXPECT_EQ(find("198.51.100.1", by("to-B", "192.0.2.2")).policy->bypass_of, "A-B");
    EXPECT_EQ(find("192.0.2.2", by("to-B")).policy->bypass_of, "A-B") << "the neighbor itself, on the link";
    EXPECT_EQ(find("2001:db9::1", by("to-B", "fe80::77")).policy, nullptr) << "another router on the link";
    EXPECT_EQ(find("2001:db9::1", by("to-C", "fe80::c")).policy, nullptr) << "an adjacency without bypass";
    EXPECT_EQ(find("2001:db9::1", fail("no route")).policy, nullptr);
}

TEST_F(Why, TheSessionsOfAllCandidatesAreListedOnce) {
    EXPECT_THAT(sessions_of(policies_[0].config), ElementsAre("A-B", "A-C", "path-C"));
}

TEST_F(Why, TheChoiceInOneSentence) {
    const Result<FibAnswer> fib = by("to-B", "fe80::b");
    const auto found = find("2001:db8:d::1", fib);
    EXPECT_EQ(explain_choice(found, 0, fib),
              "prefix 2001:db8:d::/48 of policy narrow; no other candidate is better than the first");
    EXPECT_THAT(explain_choice(found, 1, fib), HasSubstr("candidate 1 is the first of the best ones that are left"));
    EXPECT_THAT(explain_choice(found, -1, fib), HasSubstr("all candidates are down"));
    EXPECT_THAT(explain_choice(find("2001:db9::1", fib), 1, fib), HasSubstr("the FIB uses adjacency A-B"));
    EXPECT_THAT(explain_choice({}, -1, fib), HasSubstr("in no policy"));
    const FibAnswer local{.type = "local"};
    EXPECT_THAT(explain_choice({}, -1, local), HasSubstr("an address of this node"));
    EXPECT_EQ(to_json(Result<FibAnswer>(fail("no route")))["error"], "no route");
}

}  // namespace
}  // namespace sidestep
