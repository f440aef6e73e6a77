// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Who owns a session that a client asked for, how long it stays, and how many there may be.
#include "detector/core/client_sessions.hpp"

#include <chrono>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Nanoseconds kNow = 100s;
constexpr ClientId kBfd{1};
constexpr ClientId kOther{2};

SessionConfig config(const std::string& name, Nanoseconds interval = 1ms) {
    SessionConfig result;
    result.name = kClientPrefix + name;
    result.probe.interval = interval;
    return result;
}

ClientSession session(const std::string& name, ClientId owner = kBfd, std::optional<Nanoseconds> lease = 0s) {
    return {.config = config(name), .request = "{}", .lease = lease, .owner = owner};
}

std::vector<std::string> names(const ClientSessions& clients) {
    std::vector<std::string> result;
    for (const auto& one : clients.all()) result.push_back(one.config.name);
    return result;
}

std::string why(const Result<void>& result) {
    return result ? "" : result.error().message;
}

TEST(ClientSessions, EndWithTheirOwner) {
    ClientSessions clients;
    ASSERT_TRUE(clients.add(session("a"), {}));
    ASSERT_TRUE(clients.add(session("b", kOther), {}));
    EXPECT_TRUE(clients.leave(kBfd, kNow));
    EXPECT_THAT(names(clients), ElementsAre("client/b"));
    EXPECT_FALSE(clients.leave(kBfd, kNow));
}

TEST(ClientSessions, OutliveTheirOwnerForTheirLease) {
    ClientSessions clients;
    ASSERT_TRUE(clients.add(session("a", kBfd, 60s), {}));
    EXPECT_EQ(clients.next_end(), std::nullopt) << "its owner is there";
    EXPECT_FALSE(clients.leave(kBfd, kNow));
    EXPECT_EQ(clients.next_end(), kNow + 60s);
    EXPECT_FALSE(clients.expire(kNow + 59s));
    EXPECT_TRUE(clients.expire(kNow + 60s));
    EXPECT_THAT(names(clients), IsEmpty());
}

TEST(ClientSessions, StayWhenAskedTo) {
    ClientSessions clients;
    ASSERT_TRUE(clients.add(session("a", kBfd, std::nullopt), {}));
    EXPECT_FALSE(clients.leave(kBfd, kNow));
    EXPECT_EQ(clients.next_end(), std::nullopt);
    EXPECT_FALSE(clients.expire(kNow + std::chrono::hours(1000)));
}

TEST(ClientSessions, AreTakenOverByAnOwnerWhoComesBack) {
    ClientSessions clients;
    ASSERT_TRUE(clients.add(session("a", kBfd, 60s), {}));
    EXPECT_THAT(why(clients.add(session("a", kOther), {})), HasSubstr("belongs to another client"));
    EXPECT_FALSE(clients.leave(kBfd, kNow));
    ASSERT_TRUE(clients.add(session("a", kOther, 60s), {}));
    EXPECT_FALSE(clients.expire(kNow + 100s));
    auto changed = session("a", kOther);
    changed.config.probe.multiplier = 9;
    EXPECT_THAT(why(clients.add(changed, {})), HasSubstr("exists with other settings"));
    EXPECT_EQ(clients.all().size(), 1U);
}

TEST(ClientSessions, AreRemovedByTheirOwnerOrWhenNobodyOwnsThem) {
    ClientSessions clients;
    ASSERT_TRUE(clients.add(session("a"), {}));
    ASSERT_TRUE(clients.add(session("b"), {}));
    clients.restore(session("c", kBfd, 60s), kNow);
    EXPECT_THAT(why(clients.remove("client/a", kOther, false)), HasSubstr("belongs to another client"));
    EXPECT_TRUE(clients.remove("client/a", kBfd, false));
    EXPECT_TRUE(clients.remove("client/b", kOther, true));
    EXPECT_TRUE(clients.remove("client/c", kOther, false)) << "restored: its owner is gone";
    EXPECT_THAT(why(clients.remove("client/c", kBfd, false)), HasSubstr("no session client/c"));
    EXPECT_THAT(why(clients.remove("A-B", kBfd, true)), HasSubstr("no session A-B that a client asked for"));
}

