// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the programs that are run on events, and the exact complaint about each bad one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/detector/config/config_text.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

std::string with_hooks(const std::string& text) {
    Parts parts;
    parts.more = "hooks: " + text;
    return parts.text();
}

TEST(ConfigHooks, ReadsThem) {
    const auto hooks = read_good(with_hooks("[{on: [down, up], run: [/bin/page, -t, net], session: A-B, timeout: 2s}, "
                                            "{on: [admin-down], run: [/bin/note]}]"))
                           .hooks;
    ASSERT_EQ(hooks.size(), 2U);
    EXPECT_THAT(hooks[0].on, ElementsAre(SessionState::up, SessionState::down));
    EXPECT_THAT(hooks[0].run, ElementsAre("/bin/page", "-t", "net"));
    EXPECT_EQ(hooks[0].session, "A-B");
    EXPECT_EQ(hooks[0].timeout, 2s);
    EXPECT_EQ(hooks[1].session, "");
    EXPECT_EQ(hooks[1].timeout, 5s);
}

TEST(ConfigHooks, NamesWhatIsWrong) {
    const auto reason_of = [](const std::string& text) {
        const auto complaints = complaints_about(with_hooks(text));
        return complaints.empty() ? "" : complaints.front();
    };
    EXPECT_THAT(reason_of("[{on: [down], run: [page]}]"),
                testing::HasSubstr("hooks[0].run[0]: must be an absolute path: no shell looks for it"));
    EXPECT_THAT(reason_of("[{on: [gone], run: [/bin/page]}]"), testing::HasSubstr("hooks[0].on[0]: "));
    EXPECT_THAT(reason_of("[{run: [/bin/page]}]"), testing::HasSubstr("hooks[0].on"));
    EXPECT_THAT(reason_of("[{on: [], run: [/bin/page]}]"), testing::HasSubstr("hooks[0].on: "));
    EXPECT_THAT(reason_of("[{on: [down], run: [/bin/page], timeout: 5min}]"), testing::HasSubstr("hooks[0].timeout: "));
}

}  // namespace
}  // namespace sidestep
