// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Dispatch by the table: the right function, or an error that says what would be right.
#include "detector/app/api_commands.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidestep {
namespace {

using nlohmann::json;

constexpr ConnectionId kConnection{7};

ApiCommands table() {
    return ApiCommands({{.name = "status",
                         .help = "At a glance",
                         .fields = {{.name = "follow", .type = "boolean", .required = false}},
                         .access = ApiAccess::questions,
                         .run =
                             [](const json&, ConnectionId) {
                                 return json{{"node", "A"}};
                             }},
                        {.name = "admin",
                         .help = "Up or down",
                         .fields = {{.name = "session", .type = "string"}, {.name = "up", .type = "boolean"}},
                         .run =
                             [](const json& request, ConnectionId) {
                                 return json{{"session", request.at("session")}};
                             }},
                        {.name = "later",
                         .help = "Answers later",
                         .fields = {},
                         .run = [](const json&, ConnectionId connection) -> std::optional<json> {
                             EXPECT_EQ(connection, kConnection);
                             return std::nullopt;
                         }}});
}

std::string error_of(const json& request) {
    const auto answer = table().run(request, kConnection);
    return answer ? answer->value("error", "no error") : "no answer";
}

TEST(ApiCommands, CallsWhatTheRequestNames) {
    EXPECT_EQ(table().run({{"command", "status"}}, kConnection), json({{"node", "A"}}));
    EXPECT_EQ(table().run({{"command", "status"}, {"follow", true}, {"id", 3}}, kConnection), json({{"node", "A"}}));
    EXPECT_EQ(table().run({{"command", "admin"}, {"session", "A-B"}, {"up", true}}, kConnection),
              json({{"session", "A-B"}}));
    EXPECT_EQ(table().run({{"command", "later"}}, kConnection), std::nullopt);
}

TEST(ApiCommands, AnUnknownCommandIsToldTheKnownOnes) {
    EXPECT_EQ(error_of({{"command", "state"}}), "unknown command 'state'; known: status, admin, later, help");
    const std::string unnamed = "a request names its \"command\", one of: status, admin, later, help";
    EXPECT_EQ(error_of(json::object()), unnamed);
    EXPECT_EQ(error_of({{"command", {"status"}}}), unnamed);
}

TEST(ApiCommands, WhoMayOnlyAskCannotCommand) {
    const auto asked = [](const json& request) { return *table().run(request, kConnection, ApiAccess::questions); };
    EXPECT_EQ(asked({{"command", "status"}}), json({{"node", "A"}}));
    EXPECT_EQ(asked({{"command", "admin"}, {"session", "A-B"}, {"up", true}}).value("error", ""),
              "'admin' is for root and operators: this socket is for questions only");
    EXPECT_EQ(asked({{"command", "state"}}).value("error", ""), "unknown command 'state'; known: status, help");
    EXPECT_EQ(asked({{"command", "help"}}).at("commands").size(), 2U);
}

TEST(ApiCommands, FieldsAreThereAndOfTheirType) {
    EXPECT_EQ(error_of({{"command", "admin"}}), "admin needs the field \"session\" (string)");
    EXPECT_EQ(error_of({{"command", "admin"}, {"session", "A-B"}}), "admin needs the field \"up\" (boolean)");
    EXPECT_EQ(error_of({{"command", "admin"}, {"session", 1}, {"up", true}}),
              "admin needs the field \"session\" (string)");
    EXPECT_EQ(error_of({{"command", "status"}, {"follow", 1}}), "status needs the field \"follow\" (boolean)");
}

TEST(ApiCommands, HelpIsTheTable) {
    const auto answer = table().run({{"command", "help"}}, kConnection);
    ASSERT_TRUE(answer);
    const auto& commands = answer->at("commands");
    ASSERT_EQ(commands.size(), 4);
    EXPECT_EQ(commands[1], json({{"name", "admin"},
                                 {"help", "Up or down"},
                                 {"fields",
                                  {{{"name", "session"}, {"type", "string"}, {"required", true}},
                                   {{"name", "up"}, {"type", "boolean"}, {"required", true}}}}}));
    EXPECT_EQ(commands[3].at("name"), "help");
}

}  // namespace
}  // namespace sidestep
