// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests that a successor reads the saved states, and ignores invalid files.
#include "detector/app/state_file.hpp"

#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "common/file.hpp"

namespace sidestep {
namespace {

class StateFile : public testing::Test {
  protected:
    void TearDown() override { std::filesystem::remove(path_); }
    const std::string path_ = std::filesystem::temp_directory_path() / ("sidestep-state-" + std::to_string(getpid()));
};

TEST_F(StateFile, KeepsStateAndReasonByName) {
    ASSERT_TRUE(save_state(path_, {{"A-B", {.state = SessionState::down, .reason = Reason::carrier}}, {"A \"C", {}}}));
    const auto sessions = load_state(path_);
    ASSERT_EQ(sessions.size(), 2U);
    EXPECT_EQ(sessions.at("A-B").state, SessionState::down);
    EXPECT_EQ(sessions.at("A-B").reason, Reason::carrier);
    EXPECT_EQ(sessions.at("A \"C").state, SessionState::init);
}

// As on a full disk, which tests cannot make without one of their own: no file may be longer than this.
TEST_F(StateFile, WhatCannotBeWrittenLeavesTheOldFile) {
    ASSERT_TRUE(save_state(path_, {{"A-B", {.state = SessionState::down, .reason = Reason::carrier}}}));
    const auto before = read_file(path_);
    SavedSessions many;
    for (int i = 0; i < 1000; ++i) many["session" + std::to_string(i)] = {};
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
    const rlimit small{.rlim_cur = 4096, .rlim_max = limit.rlim_max};
    std::signal(SIGXFSZ, SIG_IGN);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    const auto saved = save_state(path_, many);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
    EXPECT_FALSE(saved);
    EXPECT_EQ(read_file(path_).value(), before.value());
    EXPECT_FALSE(std::filesystem::exists(path_ + ".new"));
    EXPECT_TRUE(save_state(path_, many));
    EXPECT_EQ(load_state(path_).size(), many.size());
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
