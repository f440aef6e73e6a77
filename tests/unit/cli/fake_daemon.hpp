// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A Unix socket server for tests of the command line: takes one connection, one line, and answers what it was told to.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

#include "common/fd.hpp"

namespace sidestep {

/// A folder of its own for each test.
class TemporaryFolder {
  public:
    TemporaryFolder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "sidestep-XXXXXX").string();
        path_ = mkdtemp(pattern.data());
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    TemporaryFolder(TemporaryFolder&&) = delete;
    TemporaryFolder& operator=(TemporaryFolder&&) = delete;
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] std::string path() const { return path_; }
    [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

  private:
    std::string path_;
};

/// A listening Unix socket; it stays behind as a file when closed.
inline Fd listen_at(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    Fd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) std::abort();
    if (listen(listener.get(), 1) != 0) std::abort();
    return listener;
}

class FakeDaemon {
  public:
    /// Listens at `path`; sends `answer` in two pieces after the first line, then hangs up.
    FakeDaemon(const std::string& path, std::string answer)
        : listener_(listen_at(path)), answer_(std::move(answer)), thread_([this] { serve(); }) {}
    FakeDaemon(const FakeDaemon&) = delete;
    FakeDaemon& operator=(const FakeDaemon&) = delete;
    FakeDaemon(FakeDaemon&&) = delete;
    FakeDaemon& operator=(FakeDaemon&&) = delete;
    ~FakeDaemon() {
        shutdown(listener_.get(), SHUT_RDWR);
        if (thread_.joinable()) thread_.join();
    }

    /// The line that was received; waits until the connection is over.
    std::string received() {
        thread_.join();
        return received_;
    }

  private:
    void serve() {
        const Fd peer(accept(listener_.get(), nullptr, nullptr));
        char byte = 0;
        while (recv(peer.get(), &byte, 1, 0) == 1 && byte != '\n') received_ += byte;
        const auto half = answer_.size() / 2;
        send(peer.get(), answer_.data(), half, MSG_NOSIGNAL);
        send(peer.get(), answer_.data() + half, answer_.size() - half, MSG_NOSIGNAL);
    }

    Fd listener_;
    std::string answer_;
    std::string received_;
    std::thread thread_;
};

}  // namespace sidestep
