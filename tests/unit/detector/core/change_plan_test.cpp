// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests every kind of change between two desired states, as the operator reads it.
#include "detector/core/change_plan.hpp"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::ElementsAreArray;

Address address(std::string_view text) {
    return *Address::parse(text);
}

Config config() {
    Config result;
    result.node = "A";
    result.source = address("fd00:a::1");
    for (const auto* name : {"A-B", "A-C"}) {
        AdjacencyConfig adjacency;
        adjacency.name = name;
        adjacency.interface = std::string("to-") + name[2];
        adjacency.neighbor = address(std::string("fe80::") + name[2]);
        adjacency.probe.return_address = address("fd00:ab::1");
        result.adjacencies.push_back(adjacency);
    }
    SegmentListConfig list;
    list.adjacency = "A-B";
    PolicyConfig policy;
    policy.name = "to-D";
    policy.prefixes = {*Prefix::parse("2001:db8:d::/48"), *Prefix::parse("192.0.2.0/24")};
    policy.candidates = {{.lists = {list}}};
    result.policies = {policy};
    SidConfig sid;
    sid.sid = *Prefix::parse("fd00:a:e::/128");
    result.sids = {sid};
    result.ingress = {"to-S"};
    return result;
}

struct Change {
    std::string name;
    std::function<void(Config&)> make;
    std::vector<std::string> lines;
};

class EachChange : public testing::TestWithParam<Change> {};

TEST(Observed, IsAPolicyWhoseFirstWayIs) {
    auto one = config();
    one.adjacencies[0].mode = Mode::observe;
    const auto by = [](const std::string& adjacency) {
        SegmentListConfig list;
        list.adjacency = adjacency;
        return CandidateConfig{.lists = {list}};
    };
    one.adjacencies[0].bypass = {by("A-C")};
    one.adjacencies[1].bypass = {by("A-B")};
    auto other = one.policies[0];
    other.name = "by-C";
    other.prefixes = {*Prefix::parse("2001:db8:e::/48")};
    other.candidates = {by("A-C"), by("A-B")};
    for (auto* policy : {one.policies.data(), &other}) policy->steering = Steering::device;
    one.policies.push_back(other);
    std::vector<std::string> observed;
    const auto desired = desired_of(one);
    for (const auto& policy : desired.policies) {
        if (policy.observed) observed.push_back(policy.config.name);
        EXPECT_EQ(policy.config.steering == Steering::device, policy.config.name == "by-C") << policy.config.name;
    }
    EXPECT_THAT(observed, ElementsAre("to-D", bypass_name("A-B")));
}

