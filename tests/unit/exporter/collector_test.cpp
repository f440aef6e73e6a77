// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests which nodes are asked, and what a file of metrics may replace.
#include "exporter/collector.hpp"

#include <filesystem>
#include <fstream>

#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "common/file.hpp"

namespace sidestep::exporter {
namespace {

using testing::HasSubstr;
using testing::Not;

class Collecting : public testing::Test {
  protected:
    void SetUp() override { std::filesystem::create_directory(folder_); }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    const std::filesystem::path folder_ =
        std::filesystem::temp_directory_path() / fmt::format("sidestep-collect-{}", ::getpid());
};

// After SIGUSR1 its state is there, and a successor is awaited: if that does not come, somebody has to be alerted.
TEST_F(Collecting, ANodeWhoseSuccessorDidNotComeIsNotUp) {
    std::ofstream(folder_ / "A.state") << "{}";
    std::ofstream(folder_ / "B.events") << "{}";
    const auto text = fmt::format("{}", fmt::join(Collector(folder_, "").collect(), ""));
    EXPECT_THAT(text, HasSubstr("sidestep_up{node=\"A\"} 0\n"));
    EXPECT_THAT(text, Not(HasSubstr("node=\"B\""))) << "it was stopped, and has nothing in place";
}

TEST_F(Collecting, OnlyARegularFileIsReplaced) {
    const auto file = (folder_ / "metrics").string();
    EXPECT_TRUE(write_textfile(file, {"one"}));
    EXPECT_TRUE(write_textfile(file, {"two"}));
    EXPECT_EQ(read_file(file).value(), "two");
    const auto link = (folder_ / "link").string();
    std::filesystem::create_symlink(file, link);
    EXPECT_THAT(write_textfile(link, {"three"}).error().message, HasSubstr("no regular file"));
    EXPECT_TRUE(std::filesystem::is_symlink(link));
    EXPECT_EQ(read_file(file).value(), "two");
}

}  // namespace
}  // namespace sidestep::exporter
