// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `sidestep init` in a node of a lab: check accepts what it writes, and the sessions come up with it.
#include <filesystem>

#include <gmock/gmock.h>

#include "tests/net/protected_lab.hpp"

namespace sidestep::topo {
namespace {

using testing::HasSubstr;

class Init : public ProtectedLab {
  protected:
    std::string cli(const std::string& arguments) {
        const auto program = std::filesystem::path(Daemon::executable().value()).parent_path() / "sidestep";
        return shell("A", program.string() + " " + arguments);
    }
    /// Checks the configuration, starts with it, and expects a session with each neighbor.
    void expect_it_works(const std::string& text) {
        const auto file = lab().directory() + "/made.yaml";
        shell("A", "cat > " + file + " <<'END'\n" + text + "END\n");
        EXPECT_THAT(cli("check --interfaces " + file + "; echo exit code $?"), HasSubstr("exit code 0"));
        ASSERT_TRUE(start("A", text)) << text;
        const auto sessions = ask("A", "sessions")["sessions"];
        EXPECT_EQ(sessions.size(), 2U) << sessions.dump() << text;
        for (const auto& session : sessions) EXPECT_EQ(session["state"], "up") << session.dump();
    }
};

TEST_F(Init, FromThisMachine) {
    const auto text = cli("init --node A");
    EXPECT_THAT(text, HasSubstr("ingress: [to-S]"));
    expect_it_works(text);
}

TEST_F(Init, FromATopologyFile) {
    const auto text = cli("init --topology " + topology() + " --node A");
    EXPECT_THAT(text, HasSubstr("routing: {topology: "));
    EXPECT_THAT(text, HasSubstr("ingress: [to-S]"));
    expect_it_works(text);
}

}  // namespace
}  // namespace sidestep::topo
