// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests that `sidestep top` on a terminal outlives a restart of its daemon, as upgrades are.
#include <filesystem>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/net/protected_lab.hpp"

namespace sidestep::topo {
namespace {

class TopOnATerminal : public ProtectedLab {
  protected:
    /// Starts it at a terminal of script(1), which copies what it draws.
    testing::AssertionResult draw() {
        const auto program = std::filesystem::path(Daemon::executable().value()).parent_path() / "sidestep";
        const auto command = fmt::format("{} --run-dir {} top --interval 0.5", program.string(), run_directory("A"));
        auto top = lab().spawn("A", {"env", "TERM=xterm", "script", "-qefc", command, "/dev/null"});
        if (!top) return testing::AssertionFailure() << top.error().message;
        top_.emplace(std::move(*top));
        return testing::AssertionSuccess();
    }
    /// Waits until it has drawn `text` behind what was drawn before.
    testing::AssertionResult draws(const std::string& text) {
        std::string all;
        const bool drawn = wait_for(kPatience, [&] {
            all = top_->output();
            return all.find(text, seen_) != std::string::npos;
        });
        if (!drawn) return testing::AssertionFailure() << "no " << text << " in " << all.substr(seen_);
        seen_ = all.find(text, seen_) + text.size();
        return testing::AssertionSuccess();
    }

    std::optional<Process> top_;
    std::size_t seen_ = 0;
};

TEST_F(TopOnATerminal, OutlivesARestart) {
    if (shell("A", "command -v script").empty()) GTEST_SKIP() << "needs script(1)";
    ASSERT_TRUE(start("A"));
    ASSERT_TRUE(draw());
    ASSERT_TRUE(draws("no problems"));
    daemon("A").process().signal(SIGUSR1);
    ASSERT_EQ(daemon("A").process().wait(kPatience), 0);
    EXPECT_TRUE(draws("answer for"));
    EXPECT_TRUE(draws("trying again"));
    EXPECT_TRUE(top_->running());
    ASSERT_TRUE(start("A"));
    EXPECT_TRUE(draws("problems"));
    EXPECT_TRUE(top_->running());
}

}  // namespace
}  // namespace sidestep::topo