TEST_P(EachChange, IsNamed) {
    auto changed = config();
    GetParam().make(changed);
    const auto there = plan_changes(desired_of(config()), desired_of(changed));
    EXPECT_THAT(describe(there), ElementsAreArray(GetParam().lines));
    EXPECT_EQ(there.empty(), GetParam().lines.empty());
    const auto back = plan_changes(desired_of(changed), desired_of(config()));
    EXPECT_EQ(describe(back).size(), GetParam().lines.size());
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, EachChange,
    testing::Values(
        Change{"None", [](Config&) {}, {}},
        Change{"Interval",
               [](Config& c) { c.adjacencies[0].probe.interval = 250us; },
               {"session A-B changed: interval: 1 ms -> 250 us"}},
        Change{"Protection",
               [](Config& c) { c.policies[0].flow = 7; },
               {"policy to-D changed: protection: fast-reroute -> hitless (flow 7)"}},
        Change{"SeveralFields",
               [](Config& c) {
                   c.adjacencies[0].probe.multiplier = 5;
                   c.adjacencies[0].probe.loss_limit = 4;
                   c.adjacencies[0].probe.damping.emplace();
               },
               {"session A-B changed: multiplier: 3 -> 5; loss-limit: 0 -> 4; damping: none -> half-life 5 s suppress "
                "2000 reuse 1000 max-suppress 20 s"}},
        Change{"Neighbor",
               [](Config& c) { c.adjacencies[0].neighbor = address("fe80::1"); },
               {"session A-B changed, starts anew: neighbor: fe80::b -> fe80::1"}},
        Change{"Interface",
               [](Config& c) { c.adjacencies[0].interface = "eth7"; },
               {"session A-B changed, starts anew: interface: to-B -> eth7; returns-on: to-B -> eth7",
                "ingress eth7 added: at tc", "ingress to-B removed"}},
        Change{"Rename",
               [](Config& c) { c.adjacencies[1].name = "other"; },
               {"session A-C renamed to other, its state is kept"}},
        Change{"RenameAndChange",
               [](Config& c) {
                   c.adjacencies[1].name = "other";
                   c.adjacencies[1].probe.interval = 2ms;
               },
               {"session A-C renamed to other, its state is kept: interval: 1 ms -> 2 ms"}},
        Change{"Removed", [](Config& c) { c.adjacencies.pop_back(); }, {"session A-C removed", "ingress to-C removed"}},
        Change{"Gateways",
               [](Config& c) { c.adjacencies[0].gateways = {address("192.0.2.1")}; },
               {"setting adjacency A-B changed: gateways: [] -> [192.0.2.1]"}},
        Change{"Link",
               [](Config& c) { c.adjacencies[0].link = "l7"; },
               {"setting adjacency A-B changed: link: none -> l7"}},
        Change{"Bfd",
               [](Config& c) { c.bfd = BfdConfig{.frr = "/run/frr/dp.sock"}; },
               {"setting bfd changed: frr: none -> /run/frr/dp.sock; mode: none -> probe"}},
        Change{"Bypass",
               [](Config& c) {
                   SegmentListConfig list;
                   list.adjacency = "A-C";
                   c.adjacencies[0].bypass = {{.lists = {list}}};
               },
               {"policy A-B bypass added"}},
        Change{"Prefix",
               [](Config& c) { c.policies[0].prefixes.push_back(*Prefix::parse("2001:db8:e::/48")); },
               {"prefix 2001:db8:e::/48 added: policy to-D"}},
        Change{"PrefixMoves",
               [](Config& c) {
                   auto other = c.policies[0];
                   other.name = "other";
                   other.prefixes = {c.policies[0].prefixes.back()};
                   c.policies[0].prefixes.pop_back();
                   c.policies.push_back(other);
               },
               {"policy other added", "prefix 192.0.2.0/24 changed: policy: to-D -> other"}},
        Change{"Candidates",
               [](Config& c) { c.policies[0].candidates[0].lists[0].weight = 2; },
               {"policy to-D changed: candidates"}},
        Change{"Steering",
               [](Config& c) { c.policies[0].steering = Steering::device; },
               {"policy to-D changed: steering: transit -> device"}},
        Change{"Sid", [](Config& c) { c.sids[0].psp = true; }, {"SID fd00:a:e::/128 changed: end"}},
        Change{"SidGone", [](Config& c) { c.sids.clear(); }, {"SID fd00:a:e::/128 removed: end"}},
        Change{"Egress", [](Config& c) { c.egress = false; }, {"setting egress changed: egress: true -> false"}},
        Change{"Mode",
               [](Config& c) { c.adjacencies[0].mode = Mode::observe; },
               {"session A-B changed: mode: repair -> observe", "policy to-D changed: now only observed"}},
        Change{"Ipsec", [](Config& c) { c.ipsec = Ipsec::ignore; }, {"setting ipsec changed: ipsec: heed -> ignore"}},
        Change{"Netfilter",
               [](Config& c) { c.netfilter = Netfilter::ignore; },
               {"setting netfilter changed: netfilter: warn -> ignore"}},
        Change{"Xdp", [](Config& c) { c.xdp = {"to-B"}; }, {"ingress to-B changed: at XDP"}},
        Change{
            "Ingress", [](Config& c) { c.ingress = {"to-T"}; }, {"ingress to-S removed", "ingress to-T added: at tc"}},
        Change{"Source",
               [](Config& c) { c.source = address("fd00:a::2"); },
               {"session A-B changed: source: fd00:a::1 -> fd00:a::2",
                "session A-C changed: source: fd00:a::1 -> fd00:a::2",
                "setting node changed: source-address: fd00:a::1 -> fd00:a::2"}},
        Change{"Domain",
               [](Config& c) { c.domain = {*Prefix::parse("fd00::/16")}; },
               {"setting node changed: sr-domain: [] -> [fd00::/16]"}},
        Change{"Clock",
               [](Config& c) { c.clock = ClockKind::process; },
               {"setting clock changed: clock: auto -> process"}},
        Change{"Device", [](Config& c) { c.device = "sr0"; }, {"setting device changed: device: none -> sr0"}},
        Change{"Routing",
               [](Config& c) { c.routing.emplace().topology = "net.yaml"; },
               {"setting routing changed: computed again from the new settings"}}),
    [](const auto& test) { return test.param.name; });

// Only their names distinguish two sessions of one link: swapped names are two renames, not two restarts.
TEST(ChangePlan, ANameThatStaysIsTheSameSession) {
    auto changed = config();
    std::swap(changed.adjacencies[0], changed.adjacencies[1]);
    EXPECT_TRUE(plan_changes(desired_of(config()), desired_of(changed)).sessions.empty());
}

