// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "topo/socket.hpp"

#include <sys/socket.h>
#include <sys/time.h>

namespace sidestep::topo {

sockaddr_in6 socket_address(const Address& address, std::uint16_t port) {
    sockaddr_in6 result{};
    result.sin6_family = AF_INET6;
    result.sin6_port = htons(port);
    result.sin6_addr = address.to_in6();
    return result;
}

Result<Fd> open_bound(int type, const Address& address, std::uint16_t port, std::optional<int> reuse) {
    Fd socket(::socket(AF_INET6, type | SOCK_CLOEXEC, 0));
    if (!socket) return fail_errno("cannot open a socket");
    const int on = 1;
    if (reuse) ::setsockopt(socket.get(), SOL_SOCKET, *reuse, &on, sizeof on);
    const auto local = socket_address(address, port);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0)
        return fail_errno("cannot bind to " + address.to_string());
    return socket;
}

std::uint16_t port_of(const Fd& socket) {
    sockaddr_in6 local{};
    socklen_t length = sizeof local;
    ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&local), &length);
    return ntohs(local.sin6_port);
}

Result<void> connect_to(const Fd& socket, const Address& destination, std::uint16_t port) {
    const auto remote = socket_address(destination, port);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&remote), sizeof remote) != 0)
        return fail_errno("cannot connect to " + destination.to_string());
    return {};
}

void set_patience(const Fd& socket, std::chrono::microseconds patience) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(patience);
    const timeval time{.tv_sec = seconds.count(), .tv_usec = (patience - seconds).count()};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
}

}  // namespace sidestep::topo
