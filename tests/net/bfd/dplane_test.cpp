// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// bfdd of FRR with sidestepd as its data plane: what bfdd shows is what probes say.
#include <cstdlib>
#include <optional>
#include <sstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/net/bfd/bfd_lab.hpp"
#include "tests/net/schemas.hpp"
#include "tests/unit/detector/service/fake_socket.hpp"

namespace sidestep::topo {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class BfdDataplane : public BfdLab {
  protected:
    /// By ID, without what changes from one second to the next.
    static json comparable(const json& peers) {
        json result = json::object();
        for (auto peer : peers) {
            for (const auto* key : {"uptime", "downtime", "type", "control-packet-input", "control-packet-output",
                                    "zebra-notifications", "session-up", "session-down"})
                peer.erase(key);
            result[peer.value("peer", "")] = peer;
        }
        return result;
    }
    json peer(const std::string& address) {
        for (const auto& one : ask("A", "bfd-peers").value("peers", json::array())) {
            if (one.value("peer", "") == address) return one;
        }
        return json::object();
    }
    std::string problem(const std::string& about) {
        for (const auto& one : ask("A", "status").value("problems", json::array())) {
            if (one.value("about", "").find(about) != std::string::npos) return one.value("problem", "");
        }
        return "";
    }
    std::vector<std::string> told() {
        std::vector<std::string> states;
        for (const auto& event : ask("A", "events").value("events", json::array())) {
            if (event.value("event", "") == "frr-told") states.push_back(event.value("state", ""));
        }
        return states;
    }
};

TEST_F(BfdDataplane, ShowsWhatProbesSayAndFollowsACut) {
    ASSERT_TRUE(start_bfdd(neighbor_peer()));
    ASSERT_TRUE(start("A", bfd_config()));
    ASSERT_TRUE(bfdd_says(neighbor(), "up"));
    EXPECT_EQ(peer(neighbor()).value("session", ""), "A-B") << "the configuration's own session answers";
    cut().cut();
    ASSERT_TRUE(bfdd_says(neighbor(), "down"));
    EXPECT_EQ(peer(neighbor()).value("diagnostic", ""), "control detection time expired");
    cut().restore();
    ASSERT_TRUE(bfdd_says(neighbor(), "up"));
    EXPECT_EQ(flaps(), 1U) << frr().log("bfdd");
    EXPECT_THAT(told(), testing::ElementsAre("frr-up", "frr-down", "frr-up"));
    const auto down = event("A", "frr-down");
    EXPECT_EQ(down.value("reason", ""), "control detection time expired");
    EXPECT_THAT(down.value("/bfd/peer"_json_pointer, ""), HasSubstr(neighbor()));
    EXPECT_THAT(problem("peer"), IsEmpty());
    EXPECT_EQ(mismatches(line_to_validate("bfd-peers", ask("A", "bfd-peers")) +
                         line_to_validate("events", ask("A", "events"))),
              "");
}

TEST_F(BfdDataplane, PrintsPeersAsFrrDoes) {
    const auto own = lab().interface("A", "A-C").address.to_string();
    const auto other = lab().peer("A", "A-C").address.to_string();
    ASSERT_TRUE(start_bfdd(neighbor_peer() +
                           fmt::format(" peer {} local-address {} interface {}\n exit\n"
                                       " peer fd00:77::1 multihop local-address {}\n exit\n peer 192.0.2.9\n exit\n",
                                       other, own, lab().interface("A", "A-C").name, own)));
    ASSERT_TRUE(start("A", bfd_config()));
    ASSERT_TRUE(bfdd_says(neighbor(), "up"));
    ASSERT_TRUE(bfdd_says(other, "up"));
    ASSERT_TRUE(bfdd_says("fd00:77::1", "shutdown"));
    const auto frr_prints = frr().vtysh_json("bfdd", "show bfd peers json");
    const auto we_print = json::parse(sidestep("show bfd peers json"), nullptr, false);
    EXPECT_EQ(comparable(we_print), comparable(frr_prints));
    const auto frr_counts = frr().vtysh_json("bfdd", "show bfd peers counters json");
    ASSERT_FALSE(frr_counts.empty());
    for (const auto& one : frr_counts) {
        if (one.value("peer", "") != neighbor()) continue;
        EXPECT_GT(one.value("control-packet-input", 0), 10);
    }
    const auto brief = sidestep("show bfd peers brief");
    EXPECT_THAT(brief, HasSubstr("Session count: 4\n"));
    const auto brief_of_frr = frr().vtysh("bfdd", "show bfd peers brief");
    std::istringstream lines(brief_of_frr);
    for (std::string line; std::getline(lines, line);) EXPECT_THAT(brief, HasSubstr(line + "\n")) << "as FRR prints it";
    EXPECT_THAT(sidestep("show bfd peers counters"), HasSubstr("Session up events: 1"));
    EXPECT_THAT(sidestep("show bfd peers"), HasSubstr("Answered by: nobody, multihop"));
    // The session that was made for a peer is a client's; what cannot be answered is named and disturbs nothing.
    EXPECT_EQ(session("A", peer(other).value("session", "")).value("interval_us", 0.0), 300'000.0);
    EXPECT_THAT(problem("192.0.2.9"), HasSubstr("IPv4"));
    EXPECT_THAT(problem("fd00:77::1"), HasSubstr("multihop"));
}

// It has FRR's timers, changes with them, and ends when bfdd removes the peer.
TEST_F(BfdDataplane, ASessionMadeForAPeerGoesWithIt) {
    const auto interface = lab().interface("A", "A-C").name;
    const auto neighbor = lab().peer("A", "A-C").address.to_string();  // the adjacency has the link-local one
    const auto name = fmt::format("client/{}%{}", neighbor, interface);
    const auto which = fmt::format("peer {} interface {}", neighbor, interface);
    const auto configure = [&](const std::vector<std::string>& lines) {
        std::vector<std::string> commands{"configure", "bfd"};
        commands.insert(commands.end(), lines.begin(), lines.end());
        EXPECT_EQ(frr().vtysh("bfdd", commands), "");
    };
    ASSERT_TRUE(start_bfdd(""));
    ASSERT_TRUE(start("A", bfd_config()));
    configure({which, "transmit-interval 10", "detect-multiplier 5"});
    ASSERT_TRUE(becomes("A", "up", "", name));
    EXPECT_TRUE(wait_for(kPatience, [&] { return session("A", name).value("multiplier", 0) == 5; }));
    configure({which, "transmit-interval 20"});
    EXPECT_TRUE(wait_for(kPatience, [&] { return session("A", name).value("interval_us", 0.0) == 20'000.0; }));
    EXPECT_EQ(session("A", name).value("downs", 1U), 0U);
    configure({"no " + which});
    EXPECT_TRUE(wait_for(kPatience, [&] { return session("A", name).empty(); }));
    EXPECT_EQ(session("A").value("state", ""), "up") << "nothing else is disturbed";
}

// A planned end says "administratively down", which FRR's protocols do not take for a failure.
TEST_F(BfdDataplane, NothingFlapsWhenSidestepdIsRestarted) {
    ASSERT_TRUE(start_bfdd(neighbor_peer()));
    ASSERT_TRUE(start("A", bfd_config()));
    ASSERT_TRUE(bfdd_says(neighbor(), "up"));
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(stop("A"));
        ASSERT_TRUE(bfdd_says(neighbor(), "shutdown"));
        ASSERT_TRUE(start("A", bfd_config()));
        ASSERT_TRUE(bfdd_says(neighbor(), "up"));
    }
    EXPECT_EQ(flaps(), 0U) << frr().log("bfdd");
}

TEST_F(BfdDataplane, ABfddThatComesBackFindsItsSessionsUp) {
    const auto other = lab().peer("A", "A-C").address.to_string();
    ASSERT_TRUE(start_bfdd(neighbor_peer() +
                           fmt::format(" peer {} interface {}\n exit\n", other, lab().interface("A", "A-C").name)));
    ASSERT_TRUE(start("A", bfd_config()));
    ASSERT_TRUE(bfdd_says(other, "up"));
    const auto name = peer(other).value("session", "");
    for (int i = 0; i < 3; ++i) {
        const auto sent = session("A", name).value("sent", 0ULL);
        frr().kill("bfdd");
        ASSERT_TRUE(wait_for(kPatience, [&] { return !problem("bfdd").empty(); }));
        ASSERT_TRUE(frr().start_again("bfdd"));
        ASSERT_TRUE(bfdd_says(other, "up"));
        ASSERT_TRUE(bfdd_says(neighbor(), "up"));
        EXPECT_GE(session("A", name).value("sent", 0ULL), sent) << "the session went on";
        EXPECT_EQ(session("A", name).value("downs", 1U), 0U);
    }
    EXPECT_EQ(flaps(), 0U);
}

/// With a socket of ours in systemd's place, which keeps what it is given.
class BfdService : public BfdDataplane {
  protected:
    void SetUp() override {
        ::setenv("NOTIFY_SOCKET", systemd_.path().c_str(), 1);
        BfdDataplane::SetUp();
    }
    void TearDown() override {
        ::unsetenv("NOTIFY_SOCKET");
        BfdDataplane::TearDown();
    }
    /// The socket to bfdd, once it has been given to systemd.
    Fd kept() {
        Fd fd;
        EXPECT_TRUE(wait_for(kPatience, [&] {
            fd = systemd_.receive_descriptor("FDSTORE=1\nFDNAME=bfdd");
            return static_cast<bool>(fd);
        }));
        return fd;
    }
    /// As systemd starts the service again.
    testing::AssertionResult start_with(const Fd& fd) {
        const auto program = Daemon::executable();
        if (!program) return testing::AssertionFailure() << program.error().message;
        const Fd inherited(::dup(fd.get()));
        auto process = lab().spawn(
            "A", {"bash", "-c",
                  fmt::format("exec 3<&{}; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=bfdd exec {} --config {}/A.yaml "
                              "--run-dir {}",
                              inherited.get(), *program, run_directory("A"), run_directory("A"))});
        if (!process) return testing::AssertionFailure() << process.error().message;
        next_.emplace(std::move(*process));
        return testing::AssertionSuccess();
    }

    FakeSocket systemd_;
    std::optional<Process> next_;
};

TEST_F(BfdService, NothingFlapsWhenSidestepdIsKilled) {
    ASSERT_TRUE(start_bfdd(neighbor_peer()));
    ASSERT_TRUE(start("A", bfd_config()));
    ASSERT_TRUE(bfdd_says(neighbor(), "up"));
    const auto socket = kept();
    ASSERT_TRUE(socket);
    ASSERT_TRUE(kill("A"));
    cut().cut();  // the kernel judges it
    // Peers that bfdd asks for meanwhile wait in the socket.
    EXPECT_EQ(frr().vtysh("bfdd", {"configure", "bfd", "peer 192.0.2.9"}), "");
    ASSERT_TRUE(bfdd_says("192.0.2.9", "down"));
    EXPECT_EQ(flaps(), 0U) << "FRR does not know that anybody is gone";
    ASSERT_TRUE(start_with(socket));
    ASSERT_TRUE(bfdd_says(neighbor(), "down")) << "and is told now";
    ASSERT_TRUE(bfdd_says("192.0.2.9", "shutdown"));
    EXPECT_EQ(flaps(), 1U);
    cut().restore();
    ASSERT_TRUE(bfdd_says(neighbor(), "up"));
    next_.reset();
    ASSERT_TRUE(bfdd_says(neighbor(), "shutdown"));
}

}  // namespace
}  // namespace sidestep::topo
