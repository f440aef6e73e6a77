// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests that a successor reads the saved states, and ignores invalid files.
#include "detector/app/state_file.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

namespace sidestep {
namespace {

class StateFile : public testing::Test {
  protected:
    void TearDown() override { std::filesystem::remove(path_); }
    const std::string path_ = std::filesystem::temp_directory_path() / ("sidestep-state-" + std::to_string(getpid()));
};

TEST_F(StateFile, KeepsStateAndReasonByName) {
    save_state(path_, {{"A-B", {.state = SessionState::down, .reason = Reason::carrier}}, {"A \"C", {}}});
    const auto sessions = load_state(path_);
    ASSERT_EQ(sessions.size(), 2U);
    EXPECT_EQ(sessions.at("A-B").state, SessionState::down);
    EXPECT_EQ(sessions.at("A-B").reason, Reason::carrier);
    EXPECT_EQ(sessions.at("A \"C").state, SessionState::init);
}

TEST_F(StateFile, InvalidFilesAreIgnored) {
    EXPECT_TRUE(load_state(path_).empty()) << "no file";
    for (const char* text : {"", "{", "[]", "7", R"({"A": 1})", R"({"A": {}})", R"({"A": {"state": -1}})",
                             R"({"A": {"state": 99}})", R"({"A": {"state": 1, "reason": 99}})"}) {
        std::ofstream(path_) << text;
        EXPECT_TRUE(load_state(path_).empty()) << text;
    }
}

}  // namespace
}  // namespace sidestep
