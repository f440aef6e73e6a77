// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The detector's table: each command leads to its own work, and the documentation has all of them.
#include "detector/app/detector_commands.hpp"

#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidestep {
namespace {

using nlohmann::json;

std::string written;                                ///< by portions
std::vector<std::pair<std::string, bool>> reloads;  ///< asked for: file, and whether nothing may change

ApiPortions portions(const json& answer) {
    return [answer](std::string& text) {
        text += answer.dump();
        return false;
    };
}

ApiCommands whole_table() {
    return detector_commands(
        {.status =
             [] {
                 return json{{"work", "status"}};
             },
         .sessions =
             [](const ListQuery& query) {
                 return portions(
                     {{"work", "sessions"}, {"sort", query.sort}, {"filter", query.filter}, {"limit", query.limit}});
             },
         .policies =
             [](const ListQuery& query) {
                 return portions({{"work", "policies"}, {"rerouting", query.rerouting}});
             },
         .metrics =
             [] {
                 return portions({{"work", "metrics"}});
             },
         .events =
             [] {
                 return portions({{"work", "events"}});
             },
         .routing =
             [] {
                 return json{{"work", "routing"}};
             },
         .why =
             [](const std::string& destination) {
                 return json{{"work", "why"}, {"destination", destination}};
             },
         .bfd_peers =
             [] {
                 return json{{"work", "bfd-peers"}};
             },
         .admin =
             [](const std::string& session, bool up, bool dry_run) {
                 return json{{"work", "admin"}, {"session", session}, {"up", up}, {"dry_run", dry_run}};
             },
         .drain =
             [](const DrainRequest& request) {
                 return json{{"work", "drain"},
                             {"adjacency", request.adjacency},
                             {"for_ms", request.for_ms.value_or(0)},
                             {"force", request.force},
                             {"dry_run", request.dry_run}};
             },
         .add_session =
             [](const json& request, ConnectionId) {
                 return json{{"work", "add"}, {"of", request.value("adjacency", json::object())}};
             },
         .remove_session =
             [](const std::string& session, bool force, ConnectionId) {
                 return json{{"work", "remove"}, {"session", session}, {"force", force}};
             },
         .reload = [](const std::string& file, bool dry_run, ConnectionId) { reloads.emplace_back(file, dry_run); },
         .write = [](ConnectionId, const ApiPortions& all) { all(written); }});
}

json answer(const json& request) {
    written.clear();
    const auto answer = whole_table().run(request, ConnectionId{1});
    return answer || written.empty() ? answer.value_or(json()) : json::parse(written);
}

TEST(DetectorCommands, EachDoesItsWork) {
    for (const char* name : {"status", "sessions", "policies", "metrics", "events", "routing", "bfd-peers"})
        EXPECT_EQ(answer({{"command", name}}).value("work", ""), name);
    EXPECT_EQ(answer({{"command", "admin"}, {"session", "A-B"}, {"up", false}}),
              json({{"work", "admin"}, {"session", "A-B"}, {"up", false}, {"dry_run", false}}));
    EXPECT_EQ(answer({{"command", "drain"}, {"adjacency", "A-B"}, {"for_ms", 1.5}, {"dry_run", true}}),
              json({{"work", "drain"}, {"adjacency", "A-B"}, {"for_ms", 1.5}, {"force", false}, {"dry_run", true}}));
    EXPECT_EQ(answer({{"command", "why"}, {"destination", "2001:db8::1"}}),
              json({{"work", "why"}, {"destination", "2001:db8::1"}}));
    EXPECT_EQ(answer({{"command", "admin"}, {"session", "A-B"}}).value("error", ""),
              "admin needs the field \"up\" (boolean)");
}

TEST(DetectorCommands, ListsMayBeSortedAndCutOff) {
    const auto few = answer({{"command", "sessions"}, {"sort", "rtt"}, {"filter", "A-"}, {"limit", 3}});
    EXPECT_EQ(few, json({{"work", "sessions"}, {"sort", "rtt"}, {"filter", "A-"}, {"limit", 3}}));
    EXPECT_TRUE(answer({{"command", "policies"}, {"rerouting", true}}).value("rerouting", false));
    EXPECT_EQ(answer({{"command", "sessions"}, {"sort", "age"}}).value("error", ""),
              "sort: 'age' is none of state, rtt, loss, downs, name");
    EXPECT_EQ(answer({{"command", "sessions"}, {"limit", -1}}).value("error", ""), "limit: must be a whole number");
}

TEST(DetectorCommands, ClientsAddAndRemoveSessions) {
    EXPECT_EQ(answer({{"command", "session-add"}, {"adjacency", {{"name", "x"}}}}),
              json({{"work", "add"}, {"of", {{"name", "x"}}}}));
    EXPECT_EQ(answer({{"command", "session-remove"}, {"session", "client/x"}}),
              json({{"work", "remove"}, {"session", "client/x"}, {"force", false}}));
}

TEST(DetectorCommands, ReloadsAreAnsweredLater) {
    reloads.clear();
    EXPECT_TRUE(answer({{"command", "reload"}}).is_null());
    EXPECT_TRUE(answer({{"command", "reload"}, {"dry_run", true}}).is_null());
    EXPECT_TRUE(answer({{"command", "diff"}, {"file", "/etc/other.yaml"}}).is_null());
    EXPECT_THAT(answer({{"command", "diff"}, {"file", "other.yaml"}}).value("error", ""),
                testing::HasSubstr("absolute path"));
    EXPECT_EQ(answer({{"command", "diff"}}).value("error", ""), "diff needs the field \"file\" (string)");
    EXPECT_THAT(reloads,
                testing::ElementsAre(std::pair("", false), std::pair("", true), std::pair("/etc/other.yaml", true)));
}

TEST(DetectorCommands, AreAllDocumented) {
    const std::ifstream file(SIDESTEP_SOURCE_DIR "/docs/api.md");
    std::ostringstream text;
    text << file.rdbuf();
    const auto help = answer({{"command", "help"}});
    ASSERT_EQ(help.at("commands").size(), 15);
    for (const auto& command : help.at("commands"))
        EXPECT_THAT(text.str(), testing::HasSubstr("\n| `" + command.value("name", "") + "`"));
}

}  // namespace
}  // namespace sidestep
