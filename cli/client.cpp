// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The command line's end of the daemon's Unix socket.
#include "cli/client.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>

namespace sidestep {
namespace {

/// What the operator can do about a connect() that failed.
std::unexpected<Error> explain_connect(const std::string& path, int error_number) {
    switch (error_number) {
        case ENOENT:
            return fail("no sidestepd listens at " + path + "; start it with: sidestepd --config FILE");
        case ECONNREFUSED:
            return fail("the sidestepd that made " + path + " is gone; start it again with: sidestepd --config FILE");
        case EACCES:
        case EPERM:
            return fail("no permission to use " + path + "; run as root");
        default:
            return fail_errno("cannot connect to " + path, error_number);
    }
}

void set_patience(int socket, std::chrono::milliseconds patience) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(patience);
    const timeval time{.tv_sec = seconds.count(),
                       .tv_usec = std::chrono::microseconds(patience - seconds).count()};  // 0, 0: for ever
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
}

}  // namespace

Result<Client> Client::connect(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return fail("the path of the socket is too long: " + path);
    std::ranges::copy(path, address.sun_path);

    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) return fail_errno("cannot make a Unix socket");
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
        return explain_connect(path, errno);
    }
    return Client(std::move(socket));
}

Result<nlohmann::json> Client::ask(const nlohmann::json& command, std::chrono::milliseconds patience) {
    set_patience(socket_.get(), patience);
    if (auto sent = send(command); !sent) return std::unexpected(sent.error());
    auto answer = receive();
    set_patience(socket_.get(), std::chrono::milliseconds(0));
    return answer;
}

Result<void> Client::send(const nlohmann::json& command) {
    const auto line = command.dump() + '\n';
    for (std::size_t done = 0; done < line.size();) {
        const auto count = ::send(socket_.get(), line.data() + done, line.size() - done, MSG_NOSIGNAL);
        if (count >= 0) {
            done += static_cast<std::size_t>(count);
        } else if (errno != EINTR) {
            return fail_errno("cannot send to sidestepd");
        }
    }
    return {};
}

Result<nlohmann::json> Client::receive() {
    const auto line = read_line();
    if (!line) return std::unexpected(line.error());
    auto answer = nlohmann::json::parse(*line, nullptr, false);
    if (!answer.is_object())
        return fail("sidestepd answered something else than a JSON object: is it another program?");
    if (const auto error = answer.find("error"); error != answer.end()) {
        return fail(error->is_string() ? error->get<std::string>() : error->dump());
    }
    return answer;
}

Result<std::string> Client::read_line() {
    std::array<char, 65536> chunk{};
    std::size_t searched = 0;
    for (;;) {
        if (const auto end = received_.find('\n', searched); end != std::string::npos) {
            auto line = received_.substr(0, end);
            received_.erase(0, end + 1);
            return line;
        }
        searched = received_.size();
        const auto count = recv(socket_.get(), chunk.data(), chunk.size(), 0);
        if (count > 0) {
            received_.append(chunk.data(), static_cast<std::size_t>(count));
        } else if (count == 0) {
            return fail("sidestepd closed the connection");
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return fail("sidestepd does not answer: it may be stopped or overloaded; look at its log");
        } else if (errno != EINTR) {
            return fail_errno("cannot read from sidestepd");
        }
    }
}

std::vector<std::string> find_sockets(const std::string& run_dir) {
    std::vector<std::string> found;
    std::error_code ignored;
    for (std::filesystem::directory_iterator entry(run_dir, ignored), end; entry != end; entry.increment(ignored)) {
        if (entry->path().extension() == ".sock" && entry->is_socket(ignored)) found.push_back(entry->path());
    }
    std::ranges::sort(found);
    return found;
}

}  // namespace sidestep
