// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests that programs get the events that they are for, in order, and that slow and failing ones disturb nothing.
#include "detector/app/hook_runner.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/cli/fake_daemon.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;

class HookRunnerTest : public testing::Test {
  protected:
    /// A hook for `down` that appends what it gets to a file.
    [[nodiscard]] HookConfig writer() const { return shell("cat >> " + output_); }
    static HookConfig shell(const std::string& script) {
        return {.on = {SessionState::down}, .run = {"/bin/sh", "-c", script}, .session = "", .timeout = 5s};
    }
    static json event(int number, const std::string& state = "down", const std::string& session = "A-B") {
        return {{"session", session}, {"state", state}, {"number", number}};
    }
    /// Runs the loop until `done`.
    bool eventually(const std::function<bool()>& done) {
        const auto deadline = std::chrono::steady_clock::now() + 20s;
        while (!done() && std::chrono::steady_clock::now() < deadline) {
            context_.restart();
            context_.run_for(5ms);
        }
        return done();
    }
    [[nodiscard]] std::vector<json> written() const {
        std::vector<json> events;
        std::ifstream in(output_);
        for (std::string line; std::getline(in, line);) events.push_back(json::parse(line, nullptr, false));
        return events;
    }

    TemporaryFolder folder_;
    std::string output_ = folder_.file("events");
    boost::asio::io_context context_;
    HookRunner runner_{context_, "A"};
};

TEST_F(HookRunnerTest, EachEventIsALineOnStandardInput) {
    runner_.set({writer()});
    for (int i = 0; i < 20; ++i) runner_.on_event(event(i));
    ASSERT_TRUE(eventually([this] { return written().size() == 20; }));
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(written()[static_cast<std::size_t>(i)].value("number", -1), i);
        EXPECT_EQ(written()[static_cast<std::size_t>(i)].value("node", ""), "A");
    }
}

TEST_F(HookRunnerTest, OnlyWhatItIsFor) {
    auto hook = writer();
    hook.session = "A-C";
    runner_.set({hook});
    runner_.on_event(event(1, "down", "A-B"));
    runner_.on_event(event(2, "up", "A-C"));
    runner_.on_event(event(3, "down", "A-C"));
    ASSERT_TRUE(eventually([this] { return !written().empty(); }));
    EXPECT_EQ(written().front().value("number", -1), 3);
}

TEST_F(HookRunnerTest, ItsEnvironmentIsSmallAndItsDescriptorsAreItsOwn) {
    ::setenv("NOTIFY_SOCKET", "/run/x", 1);
    runner_.set({shell("env > " + output_ + "; ls /proc/self/fd | wc -l >> " + output_)});
    runner_.on_event(event(1));
    const auto text = [this] {
        std::ifstream in(output_);
        return std::string(std::istreambuf_iterator<char>(in), {});
    };
    ASSERT_TRUE(eventually([&] { return text().ends_with("\n4\n"); })) << text();  // 0, 1, 2 and the folder itself
    EXPECT_THAT(text(), HasSubstr("SIDESTEP_NODE=A\n"));
    EXPECT_THAT(text(), testing::Not(HasSubstr("NOTIFY_SOCKET")));
    ::unsetenv("NOTIFY_SOCKET");
}

TEST_F(HookRunnerTest, ASlowOneIsKilledWithItsChildrenAndTheNextEventFollows) {
    auto slow = shell("read line; case $line in *'\"number\":1'*) sleep 1000 & echo $! > " + folder_.file("pid") +
                      "; wait;; *) echo $line >> " + output_ + ";; esac");
    slow.timeout = 200ms;
    runner_.set({slow});
    runner_.on_event(event(1));
    runner_.on_event(event(2));
    ASSERT_TRUE(eventually([this] { return !written().empty(); }));
    EXPECT_EQ(written().front().value("number", -1), 2);
    int child = 0;
    std::ifstream(folder_.file("pid")) >> child;
    ASSERT_GT(child, 0);
    const auto gone = [&] {
        std::ifstream status("/proc/" + std::to_string(child) + "/stat");
        const std::string text(std::istreambuf_iterator<char>(status), {});
        return text.empty() || text.find(") Z ") != std::string::npos;
    };
    EXPECT_TRUE(eventually(gone)) << "the program's own child still runs";
}

TEST_F(HookRunnerTest, AProgramThatIsMissingOrFailsDisturbsNoOther) {
    const HookConfig missing{.on = {SessionState::down}, .run = {"/nonexistent/program"}, .session = "", .timeout = 5s};
    runner_.set({missing, shell("exit 3"), writer()});
    runner_.on_event(event(1));
    runner_.on_event(event(2));
    EXPECT_TRUE(eventually([this] { return written().size() == 2; }));
}

TEST_F(HookRunnerTest, WhatPilesUpIsBounded) {
    auto stuck = shell("sleep 1000");
    stuck.timeout = 60s;
    runner_.set({stuck});
    testing::internal::CaptureStdout();
    for (std::size_t i = 0; i < HookRunner::kMostWaiting + 100; ++i) runner_.on_event(event(1));
    EXPECT_THAT(testing::internal::GetCapturedStdout(), HasSubstr("further ones are dropped"));
}

TEST_F(HookRunnerTest, AnUnchangedHookKeepsItsEventsOverAReload) {
    const auto gate = folder_.file("gate");
    auto hook = shell("while ! [ -e " + gate + " ]; do sleep 0.01; done; cat >> " + output_);
    runner_.set({hook});
    runner_.on_event(event(1));
    runner_.on_event(event(2));
    runner_.set({shell("exit 0"), hook});
    std::ofstream(gate) << "open";
    EXPECT_TRUE(eventually([this] { return written().size() == 2; }));
}

}  // namespace
}  // namespace sidestep
