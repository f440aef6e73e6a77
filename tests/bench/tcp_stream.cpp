// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/tcp_stream.hpp"

#include <sys/socket.h>

#include <future>
#include <vector>

#include "common/fd.hpp"
#include "tests/bench/core_time.hpp"
#include "topo/socket.hpp"
#include "topo/wait.hpp"

namespace sidestep::bench {
namespace {

using namespace std::chrono_literals;
using topo::Clock;

constexpr std::uint16_t kPort = 5001;
constexpr std::size_t kChunk = std::size_t{256} * 1024;
constexpr auto kSlowStart = 100ms;
constexpr auto kSocketPatience = 2s;

Result<Fd> listening(const Address& address) {
    auto socket = topo::open_bound(SOCK_STREAM, address, kPort, SO_REUSEADDR);
    if (!socket) return socket;
    topo::set_patience(*socket, kSocketPatience);  // and that of the sockets it accepts
    if (::listen(socket->get(), 1) != 0) return fail_errno("cannot listen");
    return socket;
}

/// Sends until nobody takes it any more.
Result<void> send_all(const Address& from, const Address& to) {
    if (auto pinned = run_on_measured_core(); !pinned) return pinned;
    const auto socket = topo::open_bound(SOCK_STREAM, from);
    if (!socket) return std::unexpected(socket.error());
    topo::set_patience(*socket, kSocketPatience);
    if (auto connected = topo::connect_to(*socket, to, kPort); !connected) return connected;
    const std::vector<char> chunk(kChunk);
    while (::send(socket->get(), chunk.data(), chunk.size(), MSG_NOSIGNAL) > 0) {
    }
    return {};
}

/// Bytes per second of the core, of the first connection.
Result<double> receive(int listener, std::chrono::nanoseconds length) {
    if (auto pinned = run_on_measured_core(); !pinned) return std::unexpected(pinned.error());
    const Fd socket(::accept(listener, nullptr, nullptr));
    if (!socket) return fail_errno("no connection came to D");
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
    if (take(kSlowStart) < 0) return fail_errno("nothing came to D");
    const CoreTime time(CLOCK_PROCESS_CPUTIME_ID);
    const auto bytes = take(length);
    if (bytes < 0) return fail_errno("nothing more came to D");
    return static_cast<double>(bytes) / time.seconds();
}

}  // namespace

Result<double> tcp_gbps(const topo::Lab& lab, std::chrono::nanoseconds length, const std::string& sender_node) {
    const auto from = lab.address(sender_node);
    const auto to = lab.address("D");
    const auto listener = lab.in("D", [&] { return listening(to); });
    if (!listener) return std::unexpected(listener.error());
    auto sender =
        std::async(std::launch::async, [&] { return lab.in(sender_node, [&] { return send_all(from, to); }); });
    const auto rate = lab.in("D", [&] { return receive(listener->get(), length); });
    const auto sent = sender.get();
    if (!sent) return std::unexpected(sent.error());
    if (!rate) return std::unexpected(rate.error());
    return 8e-9 * *rate;
}

}  // namespace sidestep::bench
