// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A datagram socket in the place of systemd's: keeps what it is sent until it is asked. It has a file, so that other
// network namespaces reach it, too.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <unistd.h>

#include "common/fd.hpp"

namespace sidestep {

class FakeSocket {
  public:
    FakeSocket() : path_(fmt::format("/tmp/sidestep-{}-{}", ::getpid(), reinterpret_cast<std::uintptr_t>(this))) {
        listen();
    }
    FakeSocket(const FakeSocket&) = delete;
    FakeSocket& operator=(const FakeSocket&) = delete;
    ~FakeSocket() { close(); }

    [[nodiscard]] const std::string& path() const { return path_; }

    void close() {
        socket_.reset();
        ::unlink(path_.c_str());
    }
    void listen() {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::ranges::copy(path_, address.sun_path);
        socket_ = Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        (void)::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
    /// The next datagram; none: nothing has come.
    [[nodiscard]] std::optional<std::string> receive() const {
        std::array<char, 1U << 18U> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): recv() fills it
        const auto count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
        if (count < 0) return std::nullopt;
        return std::string(buffer.data(), static_cast<std::size_t>(count));
    }

    /// The descriptor that came with the next datagram, which is `text`; none: it is another one, or none came with it.
    [[nodiscard]] Fd receive_descriptor(const std::string& text) const {
        std::array<char, 4096> buffer{};
        iovec part{.iov_base = buffer.data(), .iov_len = buffer.size()};
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> rights{};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = rights.data();
        message.msg_controllen = rights.size();
        const auto count = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
        const auto* header = CMSG_FIRSTHDR(&message);
        if (count < 0 || header == nullptr || header->cmsg_type != SCM_RIGHTS) return {};
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
        Fd own(fd);
        return std::string(buffer.data(), static_cast<std::size_t>(count)) == text ? std::move(own) : Fd();
    }

  private:
    std::string path_;
    Fd socket_;
};

}  // namespace sidestep
