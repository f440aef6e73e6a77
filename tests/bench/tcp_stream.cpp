// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/tcp_stream.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <future>
#include <vector>

#include "bpf/model/fd.hpp"
#include "tests/bench/core_time.hpp"
#include "topo/wait.hpp"

namespace sidestep::bench {
namespace {

using namespace std::chrono_literals;
using topo::Clock;

constexpr std::uint16_t kPort = 5001;
constexpr std::size_t kChunk = 256 * 1024;
constexpr auto kSlowStart = 100ms;
constexpr timeval kSocketPatience{.tv_sec = 2, .tv_usec = 0};

sockaddr_in6 socket_address(const Address& address, std::uint16_t port) {
    sockaddr_in6 result{};
    result.sin6_family = AF_INET6;
    result.sin6_port = htons(port);
    result.sin6_addr = address.to_in6();
    return result;
}

/// A TCP socket bound to an address of this namespace.
Result<Fd> bound(const Address& address, std::uint16_t port) {
    Fd socket(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) return fail_errno("TCP socket");
    const int yes = 1;
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &kSocketPatience, sizeof kSocketPatience);
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &kSocketPatience, sizeof kSocketPatience);
    const auto own = socket_address(address, port);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0)
        return fail_errno("cannot bind a TCP socket");
    return socket;
}

Result<Fd> listening(const Address& address) {
    auto socket = bound(address, kPort);
    if (socket && ::listen(socket->get(), 1) != 0) return fail_errno("cannot listen");
    return socket;
}

/// Sends until nobody takes it any more.
Result<void> send_all(const Address& from, const Address& to) {
    if (auto pinned = run_on_measured_core(); !pinned) return pinned;
    const auto socket = bound(from, 0);
    if (!socket) return std::unexpected(socket.error());
    const auto peer = socket_address(to, kPort);
    if (::connect(socket->get(), reinterpret_cast<const sockaddr*>(&peer), sizeof peer) != 0)
        return fail_errno("cannot connect S to D");
    const std::vector<char> chunk(kChunk);
    while (::send(socket->get(), chunk.data(), chunk.size(), MSG_NOSIGNAL) > 0) {
    }
    return {};
}

/// Bytes per second of the core, of the first connection.
Result<double> receive(int listener, std::chrono::nanoseconds length) {
    if (auto pinned = run_on_measured_core(); !pinned) return std::unexpected(pinned.error());
    const Fd socket(::accept(listener, nullptr, nullptr));
    if (!socket) return fail_errno("no connection from S came to D");
    std::vector<char> chunk(kChunk);
    const auto take = [&](Clock::duration span) {
        std::int64_t bytes = 0;
        for (const auto end = Clock::now() + span; Clock::now() < end;) {
            const auto got = ::recv(socket.get(), chunk.data(), chunk.size(), 0);
            if (got <= 0) return std::int64_t{-1};
            bytes += got;
        }
        return bytes;
    };
    if (take(kSlowStart) < 0) return fail_errno("nothing came from S to D");
    const CoreTime time(CLOCK_PROCESS_CPUTIME_ID);
    const auto bytes = take(length);
    if (bytes < 0) return fail_errno("nothing more came from S to D");
    return static_cast<double>(bytes) / time.seconds();
}

}  // namespace

Result<double> tcp_gbps(const topo::Lab& lab, std::chrono::nanoseconds length) {
    const auto from = lab.address("S");
    const auto to = lab.address("D");
    const auto listener = lab.in("D", [&] { return listening(to); });
    if (!listener) return std::unexpected(listener.error());
    auto sender = std::async(std::launch::async, [&] { return lab.in("S", [&] { return send_all(from, to); }); });
    const auto rate = lab.in("D", [&] { return receive(listener->get(), length); });
    const auto sent = sender.get();
    if (!sent) return std::unexpected(sent.error());
    if (!rate) return std::unexpected(rate.error());
    return 8e-9 * *rate;
}

}  // namespace sidestep::bench
