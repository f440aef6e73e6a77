// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Makes the mistakes of a newcomer, and checks the sentence that each is answered with.
#include <filesystem>

#include <gmock/gmock.h>

#include "tests/net/protected_lab.hpp"

namespace sidestep::topo {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

class Mistakes : public ProtectedLab {};

TEST_F(Mistakes, AnAddressWithoutQuotes) {
    const auto ended = run_sidestepd("A", with(config("A"), "\"fd00:c:0:1::\"", "fd00:c:0:1::"));
    EXPECT_EQ(ended.code, 2);
    EXPECT_THAT(ended.output, HasSubstr("quote it: \"fd00:c:0:1::\""));
}

TEST_F(Mistakes, ATab) {
    const auto ended = run_sidestepd("A", with(config("A"), "    interface:", "\tinterface:"));
    EXPECT_EQ(ended.code, 2);
    EXPECT_THAT(ended.output, HasSubstr("a tab in the indentation; use spaces"));
}

TEST_F(Mistakes, NotRoot) {
    std::filesystem::permissions(lab().directory(), std::filesystem::perms(0755));
    const auto ended = run_sidestepd("A", config("A"), {"setpriv", "--reuid", "65534", "--clear-groups"});
    EXPECT_EQ(ended.code, 1);
    EXPECT_THAT(ended.output, HasSubstr("run as root"));
    const auto flushed =
        run_sidestepd("A", config("A"), {"setpriv", "--reuid", "65534", "--clear-groups"}, "", {"--flush"});
    EXPECT_EQ(flushed.code, 1);
    EXPECT_THAT(flushed.output, HasSubstr("run as root"));
}

TEST_F(Mistakes, RunningTwice) {
    ASSERT_TRUE(start("A"));
    const auto second = run_sidestepd("A", config("A"));
    EXPECT_EQ(second.code, 1);
    EXPECT_THAT(second.output, ContainsRegex("another sidestepd .*pid [0-9]+.*stop it"));
}

TEST_F(Mistakes, WhatUpMeansAfterDown) {
    ASSERT_TRUE(start("A"));
    EXPECT_THAT(cli("A", "session A-B down"), HasSubstr("no path uses it until `sidestep session A-B up`"));
    EXPECT_THAT(cli("A", "session A-B up"), HasSubstr("session A-B: waits for proof"));
    ASSERT_TRUE(becomes("A", "up"));
    EXPECT_EQ(session("A").value("downs", -1), 0) << "the operator's is no failure";
    EXPECT_THAT(daemon("A").process().output(), HasSubstr("the operator lets it come up again; it waits for proof"));
}

TEST_F(Mistakes, TimesInTheLogHaveAZone) {
    ASSERT_TRUE(start("A"));
    EXPECT_THAT(daemon("A").process().output(),
                ContainsRegex("^20[0-9-]+T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]\\.[0-9]+Z "));
}

TEST_F(Mistakes, FlushSaysWhatItRemoved) {
    ASSERT_TRUE(start("A"));
    ASSERT_TRUE(kill("A"));
    const auto flushed = run_sidestepd("A", config("A"), {}, "", {"--flush"});
    EXPECT_EQ(flushed.code, 0);
    EXPECT_THAT(flushed.output, HasSubstr("removed programs at "));
    for (const auto* part : {"to-B", "to-C", "to-S", "the probe clock", "files and pins of node A"})
        EXPECT_THAT(flushed.output, HasSubstr(part));
    EXPECT_THAT(flushed.output, Not(HasSubstr("libbpf")));
    const auto again = run_sidestepd("A", config("A"), {}, "", {"--flush"});
    EXPECT_EQ(again.code, 0);
    EXPECT_THAT(again.output, HasSubstr("nothing to remove"));
    EXPECT_THAT(again.output, Not(HasSubstr("libbpf")));
}

}  // namespace
}  // namespace sidestep::topo
