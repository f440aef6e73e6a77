// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests that a user of the readers' group asks a running sidestepd and cannot command it, and that others can do neither.
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/net/protected_lab.hpp"
#include "topo/daemon.hpp"

namespace sidestep::topo {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Readers : public ProtectedLab {
  protected:
    /// sidestepd on A, with nobody's group as readers.
    void start_for_readers() {
        if (shell("A", "getent group nogroup && command -v setpriv").find("setpriv") == std::string::npos)
            GTEST_SKIP() << "needs the group nogroup and setpriv";
        ::setenv("SIDESTEP_READERS", "nogroup", 1);
        const auto started = start("A");
        ::unsetenv("SIDESTEP_READERS");
        ASSERT_TRUE(started);
        const auto folder = std::filesystem::path(Daemon::executable().value()).parent_path();
        shell("A", fmt::format("cp {}/sidestep {}; chmod 711 {} {}", folder.string(), lab().directory(),
                               lab().directory(), run_directory("A")));
    }
    /// The command line as the user nobody, in this group.
    std::string as_nobody(const std::string& group, const std::string& arguments) {
        return shell("A", fmt::format("setpriv --reuid nobody --regid {} --clear-groups {}/sidestep --run-dir {} "
                                      "--node A {}; echo code $?",
                                      group, lab().directory(), run_directory("A"), arguments));
    }
    /// The same, outside the node's network namespace.
    std::string as_nobody_elsewhere(const std::string& arguments) {
        return shell("C", fmt::format("setpriv --reuid nobody --regid nogroup --clear-groups {}/sidestep --run-dir {} "
                                      "--node A {}; echo code $?",
                                      lab().directory(), run_directory("A"), arguments));
    }
    [[nodiscard]] unsigned mode_of(const std::string& name) const {
        struct stat file {};
        EXPECT_EQ(::stat((run_directory("A") + "/" + name).c_str(), &file), 0) << name;
        return file.st_mode & 0777;
    }
};

TEST_F(Readers, AskAndDoNotCommand) {
    start_for_readers();
    if (IsSkipped() || HasFatalFailure()) return;
    EXPECT_THAT(as_nobody("nogroup", "sessions"), AllOf(HasSubstr("A-B"), HasSubstr("code 0")));
    EXPECT_THAT(as_nobody("nogroup", "drain A-B --force"),
                AllOf(HasSubstr("'drain' is for root and operators"), HasSubstr("code 1")));
    EXPECT_THAT(as_nobody("nogroup", "reload"), HasSubstr("code 1"));
    EXPECT_EQ(session("A").value("state", ""), "up");
    EXPECT_THAT(as_nobody("nogroup", "doctor"), Not(HasSubstr("error")));
    EXPECT_THAT(as_nobody_elsewhere("doctor"), AllOf(HasSubstr("another network namespace"), HasSubstr("code 3")));
    EXPECT_THAT(as_nobody("daemon", "doctor"), AllOf(HasSubstr("no permission"), HasSubstr("code 3")));
    EXPECT_THAT(as_nobody("daemon", "sessions"), AllOf(HasSubstr("no permission"), HasSubstr("code 1")));
    EXPECT_THAT(as_nobody("daemon", "drain A-B"), HasSubstr("A.sock, or "));
    EXPECT_EQ(mode_of("A.sock"), 0600U);
    EXPECT_EQ(mode_of("A.read"), 0660U);
    EXPECT_EQ(mode_of("bpf") & 077U, 0U) << "the map with the key of the probes is pinned there";
}

}  // namespace
}  // namespace sidestep::topo
