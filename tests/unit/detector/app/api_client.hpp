// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A client of the API for tests, and a server whose loop runs until what a test waits for has happened.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/fd.hpp"
#include "detector/app/api_server.hpp"

namespace sidestep {

/// Never blocks; what the kernel does not take is lost, which a test would notice.
class ApiClient {
  public:
    ApiClient() : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {}
    explicit ApiClient(const std::string& path) : ApiClient() { connect(path); }

    void connect(const std::string& path) const {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        EXPECT_EQ(::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    }
    /// The bytes that the kernel took.
    std::size_t send(const std::string& text) const {
        const auto count = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
        return count < 0 ? 0 : static_cast<std::size_t>(count);
    }
    void ask(const nlohmann::json& request) const {
        const auto line = request.dump() + "\n";
        EXPECT_EQ(send(line), line.size());
    }
    void end_requests() const { ::shutdown(socket_.get(), SHUT_WR); }
    void hang_up() { socket_.reset(); }

    /// The lines that arrived by now and were not taken yet.
    std::vector<nlohmann::json> take() {
        receive();
        std::vector<nlohmann::json> lines;
        for (std::size_t end = 0; (end = received_.find('\n')) != std::string::npos; received_.erase(0, end + 1))
            lines.push_back(nlohmann::json::parse(received_.substr(0, end)));
        return lines;
    }
    /// Whether the server closed the connection; everything before is there to take().
    bool ended() {
        receive();
        return ended_;
    }

  private:
    void receive() {
        std::string chunk(65536, '\0');
        while (!ended_) {
            const auto count = ::recv(socket_.get(), chunk.data(), chunk.size(), 0);
            if (count < 0 && errno == EAGAIN) return;
            if (count <= 0) ended_ = true;
            if (count > 0) received_.append(chunk, 0, static_cast<std::size_t>(count));
        }
    }

    Fd socket_;
    std::string received_;
    bool ended_ = false;
};

/// A server in a folder of its own. Its handler is `answer`.
class ApiTest : public testing::Test {
  public:
    ApiTest() {
        std::string pattern = (std::filesystem::temp_directory_path() / "sidestep-XXXXXX").string();
        folder_ = mkdtemp(pattern.data());
        path_ = folder_ + "/A.sock";
    }
    ApiTest(const ApiTest&) = delete;
    ApiTest& operator=(const ApiTest&) = delete;
    ApiTest(ApiTest&&) = delete;
    ApiTest& operator=(ApiTest&&) = delete;
    ~ApiTest() override {
        server_.reset();
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }

  protected:
    void start(const ApiLimits& limits = {}) {
        auto server = ApiServer::listen(
            loop_, path_,
            [this](const nlohmann::json& request, ConnectionId connection) { return answer(request, connection); },
            [this](ConnectionId connection) { closed_.push_back(connection); }, limits);
        ASSERT_TRUE(server) << server.error().message;
        server_ = std::move(*server);
    }

    /// Runs the loop until `done`; false after 10 s.
    bool wait_until(const std::function<bool()>& done) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (!done()) {
            if (std::chrono::steady_clock::now() > deadline) return false;
            loop_.restart();
            loop_.run_one_for(std::chrono::milliseconds(1));
        }
        return true;
    }

    /// Runs the loop until it has nothing to do at the moment.
    void settle() {
        do {
            loop_.restart();
        } while (loop_.poll() != 0);
    }

    /// The next `count` lines that `client` gets; fewer if they do not come, or the connection ends.
    std::vector<nlohmann::json> lines(ApiClient& client, std::size_t count) {
        std::vector<nlohmann::json> all;
        wait_until([&] {
            const bool last = client.ended();
            for (auto& line : client.take()) all.push_back(std::move(line));
            return last || all.size() >= count;
        });
        return all;
    }

    std::string folder_;
    std::string path_;
    boost::asio::io_context loop_{1};
    std::function<std::optional<nlohmann::json>(const nlohmann::json&, ConnectionId)> answer =
        [](const nlohmann::json& request, ConnectionId) {
            return nlohmann::json{{"echo", request}};
        };
    std::vector<ConnectionId> closed_;
    std::unique_ptr<ApiServer> server_;
};

}  // namespace sidestep
