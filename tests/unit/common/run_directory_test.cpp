// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common/run_directory.hpp"

#include <gtest/gtest.h>

namespace sidestep {
namespace {

TEST(RunDirectory, NamesThatStayWithinIt) {
    for (const auto* name : {"A", "core-1.example.net", "_x", "7", "a..b", "A.sock"})
        EXPECT_TRUE(is_node_name(name)) << name;
    EXPECT_TRUE(is_node_name(std::string(kLongestNodeName, 'a')));
    EXPECT_FALSE(is_node_name(std::string(kLongestNodeName + 1, 'a')));
    for (const auto* name : {"", ".", "..", "../x", "x/y", "/", ".hidden", "-x", "--node", "a b", "a\n", "\xc3\xa4"})
        EXPECT_FALSE(is_node_name(name)) << name;
    EXPECT_FALSE(is_node_name(std::string_view("a\0b", 3)));
}

TEST(RunDirectory, Paths) {
    const auto paths = RunDirectory("/run/sidestep").of("A");
    ASSERT_TRUE(paths);
    EXPECT_EQ(paths->socket, "/run/sidestep/A.sock");
    EXPECT_EQ(paths->reading, "/run/sidestep/A.read");
    EXPECT_EQ(reading_socket(paths->socket), paths->reading);
    EXPECT_EQ(reading_socket("/elsewhere"), "/elsewhere");
    EXPECT_EQ(paths->state, "/run/sidestep/A.state");
    EXPECT_EQ(paths->lock, "/run/sidestep/A.lock");
    EXPECT_EQ(paths->events, "/run/sidestep/A.events");
    EXPECT_EQ(paths->clients, "/run/sidestep/A.clients");
    EXPECT_EQ(paths->pins, "/run/sidestep/bpf/A");
    const auto refused = RunDirectory("/run/sidestep").of("..");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message, "'..' cannot be the name of a node");
}

}  // namespace
}  // namespace sidestep
