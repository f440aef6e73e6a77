// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests which words name a place to listen at, and that nobody holds up the others there.
#include "exporter/web_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/fd.hpp"

namespace sidestep::exporter {
namespace {

TEST(PlaceToListen, HasAPort) {
    for (const auto* good : {"127.0.0.1:9862", "[::1]:9862", "9862", "host:1", "127.0.0.1:1,[::1]:65535"})
        EXPECT_TRUE(is_place_to_listen(good)) << good;
    for (const auto* bad : {"", "foo", ":9862", "127.0.0.1", "127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:0", "::1:http",
                            "127.0.0.1:1,", "127.0.0.1:-1", "127.0.0.1:1x"})
        EXPECT_FALSE(is_place_to_listen(bad)) << bad;
}

/// A TCP socket of the loopback address; `port` 0: any.
Fd loopback(std::uint16_t& port, bool server) {
    Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof at;
    auto* const address = reinterpret_cast<sockaddr*>(&at);
    const int done = server ? ::bind(socket.get(), address, length) : ::connect(socket.get(), address, length);
    if (done != 0 || ::getsockname(socket.get(), address, &length) != 0) return {};
    if (server) port = ntohs(at.sin_port);
    return socket;
}

// Two of them once kept Prometheus out for as long as they liked.
TEST(WebServer, IsNotHeldUpByWhoConnectsAndSaysNothing) {
    std::uint16_t port = 0;
    loopback(port, true);  // free again at once
    auto server =
        WebServer::listen("127.0.0.1:" + std::to_string(port), [] { return std::vector<std::string>{"x 1\n"}; });
    ASSERT_TRUE(server) << server.error().message;
    std::vector<Fd> idle(8);
    for (auto& socket : idle) socket = loopback(port, false);
    const auto scrape = loopback(port, false);
    ASSERT_TRUE(scrape);
    const timeval patience{.tv_sec = 10, .tv_usec = 0};  // as Prometheus has
    ASSERT_EQ(::setsockopt(scrape.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    constexpr std::string_view kRequest = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
    ASSERT_EQ(::send(scrape.get(), kRequest.data(), kRequest.size(), MSG_NOSIGNAL), std::ssize(kRequest));
    std::string answer(4096, '\0');
    answer.resize(
        static_cast<std::size_t>(std::max<ssize_t>(0, ::recv(scrape.get(), answer.data(), answer.size(), 0))));
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200")) << answer;
}

}  // namespace
}  // namespace sidestep::exporter
