// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What clients of the API cannot do: use up descriptors or memory for good, or keep others from being served.
#include <sys/resource.h>

#include <sstream>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include "tests/unit/detector/app/api_client.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

using ApiLimitsTest = ApiTest;

/// What is logged while this lives.
class Log {
  public:
    Log() : before_(spdlog::default_logger()) {
        spdlog::set_default_logger(
            std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(text_)));
    }
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;
    Log(Log&&) = delete;
    Log& operator=(Log&&) = delete;
    ~Log() { spdlog::set_default_logger(before_); }

    [[nodiscard]] std::size_t count(const std::string& part) const {
        std::size_t found = 0;
        const auto text = text_.str();
        for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
        return found;
    }

  private:
    std::ostringstream text_;
    std::shared_ptr<spdlog::logger> before_;
};

/// While this lives, the process can open nothing more.
class NoDescriptors {
  public:
    NoDescriptors() {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        const Fd next(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        const rlimit none{.rlim_cur = static_cast<rlim_t>(next.get()), .rlim_max = before_.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &none);
    }
    NoDescriptors(const NoDescriptors&) = delete;
    NoDescriptors& operator=(const NoDescriptors&) = delete;
    NoDescriptors(NoDescriptors&&) = delete;
    NoDescriptors& operator=(NoDescriptors&&) = delete;
    ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

  private:
    rlimit before_{};
};

TEST_F(ApiLimitsTest, AcceptsAgainOnceThereAreDescriptors) {
#ifdef __SANITIZE_ADDRESS__
    GTEST_SKIP() << "UndefinedBehaviorSanitizer needs descriptors itself: it looks at memory through a pipe";
#endif
    start({.accept_again = 1ms});
    ApiClient client;
    const Log log;
    {
        const NoDescriptors none;
        client.connect(path_);
        client.ask({{"n", 1}});
        EXPECT_TRUE(wait_until([&] { return log.count("Too many open files") != 0; }));
        loop_.restart();
        loop_.run_for(20ms);  // several attempts
        EXPECT_EQ(log.count("Too many open files"), 1) << "told once, not at each attempt";
    }
    EXPECT_THAT(lines(client, 1), ElementsAre(json{{"echo", {{"n", 1}}}}));
}

TEST_F(ApiLimitsTest, RequestsAreNotReadWhileTheirAnswersAreNot) {
    std::size_t handled = 0;
    answer = [&](const json&, ConnectionId) {
        ++handled;
        return json{{"large", std::string(10'000, 'x')}};
    };
    start();
    ApiClient client(path_);
    std::string requests;
    for (int i = 0; i < 500; ++i) requests += "{}\n";
    ASSERT_EQ(client.send(requests), requests.size());
    settle();
    EXPECT_GT(handled, 10);
    EXPECT_LT(handled, 100) << "256 KiB here, about as much in the kernel";
    EXPECT_EQ(lines(client, 500).size(), 500) << "none is lost";
}

TEST_F(ApiLimitsTest, AFollowerThatIsTooManyBytesBehindIsDropped) {
    const Log quiet;
    start({.behind = 1 << 20});
    ApiClient sleeping(path_);
    ApiClient reading(path_);
    sleeping.ask({{"follow", true}});
    reading.ask({{"follow", true}});
    EXPECT_EQ(lines(sleeping, 1).size(), 1);
    EXPECT_EQ(lines(reading, 1).size(), 1);
    const json event{{"large", std::string(100'000, 'x')}};
    for (int i = 0; i < 20; ++i) {
        server_->broadcast(event);
        EXPECT_THAT(lines(reading, 1), ElementsAre(event));
    }
    EXPECT_EQ(closed_.size(), 1);
    EXPECT_LT(lines(sleeping, 20).size(), 20);
    EXPECT_TRUE(sleeping.ended());
}

TEST_F(ApiLimitsTest, ALargeAnswerDoesNotCountAsBeingBehind) {
    answer = [](const json&, ConnectionId) { return json{{"large", std::string(1'000'000, 'x')}}; };
    start({.behind = 1'000});
    ApiClient client(path_);
    client.ask({{"follow", true}});
    settle();
    server_->broadcast({{"event", 1}});
    EXPECT_EQ(lines(client, 2).size(), 2);
}

TEST_F(ApiLimitsTest, ClientsThatDoNotReadMakeRoomForOthers) {
    const Log quiet;
    answer = [](const json&, ConnectionId) { return json{{"large", std::string(500'000, 'x')}}; };
    start({.total = 2'000'000});
    const std::vector<ApiClient> sleeping(10);
    for (auto& client : sleeping) {
        client.connect(path_);
        client.ask(json::object());
        settle();
    }
    EXPECT_EQ(closed_.size(), 7) << "3 of the lines are within the total, a fourth is not";
    ApiClient reading(path_);
    reading.ask(json::object());
    EXPECT_EQ(lines(reading, 1).size(), 1);
    EXPECT_EQ(closed_.size(), 8);
}

TEST_F(ApiLimitsTest, AnAnswerThatIsLargerThanAllThatIsGrantedIsSent) {
    answer = [](const json&, ConnectionId) { return json{{"large", std::string(500'000, 'x')}}; };
    start({.total = 1'000});
    ApiClient client(path_);
    client.ask(json::object());
    EXPECT_EQ(lines(client, 1).size(), 1);
}

TEST_F(ApiLimitsTest, FollowersShareWhatTheyGet) {
    start({.total = 2'000'000});
    std::vector<ApiClient> followers(4);
    for (auto& client : followers) {
        client.connect(path_);
        client.ask({{"follow", true}});
        EXPECT_EQ(lines(client, 1).size(), 1);
    }
    for (int i = 0; i < 3; ++i) server_->broadcast({{"large", std::string(500'000, 'x')}});
    settle();
    EXPECT_TRUE(closed_.empty()) << "3 lines are queued, not 12";
    for (auto& client : followers) EXPECT_EQ(lines(client, 3).size(), 3);
}

TEST_F(ApiLimitsTest, OneClientTooManyIsToldSo) {
    start({.clients = 2});
    std::vector<ApiClient> clients(2);
    for (auto& client : clients) client.connect(path_);
    settle();
    ApiClient third(path_);
    third.ask({{"n", 1}});
    const auto told = lines(third, 2);
    ASSERT_EQ(told.size(), 1);
    EXPECT_THAT(told.front().value("error", ""), HasSubstr("2 clients are connected"));
    EXPECT_TRUE(third.ended());
    EXPECT_TRUE(closed_.empty()) << "it never was a connection";
    clients.pop_back();
    EXPECT_TRUE(wait_until([&] { return closed_.size() == 1; }));
    ApiClient next(path_);
    next.ask({{"n", 1}});
    EXPECT_THAT(lines(next, 1), ElementsAre(json{{"echo", {{"n", 1}}}}));
}

TEST_F(ApiLimitsTest, OneProcessDoesNotTakeAllPlaces) {
    start({.clients = 8, .process = 2});
    const std::vector<ApiClient> clients(2);
    for (auto& client : clients) client.connect(path_);
    settle();
    ApiClient third(path_);
    third.ask({{"n", 1}});
    EXPECT_THAT(lines(third, 2).at(0).value("error", ""), HasSubstr("2 clients of this process are connected"));
}

// They need not send anything to be in the way.
TEST_F(ApiLimitsTest, AReaderDoesNotTakeAllPlaces) {
    start({.clients = 8, .readers = 6, .share = 2});
    const auto reading = folder_ + "/A.read";
    ASSERT_TRUE(server_->listen_for_questions(reading, [](const json&, ConnectionId) { return json{{"read", true}}; }));
    std::vector<ApiClient> idle(2);
    for (auto& client : idle) client.connect(reading);
    settle();
    ApiClient third(reading);
    third.ask(json::object());
    EXPECT_THAT(lines(third, 2).at(0).value("error", ""), HasSubstr("2 clients of this user are connected"));
    idle.pop_back();
    EXPECT_TRUE(wait_until([&] { return closed_.size() == 1; }));
    ApiClient next(reading);
    next.ask(json::object());
    EXPECT_THAT(lines(next, 1), ElementsAre(json{{"read", true}}));
    ApiClient operating(path_);
    operating.ask({{"n", 1}});
    EXPECT_EQ(lines(operating, 1).size(), 1) << "the other socket has room for all";
}

TEST_F(ApiLimitsTest, ARequestWithoutAnEndIsAnError) {
    start({.request = 1'000});
    ApiClient client(path_);
    const std::string longest = R"({"x":")" + std::string(991, 'x') + "\"}\n";
    ASSERT_EQ(longest.size(), 1'000);
    client.send(longest);
    EXPECT_EQ(lines(client, 1).size(), 1);
    client.ask({{"n", 1}});
    client.send(std::string(100'000, ' '));
    const auto told = lines(client, 3);
    ASSERT_EQ(told.size(), 2);
    EXPECT_EQ(told.back().value("error", ""), "a request has at most 1000 bytes, newline included");
    EXPECT_TRUE(client.ended());
    EXPECT_TRUE(wait_until([&] { return closed_.size() == 1; }));
}

}  // namespace
}  // namespace sidestep
