// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The life of the process where it is made hard: nobody reads its log, signals come while it starts, descriptors are few.
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/fd.hpp"
#include "tests/net/host_snapshot.hpp"
#include "tests/net/protected_lab.hpp"

namespace sidestep::topo {
namespace {

class ProcessLife : public ProtectedLab {
  protected:
    void SetUp() override {
        ProtectedLab::SetUp();
        if (IsSkipped()) return;
        ASSERT_TRUE(lab().wait_reachable("A", "C"));  // whoever is known before is known afterwards
        std::filesystem::create_directory(run_directory("A"));
        std::ofstream(file_ = lab().directory() + "/process.yaml") << config("A");
    }
    /// Runs a line of shell in which "$@" is sidestepd with its options.
    Result<Process> spawn(const std::string& line) {
        return lab().spawn(
            "A", {"sh", "-c", line, "sh", *Daemon::executable(), "--config", file_, "--run-dir", run_directory("A")},
            {.stop_patience = kPatience});
    }
    [[nodiscard]] std::string snapshot() const { return host_snapshot(lab().netns("A")); }
    bool answers() {
        const auto program = std::filesystem::path(*Daemon::executable()).parent_path() / "sidestep";
        return shell("A", fmt::format("{} --run-dir {} status >/dev/null 2>&1 && echo yes", program.string(),
                                      run_directory("A"))) == "yes\n";
    }
    testing::AssertionResult nothing_left(const std::string& before) const {
        std::string left = host_difference(before, snapshot());
        for (const auto& entry : std::filesystem::directory_iterator(run_directory("A")))
            left += entry.path().string() + "\n";
        return left.empty() ? testing::AssertionSuccess() : testing::AssertionFailure() << left;
    }

