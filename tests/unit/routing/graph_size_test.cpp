// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "routing/core/graph_size.hpp"

#include <gtest/gtest.h>

#include "tests/unit/routing/sketch.hpp"

namespace sidestep::routing {
namespace {

TEST(GraphSize, PrefixesOfSeveralRoutersAreNoNodesAndNoLinks) {
    const auto graph = Sketch{.links = {"A B 10", "B C 10", "C A 10"},
                              .prefixes = {"A 2001:db8::/48", "B 2001:db8::/48", "C 2001:db8:c::/48"}}
                           .graph();
    ASSERT_EQ(graph.node_count(), 4U) << "the shared prefix is a node";
    EXPECT_EQ(size_of(graph), (GraphSize{.routers = 3, .hosts = 0, .links = 3, .anycast = 1}));
    EXPECT_EQ(to_string(size_of(graph)), "3 routers, 3 links, 1 shared prefix");
}

TEST(GraphSize, HostsAreCountedApart) {
    EXPECT_EQ(to_string(GraphSize{.routers = 1, .hosts = 2, .links = 1, .anycast = 2}),
              "1 router, 2 hosts, 1 link, 2 shared prefixes");
}

}  // namespace
}  // namespace sidestep::routing
