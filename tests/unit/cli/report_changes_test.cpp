// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The lines that `sidestep reload` and `sidestep diff` print.
#include "cli/report_changes.hpp"

#include <gtest/gtest.h>

namespace sidestep {
namespace {

using nlohmann::json;

const json kAnswer = {{"changes",
                       {{{"what", "session"},
                         {"name", "uplink"},
                         {"change", "renamed"},
                         {"before", "A-B"},
                         {"starts_anew", false},
                         {"fields", json::array()}},
                        {{"what", "prefix"}, {"name", "::/0"}, {"change", "added"}, {"fields", {"policy to-D"}}},
                        {{"what", "sid"}, {"name", "fd00::1/128"}, {"change", "removed"}, {"fields", {"end"}}}}},
                      {"restart", false}};

TEST(ReportChanges, OneLineEach) {
    EXPECT_EQ(report_changes(kAnswer, false),
              "~ session uplink (was A-B, its state is kept)\n+ prefix ::/0: policy to-D\n- sid fd00::1/128: end\n");
}

TEST(ReportChanges, ColorsGoByTheMark) {
    const auto text = report_changes(kAnswer, true);
    EXPECT_EQ(text.substr(0, 6), "\033[33m~");
    EXPECT_NE(text.find("\033[32m+ prefix ::/0: policy to-D\033[0m\n"), std::string::npos);
}

TEST(ReportChanges, NoneIsSaid) {
    EXPECT_EQ(report_changes({{"changes", json::array()}, {"restart", false}}, true), "no changes\n");
}

TEST(ReportChanges, ARestartIsSaid) {
    auto answer = kAnswer;
    answer["restart"] = true;
    EXPECT_NE(report_changes(answer, false).find("the detector starts over inside its process"), std::string::npos);
}

}  // namespace
}  // namespace sidestep
