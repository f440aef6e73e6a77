// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Sessions that another program asks a running sidestepd for. The lab is that of the other tests:
//
//     S --- A ======= B --- D
//            \       /
//             `- C -'
#include "cli/client.hpp"

#include <optional>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/yaml.hpp"
#include "tests/net/protected_lab.hpp"

namespace sidestep::topo {
namespace {

using testing::HasSubstr;

class ClientSessions : public ProtectedLab {
  protected:
    [[nodiscard]] Client connect() const {
        auto client = Client::connect(run_directory("A") + "/A.sock");
        EXPECT_TRUE(client) << client.error().message;
        return std::move(*client);
    }
    /// A session over the link A-B, as the configuration of A has it.
    [[nodiscard]] json request(const std::string& name, const std::string& more = "") const {
        json adjacency;
        Complaints complaints;
        read_yaml(config("A"), complaints, [&](const YamlPlace& root) {
            const auto first = root.required("adjacencies")->items().front();
            const auto probe = *first.required("probe");
            adjacency = {{"name", name},
                         {"interface", *first.required("interface")->text()},
                         {"neighbor", *first.required("neighbor")->text()},
                         {"probe",
                          {{"return-address", *probe.required("return-address")->text()},
                           {"interval", "10ms"},
                           {"wait-to-restore", "0s"}}}};
        });
        auto result = json::parse(more.empty() ? "{}" : more);
        result["command"] = "session-add";
        result["adjacency"] = adjacency;
        return result;
    }
    [[nodiscard]] static std::string error_of(const Result<json>& answer) {
        return answer ? "" : answer.error().message;
    }
};

TEST_F(ClientSessions, FollowTheLinkAndEndWithTheConnection) {
    ASSERT_TRUE(start("A"));
    std::optional<Client> client = connect();
    const auto added = client->ask(request("watch", R"({"follow": true})"));
    ASSERT_TRUE(added) << added.error().message;
    EXPECT_EQ(added->value("session", ""), "client/watch");
    ASSERT_TRUE(becomes("A", "up", "", "client/watch"));
    EXPECT_EQ(session("A", "client/watch")["client"].value("connected", false), true);
    EXPECT_TRUE(session("A")["client"].is_null());
    cut().cut();
    ASSERT_TRUE(becomes("A", "down", "", "client/watch"));
    std::string seen;
    while (seen.find("client/watch down") == std::string::npos) {
        const auto event = client->receive();
        ASSERT_TRUE(event) << event.error().message;
        seen += event->value("session", "") + " " + event->value("state", "") + "\n";
    }
    client.reset();
    EXPECT_TRUE(wait_for(kPatience, [&] { return session("A", "client/watch").empty(); }));
    EXPECT_EQ(session("A").value("state", ""), "down") << "the configuration's own is as it was";
}

TEST_F(ClientSessions, ComeAndGoWithoutLosingAPacket) {
    ASSERT_TRUE(start_both());
    auto flows = Flows::start(lab());
    ASSERT_TRUE(flows);
    ASSERT_TRUE(flows->pass());
    auto client = connect();
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(client.ask(request(fmt::format("n{}", i))));
    for (int i = 0; i < 50; i += 2)
        ASSERT_TRUE(client.ask({{"command", "session-remove"}, {"session", fmt::format("client/n{}", i)}}));
    ASSERT_TRUE(flows->pass());
    EXPECT_EQ(ask("A", "sessions")["sessions"].size(), 2U + 25U);
    EXPECT_EQ(session("A").value("downs", 1ULL), 0U);
    EXPECT_TRUE(lossless(flows->stop()));
}

TEST_F(ClientSessions, OutliveAKilledDaemonIfTheyWereAskedTo) {
    ASSERT_TRUE(start("A"));
    {
        auto client = connect();
        ASSERT_TRUE(client.ask(request("stays", R"({"stay": true})")));
        ASSERT_TRUE(client.ask(request("goes")));
        ASSERT_TRUE(becomes("A", "up", "", "client/stays"));
        cut().cut();
        ASSERT_TRUE(becomes("A", "down", "", "client/stays"));
        ASSERT_TRUE(kill("A"));
    }
    ASSERT_TRUE(launch("A", config("A")));
    EXPECT_TRUE(becomes("A", "down", "", "client/stays"));
    EXPECT_GE(session("A", "client/stays").value("downs", 0ULL), 1U) << "its counters go on";
    EXPECT_TRUE(session("A", "client/goes").empty());
    cut().restore();
    EXPECT_TRUE(becomes("A", "up", "", "client/stays"));
    auto client = connect();
    ASSERT_TRUE(client.ask(request("stays"))) << "it takes over what it asked for before";
    EXPECT_EQ(session("A", "client/stays")["client"].value("connected", false), true);
}

TEST_F(ClientSessions, AreRefusedWithReasonAndLimit) {
    ASSERT_TRUE(start("A"));
    auto client = connect();
    EXPECT_THAT(error_of(client.ask({{"command", "session-add"}})), HasSubstr("needs one of adjacency, path"));
    auto absent = request("x");
    absent["adjacency"]["interface"] = "nowhere";
    EXPECT_THAT(error_of(client.ask(absent)), HasSubstr("adjacency.interface: "));
    EXPECT_THAT(error_of(client.ask(request("x", R"({"lease_ms": -1})"))), HasSubstr("lease_ms: -1"));
    EXPECT_THAT(error_of(client.ask({{"command", "session-remove"}, {"session", "A-B"}})),
                HasSubstr("no session A-B that a client asked for"));
    std::string refused;
    for (int i = 0; i < 10000 && refused.empty(); ++i)
        refused = error_of(client.ask(request(fmt::format("n{}", i), R"({"stay": true})")));
    EXPECT_THAT(refused, HasSubstr("one client may have 512 sessions"));
    EXPECT_EQ(session("A").value("state", ""), "up");
}

TEST_F(ClientSessions, ReloadLeavesThemAlone) {
    ASSERT_TRUE(start("A"));
    auto client = connect();
    ASSERT_TRUE(client.ask(request("watch")));
    ASSERT_TRUE(becomes("A", "up", "", "client/watch"));
    const auto answer = client.ask({{"command", "reload"}});
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ((*answer)["changes"], json::array());
    EXPECT_EQ(session("A", "client/watch").value("state", ""), "up");
}

}  // namespace
}  // namespace sidestep::topo
