// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the file of keys: what it may contain, who may read it, and that no complaint has a part of a key.
#include "detector/config/bfd_keys.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include <unistd.h>

#include "detector/core/session_changes.hpp"
#include "tests/unit/detector/config/config_text.hpp"

namespace sidestep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::string why_no_keys(const std::string& text) {
    const auto keys = read_bfd_keys(text, "f");
    return keys ? "" : keys.error().message;
}

TEST(BfdKeys, AreOneOrTwoLines) {
    const auto keys = read_bfd_keys("# rolled in May\n\n 7  secret \n0\t12345678901234567890\n", "f");
    ASSERT_TRUE(keys) << keys.error().message;
    ASSERT_EQ(keys->size(), 2U);
    EXPECT_EQ((*keys)[0].id, 7);
    EXPECT_EQ(std::string((*keys)[0].secret.begin(), (*keys)[0].secret.begin() + 7), std::string("secret\0", 7));
    EXPECT_EQ((*keys)[1].id, 0);
    EXPECT_EQ(std::string((*keys)[1].secret.begin(), (*keys)[1].secret.end()), "12345678901234567890");
}

TEST(BfdKeys, WhatIsWrongIsNamedWithoutTheKey) {
    EXPECT_EQ(why_no_keys(""), "f: no key in it");
    EXPECT_EQ(why_no_keys("1 a\n2 b\n3 c\n"), "f: 3 keys; 2 are the most, the one to sign with and one more to accept");
    EXPECT_EQ(why_no_keys("1 a\n1 b\n"), "f:2: there is a key 1 before");
    EXPECT_EQ(why_no_keys("# x\n1 " + std::string(21, 'x')),
              "f:2: key 1 has 21 bytes; 20 are the most (RFC 5880, 4.4)");
    EXPECT_EQ(why_no_keys("1"), "f:1: key 1 is empty");
    EXPECT_EQ(why_no_keys("1 hush hush"), "f:1: key 1 has a space in it, or something after it");
    for (const auto* text : {"256 hush", "hush", "hush 1", "-1 hush", "1x hush"}) {
        EXPECT_EQ(why_no_keys(text), "f:1: does not begin with the number of a key, 0 to 255");
    }
}

class BfdKeyFile : public testing::Test {
  protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "sidestep-keys-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
        write("1 hush\n", 0600);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }
    void write(const std::string& text, mode_t mode) {
        std::ofstream(file()) << text;
        ASSERT_EQ(::chmod(file().c_str(), mode), 0);
    }
    [[nodiscard]] std::string file() const { return folder_ + "/keys"; }
    [[nodiscard]] std::string config(const std::string& type = "meticulous-keyed-sha1") const {
        Parts parts;
        parts.first = R"(- {name: A-B, interface: to-B, neighbor: "fe80::b", bfd: {authentication: {type: )" + type +
                      ", keys: " + file() + "}}}";
        return parts.text();
    }
    static bool any(const std::string& interface) { return !interface.empty(); }
    [[nodiscard]] std::vector<std::string> complaints() const { return complaints_about(config(), any); }
    [[nodiscard]] Config read(const std::string& type = "meticulous-keyed-sha1") const {
        Complaints none;
        return read_config(config(type), none, any).value_or(Config{});
    }

    std::string folder_;
};

TEST_F(BfdKeyFile, IsReadWithTheConfiguration) {
    EXPECT_THAT(complaints(), ElementsAre());
    const auto auth = read().adjacencies.at(0).bfd.value().auth.value();
    EXPECT_TRUE(auth.meticulous);
    ASSERT_EQ(auth.keys.size(), 1U);
    EXPECT_FALSE(read("keyed-sha1").adjacencies.at(0).bfd.value().auth->meticulous);
}

TEST_F(BfdKeyFile, OnAnotherMachineItIsNotLookedFor) {
    std::filesystem::remove(file());
    EXPECT_EQ(read_good(config()).adjacencies.at(0).bfd.value().auth->file, file());
    EXPECT_THAT(complaints(), ElementsAre(HasSubstr("keys: " + file() + ": No such file or directory")));
}

// The process that runs looks for no interfaces, which may appear later, but for keys.
TEST_F(BfdKeyFile, IsReadByWhoeverWillSpeak) {
    const auto path = folder_ + "/a.yaml";
    std::ofstream(path) << config();
    Complaints complaints;
    const auto good = read_config_and_keys(path, complaints);
    ASSERT_TRUE(good) << complaints.to_string();
    EXPECT_EQ(good->adjacencies.at(0).bfd.value().auth->keys.size(), 1U);
    write("1 hush\n", 0644);
    EXPECT_FALSE(read_config_and_keys(path, complaints));
    EXPECT_THAT(complaints.to_string(),
                HasSubstr("adjacency A-B: bfd.authentication.keys: " + file() + ": others than"));
}

TEST_F(BfdKeyFile, IsRefusedIfOthersMayUseIt) {
    for (const mode_t mode : {0640U, 0604U, 0610U, 0620U}) {
        write("1 hush\n", mode);
        EXPECT_THAT(complaints(), ElementsAre(HasSubstr("others than its owner may use it (mode 06")));
    }
    write("1 hush\n", 0600);
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
    ASSERT_EQ(::chown(file().c_str(), 12345, 0), 0);
    EXPECT_THAT(complaints(), ElementsAre(HasSubstr("belongs to user 12345, which is neither root nor")));
}

TEST_F(BfdKeyFile, ComplaintsNameFileAndLine) {
    write("1 hush hush\n", 0600);
    EXPECT_THAT(complaints(), ElementsAre(HasSubstr("bfd.authentication.keys: " + file() + ":1: key 1 has a space")));
}

TEST_F(BfdKeyFile, OtherKeysAreAChangeThatSaysNothingOfThem) {
    const auto before = sessions_of(read());
    write("1 other\n", 0600);
    const auto changes = session_changes(before, sessions_of(read()));
    ASSERT_EQ(changes.size(), 1U);
    EXPECT_FALSE(changes[0].starts_anew);
    EXPECT_THAT(changes[0].fields, ElementsAre("authentication: other keys"));
    const auto kinds = session_changes(before, sessions_of(read("keyed-sha1")));
    ASSERT_EQ(kinds.size(), 1U);
    EXPECT_THAT(kinds[0].fields, testing::Each(Not(HasSubstr("hush"))));
}

}  // namespace
}  // namespace sidestep
