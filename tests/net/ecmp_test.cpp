// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests two equal-cost paths, one of which fails silently: its flows move, and flows of the other one never lose a
// packet. That is why the FIB lookup contains everything that the kernel hashes.
#include <ostream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/net/flow_bundle.hpp"
#include "tests/net/repair_lab.hpp"

namespace sidestep::topo {
namespace {

constexpr std::size_t kFlows = 32;

struct Ways {
    const char* name;
    bool v4;
    const char* candidates;  ///< of a policy; null: a bypass of A-B instead
    int hash_policy;         ///< fib_multipath_hash_policy
};

constexpr auto* kBoth = "[{lists: [{adjacency: A-B}, {adjacency: A-C}]}, {adjacency: A-C}]";
constexpr auto* kOneOfTwo = "[{adjacency: A-C}]";  // of the two that the FIB has

void PrintTo(const Ways& ways, std::ostream* out) {
    *out << ways.name;
}

class EqualWays : public RepairLab, public testing::WithParamInterface<Ways> {
  protected:
    /// Slow probes, so that the failed path surely loses packets.
    [[nodiscard]] std::string config() const {
        auto text = with(base_config("A"), "interval: 1ms", "interval: 20ms");
        if (GetParam().candidates == nullptr) {
            return with(text, "wait-to-restore: 100ms}\n", "wait-to-restore: 100ms}\n    bypass: [{adjacency: A-C}]\n");
        }
        return text + "policies: [{name: far, prefixes: " + far_prefixes("A") +
               ", candidates: " + GetParam().candidates + "}]\n";
    }
    /// A's route to D: over B and, at equal cost, over C.
    std::string split_route() {
        const auto hash = fmt::format(
            "sysctl -qw net.ipv6.fib_multipath_hash_policy={0} "
            "net.ipv4.fib_multipath_hash_policy={0} "
            "net.ipv6.fib_multipath_hash_fields=55 net.ipv4.fib_multipath_hash_fields=55; ",  // addresses, ports
            GetParam().hash_policy);
        const auto* via = GetParam().v4 ? "via inet6" : "via";
        return shell(
            "A", hash + fmt::format("ip {} route add {} metric 10 nexthop {} {} dev to-B nexthop {} {} dev to-C",
                                    GetParam().v4 ? "-4" : "-6", GetParam().v4 ? "203.0.113.0/24" : "2001:db8:d::/48",
                                    via, lab().peer("A", "A-B").link_local.to_string(), via,
                                    lab().peer("A", "A-C").link_local.to_string()));
    }
    Result<FlowBundle> flows() {
        if (GetParam().v4) {
            return FlowBundle::start(lab().netns("S"), lab().netns("D"), lab().address_v4("S"), lab().address_v4("D"),
                                     kFlows, 200);
        }
        return FlowBundle::start(lab().netns("S"), lab().netns("D"), lab().address("S"), lab().address("D"), kFlows,
                                 200);
    }
};

TEST_P(EqualWays, OnlyFlowsOfTheFailedOneMove) {
    ASSERT_EQ(split_route(), "");
    auto bundle = flows();
    ASSERT_TRUE(bundle) << bundle.error().message;
    ASSERT_TRUE(start("A", base_config("A")));  // protects nothing
    cut().cut(Direction::forward);
    const auto by_b = bundle->standing();
    ASSERT_GE(by_b.size(), 2U) << "all flows hash alike";
    ASSERT_LE(by_b.size(), kFlows - 2);
    cut().restore();
    ASSERT_TRUE(stop("A"));
    ASSERT_TRUE(start("A", config()));

    const auto cut_ns = cut().cut(Direction::forward);
    EXPECT_TRUE(becomes("A", "down", "unanswered"));
    EXPECT_TRUE(bundle->standing().empty()) << "after the repair";
    const auto restore_ns = cut().restore();
    EXPECT_TRUE(becomes("A", "up"));
    EXPECT_TRUE(bundle->standing().empty()) << "after the restoration";
    const auto reports = bundle->stop();
    for (std::size_t flow = 0; flow < kFlows; ++flow) {
        const auto loss = loss_between(reports[flow], cut_ns - 20'000'000, restore_ns + 10'000'000'000);
        EXPECT_EQ(loss.has_value(), by_b.contains(flow)) << "flow " << flow;
        EXPECT_LT(loss ? loss->length_ns().value_or(INT64_MAX) : 0, 500'000'000) << "flow " << flow;
    }
}

INSTANTIATE_TEST_SUITE_P(Kinds, EqualWays,
                         testing::Values(Ways{"BypassIpv6", false, nullptr, 0},
                                         Ways{"BypassIpv6Ports", false, nullptr, 1},
                                         Ways{"BypassIpv4Ports", true, nullptr, 1},
                                         // Here the lookup does not know the kernel's choice, egress does.
                                         Ways{"BypassIpv6ChosenFields", false, nullptr, 3},
                                         Ways{"BypassIpv4ChosenFields", true, nullptr, 3},
                                         Ways{"PolicyIpv6", false, kBoth, 0}, Ways{"PolicyIpv4Ports", true, kBoth, 1},
                                         Ways{"PolicyThatNamesOneIpv6", false, kOneOfTwo, 0},
                                         Ways{"PolicyThatNamesOneIpv4", true, kOneOfTwo, 1}),
                         [](const auto& ways) { return std::string(ways.param.name); });

}  // namespace
}  // namespace sidestep::topo
