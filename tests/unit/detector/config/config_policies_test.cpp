// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the reading of policies and bypasses, and the exact complaint about each bad one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/detector/config/config_text.hpp"

namespace sidestep {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string policy_with(const std::string& keys) {
    return "- {name: p, " + keys + "}";
}

std::string segments(std::size_t count) {
    std::string list = "segments: [fd00::1";
    for (std::size_t more = 1; more < count; ++more) list += ", fd00::1";
    return list + "]";
}

TEST(ConfigPolicies, KeepTheOrderOfTheFileAmongEquals) {
    Parts parts;
    parts.policy = R"(- {name: to-D, prefixes: ["2001:db8:d::/48", "::/0"], candidates: [{adjacency: A-B}, )"
                   R"({adjacency: A-C, segments: ["fd00:c::", "fd00:b:d6::"]}, )"
                   R"({adjacency: A-B, encap: h.encaps, segments: ["fd00:b::"]}, {adjacency: A-C, encap: plain}]})";
    const auto config = read_good(parts.text());
    ASSERT_EQ(config.policies.size(), 1U);
    const auto& policy = config.policies[0];
    EXPECT_EQ(policy.name, "to-D");
    EXPECT_EQ(policy.steering, Steering::transit);
    EXPECT_EQ(policy.metric, 5U);
    EXPECT_THAT(policy.prefixes, ElementsAre(Prefix::parse("2001:db8:d::/48"), Prefix::parse("::/0")));
    ASSERT_EQ(policy.candidates.size(), 4U);
    for (const auto& candidate : policy.candidates) {
        EXPECT_EQ(candidate.preference, 100U);
        ASSERT_EQ(candidate.lists.size(), 1U);
        EXPECT_EQ(candidate.lists[0].weight, 1U);
    }
    EXPECT_EQ(policy.candidates[0].lists[0].adjacency, "A-B");
    EXPECT_EQ(policy.candidates[0].lists[0].encap, Encap::plain);
    EXPECT_EQ(policy.candidates[1].lists[0].encap, Encap::h_encaps);
    EXPECT_THAT(policy.candidates[1].lists[0].segments, ElementsAre(address("fd00:c::"), address("fd00:b:d6::")));
    EXPECT_EQ(policy.candidates[2].lists[0].encap, Encap::h_encaps);
    EXPECT_EQ(policy.candidates[3].lists[0].encap, Encap::plain);
    EXPECT_THAT(config.ingress, ElementsAre("to-S", "to-B"));
}

TEST(ConfigIngress, MayBeAtXdp) {
    Parts parts;
    EXPECT_THAT(read_good(parts.text()).xdp, ElementsAre());
    parts.more = "xdp: [to-S, to-C]\nxdp-on-virtual: true";
    const auto config = read_good(parts.text());
    EXPECT_THAT(config.xdp, ElementsAre("to-S", "to-C"));
    EXPECT_TRUE(config.xdp_on_virtual);
}

TEST(ConfigIngress, BypassesActAtEgressUnlessToldNotTo) {
    Parts parts;
    EXPECT_TRUE(read_good(parts.text()).egress);
    parts.more = "egress: false";
    EXPECT_FALSE(read_good(parts.text()).egress);
}

TEST(ConfigPolicies, BackupsAreVerifiedUnlessToldNotTo) {
    Parts parts;
    parts.policy = R"(- {name: p, prefixes: [], candidates: [{adjacency: A-B}, )"
                   R"({adjacency: A-C, segments: ["fd00:b::"], verify: off}]})";
    const auto config = read_good(parts.text());
    EXPECT_TRUE(config.verify);
    EXPECT_FALSE(config.policies[0].candidates[1].lists[0].verify);
    parts.more = "verify: false";
    EXPECT_FALSE(read_good(parts.text()).verify);
}

TEST(ConfigIngress, IpsecIsHeededUnlessToldNotTo) {
    Parts parts;
    EXPECT_EQ(read_good(parts.text()).ipsec, Ipsec::heed);
    parts.more = "ipsec: ignore";
    EXPECT_EQ(read_good(parts.text()).ipsec, Ipsec::ignore);
}

TEST(ConfigMode, IsTheNodesUnlessAnAdjacencyHasItsOwn) {
    Parts parts;
    EXPECT_EQ(read_good(parts.text()).adjacencies.front().mode, Mode::repair);
    parts.more = "mode: observe";
    const auto observing = read_good(parts.text());
    EXPECT_EQ(observing.mode, Mode::observe);
    for (const auto& adjacency : observing.adjacencies) EXPECT_EQ(adjacency.mode, Mode::observe) << adjacency.name;
    parts.first.insert(parts.first.find("probe:"), "mode: repair, ");
    const auto config = read_good(parts.text());
    EXPECT_EQ(config.adjacencies.front().mode, Mode::repair);
    EXPECT_EQ(config.adjacencies.back().mode, Mode::observe);
}

TEST(ConfigIngress, NetfilterIsWarnedOfUnlessToldNotTo) {
    Parts parts;
    EXPECT_EQ(read_good(parts.text()).netfilter, Netfilter::warn);
    parts.more = "netfilter: ignore";
    EXPECT_EQ(read_good(parts.text()).netfilter, Netfilter::ignore);
}

TEST(ConfigPolicies, HaveTheBestPreferenceFirst) {
    Parts parts;
    parts.policy = policy_with_candidates(
        "[{adjacency: A-B}, {adjacency: A-C, preference: 100}, {adjacency: A-B, preference: 4294967295}, "
        "{adjacency: A-C, preference: 0}, {preference: 101, lists: [{adjacency: A-C}]}]");
    const auto config = read_good(parts.text());
    std::vector<std::string> order;
    for (const auto& candidate : config.policies.at(0).candidates) {
        order.push_back(std::to_string(candidate.preference) + " " + candidate.lists.at(0).adjacency);
    }
    EXPECT_THAT(order, ElementsAre("4294967295 A-B", "101 A-C", "100 A-B", "100 A-C", "0 A-C"));
}

TEST(ConfigPolicies, HaveWeightedLists) {
    Parts parts;
    parts.policy = policy_with_candidates(
        "[{lists: [{weight: 65534, adjacency: A-B}, {adjacency: A-C, encap: h.encaps.red, segments: ['fd00:c::'], "
        "sessions: [P]}]}]");
    parts.more = "paths: [{name: P, adjacency: A-C, segments: ['fd00:c::'], probe: {return-address: fd00:ac::1}}]";
    const auto config = read_good(parts.text());
    const auto& lists = config.policies.at(0).candidates.at(0).lists;
    ASSERT_EQ(lists.size(), 2U);
    EXPECT_EQ(lists[0].weight, 65534U);
    EXPECT_EQ(lists[0].adjacency, "A-B");
    EXPECT_EQ(lists[0].encap, Encap::plain);
    EXPECT_THAT(lists[0].sessions, IsEmpty());
    EXPECT_EQ(lists[1].weight, 1U);
    EXPECT_EQ(lists[1].adjacency, "A-C");
    EXPECT_EQ(lists[1].encap, Encap::h_encaps_red);
    EXPECT_THAT(lists[1].segments, ElementsAre(address("fd00:c::")));
    EXPECT_THAT(lists[1].sessions, ElementsAre("P"));
}

TEST(ConfigPolicies, TakeIpv4AndSteering) {
    Parts parts;
    parts.policy = policy_with(
        "prefixes: [192.0.2.0/24, 0.0.0.0/0, 2001:db8::/32], steering: lwt-xmit, metric: 4294967295, "
        "over-routes: true, candidates: [{adjacency: A-B}]");
    parts.policy += "\n- {name: q, prefixes: [], steering: lwt-in, candidates: [{adjacency: A-B, encap: h.insert, " +
                    segments(16) + "}]}";
    parts.more = "device: sr0";
    const auto config = read_good(parts.text());
    EXPECT_EQ(config.device, "sr0");
    ASSERT_EQ(config.policies.size(), 2U);
    const auto& policy = config.policies[0];
    EXPECT_EQ(policy.steering, Steering::lwt_xmit);
    EXPECT_EQ(policy.metric, 4294967295U);
    EXPECT_TRUE(policy.over_routes);
    EXPECT_FALSE(config.policies[1].over_routes);
    EXPECT_THAT(policy.prefixes,
                ElementsAre(Prefix::parse("192.0.2.0/24"), Prefix::parse("0.0.0.0/0"), Prefix::parse("2001:db8::/32")));
    EXPECT_EQ(policy.prefixes[0].length, 120);
    EXPECT_EQ(config.policies[1].steering, Steering::lwt_in);  // needs no device, because the kernel itself inserts
    EXPECT_EQ(config.policies[1].candidates[0].lists[0].encap, Encap::h_insert);
}

TEST(ConfigPolicies, MayHave64LengthsPerFamily) {
    Parts parts;
    std::string prefixes = "0.0.0.0/0";
    for (int length = 0; length < 64; ++length) prefixes += ", '::/" + std::to_string(length) + "'";
    const auto policy = [](const std::string& list) {
        return policy_with("prefixes: [" + list + "], candidates: [{adjacency: A-B}]");
    };
    parts.policy = policy(prefixes);
    EXPECT_THAT(complaints_about(parts.text()), IsEmpty());
    parts.policy = policy(prefixes + ", '::/64'");
    EXPECT_THAT(complaints_about(parts.text()),
                ElementsAre("f:8:1: policies: use 65 different lengths of IPv6 prefixes; at most 64 can be served"));
}

TEST(ConfigPolicies, AreCheckedAgainstTheDeviceWhereverItIs) {
    Parts parts;
    parts.clock = "device: sr0";
    parts.policy = policy_with("prefixes: [], steering: device, candidates: [{adjacency: A-B}]");
    EXPECT_EQ(read_good(parts.text()).policies.at(0).steering, Steering::device);
}

class BadPolicy : public testing::TestWithParam<BadCase> {};

TEST_P(BadPolicy, IsNamedByLineColumnFieldAndReason) {
    expect_complaints(GetParam());
}

std::vector<BadCase> bad_policies() {
    return {
        {"NameTwice",
         [](Parts& p) { p.policy += "\n- {name: to-D, prefixes: [], candidates: [{adjacency: A-B}]}"; },
         {"f:9:10: policies[1].name: 'to-D' is already given on line 8"}},
        {"TwoPoliciesForOnePrefix",
         [](Parts& p) {
             p.policy += "\n- {name: to-E, prefixes: ['2001:db8:d::/48'], candidates: [{adjacency: A-B}]}";
         },
         {"f:9:27: policies[1].prefixes[0]: two policies for one prefix: 2001:db8:d::/48 is in policy 'to-D' on "
          "line 8"}},
        {"PrefixTwice",
         [](Parts& p) {
             p.policy =
                 "- {name: to-D, prefixes: ['2001:db8::/32', '2001:DB8:0::/32'], "
                 "candidates: [{adjacency: A-B}]}";
         },
         {"f:8:44: policies[0].prefixes[1]: 2001:db8::/32 twice: already given on line 8"}},
        {"PrefixWithHostBits",
         [](Parts& p) { p.policy = "- {name: to-D, prefixes: ['2001:db8::1/32'], candidates: [{adjacency: A-B}]}"; },
         {"f:8:27: policies[0].prefixes[0]: must be a prefix without host bits, such as 2001:db8::/48 or "
          "192.0.2.0/24; 2001:db8::1 is in \"2001:db8::/32\""}},
        {"PrefixThatIsNotRouted",
         [](Parts& p) {
             p.policy = policy_with(
                 "prefixes: ['fe80::/64', 'ff02::/16', 224.0.0.0/4, 169.254.1.0/24, 127.0.0.1, '::/128', '::1'], "
                 "candidates: [{adjacency: A-B}]");
         },
         {"f:8:24: policies[0].prefixes[0]: fe80::/64 is link-local: no other path leads there",
          "f:8:37: policies[0].prefixes[1]: ff02::/16 is multicast: no other path leads there",
          "f:8:50: policies[0].prefixes[2]: 224.0.0.0/4 is multicast: no other path leads there",
          "f:8:63: policies[0].prefixes[3]: 169.254.1.0/24 is link-local: no other path leads there",
          "f:8:79: policies[0].prefixes[4]: 127.0.0.1/32 is loopback: no other path leads there",
          "f:8:90: policies[0].prefixes[5]: ::/128 is unspecified: no other path leads there",
          "f:8:100: policies[0].prefixes[6]: ::1/128 is loopback: no other path leads there"}},
        {"UnknownSteering",
         [](Parts& p) { p.policy = policy_with("prefixes: [], steering: tc, candidates: [{adjacency: A-B}]"); },
         {"f:8:37: policies[0].steering: must be one of: transit, device, lwt-in, lwt-xmit"}},
        {"SteeringWithoutDevice",
         [](Parts& p) {
             p.policy = policy_with("prefixes: [], steering: device, candidates: [{adjacency: A-B}]") +
                        "\n- {name: q, prefixes: [], steering: lwt-xmit, candidates: [{adjacency: A-B}]}";
         },
         {"f:8:37: policies[0].steering: steering device leads into the policy device; name one with `device`",
          "f:9:37: policies[1].steering: steering lwt-xmit leads into the policy device; name one with `device`"}},
        {"MetricZero",
         [](Parts& p) { p.policy = policy_with("prefixes: [], metric: 0, candidates: [{adjacency: A-B}]"); },
         {"f:8:35: policies[0].metric: must be a whole number from 1 to 4294967295"}},
        {"InsertIntoIpv4",
         [](Parts& p) {
             p.policy = policy_with(
                 "candidates: [{adjacency: A-B, encap: h.insert, segments: [fd00::1]}], "
                 "prefixes: ['2001:db8::/32', 192.0.2.0/24]");
         },
         {"f:8:50: policies[0].candidates[0].encap: H.Insert carries IPv6 only; this policy has IPv4 prefixes"}},
        {"LwtInWithLongLists",
         [](Parts& p) {
             p.policy = policy_with("steering: lwt-in, prefixes: [], candidates: [{adjacency: A-B, " + segments(14) +
                                    "}, {adjacency: A-B, encap: h.encaps.red, " + segments(14) + "}]");
         },
         {"f:8:262: policies[0].candidates[1].segments: with steering lwt-in, h.encaps.red takes at most 13 segments: "
          "the "
          "kernel's limit for a header is 256 bytes"}},
        {"LwtInWithIpv4",
         [](Parts& p) {
             p.policy = policy_with(
                 "prefixes: ['2001:db8::/32', 192.0.2.0/24], steering: lwt-in, candidates: [{adjacency: A-B}]");
         },
         {"f:8:66: policies[0].steering: lwt-in carries IPv6 only: Linux stops forwarding by such an IPv4 route "
          "once "
          "the node itself has looked it up; use device or lwt-xmit"}},
        {"NoCandidates",
         [](Parts& p) { p.policy = policy_with_candidates("[]"); },
         {"f:8:42: policies[0].candidates: must hold 1 to 6 entries, not 0"}},
        {"TooManyCandidates",
         [](Parts& p) {
             std::string list = "[{adjacency: A-B}";
             for (int count = 1; count < 7; ++count) list += ", {adjacency: A-B}";
             p.policy = policy_with_candidates(list + "]");
         },
         {"f:8:42: policies[0].candidates: must hold 1 to 6 entries, not 7"}},
        {"UnknownAdjacency",
         [](Parts& p) { p.policy = policy_with_candidates("[{adjacency: A-X}]"); },
         {"f:8:55: policies[0].candidates[0].adjacency: no adjacency 'A-X'; known: A-B, A-C"}},
        {"UnknownEncap",
         [](Parts& p) { p.policy = policy_with_candidates("[{adjacency: A-B, encap: gre, segments: []}]"); },
         {"f:8:67: policies[0].candidates[0].encap: must be one of: plain, h.encaps, h.encaps.red, h.insert"}},
        {"SegmentsWithPlain",
         [](Parts& p) { p.policy = policy_with_candidates("[{adjacency: A-B, encap: plain, segments: [fd00::1]}]"); },
         {"f:8:84: policies[0].candidates[0].segments: plain forwarding takes no segments; use encap: h.encaps"}},
        {"SegmentsMissing",
         [](Parts& p) { p.policy = policy_with_candidates("[{adjacency: A-B, encap: h.encaps}]"); },
         {"f:8:43: policies[0].candidates[0].segments: missing"}},
        {"SegmentsEmpty",
         [](Parts& p) { p.policy = policy_with_candidates("[{adjacency: A-B, segments: []}]"); },
         {"f:8:70: policies[0].candidates[0].segments: must hold 1 to 16 entries, not 0"}},
        {"SegmentsTooMany",
         [](Parts& p) {
             std::string list = "[{adjacency: A-B, segments: [fd00::1";
             for (int count = 1; count < 17; ++count) list += ", fd00::1";
             p.policy = policy_with_candidates(list + "]}]");
         },
         {"f:8:70: policies[0].candidates[0].segments: must hold 1 to 16 entries, not 17"}},
        {"SegmentIsNoAddress",
         [](Parts& p) { p.policy = policy_with_candidates("[{adjacency: A-B, segments: [fd00::1, B]}]"); },
         {"f:8:80: policies[0].candidates[0].segments[1]: must be an IPv6 address"}},
        {"PreferenceTooHigh",
         [](Parts& p) { p.policy = policy_with_candidates("[{adjacency: A-B, preference: 4294967296}]"); },
         {"f:8:72: policies[0].candidates[0].preference: must be a whole number from 0 to 4294967295"}},
        {"ListsTogetherWithAnAdjacency",
         [](Parts& p) { p.policy = policy_with_candidates("[{adjacency: A-B, lists: [{adjacency: A-B}]}]"); },
         {"f:8:44: policies[0].candidates[0].adjacency: unknown key; known: preference, lists"}},
        {"NoLists",
         [](Parts& p) { p.policy = policy_with_candidates("[{lists: []}]"); },
         {"f:8:51: policies[0].candidates[0].lists: must hold 1 to 4 entries, not 0"}},
        {"TooManyLists",
         [](Parts& p) {
             p.policy = policy_with_candidates(
                 "[{lists: [{adjacency: A-B}, {adjacency: A-B}, {adjacency: A-B}, {adjacency: A-B}, {adjacency: "
                 "A-B}]}]");
         },
         {"f:8:51: policies[0].candidates[0].lists: must hold 1 to 4 entries, not 5"}},
        {"BadLists",
         [](Parts& p) {
             p.policy = policy_with_candidates(
                 "[{lists: [{adjacency: A-X, weight: 0}, {preference: 1, adjacency: A-B}, {weight: 1}]}]");
         },
         {"f:8:64: policies[0].candidates[0].lists[0].adjacency: no adjacency 'A-X'; known: A-B, A-C",
          "f:8:77: policies[0].candidates[0].lists[0].weight: must be a whole number from 1 to 65535",
          "f:8:82: policies[0].candidates[0].lists[1].preference: unknown key; known: weight, adjacency, encap, "
          "segments, "
          "sessions, mtu, verify",
          "f:8:114: policies[0].candidates[0].lists[2].adjacency: missing"}},
        {"WeightsTooLargeTogether",
         [](Parts& p) {
             p.policy = policy_with_candidates("[{lists: [{adjacency: A-B, weight: 65535}, {adjacency: A-C}]}]");
         },
         {"f:8:51: policies[0].candidates[0].lists: the weights add up to 65536; at most 65535"}},
        {"UnknownSession",
         [](Parts& p) { p.policy = policy_with_candidates("[{adjacency: A-B, sessions: [A-C]}]"); },
         {"f:8:71: policies[0].candidates[0].sessions[0]: no path or passive session 'A-C'; known: none"}},
        {"TooManySessions",
         [](Parts& p) {
             p.policy = policy_with_candidates("[{adjacency: A-B, sessions: [P, P, P, P, P, P, P, P]}]");
             p.more = "paths: [{name: P, adjacency: A-C, segments: ['fd00:c::'], probe: {return-address: fd00:ac::1}}]";
         },
         {"f:8:70: policies[0].candidates[0].sessions: must hold 1 to 7 entries, not 8"}},
    };
}

INSTANTIATE_TEST_SUITE_P(Policies, BadPolicy, testing::ValuesIn(bad_policies()), name_of);

}  // namespace
}  // namespace sidestep
