// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The plan as JSON against a golden file: what builders in other languages rely on.
#include "topo/plan_json.hpp"

#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "routing/io/topology_file.hpp"

namespace sidestep::topo {
namespace {

constexpr const char* kFolder = SIDESTEP_SOURCE_DIR "/tests/data/plan";

std::string read(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

// To renew it: build/release/bin/sidestep-plan tests/data/plan/pair.yaml > tests/data/plan/pair.json
TEST(PlanJson, IsTheGoldenFile) {
    const auto topology = routing::load_topology(std::string(kFolder) + "/pair.yaml");
    ASSERT_TRUE(topology) << topology.error().message;
    const auto text = plan_json(topology->graph);
    ASSERT_TRUE(text) << text.error().message;
    EXPECT_EQ(*text, read(std::string(kFolder) + "/pair.json"));
}

}  // namespace
}  // namespace sidestep::topo
