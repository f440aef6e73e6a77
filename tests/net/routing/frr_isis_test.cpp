// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests real FRR IS-IS: its database becomes our graph, a cut link leaves it, and when isisd dies, the last good state
// stays.
#include <chrono>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "routing/core/policy.hpp"
#include "routing/io/isis_source.hpp"
#include "tests/net/routing/frr_network.hpp"

namespace sidestep::routing {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// Refreshes until the graph has this many links; returns the last problem if it never has.
std::string await_links(IsisSource& source, std::size_t links, std::chrono::seconds patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    std::string problem = "never asked";
    while (std::chrono::steady_clock::now() < deadline) {
        const auto changed = source.refresh();
        if (!changed) {
            problem = changed.error().message;
        } else if (source.current()->graph.link_count() == links) {
            return "";
        } else {
            problem = fmt::format("{} links", source.current()->graph.link_count());
        }
        std::this_thread::sleep_for(200ms);
    }
    return problem;
}

//    r1 --- r2      all metrics 10
//     |     |
//    r4 --- r3
TEST(FrrIsis, DatabaseBecomesPoliciesAndFollowsChanges) {
    if (const auto reason = FrrNetwork::missing(); !reason.empty()) GTEST_SKIP() << reason;
    FrrNetwork network;
    const auto started = network.start(4, {{1, 2}, {2, 3}, {3, 4}, {4, 1}});
    ASSERT_TRUE(started) << started.error().message;
    IsisSource source({.socket_directory = network.socket_directory(1)},
                      {.block = Prefix::parse("fd00::/32").value(), .length = 48});

    ASSERT_EQ(await_links(source, 4, 60s), "");
    const auto& [graph, self, warnings] = *source.current();
    EXPECT_THAT(warnings, testing::IsEmpty());
    ASSERT_TRUE(self);
    EXPECT_EQ(graph.node(self.value()).name, "r1");
    const auto policies = compute_policies(graph, self.value(), Protect::link, {});
    EXPECT_EQ(policies.policies.size(), 3U);
    EXPECT_EQ(policies.bypasses.size(), 2U);
    for (const auto& policy : policies.policies) EXPECT_EQ(policy.candidates.size(), 2U);

    ASSERT_TRUE(network.set_link(1, false));
    EXPECT_EQ(await_links(source, 3, 30s), "");
    EXPECT_FALSE(source.current()->graph.find_link("r2-r3"));

    network.stop_isisd(1);
    const auto refreshed = source.refresh();
    ASSERT_FALSE(refreshed);
    EXPECT_THAT(refreshed.error().message, HasSubstr("vtysh cannot reach isisd"));
    EXPECT_EQ(source.current()->graph.link_count(), 3U) << "the last good state";
}

}  // namespace
}  // namespace sidestep::routing
