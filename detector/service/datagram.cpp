// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// An unconnected socket: the other end may be restarted at any time.
#include "detector/service/datagram.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace sidestep {

Result<DatagramSender> DatagramSender::to(std::string_view address) {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    const bool known = address.starts_with('/') || (address.starts_with('@') && address.size() > 1);
    if (!known || address.size() >= sizeof to.sun_path) return fail("no Unix socket: " + std::string(address));
    std::ranges::copy(address, to.sun_path);
    const bool abstract = address.starts_with('@');
    if (abstract) to.sun_path[0] = 0;
    Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return fail_errno("cannot make a Unix socket");
    const auto length = offsetof(sockaddr_un, sun_path) + address.size() + (abstract ? 0 : 1);
    return DatagramSender(std::move(socket), to, static_cast<socklen_t>(length));
}

bool DatagramSender::send(std::string_view datagram) const {
    for (;;) {
        const auto sent = ::sendto(socket_.get(), datagram.data(), datagram.size(), MSG_NOSIGNAL,
                                   reinterpret_cast<const sockaddr*>(&address_), length_);
        if (sent >= 0 || errno != EINTR) return sent >= 0;
    }
}

bool DatagramSender::send(std::string_view datagram, int fd) const {
    iovec text{.iov_base = const_cast<char*>(datagram.data()), .iov_len = datagram.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof fd)> rights{};
    msghdr message{};
    message.msg_name = const_cast<sockaddr_un*>(&address_);
    message.msg_namelen = length_;
    message.msg_iov = &text;
    message.msg_iovlen = 1;
    message.msg_control = rights.data();
    message.msg_controllen = rights.size();
    auto* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
    for (;;) {
        const auto sent = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
        if (sent >= 0 || errno != EINTR) return sent >= 0;
    }
}

}  // namespace sidestep
