// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reading YAML and durations: each complaint names line, column, field and reason.
#include "common/yaml.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

std::vector<std::string> complaints_about(const std::string& text, const std::function<void(const YamlPlace&)>& read) {
    Complaints complaints{.file = "f", .list = {}};
    read_yaml(text, complaints, read);
    std::vector<std::string> lines;
    for (const auto& complaint : complaints.list) lines.push_back(complaint.to_string());
    return lines;
}

TEST(Yaml, ReadsWhatIsThere) {
    const auto lines = complaints_about("a: 5\nb: [1ms, 2s]\nc: fd00::1\nd: yes\n", [](const YamlPlace& root) {
        EXPECT_TRUE(root.expect_map({"a", "b", "c", "d"}));
        EXPECT_EQ(root.required("a")->integer(0, 9), 5);
        const auto items = root.required("b")->items();
        ASSERT_EQ(items.size(), 2U);
        EXPECT_EQ(items[0].duration(0ns, 1s), 1ms);
        EXPECT_EQ(items[1].duration(0ns, 5s), 2s);
        EXPECT_EQ(root.required("c")->ipv6()->to_string(), "fd00::1");
        EXPECT_EQ(root.required("d")->boolean(), true);
        EXPECT_FALSE(root.optional("e"));
    });
    EXPECT_THAT(lines, ElementsAre());
}

TEST(Yaml, ComplaintsNameThePlace) {
    const auto lines = complaints_about("a: 50\nb:\n  - 1parsec\n  - 9s\nx: 1\n", [](const YamlPlace& root) {
        root.expect_map({"a", "b"});
        (void)root.required("a")->integer(0, 9, "hops");
        for (const auto& item : root.required("b")->items()) (void)item.duration(0ns, 5s);
        (void)root.required("c");
    });
    EXPECT_THAT(lines,
                ElementsAre("f:5:1: x: unknown key; known: a, b", "f:1:4: a: must be a whole number from 0 to 9 hops",
                            "f:3:5: b[0]: must be a duration with its unit, such as 250us, 1ms or 5s",
                            "f:4:5: b[1]: must be from 0 ns to 5 s", "f:1:1: c: missing"));
}

TEST(Yaml, SyntaxErrorsAndDuplicateKeysAreComplaints) {
    const auto ignore = [](const YamlPlace&) { FAIL() << "must not be read"; };
    EXPECT_EQ(complaints_about("a: [1", ignore).size(), 1U);
    EXPECT_THAT(complaints_about("p:\n  - {a: 1, a: 2}\n", ignore), ElementsAre("f:2:12: p[0].a: given twice"));
}

TEST(Yaml, EndlessDocumentsAreComplaints) {
    const auto ignore = [](const YamlPlace&) { FAIL() << "must not be read"; };
    const auto* const reason = "nested too deeply, or repeated too often by aliases";
    EXPECT_THAT(complaints_about("a: &x {b: *x}\n", ignore), ElementsAre(std::string("f:1:4: ") + reason));
    std::string laughs = "a0: &a0 [x, x]\n";
    for (int level = 1; level < 40; ++level) {
        laughs += "a" + std::to_string(level) + ": &a" + std::to_string(level);
        laughs += " [*a" + std::to_string(level - 1) + ", *a" + std::to_string(level - 1) + "]\n";
    }
    EXPECT_THAT(complaints_about(laughs, ignore), ElementsAre(testing::EndsWith(reason)));
}

TEST(File, WhatCannotBeReadIsAnError) {
    EXPECT_EQ(read_file("/nonexistent").error().message, "/nonexistent: No such file or directory");
    EXPECT_EQ(read_file("/").error().message, "/: Is a directory");
}

TEST(Duration, ParsesWithUnitsOnly) {
    EXPECT_EQ(parse_duration("250us"), 250us);
    EXPECT_EQ(parse_duration("1.5 ms"), 1500us);
    EXPECT_EQ(parse_duration("2min"), 2min);
    for (const char* text : {"", "5", "ms", "-1ms", "1 m", "1ms ", "nan s", "1e300h"}) {
        EXPECT_FALSE(parse_duration(text)) << text;
    }
}

TEST(Duration, PrintsTheUnit) {
    EXPECT_EQ(format_duration(250us), "250 us");
    EXPECT_EQ(format_duration(1500us), "1.5 ms");
    EXPECT_EQ(format_duration(90s), "90 s");
    EXPECT_EQ(format_duration(0ns), "0 ns");
}

}  // namespace
}  // namespace sidestep
