// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reading IS-IS through a vtysh that is missing, refused, stuck or inconsistent. The stand-ins are shell scripts.
#include "routing/io/isis_source.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "routing/io/command.hpp"

namespace sidestep::routing {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class IsisSourceTest : public testing::Test {
  protected:
    void SetUp() override {
        std::string pattern = testing::TempDir() + "/sidestep-isis-XXXXXX";
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        directory_ = pattern;
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    /// A vtysh that runs this shell script.
    [[nodiscard]] IsisSourceOptions vtysh(const std::string& script) const {
        const auto path = directory_ / "vtysh";
        std::ofstream(path) << "#!/bin/sh\n" << script << "\n";
        std::filesystem::permissions(path, std::filesystem::perms::owner_all);
        return {.vtysh = path};
    }

    [[nodiscard]] static std::string data(const std::string& name) {
        return std::string(SIDESTEP_SOURCE_DIR) + "/tests/data/isis/" + name + ".txt";
    }

    [[nodiscard]] static std::string error_of(const IsisSourceOptions& options) {
        const auto database = read_isis(options);
        return database ? "none" : database.error().message;
    }

    LocatorPlan plan_{.block = Prefix::parse("fd00::/32").value(), .length = 48};
    std::filesystem::path directory_;
};

TEST_F(IsisSourceTest, NamesEachWayOfFailing) {
    EXPECT_THAT(error_of({.vtysh = "/nonexistent/vtysh"}),
                HasSubstr("cannot run /nonexistent/vtysh: No such file or directory (reading IS-IS needs FRR's vtysh"));
    EXPECT_EQ(error_of(vtysh("echo 'Exiting: failed to connect to any daemons.' >&2; exit 1")),
              "vtysh cannot reach isisd (Exiting: failed to connect to any daemons.): is it running?");
    EXPECT_EQ(error_of(vtysh("echo")), "no IS-IS database in the output of isisd: is an IS-IS area configured?");
    auto stuck = vtysh("exec sleep 60");
    stuck.timeout = 50ms;
    EXPECT_THAT(error_of(stuck), HasSubstr("did not answer within 50 ms"));
}

TEST_F(IsisSourceTest, ReadsAgainWhenTheDatabaseMoved) {
    const auto counter = (directory_ / "count").string();
    const auto options = vtysh("echo x >> " + counter + "; if [ $(wc -l < " + counter + ") -lt 3 ]; then head -n 30 " +
                               data("ring") + "; else cat " + data("ring") + "; fi");
    const auto database = read_isis(options);
    ASSERT_TRUE(database) << database.error().message;
    EXPECT_EQ(database->nodes.size(), 4U);
}

TEST_F(IsisSourceTest, KeepsTheLastGoodState) {
    const auto link = directory_ / "answer";
    IsisSource source(vtysh("cat " + link.string()), plan_);
    EXPECT_FALSE(source.refresh());
    EXPECT_EQ(source.current(), nullptr);

    std::filesystem::create_symlink(data("ring"), link);
    EXPECT_TRUE(source.refresh().value());
    EXPECT_FALSE(source.refresh().value()) << "nothing changed";
    ASSERT_NE(source.current(), nullptr);
    EXPECT_EQ(source.current()->graph.link_count(), 5U);

    std::filesystem::remove(link);
    EXPECT_FALSE(source.refresh());
    EXPECT_EQ(source.current()->graph.link_count(), 5U) << "as before the error";

    std::filesystem::create_symlink(data("after-cut"), link);
    EXPECT_TRUE(source.refresh().value());
    EXPECT_EQ(source.current()->graph.link_count(), 4U);
}

TEST_F(IsisSourceTest, ReadsDetailsOnlyWhenTheListOfLspsChanged) {
    const auto calls = (directory_ / "calls").string();
    const auto answer = directory_ / "answer";
    std::filesystem::create_symlink(data("ring"), answer);
    IsisSource source(vtysh("echo \"$@\" >> " + calls + "; sed 's/    11../    999/' " + answer.string()), plan_);
    EXPECT_TRUE(source.refresh().value());
    EXPECT_FALSE(source.refresh().value());
    EXPECT_FALSE(source.refresh().value());
    std::ifstream in(calls);
    int details = 0;
    for (std::string line; std::getline(in, line);)
        details += line.find("database detail") != std::string::npos ? 1 : 0;
    EXPECT_EQ(details, 1);
}

TEST(IsisList, IgnoresOnlyHowLongLspsLive) {
    const std::string head = "LSP ID                  PduLen  SeqNumber   Chksum  Holdtime  ATT/P/OL\n";
    const auto list = [&](const std::string& line) { return list_of_lsps(head + line + "\n"); };
    const auto usual = list("r1.00-00             *    112   0x00000004  0xce84    1163    0/0/0");
    EXPECT_EQ(usual, "r1.00-00 * 112 0x00000004 0xce84 \n");
    EXPECT_EQ(usual, list("r1.00-00             *    112   0x00000004  0xce84     900    0/0/0"));
    EXPECT_NE(usual, list("r1.00-00             *    112   0x00000005  0xce84    1163    0/0/0"));
    EXPECT_NE(usual, list("r1.00-00             *    112   0x00000004  0xce84    ( 58)   0/0/0"));
}

TEST(Command, CollectsBothOutputsAndTheExitCode) {
    const auto output = run_command({"sh", "-c", "echo out; echo err >&2; exit 3"}, 5s);
    ASSERT_TRUE(output) << output.error().message;
    EXPECT_EQ(output->out, "out\n");
    EXPECT_EQ(output->err, "err\n");
    EXPECT_EQ(output->exit_code, 3);
    EXPECT_EQ(run_command({"sh", "-c", "yes | head -c 1000000"}, 5s).value().out.size(), 1'000'000U);
}

}  // namespace
}  // namespace sidestep::routing
