// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "topo/ping.hpp"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/poll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cstring>

#include "common/fd.hpp"
#include "topo/socket.hpp"
#include "topo/wait.hpp"

namespace sidestep::topo {
namespace {

Result<Fd> open_socket(const Address& source, const Address& destination) {
    Fd socket(::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6));
    if (!socket) return fail_errno("cannot open an ICMPv6 socket");
    icmp6_filter filter{};
    ICMP6_FILTER_SETBLOCKALL(&filter);
    ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
    const int on = 1;
    ::setsockopt(socket.get(), IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter);
    ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof on);
    const auto local = socket_address(source);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0) {
        return fail_errno("cannot bind to " + source.to_string());
    }
    if (auto connected = connect_to(socket, destination); !connected) return std::unexpected(connected.error());
    return socket;
}

int hop_limit_of(msghdr& message) {
    for (auto* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
        int hop_limit = 0;
        if (part->cmsg_level != IPPROTO_IPV6 || part->cmsg_type != IPV6_HOPLIMIT) continue;
        std::memcpy(&hop_limit, CMSG_DATA(part), sizeof hop_limit);
        return hop_limit;
    }
    return 0;
}

Result<EchoReply> exchange(int socket, const Address& destination, std::chrono::milliseconds patience) {
    static std::atomic<std::uint32_t> next{1};
    const auto id = next.fetch_add(1);  // in data that both id and sequence number carry
    icmp6_hdr request{};
    request.icmp6_type = ICMP6_ECHO_REQUEST;
    request.icmp6_dataun.icmp6_un_data32[0] = id;  // NOLINT(cppcoreguidelines-pro-type-union-access)
    const auto begin = Clock::now();
    if (::send(socket, &request, sizeof request, 0) < 0)
        return fail_errno("cannot send an echo request to " + destination.to_string());
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(patience - (Clock::now() - begin));
        pollfd readable{socket, POLLIN, 0};
        if (left.count() <= 0 || ::poll(&readable, 1, static_cast<int>(left.count())) <= 0) {
            return fail("no echo from " + destination.to_string());
        }
        icmp6_hdr reply{};
        alignas(cmsghdr) std::array<char, 64> control{};
        iovec piece{&reply, sizeof reply};
        msghdr message{};
        message.msg_iov = &piece;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        if (::recvmsg(socket, &message, 0) < 0)
            return fail_errno("cannot receive an echo from " + destination.to_string());
        if (reply.icmp6_dataun.icmp6_un_data32[0] != id) continue;
        return EchoReply{.round_trip = Clock::now() - begin, .hop_limit = hop_limit_of(message)};
    }
}

}  // namespace

Result<EchoReply> ping(const NetNs& from, const Address& destination, const Address& source,
                       std::chrono::milliseconds patience) {
    const auto socket = from.run([&] { return open_socket(source, destination); });
    if (!socket) return std::unexpected(socket.error());
    return exchange(socket->get(), destination, patience);
}

}  // namespace sidestep::topo