    std::string file_;
};

TEST_F(ProcessLife, ALogThatNobodyReadsEndsNothing) {
    const auto before = snapshot();
    for (const auto* line : {R"(exec "$@" 2>&1 | true)", R"(exec "$@" 2>&-)", R"(exec "$@" <&- >&- 2>&-)"}) {
        SCOPED_TRACE(line);
        auto process = spawn(line);
        ASSERT_TRUE(process) << process.error().message;
        EXPECT_TRUE(wait_for(kPatience, [&] { return answers(); }));
        cut().cut();  // that is worth a line
        EXPECT_FALSE(wait_for(300ms, [&] { return !answers(); }));
        cut().restore();
        const auto pid = shell("A", fmt::format("sed -n 's/^pid //p' {}/A.lock", run_directory("A")));
        ASSERT_NE(pid, "");
        ::kill(std::stoi(pid), SIGTERM);
        EXPECT_TRUE(process->wait(kPatience));
        EXPECT_TRUE(nothing_left(before));
    }
}

TEST_F(ProcessLife, SigtermDuringTheStartLeavesNothing) {
    const auto before = snapshot();
    for (const auto pause : {5ms, 20ms, 50ms, 100ms, 150ms, 200ms, 300ms, 400ms, 600ms, 900ms}) {
        SCOPED_TRACE(pause.count());
        auto process = spawn(R"(exec "$@")");
        ASSERT_TRUE(process) << process.error().message;
        std::this_thread::sleep_for(pause);
        process->signal(SIGTERM);
        const auto code = process->wait(kPatience);
        ASSERT_TRUE(code);
        EXPECT_TRUE(code == 0 || code == 128 + SIGTERM) << *code << process->output();
        EXPECT_TRUE(nothing_left(before));
    }
}

// There, this process has another clock than the kernel that stamps its probes.
TEST_F(ProcessLife, GoesByTheKernelsClockInATimeNamespace) {
    const std::string enter = "unshare --time --monotonic 100000 ";
    if (!shell("A", enter + "true").empty()) GTEST_SKIP() << "no time namespaces here (CONFIG_TIME_NS, unshare --time)";
    auto process = spawn("exec " + enter + R"("$@")");
    ASSERT_TRUE(process) << process.error().message;
    ASSERT_TRUE(wait_for(kPatience, [&] { return answers(); }));
    const auto ask = [&](const std::string& what) {
        const auto program = std::filesystem::path(*Daemon::executable()).parent_path() / "sidestep";
        return json::parse(
            shell("A", fmt::format("{} --run-dir {} {} --json", program.string(), run_directory("A"), what)), nullptr,
            false);
    };
    EXPECT_TRUE(wait_for(kPatience, [&] {
        const auto sessions = ask("sessions").value("sessions", json::array());
        return !sessions.empty() && std::ranges::all_of(sessions, [](const json& session) {
            return session.value("state", "") == "up" && session.value("last_answer_age_us", -1.0) >= 0 &&
                   session.value("last_answer_age_us", 1e9) < 1e6;
        });
    })) << ask("sessions").dump();
    cut().cut();
    EXPECT_TRUE(wait_for(kPatience,
                         [&] { return ask("sessions").dump().find(R"("reason":"unanswered")") != std::string::npos; }));
    cut().restore();
    EXPECT_TRUE(wait_for(kPatience, [&] {
        return ask("sessions").dump().find(R"("reason":"unanswered")") == std::string::npos;
    })) << "wait-to-restore is 100 ms";
    EXPECT_EQ(ask("status").value(json::json_pointer("/clock/restarts"), -1), 0);
    EXPECT_EQ(ask("status").value("problems", json::object()), json::array());
    process->signal(SIGTERM);
    EXPECT_EQ(process->wait(kPatience), 0) << process->output();
}

TEST_F(ProcessLife, TooFewDescriptorsAreNamedAndLeaveNothing) {
    const auto before = snapshot();
    bool started = false;
    for (int limit = 16; !started && limit < 256; limit += 16) {
        SCOPED_TRACE(limit);
        auto process = spawn(fmt::format(R"(ulimit -n {}; exec "$@")", limit));
        ASSERT_TRUE(process) << process.error().message;
        std::optional<int> code;
        started = wait_for(kPatience, [&] { return (code = process->wait(1ms)).has_value() || answers(); }) && !code;
        if (started) {
            process->signal(SIGTERM);
            EXPECT_EQ(process->wait(kPatience), 0) << process->output();
        } else {
            EXPECT_EQ(code, 1);
            EXPECT_THAT(process->output(), testing::HasSubstr("open files"));
        }
        EXPECT_TRUE(nothing_left(before)) << process->output();
    }
    EXPECT_TRUE(started);
}

TEST_F(ProcessLife, ClientsThatTakeAllDescriptorsDoNotPreventCleaningUp) {
    const auto before = snapshot();
    auto process = spawn(R"(ulimit -n 128; exec "$@")");
    ASSERT_TRUE(process) << process.error().message;
    ASSERT_TRUE(wait_for(kPatience, [&] { return answers(); })) << process->output();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(run_directory("A") + "/A.sock", address.sun_path);
    std::vector<Fd> clients;
    for (int i = 0; i < 150; ++i) {
        clients.emplace_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        (void)::connect(clients.back().get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
    EXPECT_FALSE(wait_for(500ms, [&] { return !process->running(); }));
    process->signal(SIGTERM);
    EXPECT_EQ(process->wait(kPatience), 0) << process->output();
    EXPECT_TRUE(nothing_left(before)) << process->output();
}

TEST_F(ProcessLife, MoreDescriptorsThanAtFirstAreTaken) {
    auto process = spawn(R"(ulimit -S -n 48; exec "$@")");
    ASSERT_TRUE(process) << process.error().message;
    EXPECT_TRUE(wait_for(kPatience, [&] { return answers(); })) << process->output();
    process->signal(SIGTERM);
    EXPECT_EQ(process->wait(kPatience), 0);
}

}  // namespace
}  // namespace sidestep::topo
