// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests that a recording of a running sidestepd, with a real cut, a command and a restart, replays to the same events.
#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/net/protected_lab.hpp"

namespace sidestep::topo {
namespace {

using testing::HasSubstr;

class Recorded : public ProtectedLab {
  protected:
    void SetUp() override {
        ProtectedLab::SetUp();
        if (IsSkipped() || HasFatalFailure()) return;
        ::setenv("SIDESTEP_RECORD", file().c_str(), 1);
    }
    void TearDown() override {
        ::unsetenv("SIDESTEP_RECORD");
        ProtectedLab::TearDown();
    }
    [[nodiscard]] std::string file() const { return lab().directory() + "/recording"; }
    /// What the API has of A's events, in the order in which they happened.
    std::vector<std::string> events() {
        std::vector<std::string> result;
        for (const auto& event : ask("A", "events").value("events", json::array()))
            result.push_back(event.value("session", "") + " " + event.value("state", "") + " " +
                             std::to_string(event.value("time_ns", std::int64_t{0})));
        return result;
    }
    std::vector<std::string> replayed() {
        const auto text = cli("A", "replay --json " + file());
        const auto answer = json::parse(text, nullptr, false);
        std::vector<std::string> result;
        if (!answer.is_object()) return {text};
        for (const auto& event : answer.value("events", json::array()))
            result.push_back(event.value("session", "") + " " + event.value("state", "") + " " +
                             std::to_string(event.value("time_ns", std::int64_t{0})));
        return result;
    }
};

TEST_F(Recorded, ACutIsRepeatedFromItsRecording) {
    ASSERT_TRUE(start("A"));
    cut().cut();
    ASSERT_TRUE(becomes("A", "down", "unanswered"));
    cut().restore();
    ASSERT_TRUE(becomes("A", "up"));
    ASSERT_TRUE(kill("A"));
    ASSERT_TRUE(start("A"));
    EXPECT_THAT(cli("A", "drain A-B --force"), HasSubstr("is drained"));
    ASSERT_TRUE(becomes("A", "admin-down"));
    const auto seen = events();
    EXPECT_THAT(seen, testing::Contains(HasSubstr("A-B down ")));
    EXPECT_THAT(seen, testing::Contains(HasSubstr("A-B admin-down ")));
    EXPECT_EQ(replayed(), seen);
    EXPECT_THAT(cli("A", "replay " + file() + "; echo code $?"), HasSubstr("code 0"));
}

}  // namespace
}  // namespace sidestep::topo
