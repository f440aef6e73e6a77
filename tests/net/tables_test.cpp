// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Routes that are not in the main table, and routes whose ways are nexthop objects: what bypasses and policies of A make
// of them while A-B is cut.
#include <ostream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/net/repair_lab.hpp"

namespace sidestep::topo {
namespace {

/// For $f in both families, with D's prefix $p, S's $s, A's route to D $r, and B and C as A's next hops.
constexpr const char* kForEachFamily =
    "for f in -4 -6; do p=203.0.113.0/24; s=198.51.100.0/24; via='via inet6'; "
    "[ $f = -6 ] && { p=2001:db8:d::/48; s=2001:db8:5::/48; via=via; }; r=$(ip $f route show $p); ";

class OtherTables : public RepairLab {
  protected:
    void each_family(const std::string& command) {
        const auto hops = fmt::format("b={}; c={}; ", lab().peer("A", "A-B").link_local.to_string(),
                                      lab().peer("A", "A-C").link_local.to_string());
        ASSERT_EQ(shell("A", hops + kForEachFamily + command + "; done"), "");
    }
    /// Cuts A-B silently under traffic to D: the backup takes what the FIB sends there, and gives it back.
    void is_protected(const std::string& policy, std::size_t backup) {
        auto flows = forward_flows();
        const auto cut_ns = cut().cut(Direction::forward);
        EXPECT_TRUE(becomes("A", "down", "unanswered"));
        EXPECT_TRUE(flows.pass());
        EXPECT_GT(taken("A", policy, backup), 0U);
        cut().restore();
        EXPECT_TRUE(becomes("A", "up"));
        const auto before = taken("A", policy, backup);
        EXPECT_TRUE(flows.pass());
        EXPECT_EQ(taken("A", policy, backup), before);
        EXPECT_TRUE(healed(flows.stop(), cut_ns));
    }
    /// The same while the FIB sends all of it by A-C: nobody takes it.
    void is_left_alone(const std::string& policy, std::size_t backup) {
        auto flows = forward_flows();
        cut().cut();
        EXPECT_TRUE(becomes("A", "down", "unanswered"));
        EXPECT_TRUE(flows.pass());
        EXPECT_TRUE(lossless(flows.stop()));
        EXPECT_EQ(taken("A", policy, backup), 0U);
        cut().restore();
        EXPECT_TRUE(becomes("A", "up"));
    }
};

struct Rule {
    const char* name;
    const char* words;
};

void PrintTo(const Rule& rule, std::ostream* out) {
    *out << rule.name;
}

/// D's route is in table 100 alone; a rule leads S's packets there.
class RoutesOfARule : public OtherTables, public testing::WithParamInterface<Rule> {
  protected:
    void move_route() {
        each_family(
            fmt::format("ip $f rule add {} lookup 100 pref 100 && ip $f route del $r && "
                        "ip $f route add $r table 100",
                        GetParam().words));
    }
};
INSTANTIATE_TEST_SUITE_P(Kinds, RoutesOfARule,
                         testing::Values(Rule{"Entrance", "iif to-S"}, Rule{"Source", "from $s"},
                                         Rule{"Protocol", "ipproto udp"}, Rule{"All", "from all"}),
                         [](const auto& rule) { return std::string(rule.param.name); });

TEST_P(RoutesOfARule, AreProtectedByTheBypassOfTheirAdjacency) {
    move_route();
    ASSERT_TRUE(start_with(bypass_config("A"), base_config("B")));
    is_protected("A-B bypass", 0);
}

TEST_P(RoutesOfARule, AreProtectedByPolicies) {
    move_route();
    ASSERT_TRUE(start_with(policy_config("A"), base_config("B")));
    is_protected("far", 1);
}

// The main table's route by A-B is not asked: the rule's is, by A-C.
TEST_P(RoutesOfARule, AreWhatABypassGoesBy) {
    each_family(fmt::format("ip $f rule add {} lookup 100 pref 100 && ip $f route add $p $via $c dev to-C table 100",
                            GetParam().words));
    ASSERT_TRUE(start_with(bypass_config("A"), base_config("B")));
    is_left_alone("A-B bypass", 0);
}

class NexthopObjects : public OtherTables {
  protected:
    /// Objects 1 (B) and 2 (C), and D's route by object or group `id`, which `make` adds.
    void use(const std::string& make, int id) {
        each_family("ip $f route del $r");
        ASSERT_EQ(shell("A", fmt::format("ip nexthop add id 1 via {} dev to-B && ip nexthop add id 2 via {} dev to-C{}",
                                         lab().peer("A", "A-B").link_local.to_string(),
                                         lab().peer("A", "A-C").link_local.to_string(),
                                         make.empty() ? "" : " && ip nexthop add " + make)),
                  "");
        each_family(fmt::format("ip $f route add $p nhid {} metric 20", id));
    }
    void replace(const std::string& object) { ASSERT_EQ(shell("A", "ip nexthop replace " + object), ""); }
    void without_notifications() { ASSERT_EQ(shell("A", "echo 0 > /proc/sys/net/ipv4/nexthop_compat_mode"), ""); }
};

TEST_F(NexthopObjects, AreProtectedByBypassesAlsoWhenTheGroupChanges) {
    without_notifications();
    use("id 10 group 1", 10);
    ASSERT_TRUE(start_with(bypass_config("A"), base_config("B")));
    is_protected("A-B bypass", 0);
    if (HasFatalFailure()) return;
    const auto before = taken("A", "A-B bypass", 0);
    replace("id 10 group 2");
    auto flows = forward_flows();
    cut().cut();
    EXPECT_TRUE(becomes("A", "down", "unanswered"));
    EXPECT_TRUE(flows.pass());
    EXPECT_TRUE(lossless(flows.stop())) << "the FIB sends it by C";
    EXPECT_EQ(taken("A", "A-B bypass", 0), before);
    replace("id 10 group 1");
    Flows again;
    ASSERT_TRUE(again.add(lab(), "S", "D", {.rate = 500}));
    EXPECT_TRUE(again.pass()) << "by the bypass of the link that is down";
    EXPECT_GT(taken("A", "A-B bypass", 0), before);
}

TEST_F(NexthopObjects, AreProtectedByPolicies) {
    use("id 10 group 1,100/2,1", 10);
    ASSERT_TRUE(start_with(policy_config("A"), base_config("B")));
    is_protected("far", 1);
}

// Shut down, the link takes objects, group and routes along without a word.
TEST_F(NexthopObjects, OfAGroupThatWasReplacedAreRememberedAsTheyAreNow) {
    without_notifications();
    use("id 10 group 2", 10);
    ASSERT_TRUE(start_with(with_slow_probes(bypass_config("A")), base_config("B")));
    replace("id 10 group 1");
    auto flows = forward_flows();
    const auto before = now_ns();
    ASSERT_EQ(shell("A", "ip link set dev to-B down"), "");
    EXPECT_TRUE(becomes("A", "down", "carrier-lost"));
    EXPECT_TRUE(flows.pass(500));
    EXPECT_TRUE(healed(flows.stop(), before));
    EXPECT_GT(taken("A", "A-B bypass", 0), 0U);
}

// A route inside a policy stays with the policy only as long as its object leads to the policy's adjacency.
TEST_F(NexthopObjects, InsideAPolicyCountAsTheyAreNow) {
    without_notifications();
    const auto inner = *Address::parse("2001:db8:d:77::1");
    ASSERT_EQ(shell("C", "ip addr add 2001:db8:d:77::1/128 dev lo nodad"), "");
    ASSERT_EQ(shell("A", fmt::format("ip nexthop add id 1 via {} dev to-B && ip route add 2001:db8:d:77::/64 nhid 1",
                                     lab().peer("A", "A-B").link_local.to_string())),
              "");
    ASSERT_TRUE(start_with(with(policy_config("A"), far_prefixes("A"), "[\"::/0\", 0.0.0.0/0]"), policy_config("B")));
    replace(fmt::format("id 1 via {} dev to-C", lab().peer("A", "A-C").link_local.to_string()));
    Flows flows;
    ASSERT_TRUE(flows.add(lab(), "S", "C", {.destination = inner, .rate = 500}));
    ASSERT_TRUE(flows.pass());
    cut().cut();
    EXPECT_TRUE(becomes("A", "down"));
    EXPECT_TRUE(flows.pass());
    EXPECT_TRUE(lossless(flows.stop()));
    EXPECT_EQ(taken("A", "far", 1), 0U);
}

}  // namespace
}  // namespace sidestep::topo
