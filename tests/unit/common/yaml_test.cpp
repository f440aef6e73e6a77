// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reading YAML and durations: each complaint names line, column, field and reason.
#include "common/yaml.hpp"

#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

void not_read(const YamlPlace& /*root*/) {
    FAIL() << "must not be read";
}

std::vector<std::string> complaints_about(const std::string& text, const std::function<void(const YamlPlace&)>& read) {
    Complaints complaints{.file = "f", .list = {}};
    read_yaml(text, complaints, read);
    std::vector<std::string> lines;
    for (const auto& complaint : complaints.list) lines.push_back(complaint.to_string());
    return lines;
}

// libyaml notices it lines later, and says that a key is missing there.
TEST(Yaml, NamesTheLineWhoseQuoteIsNotClosed) {
    const auto lines = complaints_about("a: 1\nb: \"fd00::1\nc: 2\nd: \"x\"\n", not_read);
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_THAT(lines[0], EndsWith("; line 2 has a quote that is not closed"));
}

TEST(Yaml, NamesTheKeyThatLacksASpace) {
    const auto lines = complaints_about("a:\n  - interface:to-B\n    neighbor: x\n", not_read);
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_THAT(lines[0], HasSubstr("a space is missing after `interface:`"));
}

TEST(Yaml, SaysWhatIsWrongWithAnAddress) {
    const auto lines = complaints_about("- fe80::b\"\n", [](const YamlPlace& root) {
        for (const auto& item : root.items()) EXPECT_FALSE(item.ipv6());
    });
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_THAT(lines[0], EndsWith("; a quote is missing, or one too many"));
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
    EXPECT_THAT(complaints_about("a: [1", not_read), ElementsAre(StartsWith("f:2:1: ")));
    EXPECT_THAT(complaints_about("a: 1\nb: [1\nc: 2\n", not_read),
                ElementsAre("f:3:2: did not find expected ',' or ']' while parsing a flow sequence from line 2 on"));
    EXPECT_THAT(complaints_about("p:\n  - {a: 1, a: 2}\nq: {a: 1, a: {b: 1, b: 1}, a: 3}\n", not_read),
                ElementsAre("f:2:12: p[0].a: given twice", "f:3:11: q.a: given twice", "f:3:21: q.a.b: given twice",
                            "f:3:28: q.a: given twice"));
}

