// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests what drain, undrain and fail ask the daemon, and say of its answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/commands.hpp"
#include "cli/drain_commands.hpp"
#include "tests/unit/cli/fake_daemon.hpp"

namespace sidestep {
namespace {

using nlohmann::json;
using testing::HasSubstr;

json answered(bool dry_run, const json& for_ms = {}) {
    return {{"adjacency", "A-B"}, {"state", "admin-down"},    {"dry_run", dry_run},
            {"for_ms", for_ms},   {"moves", {"far", "near"}}, {"stays", json::array()}};
}

TEST(ReportDrain, SaysHowToUndo) {
    EXPECT_EQ(report_drain(answered(false)),
              "A-B is drained until `sidestep undrain A-B`; a restart keeps that, a stop does not\n  moved: 2 policies "
              "(far, near)\n");
    EXPECT_THAT(report_drain(answered(false, 5000.0)), HasSubstr("A-B fails for 5 s, then it waits for proof"));
}

TEST(ReportDrain, ADryRunSaysSo) {
    EXPECT_THAT(report_drain(answered(true)), HasSubstr("A-B would be drained (nothing is changed)"));
    EXPECT_THAT(report_drain(answered(true), true), HasSubstr("A-B: this would be refused without --force"));
    EXPECT_THAT(report_drain(answered(true, 5000.0)), HasSubstr("A-B would fail for 5 s"));
}

TEST(ReportDrain, NamesWhatStays) {
    auto answer = answered(false);
    answer["stays"] = {{{"policy", "far"}, {"count", 1}, {"prefixes", {"2001:db8::/32"}}},
                       {{"policy", nullptr}, {"count", 7}, {"prefixes", {"::/0", "2001:db8:e::/48"}}}};
    EXPECT_THAT(report_drain(answer), HasSubstr("  stays on the link: policy far (2001:db8::/32)\n"));
    EXPECT_THAT(report_drain(answer),
                HasSubstr("  stays on the link: 7 routes in no policy (::/0, 2001:db8:e::/48, ...)\n"));
}

TEST(ReportDrain, NamesWhatHasNoSecondCopy) {
    auto answer = answered(false);
    answer["moves"] = json::array();
    answer["unprotected"] = {"video"};
    EXPECT_THAT(report_drain(answer), HasSubstr("\n  without a second copy: policy video\n"));
    answer["unprotected"] = {"audio", "video"};
    answer["dry_run"] = true;
    EXPECT_THAT(report_drain(answer), HasSubstr("  would be without a second copy: policies audio, video\n"));
}

class DrainCommands : public testing::Test {
  protected:
    /// What the daemon was asked.
    json asked(const std::vector<std::string>& arguments, const json& answer) {
        FakeDaemon daemon(socket_, answer.dump() + "\n");
        CLI::App app;
        add_daemon_commands(app);
        auto all = arguments;
        all.insert(all.end(), {"--socket", socket_});
        std::vector<const char*> pointers{"sidestep"};
        for (const auto& argument : all) pointers.push_back(argument.c_str());
        testing::internal::CaptureStdout();
        try {
            app.parse(static_cast<int>(pointers.size()), pointers.data());
        } catch (const CLI::RuntimeError& error) {
            code_ = error.get_exit_code();
        }
        printed_ = testing::internal::GetCapturedStdout();
        std::filesystem::remove(socket_);
        return json::parse(daemon.received());
    }

    TemporaryFolder folder_;
    std::string socket_ = folder_.file("A.sock");
    std::string printed_;
    int code_ = 0;
};

TEST_F(DrainCommands, Drain) {
    EXPECT_EQ(asked({"drain", "A-B", "--force"}, answered(false)),
              json({{"command", "drain"}, {"adjacency", "A-B"}, {"force", true}, {"dry_run", false}}));
    EXPECT_THAT(printed_, HasSubstr("A-B is drained"));
}

TEST_F(DrainCommands, Fail) {
    EXPECT_EQ(asked({"fail", "A-B", "--for", "500ms", "--dry-run"}, answered(true, 500.0)).value("for_ms", 0.0), 500.0);
    EXPECT_EQ(asked({"fail", "A-B"}, answered(false, 5000.0)).value("for_ms", 0.0), 5000.0);
}

TEST_F(DrainCommands, Undrain) {
    const json down{{"session", "A-B"}, {"state", "down"}, {"changed", true}};
    EXPECT_EQ(asked({"undrain", "A-B"}, down),
              json({{"command", "admin"}, {"session", "A-B"}, {"up", true}, {"dry_run", false}}));
    EXPECT_THAT(printed_, HasSubstr("A-B waits for proof"));
    asked({"undrain", "A-B"}, {{"session", "A-B"}, {"state", "up"}, {"changed", false}});
    EXPECT_EQ(printed_, "A-B is not drained (up)\n");
}

TEST_F(DrainCommands, ARefusalIsAFailure) {
    testing::internal::CaptureStderr();
    asked({"drain", "A-B"}, {{"error", "nothing else takes policy far (::/0)"}});
    EXPECT_EQ(code_, kExitFailure);
    EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("nothing else takes policy far"));
}

}  // namespace
}  // namespace sidestep
