// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Talking to the daemon's socket: what comes back, and the sentence for each way it can go wrong.
#include "cli/client.hpp"

#include <sys/socket.h>

#include <array>
#include <atomic>
#include <csignal>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/cli/fake_daemon.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

const json kStatus{{"command", "status"}};

/// A client whose other end is in our hands.
struct Pair {
    Pair() : Pair(make()) {}
    Client client;
    Fd daemon;

    void say(const std::string& text) const {
        EXPECT_EQ(::send(daemon.get(), text.data(), text.size(), 0), text.size());
    }

  private:
    explicit Pair(std::array<int, 2> ends) : client(Fd(ends[0])), daemon(ends[1]) {}
    static std::array<int, 2> make() {
        std::array<int, 2> ends{};
        EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
        return ends;
    }
};

TEST(Client, AsksInOneLineAndReadsOneLine) {
    const TemporaryFolder folder;
    FakeDaemon daemon(folder.file("A.sock"), "{\"node\":\"A\"}\n");
    auto client = Client::connect(folder.file("A.sock"));
    ASSERT_TRUE(client) << client.error().message;
    const auto answer = client->ask(kStatus);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(*answer, json({{"node", "A"}}));
    EXPECT_EQ(daemon.received(), R"({"command":"status"})");
}

TEST(Client, TakesLinesApartAndTogether) {
    Pair pair;
    pair.say("{\"a\":1}\n{\"a\":2}\n{\"a\"");
    EXPECT_EQ(pair.client.receive()->at("a"), 1);
    EXPECT_EQ(pair.client.receive()->at("a"), 2);
    pair.say(":3}\n");
    EXPECT_EQ(pair.client.receive()->at("a"), 3);
    pair.daemon = Fd();
    EXPECT_EQ(pair.client.receive().error().message, "sidestepd closed the connection");
}

TEST(Client, ReadsAnswersOfManySessions) {
    Pair pair;
    const std::string large(300'000, 'x');
    std::thread sender([&] {
        const auto line = json({{"large", large}}).dump() + "\n";
        for (std::size_t done = 0; done < line.size();) {
            const auto count = ::send(pair.daemon.get(), line.data() + done, line.size() - done, 0);
            if (count <= 0) break;
            done += static_cast<std::size_t>(count);
        }
    });
    EXPECT_EQ(pair.client.receive()->at("large"), large);
    sender.join();
}

TEST(Client, AnswersThatAreErrorsAreErrors) {
    Pair pair;
    pair.say("{\"error\":\"no such command\"}\n{\"error\":{\"code\":7}}\nhello\n[1]\n");
    EXPECT_EQ(pair.client.receive().error().message, "no such command");
    EXPECT_EQ(pair.client.receive().error().message, "{\"code\":7}");
    EXPECT_THAT(pair.client.receive().error().message, testing::HasSubstr("something else than a JSON object"));
    EXPECT_THAT(pair.client.receive().error().message, testing::HasSubstr("something else than a JSON object"));
}

TEST(Client, ADaemonThatDoesNotAnswerIsNotWaitedForForEver) {
    Pair pair;
    EXPECT_EQ(pair.client.ask(kStatus, 20ms).error().message,
              "sidestepd did not answer within 0.02 s: it may be stopped or overloaded; look at its log");
}

TEST(Client, ADaemonThatDoesNotComeToTheEndOfItsAnswerIsNotWaitedForForEver) {
    Pair pair;
    std::atomic<bool> over = false;
    std::thread dripping([&] {
        while (!over) ::send(pair.daemon.get(), " ", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    });
    EXPECT_THAT(pair.client.ask(kStatus, 50ms).error().message, testing::HasSubstr("did not answer within 0.05 s"));
    over = true;
    dripping.join();
}

TEST(Client, ADaemonThatDoesNotReadIsNotWaitedForForEver) {
    Pair pair;
    const json endless{{"command", std::string(1'000'000, 'x')}};
    EXPECT_THAT(pair.client.ask(endless, 20ms).error().message, testing::HasSubstr("did not answer within 0.02 s"));
}

TEST(Client, ADaemonThatDoesNotAcceptIsNotWaitedForForEver) {
    const TemporaryFolder folder;
    const auto path = folder.file("A.sock");
    const auto listener = listen_at(path);  // has room for one more than its backlog of 1
    const auto first = Client::connect(path, 20ms);
    const auto second = Client::connect(path, 20ms);
    const auto third = Client::connect(path, 20ms);
    ASSERT_TRUE(first && second);
    ASSERT_FALSE(third);
    EXPECT_THAT(third.error().message, testing::HasSubstr("did not take the connection within 0.02 s"));
}

std::atomic<int> signals_taken = 0;

TEST(Client, SignalsDoNotDisturbIt) {
    struct sigaction action {};
    struct sigaction before {};
    action.sa_handler = [](int) { ++signals_taken; };  // no SA_RESTART: system calls return EINTR
    sigaction(SIGUSR2, &action, &before);
    Pair pair;
    const auto asking = pthread_self();
    std::thread daemon([&] {
        char byte = 0;
        while (recv(pair.daemon.get(), &byte, 1, 0) == 1 && byte != '\n') {
        }
        for (int sent = 1; sent <= 10; ++sent) {
            pthread_kill(asking, SIGUSR2);
            while (signals_taken < sent) std::this_thread::yield();
        }
        pair.say("{\"node\":\"A\"}\n");
    });
    const auto answer = pair.client.ask(kStatus);
    daemon.join();
    sigaction(SIGUSR2, &before, nullptr);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(*answer, json({{"node", "A"}}));
}

TEST(Client, ARefusalIsToldThoughTheRequestCouldNotBeSent) {
    Pair pair;
    pair.say("{\"error\":\"64 clients are connected already\"}\n");
    pair.daemon = Fd();
    EXPECT_EQ(pair.client.ask(kStatus).error().message, "64 clients are connected already");
}

TEST(Client, ADaemonThatHungUpIsAnErrorNotASignal) {
    Pair pair;
    pair.daemon = Fd();
    EXPECT_EQ(pair.client.ask(kStatus).error().message, "cannot send to sidestepd: Broken pipe");
}

TEST(Client, SaysWhatToDoWhenNobodyListens) {
    const TemporaryFolder folder;
    const auto path = folder.file("A.sock");
    EXPECT_EQ(Client::connect(path).error().message,
              "no sidestepd listens at " + path + "; start it with: sidestepd --config FILE");
    (void)listen_at(path);  // closed at once: what a killed daemon leaves behind
    EXPECT_EQ(Client::connect(path).error().message,
              "the sidestepd that made " + path + " is gone; start it again with: sidestepd --config FILE");
    const std::string endless(200, 'x');
    EXPECT_EQ(Client::connect(endless).error().message,
              "the path of the socket is too long (200 bytes, at most 107): " + endless);
}

TEST(Client, FindsTheSocketsOfTheNodes) {
    const TemporaryFolder folder;
    EXPECT_TRUE(find_sockets(folder.path()).empty());
    EXPECT_TRUE(find_sockets(folder.file("nowhere")).empty());
    (void)listen_at(folder.file("B.sock"));
    (void)listen_at(folder.file("A.sock"));
    (void)listen_at(folder.file("other"));
    std::ofstream(folder.file("file.sock")) << "no socket";
    EXPECT_THAT(find_sockets(folder.path()), testing::ElementsAre(folder.file("A.sock"), folder.file("B.sock")));
}

}  // namespace
}  // namespace sidestep