TEST(Yaml, EndlessDocumentsAreComplaints) {
    EXPECT_THAT(complaints_about("a: &x {b: *x}\n", not_read), ElementsAre("f:1:11: *x is part of what it repeats"));
    EXPECT_THAT(complaints_about("a: *x\nb: &x 1\n", not_read), ElementsAre("f:1:4: no anchor &x before this"));
    std::string laughs = "a0: &a0 [x, x]\n";
    for (int level = 1; level < 40; ++level) {
        laughs += "a" + std::to_string(level) + ": &a" + std::to_string(level);
        laughs += " [*a" + std::to_string(level - 1) + ", *a" + std::to_string(level - 1) + "]\n";
    }
    EXPECT_THAT(complaints_about(laughs, not_read), ElementsAre(EndsWith(": repeated too often by aliases")));
    EXPECT_THAT(complaints_about(std::string(100'000, '['), not_read),
                ElementsAre("f:1:65: nested too deeply; at most 64 levels"));
}

TEST(Yaml, AnAliasIsACopy) {
    const auto lines = complaints_about("a: &x {b: [1, 2]}\nc: *x\nd: [*x]\n", [](const YamlPlace& root) {
        const auto items = root.required("c")->required("b")->items();
        ASSERT_EQ(items.size(), 2U);
        EXPECT_EQ(items[1].integer(0, 9), 2);
        EXPECT_EQ(items[1].path(), "c.b[1]");
        root.required("d")->items().at(0).required("b")->complain("here");
    });
    EXPECT_THAT(lines, ElementsAre("f:1:11: d[0].b: here"));
}

TEST(Yaml, ASecondDocumentIsAComplaint) {
    EXPECT_THAT(complaints_about("---\na: 1\n---\nb: 1\n", not_read),
                ElementsAre("f:3:1: a second document; a file holds only one"));
    EXPECT_THAT(complaints_about("---\na: 1\n...\n", [](const YamlPlace&) {}), ElementsAre());
}

TEST(Yaml, NothingIsANullWithoutALine) {
    for (const auto* text : {"", "# nothing\n"}) {
        EXPECT_THAT(complaints_about(text, [](const YamlPlace& root) { root.expect_map({"a"}); }),
                    ElementsAre("f: must be a map"));
    }
    EXPECT_THAT(complaints_about("a: ~\nb:\nc: null\nd: \"\"\n",
                                 [](const YamlPlace& root) {
                                     for (const auto* key : {"a", "b", "c", "d"}) (void)root.required(key)->text();
                                 }),
                ElementsAre("f:1:4: a: must be a text", "f:2:3: b: must be a text", "f:3:4: c: must be a text",
                            "f:4:4: d: must be a text"));
}

TEST(Yaml, AnAddressWithoutQuotesIsToldSo) {
    const auto* const hint = "quote it: \"fd00:c::\"";
    for (const auto* text : {"a: fd00:c::\n", "a: [fd00:c::]\n", "a: {b: fd00:c::, c: 1}\n", "a: {b: fd00:c::}\n"}) {
        EXPECT_THAT(complaints_about(text, not_read), ElementsAre(AllOf(StartsWith("f:1:"), EndsWith(hint)))) << text;
    }
    EXPECT_THAT(complaints_about("a: [::1]\n", not_read), ElementsAre(EndsWith("quote it: \"::1\"")));
    EXPECT_THAT(complaints_about("a: [\"fd00:c::\", b: [c # fd00::\n", not_read),
                ElementsAre(testing::Not(HasSubstr("quote it"))));
    EXPECT_THAT(
        complaints_about("- fd00:c::\n- ::\n- x:\n",
                         [](const YamlPlace& root) {
                             for (const auto& item : root.items()) (void)item.ipv6();
                         }),
        ElementsAre(std::string("f:1:3: [0]: must be an IPv6 address; ") + hint,
                    "f:2:3: [1]: must be an IPv6 address; quote it: \"::\"", "f:3:3: [2]: must be an IPv6 address"));
}

TEST(Yaml, WhatIsTooMuchOfAnAddressIsNamed) {
    EXPECT_THAT(complaints_about("- 'fe80::b%to-B'\n- 'fe80::b/64'\n- \u201cfe80::b\u201d\n- b%c\n",
                                 [](const YamlPlace& root) {
                                     for (const auto& item : root.items()) (void)item.ipv6();
                                 }),
                ElementsAre(EndsWith("an IPv6 address; leave out %to-B"), EndsWith("an IPv6 address; leave out /64"),
                            EndsWith("its quotes are typographic ones, use \""), EndsWith("an IPv6 address")));
}

TEST(Yaml, TheNetworkOfAnAddressIsNamed) {
    EXPECT_THAT(
        complaints_about("- '2001:db8::1/64'\n- 192.0.2.9/28\n- default\n- x/9\n- '::1/999'\n",
                         [](const YamlPlace& root) {
                             for (const auto& item : root.items()) (void)item.prefix();
                         }),
        ElementsAre(EndsWith("; 2001:db8::1 is in \"2001:db8::/64\""), EndsWith("; 192.0.2.9 is in \"192.0.2.0/28\""),
                    EndsWith("; all destinations are \"::/0\" and \"0.0.0.0/0\""), EndsWith("192.0.2.0/24"),
                    EndsWith("192.0.2.0/24")));
}

TEST(Yaml, ATabInTheIndentationIsNamed) {
    const auto* const reason = ": a tab in the indentation; use spaces";
    EXPECT_THAT(complaints_about("a:\n\tb: 1\n", not_read), ElementsAre(std::string("f:2:1") + reason));
    EXPECT_THAT(complaints_about("a:\n  b: 1\n  \tc: 2\n", not_read), ElementsAre(std::string("f:3:3") + reason));
    EXPECT_THAT(complaints_about("a:\n  - b\n\t- c\n", not_read), ElementsAre(std::string("f:3:1") + reason));
    EXPECT_THAT(complaints_about("a:\t1\n", [](const YamlPlace&) {}), ElementsAre());
    EXPECT_THAT(complaints_about("a:\n  -\tb: 1\n", not_read), ElementsAre("f:2:4: a tab; use spaces"));
}

TEST(Yaml, WhatIsNoTextIsAComplaintAtItsPlace) {
    EXPECT_THAT(complaints_about("a: 1\nb: \xc3\xa4\xff\n", not_read), ElementsAre(StartsWith("f:2:5: ")));
    EXPECT_THAT(complaints_about("a: \x01\n", not_read), ElementsAre(StartsWith("f:1:4: ")));
}

TEST(Yaml, LargeMapsAndListsAreLinear) {
    std::string text = "map:\n";
    for (int i = 0; i < 100'000; ++i) text += "  k" + std::to_string(i) + ": 1\n";
    text += "list:\n";
    for (int i = 0; i < 100'000; ++i) text += "- 1\n";
    EXPECT_THAT(complaints_about(text + "x: y: z\n", not_read), testing::SizeIs(1));
    EXPECT_THAT(complaints_about(text,
                                 [](const YamlPlace& root) {
                                     EXPECT_EQ(root.required("list")->items().size(), 100'000U);
                                     root.required("map")->expect_map({"k0"});
                                 }),
                testing::SizeIs(99'999));
    text.insert(text.find("list:"), "  k7: 2\n");
    EXPECT_THAT(complaints_about(text, not_read), ElementsAre("f:100002:3: map.k7: given twice"));
}

// --- renamed keys and warnings

constexpr std::array<RenamedKey, 2> kRenamed{{{"old", "new"}, {"older", "new"}}};

struct Said {
    std::vector<std::string> complaints, warnings;
};

/// Of a map that may hold "new" and "other" under "m".
Said about_renamed(const std::string& text, std::optional<std::int64_t> value) {
    Complaints complaints{.file = "f", .list = {}};
    read_yaml(
        text, complaints,
        [&](const YamlPlace& root) {
            const auto map = root.required("m");
            map->expect_map({"new", "other"});
            EXPECT_EQ(map->has("new"), value.has_value());
            const auto place = map->optional("new");
            EXPECT_EQ(place ? place->integer(0, 9) : std::nullopt, value);
        },
        kRenamed);
    Said said;
    for (const auto& each : complaints.list) said.complaints.push_back(each.to_string());
    for (const auto& each : complaints.warnings) said.warnings.push_back(each.to_string());
    return said;
}

TEST(YamlRenamedKeys, AreReadWithAWarning) {
    auto said = about_renamed("m: {old: 5}\n", 5);
    EXPECT_THAT(said.complaints, ElementsAre());
    EXPECT_THAT(said.warnings, ElementsAre("f:1:5: m.old: the old name of `new`; rename the key"));
    said = about_renamed("m: {older: 6, other: 1}\n", 6);
    EXPECT_THAT(said.complaints, ElementsAre());
    EXPECT_THAT(said.warnings, ElementsAre("f:1:5: m.older: the old name of `new`; rename the key"));
    said = about_renamed("m: {new: 7}\n", 7);
    EXPECT_THAT(said.complaints, ElementsAre());
    EXPECT_THAT(said.warnings, ElementsAre());
}

TEST(YamlRenamedKeys, MayNotBeGivenUnderTwoNames) {
    auto said = about_renamed("m: {old: 5, new: 7}\n", 7);
    EXPECT_THAT(said.complaints, ElementsAre("f:1:5: m.old: the old name of `new`, which is given too"));
    EXPECT_THAT(said.warnings, ElementsAre());
    said = about_renamed("m: {older: 5, old: 7}\n", 7);
    EXPECT_THAT(said.complaints, ElementsAre("f:1:5: m.older: the old name of `new`, which is given too"));
}

TEST(YamlRenamedKeys, AreUnknownWhereThePresentNameIs) {
    Complaints complaints{.file = "f", .list = {}};
    read_yaml(
        "old: 5\n", complaints, [](const YamlPlace& root) { root.expect_map({"a"}); }, kRenamed);
    EXPECT_EQ(complaints.to_string(), "f:1:1: old: unknown key; known: a");
    EXPECT_TRUE(complaints.warnings.empty());
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
