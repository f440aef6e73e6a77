// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The command line's end of the daemon's Unix socket.
#include "cli/client.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include "common/file.hpp"
#include "common/run_directory.hpp"

namespace sidestep {
namespace {

constexpr auto kHowToBeAllowed = "run as root, or as a member of its group (sidestepd --operators, --readers)";

/// What the operator can do about a connect() that failed.
std::unexpected<Error> explain_connect(const std::string& path, int error_number) {
    switch (error_number) {
        case ENOENT:
            return fail("no sidestepd listens at " + path + "; start it with: sidestepd --config FILE");
        case ECONNREFUSED:
            return fail("the sidestepd that made " + path + " is gone; start it again with: sidestepd --config FILE");
        case EACCES:
        case EPERM:
            return fail(fmt::format("no permission to use {}; {}", path, kHowToBeAllowed));
        default:
            return fail_errno("cannot connect to " + path, error_number);
    }
}

std::string seconds_of(std::chrono::milliseconds patience) {
    return fmt::format("{:g} s", std::chrono::duration<double>(patience).count());
}

/// For connect(), which waits while others wait to be accepted.
void limit_connect(int socket, std::chrono::milliseconds patience) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(patience);
    const timeval time{.tv_sec = seconds.count(), .tv_usec = std::chrono::microseconds(patience - seconds).count()};
    setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
}

constexpr auto kLookAtLog = ": it may be stopped or overloaded; look at its log";

}  // namespace

Result<Client> Client::connect(const std::string& path, std::chrono::milliseconds patience) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        return fail(fmt::format("the path of the socket is too long ({} bytes, at most {}): {}", path.size(),
                                sizeof address.sun_path - 1, path));
    }
    std::ranges::copy(path, address.sun_path);

    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) return fail_errno("cannot make a Unix socket");
    limit_connect(socket.get(), patience);
    while (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
        if (errno == EINTR) continue;  // a Unix socket is not connecting any more then
        if (errno == EAGAIN) {
            return fail(fmt::format("sidestepd at {} did not take the connection within {}{}", path,
                                    seconds_of(patience), kLookAtLog));
        }
        return explain_connect(path, errno);
    }
    return Client(std::move(socket));
}

Result<nlohmann::json> Client::ask(const nlohmann::json& command, std::chrono::milliseconds patience) {
    const Deadline deadline{.at = std::chrono::steady_clock::now() + patience, .patience = patience};
    const auto sent = send(command.dump() + '\n', deadline);
    const auto line = read_line(deadline);
    if (line) return parse(*line);  // a daemon that refuses a client says why before it hangs up
    return std::unexpected(sent ? line.error() : sent.error());
}

Result<nlohmann::json> Client::receive() {
    const auto line = read_line(std::nullopt);
    if (!line) return std::unexpected(line.error());
    return parse(*line);
}

Result<nlohmann::json> Client::parse(const std::string& line) {
    auto answer = nlohmann::json::parse(line, nullptr, false);
    if (!answer.is_object())
        return fail("sidestepd answered something else than a JSON object: is it another program?");
    if (const auto error = answer.find("error"); error != answer.end()) {
        return fail(error->is_string() ? error->get<std::string>() : error->dump());
    }
    return answer;
}

Result<void> Client::wait_for(short events, const std::optional<Deadline>& deadline) const {
    pollfd ready{.fd = socket_.get(), .events = events, .revents = 0};
    for (;;) {
        int left = -1;
        if (deadline) {
            const auto time =
                std::chrono::ceil<std::chrono::milliseconds>(deadline->at - std::chrono::steady_clock::now());
            if (time.count() <= 0)
                return fail(
                    fmt::format("sidestepd did not answer within {}{}", seconds_of(deadline->patience), kLookAtLog));
            left = static_cast<int>(time.count());
        }
        const auto count = ::poll(&ready, 1, left);
        if (count > 0) return {};
        if (count < 0 && errno != EINTR) return fail_errno("cannot wait for sidestepd");
    }
}

Result<void> Client::send(const std::string& line, const Deadline& deadline) const {
    for (std::size_t done = 0; done < line.size();) {
        if (auto ready = wait_for(POLLOUT, deadline); !ready) return ready;
        const auto count = ::send(socket_.get(), line.data() + done, line.size() - done, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count >= 0) {
            done += static_cast<std::size_t>(count);
        } else if (errno != EINTR && errno != EAGAIN) {
            return fail_errno("cannot send to sidestepd");
        }
    }
    return {};
}

Result<std::string> Client::read_line(const std::optional<Deadline>& deadline) {
    std::array<char, 65536> chunk{};
    std::size_t searched = 0;
    for (;;) {
        if (const auto end = received_.find('\n', searched); end != std::string::npos) {
            auto line = received_.substr(0, end);
            received_.erase(0, end + 1);
            return line;
        }
        searched = received_.size();
        if (auto ready = wait_for(POLLIN, deadline); !ready) return std::unexpected(ready.error());
        const auto count = recv(socket_.get(), chunk.data(), chunk.size(), MSG_DONTWAIT);
        if (count > 0) {
            received_.append(chunk.data(), static_cast<std::size_t>(count));
        } else if (count == 0) {
            return fail("sidestepd closed the connection");
        } else if (errno != EINTR && errno != EAGAIN) {
            return fail_errno("cannot read from sidestepd");
        }
    }
}

Result<Client> connect_as_allowed(const std::string& socket) {
    if (::access(socket.c_str(), W_OK) == 0 || errno != EACCES) return Client::connect(socket);
    const auto reading = reading_socket(socket);
    if (reading != socket && ::access(reading.c_str(), W_OK) == 0) return Client::connect(reading);
    return fail(fmt::format("no permission to use {}{}; {}", socket,
                            reading == socket ? "" : ", or " + reading + " for questions", kHowToBeAllowed));
}

std::vector<std::string> find_sockets(const std::string& run_dir) {
    std::vector<std::string> found;
    std::error_code ignored;
    for (const auto& path : paths_with(run_dir, ".sock")) {
        if (std::filesystem::is_socket(path, ignored)) found.push_back(path);
    }
    return found;
}

}  // namespace sidestep
