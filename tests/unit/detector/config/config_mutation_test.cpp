// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads damaged configurations: each is accepted, or a complaint says where it is wrong.
#include <algorithm>

#include <gtest/gtest.h>

#include "common/file.hpp"
#include "tests/unit/detector/config/config_text.hpp"
#include "tests/unit/mutator.hpp"

namespace sidestep {
namespace {

/// A configuration with every section at least once.
std::string rich() {
    Parts parts;
    parts.more = R"(device: sr0
sr-domain: ["fd00::/16"]
xdp: [to-B]
paths: [{name: P, adjacency: A-C, segments: ["fd00:c::"], returns-on: to-B, probe: {return-address: "fd00:ab::2"}}]
passives: [{name: from-B, interface: to-B, source: "fd00:b::1", probe: {interval: 4ms}}]
sids:
  - {sid: "fd00:a::/48", behavior: end, flavors: [psp, next-csid], block-bits: 32, function-bits: 16}
  - {sid: "fd00:a:1::", behavior: end.x, adjacency: A-B}
routing: {topology: net.yaml, protect: srlg, hold: 500ms}
bfd: {frr: "unix:/run/frr/dplane.sock"}
)";
    return parts.text();
}

/// True if there is a position; only an empty document has none.
bool has_position(const Complaint& complaint) {
    return complaint.line > 0
               ? complaint.column > 0
               : complaint.reason == "must be a map" || complaint.reason.starts_with("configures nothing");
}

void expect_read_or_located(const std::string& text) {
    Complaints complaints{.file = "f", .list = {}};
    const auto config = read_config(text, complaints);
    EXPECT_EQ(config.has_value(), complaints.list.empty()) << text;
    EXPECT_TRUE(std::ranges::all_of(complaints.list, has_position)) << complaints.to_string() << '\n' << text;
}

TEST(ConfigMutation, IsReadOrComplainedAboutAtItsPlace) {
    constexpr int kMutations = 3000;
    for (const auto& good : {rich(), read_file(SIDESTEP_SOURCE_DIR "/docs/example.yaml").value()}) {
        (void)read_good(good);
        for (std::uint64_t seed = 1; seed <= kMutations && !testing::Test::HasFailure(); ++seed) {
            SCOPED_TRACE(seed);
            expect_read_or_located(Mutator(seed).damage(good));
        }
    }
}

}  // namespace
}  // namespace sidestep
