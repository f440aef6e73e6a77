// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Damaged topology files: each is read, or there is a complaint that says where.
#include <algorithm>

#include <gtest/gtest.h>

#include "common/file.hpp"
#include "routing/io/topology_file.hpp"
#include "tests/unit/mutator.hpp"

namespace sidestep::routing {
namespace {

/// Only an empty document has no position.
bool has_position(const Complaint& complaint) {
    return complaint.line > 0 ? complaint.column > 0 : complaint.reason == "must be a map";
}

TEST(TopologyMutation, IsReadOrComplainedAboutAtItsPlace) {
    constexpr std::uint64_t kMutations = 3000;
    const auto good = read_file(SIDESTEP_SOURCE_DIR "/tests/data/topologies/ladder.yaml").value();
    for (std::uint64_t seed = 1; seed <= kMutations && !HasFailure(); ++seed) {
        const auto text = Mutator(seed).damage(good);
        Complaints complaints{.file = "t", .list = {}};
        const auto topology = parse_topology(text, complaints);
        EXPECT_EQ(topology.has_value(), complaints.empty()) << seed;
        EXPECT_TRUE(std::ranges::all_of(complaints.list, has_position)) << seed << ' ' << complaints.to_string();
    }
}

}  // namespace
}  // namespace sidestep::routing
