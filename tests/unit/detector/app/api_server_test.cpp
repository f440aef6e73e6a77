// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The API server with clients that behave, that do not, and that go away. Limits have a file of their own, and so have its sockets.
#include "detector/app/api_server.hpp"

#include <stdexcept>

#include <boost/asio/post.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/detector/app/api_client.hpp"

namespace sidestep {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

using ApiServerTest = ApiTest;

std::string error_in(const std::vector<json>& lines) {
    return lines.size() == 1 ? lines.front().value("error", "no error") : std::to_string(lines.size()) + " lines";
}

TEST_F(ApiServerTest, AnswersTheRequestsOfAConnectionInOrder) {
    start();
    ApiClient client(path_);
    client.send("{\"n\":1}\n{\"n\":2}\n{\"n\"");
    EXPECT_THAT(lines(client, 2), ElementsAre(json{{"echo", {{"n", 1}}}}, json{{"echo", {{"n", 2}}}}));
    client.send(":3}\n");
    EXPECT_THAT(lines(client, 1), ElementsAre(json{{"echo", {{"n", 3}}}}));
}

TEST_F(ApiServerTest, TakesTurnsAmongConnections) {
    std::vector<std::string> order;
    answer = [&](const json& request, ConnectionId) {
        order.push_back(request.value("from", ""));
        return json::object();
    };
    start();
    ApiClient greedy(path_);
    ApiClient modest(path_);
    for (int i = 0; i < 100; ++i) greedy.ask({{"from", "greedy"}});
    modest.ask({{"from", "modest"}});
    EXPECT_EQ(lines(modest, 1).size(), 1);
    EXPECT_LE(std::ranges::find(order, "modest") - order.begin(), 3);
    EXPECT_EQ(lines(greedy, 100).size(), 100);
}

TEST_F(ApiServerTest, OtherWorkIsDoneBetweenTwoRequests) {
    int handled = 0;
    answer = [&](const json&, ConnectionId) {
        ++handled;
        return json::object();
    };
    start();
    const std::vector<ApiClient> clients(10);
    for (auto& client : clients) {
        client.connect(path_);
        for (int i = 0; i < 10; ++i) client.ask({{"n", i}});
    }
    int most = 0;
    int before = 0;
    std::function<void()> other = [&] {
        most = std::max(most, handled - std::exchange(before, handled));
        if (handled < 100) boost::asio::post(loop_, other);
    };
    boost::asio::post(loop_, other);
    EXPECT_TRUE(wait_until([&] { return handled == 100; }));
    EXPECT_EQ(most, 1);
}

TEST_F(ApiServerTest, BadRequestsAreTheClientsProblem) {
    answer = [](const json& request, ConnectionId) -> std::optional<json> {
        if (request.contains("bug")) throw std::runtime_error("out of luck");
        return json{{"n", request.at("n").get<int>()}};
    };
    start();
    ApiClient client(path_);
    for (const char* request : {"status", "[1]", "{", ""}) {
        client.send(std::string(request) + "\n");
        EXPECT_EQ(error_in(lines(client, 1)), "a request is one JSON object on a line") << request;
    }
    client.send("{\"n\":" + std::string(30'000, '[') + std::string(30'000, ']') + "}\n");
    EXPECT_EQ(error_in(lines(client, 1)), "a request is one JSON object on a line");
    client.ask({{"n", "one"}});
    EXPECT_THAT(error_in(lines(client, 1)), HasSubstr("bad request: "));
    client.ask({{"n", 1}, {"follow", "yes"}});
    EXPECT_THAT(lines(client, 1), ElementsAre(json{{"n", 1}})) << "its type is for the command to refuse";
    client.ask({{"bug", 1}});
    EXPECT_EQ(error_in(lines(client, 1)), "the request failed: out of luck");
    client.ask({{"n", 1}});
    EXPECT_THAT(lines(client, 1), ElementsAre(json{{"n", 1}}));
}

TEST_F(ApiServerTest, FollowersGetEventsFromTheirAnswerOn) {
    answer = [](const json& request, ConnectionId) { return request; };
    start();
    ApiClient follower(path_);
    ApiClient other(path_);
    ApiClient refused(path_);
    follower.ask({{"follow", true}});
    other.ask({{"follow", false}});
    refused.ask({{"follow", true}, {"error", "no"}});
    EXPECT_EQ(lines(follower, 1).size(), 1);
    EXPECT_EQ(lines(other, 1).size(), 1);
    EXPECT_EQ(lines(refused, 1).size(), 1);
    EXPECT_TRUE(server_->followed());
    server_->broadcast({{"event", 1}});
    server_->broadcast({{"event", 2}});
    EXPECT_THAT(lines(follower, 2), ElementsAre(json{{"event", 1}}, json{{"event", 2}}));
    settle();
    EXPECT_TRUE(other.take().empty());
    EXPECT_TRUE(refused.take().empty());
    follower.hang_up();
    EXPECT_TRUE(wait_until([&] { return !server_->followed(); }));
}

TEST_F(ApiServerTest, ALateAnswerComesBeforeThoseToLaterRequests) {
    std::optional<ConnectionId> waiting;
    answer = [&](const json& request, ConnectionId connection) -> std::optional<json> {
        if (!request.contains("later")) return request;
        waiting = connection;
        return std::nullopt;
    };
    start();
    ApiClient client(path_);
    ApiClient other(path_);
    client.ask({{"later", true}});
    client.ask({{"n", 2}});
    other.ask({{"n", 3}});
    EXPECT_THAT(lines(other, 1), ElementsAre(json{{"n", 3}}));
    settle();
    EXPECT_TRUE(client.take().empty());
    ASSERT_TRUE(waiting);
    EXPECT_TRUE(server_->reply(*waiting, {{"n", 1}}));
    EXPECT_FALSE(server_->reply(*waiting, {{"n", 0}})) << "it has its answer";
    EXPECT_THAT(lines(client, 2), ElementsAre(json{{"n", 1}}, json{{"n", 2}}));
}

TEST_F(ApiServerTest, AHandlerMayReplyByItself) {
    answer = [&](const json& request, ConnectionId connection) -> std::optional<json> {
        server_->reply(connection, request);
        return std::nullopt;
    };
    start();
    ApiClient client(path_);
    client.ask({{"n", 1}});
    client.ask({{"n", 2}});
    EXPECT_THAT(lines(client, 2), ElementsAre(json{{"n", 1}}, json{{"n", 2}}));
}

TEST_F(ApiServerTest, APortionATurn) {
    std::vector<std::string> order;
    answer = [&](const json& request, ConnectionId connection) -> std::optional<json> {
        if (!request.contains("large")) {
            order.emplace_back("small");
            return json::object();
        }
        server_->reply_in_portions(connection, [&, left = 100](std::string& text) mutable {
            order.emplace_back("portion");
            if (text.empty()) text = R"({"list":[0)";
            text += ",1";
            if (--left > 0) return true;
            text += "]}";
            return false;
        });
        return std::nullopt;
    };
    start();
    ApiClient large(path_);
    ApiClient small(path_);
    large.ask({{"large", true}});
    large.ask({{"n", 2}});
    small.ask({{"n", 1}});
    EXPECT_EQ(lines(small, 1).size(), 1);
    EXPECT_LT(std::ranges::find(order, "small") - order.begin(), 10);
    const auto both = lines(large, 2);
    ASSERT_EQ(both.size(), 2) << "in the order of the requests";
    EXPECT_EQ(both[0].at("list").size(), 101);
    EXPECT_EQ(both[1], json::object());
}

TEST_F(ApiServerTest, AnswersInPortionsAreWrittenOneAfterTheOther) {
    std::vector<ConnectionId> order;
    answer = [&](const json&, ConnectionId connection) -> std::optional<json> {
        server_->reply_in_portions(connection, [&, connection, left = 10](std::string& text) mutable {
            order.push_back(connection);
            if (--left > 0) return true;
            text += "{}";
            return false;
        });
        return std::nullopt;
    };
    start();
    ApiClient first(path_);
    ApiClient second(path_);
    first.ask(json::object());
    second.ask(json::object());
    EXPECT_EQ(lines(first, 1).size() + lines(second, 1).size(), 2);
    EXPECT_EQ(order.size(), 20);
    EXPECT_TRUE(std::ranges::is_sorted(order)) << "only one takes memory";
}

TEST_F(ApiServerTest, APortionThatFailsIsAnErrorAndAClientThatIsGoneEndsThem) {
    int written = 0;
    answer = [&](const json& request, ConnectionId connection) -> std::optional<json> {
        server_->reply_in_portions(connection, [&, fails = request.contains("fail")](std::string&) {
            if (fails) throw std::runtime_error("no such luck");
            ++written;
            return true;
        });
        return std::nullopt;
    };
    start();
    ApiClient endless(path_);
    endless.ask(json::object());
    ASSERT_TRUE(wait_until([&] { return written > 5; }));
    endless.hang_up();
    ASSERT_TRUE(wait_until([&] { return !closed_.empty(); }));
    ApiClient unlucky(path_);
    unlucky.ask({{"fail", true}});
    EXPECT_EQ(error_in(lines(unlucky, 1)), "the request failed: no such luck");
    EXPECT_FALSE(server_->reply_in_portions(ConnectionId{77}, {}));
}

TEST_F(ApiServerTest, SendsToOneConnection) {
    std::vector<ConnectionId> seen;
    answer = [&](const json& request, ConnectionId connection) {
        seen.push_back(connection);
        return request;
    };
    start();
    ApiClient first(path_);
    first.ask(json::object());
    EXPECT_EQ(lines(first, 1).size(), 1);
    ApiClient second(path_);
    second.ask(json::object());
    EXPECT_EQ(lines(second, 1).size(), 1);
    ASSERT_EQ(seen.size(), 2);
    EXPECT_NE(seen[0], seen[1]);
    EXPECT_TRUE(server_->send_to(seen[1], {{"for", "second"}}));
    EXPECT_THAT(lines(second, 1), ElementsAre(json{{"for", "second"}}));
    EXPECT_TRUE(first.take().empty());
    second.hang_up();
    EXPECT_TRUE(wait_until([&] { return !closed_.empty(); }));
    EXPECT_FALSE(server_->send_to(seen[1], {{"for", "nobody"}}));
}

TEST_F(ApiServerTest, TellsOnceThatAConnectionIsGone) {
    std::vector<ConnectionId> seen;
    answer = [&](const json& request, ConnectionId connection) -> std::optional<json> {
        seen.push_back(connection);
        if (request.contains("later")) return std::nullopt;
        return request;
    };
    start();
    ApiClient idle(path_);
    ApiClient waiting(path_);
    ApiClient following(path_);
    idle.ask(json::object());
    EXPECT_EQ(lines(idle, 1).size(), 1);
    waiting.ask({{"later", true}});
    EXPECT_TRUE(wait_until([&] { return seen.size() == 2; }));
    following.ask({{"follow", true}});
    EXPECT_EQ(lines(following, 1).size(), 1);
    EXPECT_TRUE(closed_.empty());
    waiting.hang_up();
    EXPECT_TRUE(wait_until([&] { return closed_.size() == 1; })) << "though it is not read";
    EXPECT_FALSE(server_->reply(seen[1], json::object()));
    idle.hang_up();
    EXPECT_TRUE(wait_until([&] { return closed_.size() == 2; }));
    following.hang_up();
    EXPECT_TRUE(wait_until([&] { return closed_.size() == 3; })) << "though there is no event to send";
    settle();
    EXPECT_THAT(closed_, ElementsAre(seen[1], seen[0], seen[2]));
}

TEST_F(ApiServerTest, WhoHasNoMoreRequestsGetsTheAnswersStill) {
    answer = [](const json&, ConnectionId) { return json{{"large", std::string(200'000, 'x')}}; };
    start();
    ApiClient client(path_);
    client.ask(json::object());
    client.ask(json::object());
    client.send("{\"half a re");
    client.end_requests();
    settle();
    EXPECT_EQ(lines(client, 3).size(), 2);
    EXPECT_TRUE(client.ended());
    EXPECT_TRUE(wait_until([&] { return closed_.size() == 1; }));
}

TEST_F(ApiServerTest, WhoHasNoMoreRequestsMayFollow) {
    start();
    ApiClient client(path_);
    client.ask({{"follow", true}});
    client.end_requests();
    EXPECT_EQ(lines(client, 1).size(), 1);
    settle();
    server_->broadcast({{"event", 1}});
    EXPECT_THAT(lines(client, 1), ElementsAre(json{{"event", 1}}));
    client.hang_up();
    EXPECT_TRUE(wait_until([&] { return closed_.size() == 1; }));
}

TEST_F(ApiServerTest, ItsEndIsTheEndOfAllConnections) {
    answer = [](const json&, ConnectionId) { return std::nullopt; };
    start();
    ApiClient waiting(path_);
    ApiClient idle(path_);
    waiting.ask(json::object());
    settle();
    server_.reset();
    settle();  // what was under way finds nobody
    EXPECT_TRUE(waiting.ended());
    EXPECT_TRUE(idle.ended());
    EXPECT_TRUE(closed_.empty());
    EXPECT_FALSE(std::filesystem::exists(path_));
}

}  // namespace
}  // namespace sidestep
