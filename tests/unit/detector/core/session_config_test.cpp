// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Which sessions a configuration makes: one per adjacency, path and passive session.
#include "detector/core/session_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

Address ip(const char* text) {
    return *Address::parse(text);
}

Config one_adjacency() {
    Config result;
    result.source = ip("fd00:a::1");
    result.adjacencies.resize(1);
    result.adjacencies[0].name = "A-B";
    result.adjacencies[0].interface = "to-B";
    result.adjacencies[0].neighbor = ip("fe80::b");
    return result;
}

TEST(SessionConfig, OfAnAdjacencyProbesAndReturnsOnItsInterface) {
    const auto sessions = sessions_of(one_adjacency());
    ASSERT_THAT(sessions, SizeIs(1));
    EXPECT_EQ(sessions[0].name, "A-B");
    EXPECT_EQ(sessions[0].interface, "to-B");
    EXPECT_EQ(sessions[0].returns_on, "to-B");
    EXPECT_EQ(sessions[0].neighbor, ip("fe80::b"));
    EXPECT_EQ(sessions[0].source, ip("fd00:a::1"));
    EXPECT_THAT(sessions[0].encaps, IsEmpty());
    EXPECT_EQ(sessions[0].passive_source, std::nullopt);
}

TEST(SessionConfig, OfAPathLeavesByItsAdjacencyAndReturnsWhereItSays) {
    auto with_paths = one_adjacency();
    with_paths.paths.resize(3);
    with_paths.paths[0] = {
        .name = "over-C", .adjacency = "A-B", .segments = {ip("fd00:c::")}, .returns_on = "to-C", .probe = {}};
    with_paths.paths[1] = with_paths.paths[0];
    with_paths.paths[1].returns_on.clear();
    with_paths.paths[2] = with_paths.paths[0];
    with_paths.paths[2].adjacency = "unknown";
    const auto sessions = sessions_of(with_paths);
    ASSERT_THAT(sessions, SizeIs(3)) << "the adjacency, and the paths over adjacencies that exist";
    EXPECT_EQ(sessions[1].name, "over-C");
    EXPECT_EQ(sessions[1].interface, "to-B");
    EXPECT_EQ(sessions[1].returns_on, "to-C");
    EXPECT_EQ(sessions[1].neighbor, ip("fe80::b"));
    EXPECT_THAT(sessions[1].encaps, ElementsAre(ip("fd00:c::")));
    EXPECT_EQ(sessions[2].returns_on, "to-B") << "by default where it leaves";
}

TEST(SessionConfig, OfAPassiveSessionAllowsForTheNeighborsPhase) {
    auto with_passive = one_adjacency();
    with_passive.passives.resize(1);
    auto& passive = with_passive.passives[0];
    passive.name = "from-B";
    passive.interface = "to-B";
    passive.source = ip("fd00:b::1");
    passive.probe.interval = 10ms;
    passive.probe.allowance = 3ms;
    const auto sessions = sessions_of(with_passive);
    ASSERT_THAT(sessions, SizeIs(2));
    EXPECT_EQ(sessions[1].passive_source, ip("fd00:b::1"));
    EXPECT_EQ(sessions[1].neighbor, Address{}) << "nothing is sent";
    EXPECT_EQ(sessions[1].probe.allowance, 13ms);
}

TEST(SessionConfig, IntervalsAreCountedOnce) {
    auto three = one_adjacency();
    three.adjacencies.resize(3, three.adjacencies[0]);
    three.adjacencies[2].probe.interval = 5ms;
    EXPECT_THAT(intervals_of(sessions_of(three)), ElementsAre(1ms, 5ms));
}

}  // namespace
}  // namespace sidestep
