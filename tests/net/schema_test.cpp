// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Holds real answers of the API against the schemas in docs/api: every field is described, and none is missing.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "cli/client.hpp"
#include "tests/net/protected_lab.hpp"
#include "tests/net/schemas.hpp"

namespace sidestep::topo {
namespace {

class Schema : public ProtectedLab {
  protected:
    /// Adds the answer to a request, an error too, to those to be validated.
    void add(const std::string& schema, const json& request) {
        auto client = Client::connect(run_directory("A") + "/A.sock");
        ASSERT_TRUE(client) << client.error().message;
        const auto answer = client->ask(request);
        if (!answer) FAIL() << request << ": " << answer.error().message;
        lines_ += line_to_validate(schema, *answer);
    }
    void add_all_of(const std::string& command) { add(command, json{{"command", command}}); }

    std::string lines_;
};

TEST_F(Schema, AllAnswersAreAsDescribed) {
    ASSERT_TRUE(start("A", config("A") + "routing: {topology: " SIDESTEP_TOPOLOGIES "/demo.yaml}\n"));
    ASSERT_TRUE(start("B"));
    add_all_of("help");
    add("drain", {{"command", "drain"}, {"adjacency", "A-B"}, {"dry_run", true}});
    add("drain", {{"command", "drain"}, {"adjacency", "A-B"}, {"for_ms", 1}, {"force", true}});
    ASSERT_TRUE(becomes("A", "up"));
    for (const bool cut_off : {false, true}) {
        if (cut_off) {
            cut().cut();
            ASSERT_TRUE(becomes("A", "down"));
        }
        for (const auto* command : {"status", "sessions", "policies", "metrics", "events", "routing"})
            add_all_of(command);
        add("why", {{"command", "why"}, {"destination", lab().address("D").to_string()}});
        add("why", {{"command", "why"}, {"destination", "192.0.2.1"}});
    }
    add("changes", {{"command", "reload"}, {"dry_run", true}});
    add("client-session", {{"command", "session-add"},
                           {"stay", true},
                           {"adjacency",
                            {{"name", "x"},
                             {"interface", lab().interface("A", "A-C").name},
                             {"neighbor", lab().peer("A", "A-C").link_local.to_string()},
                             {"probe", {{"return-address", lab().interface("A", "A-C").address.to_string()}}}}}});
    add_all_of("sessions");
    add("client-session", {{"command", "session-remove"}, {"session", "client/x"}, {"force", true}});
    add("admin", {{"command", "admin"}, {"session", "A-C"}, {"up", false}});
    EXPECT_EQ(mismatches(lines_), "");
}

}  // namespace
}  // namespace sidestep::topo
