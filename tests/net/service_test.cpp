// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests sidestepd as a service: what it tells systemd while it runs, with a socket of ours in systemd's place, and that
// it needs no more privileges than its unit grants.
#include <sys/mount.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/net/protected_lab.hpp"
#include "tests/unit/detector/service/fake_socket.hpp"
#include "topo/wait.hpp"

namespace sidestep::topo {
namespace {

using testing::AssertionFailure;
using testing::AssertionResult;
using testing::AssertionSuccess;
using testing::HasSubstr;

class Service : public ProtectedLab {
  protected:
    void SetUp() override {
        ProtectedLab::SetUp();
        ::setenv("NOTIFY_SOCKET", systemd_.path().c_str(), 1);
        ::setenv("WATCHDOG_USEC", "800000", 1);
    }
    void TearDown() override {
        ::unsetenv("NOTIFY_SOCKET");
        ::unsetenv("WATCHDOG_USEC");
        ProtectedLab::TearDown();
    }
    /// Waits until systemd is told `text`; what else it is told before is gone.
    AssertionResult told(const std::string& text) {
        std::string seen;
        const bool found = wait_for(kPatience, [&] {
            while (const auto message = systemd_.receive()) {
                seen += *message + " | ";
                if (message->find(text) != std::string::npos) return true;
            }
            return false;
        });
        return found ? AssertionSuccess() : AssertionFailure() << "systemd was told " << seen;
    }
    void change_config(const std::string& node, const std::string& text) {
        std::ofstream(run_directory(node) + "/" + node + ".yaml") << text;
    }

    FakeSocket systemd_;
};

TEST_F(Service, TellsSystemdHowItIs) {
    ASSERT_TRUE(launch("A", config("A")));
    ASSERT_TRUE(told("READY=1"));
    EXPECT_GT(ask("A", "status")["clock"].value("tick_us", 0.0), 0.0);
    EXPECT_TRUE(told("WATCHDOG=1"));
    EXPECT_TRUE(told("STATUS=2 of 2 sessions up; 0 of 1 policies rerouting"));
    cut().cut(Direction::both);
    EXPECT_TRUE(told("STATUS=1 of 2 sessions up (A-B down); 1 of 1 policies rerouting"));
    EXPECT_TRUE(told("WATCHDOG=1"));
    ASSERT_TRUE(stop("A"));
    EXPECT_TRUE(told("STOPPING=1\nSTATUS=cleaning up"));
}

TEST_F(Service, AReloadHasABeginningAndAnEnd) {
    ASSERT_TRUE(launch("A", config("A")));
    ASSERT_TRUE(told("READY=1"));
    daemon("A").process().signal(SIGHUP);
    EXPECT_TRUE(told("RELOADING=1\nMONOTONIC_USEC="));
    EXPECT_TRUE(told("READY=1"));
    change_config("A", "node: 5");  // refused, and that ends the reload as well
    daemon("A").process().signal(SIGHUP);
    EXPECT_TRUE(told("RELOADING=1"));
    EXPECT_TRUE(told("READY=1"));
}

TEST_F(Service, TheSignalOfARestartLeavesTheKernelAtWork) {
    ASSERT_TRUE(start("A"));
    daemon("A").process().signal(SIGUSR1);
    EXPECT_TRUE(told("STOPPING=1\nSTATUS=leaving everything in place"));
    EXPECT_EQ(daemon("A").process().wait(kPatience), 0);
    EXPECT_TRUE(hooked("A", "to-S"));
    ASSERT_TRUE(start("A"));
    EXPECT_TRUE(told("READY=1"));
}

// As the unit starts it: an ordinary user, the capabilities of the unit, a bpffs that somebody else has mounted.
TEST_F(Service, RunsWithThePrivilegesOfItsUnit) {
    if (shell("A", "command -v setpriv").empty()) GTEST_SKIP() << "setpriv is not installed";
    std::ifstream file(SIDESTEP_SOURCE_DIR "/packaging/systemd/sidestep.service.in");
    const std::string unit{std::istreambuf_iterator<char>(file), {}};
    std::smatch match;
    ASSERT_TRUE(std::regex_search(unit, match, std::regex("\nAmbientCapabilities=([^\n]*)")));
    ASSERT_THAT(unit, HasSubstr("\nCapabilityBoundingSet=" + match[1].str() + "\n"));
    const auto capabilities = "-all,+" + std::regex_replace(std::regex_replace(match[1].str(), std::regex("CAP_"), ""),
                                                            std::regex(" "), ",+");
    const auto run = lab().directory() + "/unit";
    std::filesystem::create_directories(run + "/bpf");
    ASSERT_EQ(::mount("bpf", (run + "/bpf").c_str(), "bpf", 0, "mode=0700"), 0);
    ASSERT_EQ(shell("A", "chown -R nobody " + run + " && chmod 755 " + lab().directory()), "");
    std::ofstream(run + "/A.yaml") << config("A");
    const auto program = Daemon::executable();
    ASSERT_TRUE(program);
    std::filesystem::permissions(systemd_.path(), std::filesystem::perms::all);
    auto process = lab().spawn(
        "A", {"unshare", "--mount", "--propagation", "private", "sh", "-c",
              // The unit's RuntimeDirectory belongs to its user; here, others may have theirs there.
              "mkdir -p /run/sidestep && mount -t tmpfs -o mode=0777 tmpfs /run/sidestep && exec \"$@\"", "sh",
              "setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--bounding-set=" + capabilities,
              "--inh-caps=" + capabilities, "--ambient-caps=" + capabilities, "--no-new-privs", *program, "--config",
              run + "/A.yaml", "--run-dir", run});
    ASSERT_TRUE(process);
    EXPECT_TRUE(told("STATUS=2 of 2 sessions up")) << process->output();
    EXPECT_TRUE(hooked("A", "to-B"));
    EXPECT_THAT(process->output(), testing::Not(HasSubstr("process clock")));
    EXPECT_EQ(process->stop(), 0) << process->output();
    EXPECT_FALSE(hooked("A", "to-B")) << process->output();
    (void)::umount2((run + "/bpf").c_str(), MNT_DETACH);  // the daemon has, if it may
}

}  // namespace
}  // namespace sidestep::topo