// As FRR's bfdd does, which says all that it wants each time.
TEST(ClientSessions, AreSetAgainWithOtherSettings) {
    ClientSessions clients;
    ASSERT_TRUE(clients.set(session("a", kBfd, 60s), {}));
    ASSERT_TRUE(clients.set(session("b", kBfd, 60s), {}));
    auto changed = session("a", kBfd, 60s);
    changed.config = config("a", 10ms);
    ASSERT_TRUE(clients.set(changed, {}));
    EXPECT_EQ(clients.find("client/a")->config.probe.interval, 10ms);
    clients.leave(kBfd, kNow);
    ASSERT_TRUE(clients.set(session("a", kBfd, 60s), {})) << "it has come back within the lease";
    EXPECT_THAT(why(clients.set(session("a", kOther), {})), HasSubstr("belongs to another client"));
    clients.keep_only(kBfd, {});
    EXPECT_THAT(names(clients), ElementsAre("client/b")) << "nobody's yet";
    ASSERT_TRUE(clients.set(session("b", kBfd, 60s), {}));
    clients.keep_only(kBfd, {"client/b"});
    EXPECT_THAT(names(clients), ElementsAre("client/b"));
}

TEST(ClientSessions, SettingsThatDoNotFitLeaveWhatWasThere) {
    ClientSessions clients({.sessions = 9, .of_one_client = 9, .all_sessions = 9, .intervals = 2});
    ASSERT_TRUE(clients.set(session("a"), {config("x", 2ms)}));
    auto changed = session("a");
    changed.config = config("a", 10ms);
    ASSERT_TRUE(clients.set(changed, {config("x", 2ms)})) << "its own interval counts once";
    ASSERT_TRUE(clients.set(session("b", kOther), {}));
    changed.config = config("a", 20ms);
    EXPECT_THAT(why(clients.set(changed, {config("x", 2ms)})), HasSubstr("different probe intervals"));
    EXPECT_EQ(clients.find("client/a")->config.probe.interval, 10ms);
}

TEST(ClientSessions, AreLimitedInNumber) {
    ClientSessions clients({.sessions = 3, .of_one_client = 2, .all_sessions = 10, .intervals = 2});
    ASSERT_TRUE(clients.add(session("a"), {}));
    ASSERT_TRUE(clients.add(session("b"), {}));
    EXPECT_THAT(why(clients.add(session("c"), {})), HasSubstr("one client may have 2"));
    ASSERT_TRUE(clients.add(session("c", kOther), {}));
    EXPECT_THAT(why(clients.add(session("d", kOther), {})), HasSubstr("clients have 3 sessions already"));
}

TEST(ClientSessions, FitBesideTheConfiguration) {
    const std::vector<SessionConfig> others{config("x", 1ms), config("y", 2ms)};
    ClientSessions clients({.sessions = 9, .of_one_client = 9, .all_sessions = 4, .intervals = 2});
    auto odd = session("a");
    odd.config.probe.interval = 3ms;
    EXPECT_THAT(why(clients.add(odd, others)), HasSubstr("2 different probe intervals already"));
    ASSERT_TRUE(clients.add(session("b"), others));
    ASSERT_TRUE(clients.add(session("c"), others));
    EXPECT_THAT(why(clients.add(session("d"), others)), HasSubstr("this node has 4 sessions already"));
}

TEST(ClientSessions, TheNewestMakeRoomForTheConfiguration) {
    ClientSessions clients({.sessions = 9, .of_one_client = 9, .all_sessions = 3, .intervals = 2});
    ASSERT_TRUE(clients.add(session("a"), {}));
    ASSERT_TRUE(clients.add(session("b"), {}));
    EXPECT_THAT(clients.make_room({config("x")}), IsEmpty());
    EXPECT_THAT(clients.make_room({config("x"), config("y")}), ElementsAre("client/b"));
    EXPECT_THAT(clients.make_room({config("x", 5ms), config("y", 6ms)}), ElementsAre("client/a"));
}

}  // namespace
}  // namespace sidestep
