// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Who may start and who may remove: one detector in a network namespace, one for the files of a node, and nobody is kept
// out by somebody who is not root.
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/fd.hpp"
#include "tests/net/protected_lab.hpp"

namespace sidestep::topo {
namespace {

using testing::HasSubstr;

constexpr unsigned kNobody = 65534;

class Locks : public ProtectedLab {
  protected:
    [[nodiscard]] bool exists(const std::string& name) const {
        return std::filesystem::exists(run_directory("A") + "/" + name);
    }
    /// A's files, from the namespace of B.
    Ended flush_from_b(bool by_name = true) {
        const auto program = Daemon::executable();
        std::vector<std::string> arguments{*program, "--flush", "--run-dir", run_directory("A")};
        if (by_name) arguments.insert(arguments.end(), {"--config", run_directory("A") + "/A.yaml"});
        auto process = lab().spawn("B", arguments);
        const auto code = process->wait(kPatience);
        return {.code = code, .output = process->output()};
    }
    /// What detectors hold that have no other lock, bound by a user.
    Result<Fd> hold_abstract_socket(unsigned user) {
        return lab().in("A", [&]() -> Result<Fd> {
            ::setfsuid(user);  // of this thread
            Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
            sockaddr_un address{};
            address.sun_family = AF_UNIX;
            constexpr std::string_view kName("\0sidestepd", 10);
            std::ranges::copy(kName, address.sun_path);
            const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + kName.size());
            const int bound = ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), length);
            ::setfsuid(0);
            if (bound != 0) return fail_errno("bind");
            return socket;
        });
    }
};

TEST_F(Locks, FlushElsewhereLeavesARunningNodeAlone) {
    ASSERT_TRUE(start("A"));
    const auto refused = flush_from_b();
    EXPECT_EQ(refused.code, 1);
    EXPECT_THAT(refused.output, HasSubstr("its detector runs in another network namespace"));
    EXPECT_THAT(refused.output, HasSubstr(fmt::format("pid {}", daemon("A").process().pid())));
    EXPECT_EQ(flush_from_b(false).code, 0) << "nothing there belongs to this namespace";
    // A detector that has no such lock yet still answers.
    std::filesystem::remove(run_directory("A") + "/A.lock");
    const auto refused_again = flush_from_b();
    EXPECT_EQ(refused_again.code, 1);
    EXPECT_THAT(refused_again.output, HasSubstr("its detector runs in another network namespace"));
    for (const auto* name : {"A.sock", "bpf/A"}) EXPECT_TRUE(exists(name)) << name;
    EXPECT_TRUE(hooked("A", "to-B"));
    EXPECT_TRUE(becomes("A", "up"));
}

TEST_F(Locks, FlushWithoutANameLeavesWhatADetectorElsewhereLeft) {
    ASSERT_TRUE(start("A"));
    ASSERT_TRUE(kill("A"));
    EXPECT_EQ(flush_from_b(false).code, 0);
    EXPECT_TRUE(exists("bpf/A"));
    const auto flushed = flush_from_b();  // by name: its namespace may be gone
    EXPECT_EQ(flushed.code, 0) << flushed.output;
    for (const auto* name : {"A.sock", "A.lock", "bpf"}) EXPECT_FALSE(exists(name)) << name;
}

TEST_F(Locks, TheFilesOfANodeAreForOneDetector) {
    ASSERT_TRUE(start("A"));
    const auto second = run_sidestepd("B", with(config("B"), "name: B", "name: A"), {}, run_directory("A"));
    EXPECT_EQ(second.code, 1);
    EXPECT_THAT(second.output, HasSubstr("another sidestepd uses"));
    EXPECT_TRUE(exists("A.sock"));
    EXPECT_TRUE(exists("bpf/A"));
    EXPECT_TRUE(becomes("A", "up"));
    ASSERT_TRUE(stop("A"));
    EXPECT_FALSE(exists("A.lock"));
}

TEST_F(Locks, AUserWhoHoldsTheAbstractSocketKeepsNobodyOut) {
    const auto held = hold_abstract_socket(kNobody);
    ASSERT_TRUE(held) << held.error().message;
    ASSERT_TRUE(start("A"));
    EXPECT_THAT(daemon("A").process().output(), HasSubstr("user 65534 holds the abstract socket @sidestepd"));
    const auto second = run_sidestepd("A", config("A"), {}, lab().directory() + "/other");
    EXPECT_EQ(second.code, 1);
    EXPECT_THAT(second.output, HasSubstr("another sidestepd is running in this network namespace (node A"));
}

TEST_F(Locks, AnOlderDetectorIsRespected) {
    const auto held = hold_abstract_socket(0);
    ASSERT_TRUE(held) << held.error().message;
    const auto refused = run_sidestepd("A", config("A"));
    EXPECT_EQ(refused.code, 1);
    EXPECT_THAT(refused.output, HasSubstr("another sidestepd is running in this network namespace"));
    EXPECT_FALSE(exists("bpf"));
    EXPECT_EQ(run_sidestepd("A", config("A"), {}, "", {"--flush"}).code, 1);
}

TEST_F(Locks, ANodeNameIsNoWayOut) {
    const auto treasure = lab().directory() + "/treasure";
    std::ofstream(treasure) << "keep";
    const auto place = lab().directory() + "/run/here";
    std::filesystem::create_directories(place);
    for (const auto* name : {"..", ".", "../..", "a/../../b"}) {
        const auto config_of = with(config("A"), "name: A", fmt::format("name: '{}'", name));
        EXPECT_EQ(run_sidestepd("A", config_of, {}, place).code, 2) << name;
        EXPECT_EQ(run_sidestepd("A", config_of, {}, place, {"--flush"}).code, 2) << name;
    }
    EXPECT_TRUE(std::filesystem::exists(treasure));
    EXPECT_TRUE(std::filesystem::exists(place));
}

}  // namespace
}  // namespace sidestep::topo