// Policies name sessions by index and the node by its source: where either changes, they are written again.
TEST(ChangePlan, PoliciesAreRewrittenForThemAndForWhatTheyName) {
    const auto rewrites = [](const std::function<void(Config&)>& change) {
        auto changed = config();
        change(changed);
        return plan_changes(desired_of(config()), desired_of(changed)).rewrites_policies();
    };
    EXPECT_FALSE(rewrites([](Config&) {}));
    EXPECT_FALSE(rewrites([](Config& c) { c.adjacencies[0].probe.interval = 250us; }));
    EXPECT_FALSE(rewrites([](Config& c) { c.device = "sr0"; }));
    EXPECT_TRUE(rewrites([](Config& c) { c.policies[0].prefixes.pop_back(); }));
    EXPECT_TRUE(rewrites([](Config& c) { c.policies[0].candidates[0].lists[0].weight = 2; }));
    EXPECT_TRUE(rewrites([](Config& c) { c.adjacencies[1].name = "other"; }));
    EXPECT_TRUE(rewrites([](Config& c) { c.domain = {*Prefix::parse("fd00::/16")}; }));
}

TEST(ChangePlan, EveryPartOfAChangedSetIsEmptyAgainstItself) {
    PolicySet computed;
    computed.policies = config().policies;
    computed.policies[0].name = "to-X";
    computed.policies[0].prefixes = {*Prefix::parse("2001:db8:7::/48")};
    computed.unprotected = {*Prefix::parse("2001:db8:8::/48")};
    const auto desired = desired_of(config(), computed);
    EXPECT_TRUE(plan_changes(desired, desired).empty());
    EXPECT_FALSE(plan_changes(desired_of(config()), desired).empty());
    EXPECT_EQ(plan_changes({}, desired).sessions.size(), 2U);
}

SessionConfig client() {
    SessionConfig result;
    result.name = "client/x";
    result.interface = result.returns_on = "to-E";
    return result;
}

TEST(ChangePlan, AClientsSessionChangesNothingElse) {
    const auto base = desired_of(config());
    const auto plan = plan_changes(base, with_clients(base, {client()}));
    EXPECT_THAT(describe(plan), ElementsAre("session client/x added", "ingress to-E added: at tc"));
    EXPECT_TRUE(plan.only_sessions());
    EXPECT_FALSE(plan.rewrites_policies());
    EXPECT_TRUE(plan_changes(with_clients(base, {client()}), base).only_sessions());
}

TEST(ChangePlan, OtherChangesAreMoreThanSessions) {
    auto changed = config();
    changed.source = address("fd00:a::2");
    EXPECT_FALSE(plan_changes(desired_of(config()), with_clients(desired_of(changed), {client()})).only_sessions());
    changed = config();
    changed.adjacencies[0].probe.interval = 5ms;
    EXPECT_FALSE(plan_changes(desired_of(config()), desired_of(changed)).only_sessions());
}

TEST(SharedValue, IsEqualByValueAndSharedByCopies) {
    const SharedValue<std::vector<int>> value(std::vector<int>{1, 2});
    auto copy = value;
    EXPECT_TRUE(copy.shares(value));
    copy = std::vector<int>{1, 2, 3};
    EXPECT_FALSE(copy.shares(value));
    EXPECT_EQ(value->size(), 2U);
    EXPECT_FALSE(copy == value);
    EXPECT_TRUE(copy == SharedValue(std::vector<int>({1, 2, 3})));
}

/// What a reload says of a SID that changes.
std::vector<std::string> lines_about(const SidConfig& before, const SidConfig& after) {
    Config one;
    one.sids = {before};
    Config other;
    other.sids = {after};
    return describe(plan_changes(desired_of(one), desired_of(other)));
}

TEST(MergingSidPlan, NamesWhatChangesAndWhatItCosts) {
    SidConfig merging;
    merging.sid = *Prefix::parse("fd00:d:0:7::/64");
    merging.behavior = SidBehavior::end_dt46;
    merging.flows = {7};
    auto other = merging;
    other.flows = {7, 8};
    EXPECT_THAT(lines_about(merging, other),
                ElementsAre("SID fd00:d:0:7::/64 changed: end.dt46; flows: [7] -> [7, 8]"));
    other.window = 4096;
    other.reset = 1s;
    EXPECT_THAT(
        lines_about(merging, other),
        ElementsAre("SID fd00:d:0:7::/64 changed: end.dt46; flows: [7] -> [7, 8]; window: 65536 -> 4096; reset: 2 s "
                    "-> 1 s; the window begins anew: copies of packets on the way may pass twice"));
}

}  // namespace
}  // namespace sidestep
