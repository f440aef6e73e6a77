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

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class Collecting : public testing::Test {
  protected:
    void SetUp() override { std::filesystem::create_directory(folder_); }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    Collector::Log log() {
        return [this](const std::string& line) { logged_.push_back(line); };
    }

    std::vector<std::string> logged_;
    const std::filesystem::path folder_ =
        std::filesystem::temp_directory_path() / fmt::format("sidestep-collect-{}", ::getpid());
};

// After SIGUSR1 its state is there, and a successor is awaited: if that does not come, somebody has to be alerted.
TEST_F(Collecting, ANodeWhoseSuccessorDidNotComeIsNotUp) {
    std::ofstream(folder_ / "A.state") << "{}";
    std::ofstream(folder_ / "B.events") << "{}";
    const auto text = fmt::format("{}", fmt::join(Collector(folder_, "", log()).collect(), ""));
    EXPECT_THAT(text, HasSubstr("sidestep_up{node=\"A\"} 0\n"));
    EXPECT_THAT(text, Not(HasSubstr("node=\"B\""))) << "it was stopped, and has nothing in place";
}

TEST_F(Collecting, WhyANodeDoesNotAnswerIsLoggedOnce) {
    std::ofstream(folder_ / "A.state") << "{}";
    Collector collector(folder_, "", log());
    for (int i = 0; i < 3; ++i) (void)collector.collect();
    EXPECT_THAT(logged_, ElementsAre(AllOf(StartsWith("node A: "), HasSubstr("no sidestepd listens at "))));
    logged_.clear();
    (void)Collector(folder_ / "none", "", log()).collect();
    EXPECT_THAT(logged_, ElementsAre((folder_ / "none").string() + ": No such file or directory"));
}

// The file is what people named, not the draft that becomes it.
TEST_F(Collecting, AFileThatCannotBeWrittenIsNamed) {
    const auto file = (folder_ / "none" / "x.prom").string();
    EXPECT_EQ(write_textfile(file, {"one"}).error().message, file + ": No such file or directory");
}

TEST_F(Collecting, OnlyARegularFileIsReplaced) {
    const auto file = (folder_ / "metrics").string();
    EXPECT_TRUE(write_textfile(file, {"one"}));
    EXPECT_TRUE(write_textfile(file, {"two"}));
    EXPECT_EQ(read_file(file).value(), "two");
    EXPECT_EQ(std::filesystem::status(file).permissions(), std::filesystem::perms(0644)) << "node_exporter reads it";
    const auto link = (folder_ / "link").string();
    std::filesystem::create_symlink(file, link);
    EXPECT_THAT(write_textfile(link, {"three"}).error().message, HasSubstr("no regular file"));
    EXPECT_TRUE(std::filesystem::is_symlink(link));
    EXPECT_EQ(read_file(file).value(), "two");
}

}  // namespace
}  // namespace sidestep::exporter
