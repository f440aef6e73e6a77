// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/net/tcp_stream.hpp"

#include <sys/socket.h>

#include <array>
#include <chrono>
#include <utility>
#include <vector>

#include "common/fd.hpp"
#include "topo/socket.hpp"
#include "topo/wait.hpp"

namespace sidestep::topo {
namespace {

constexpr std::size_t kPiece = 64 << 10;
constexpr std::uint64_t kPeriod = 251;  // of the bytes; no segment size is a multiple of it
constexpr unsigned kPace = 20'000'000;  // bytes per second
constexpr std::chrono::milliseconds kImpatience{100};
constexpr std::chrono::seconds kConnectPatience{5};
constexpr std::chrono::seconds kLastByte{10};

}  // namespace

struct TcpStream::State {
    Fd sender;
    Fd receiver;
    std::atomic<std::uint64_t> sent{0};
    std::atomic<std::uint64_t> received{0};
    std::atomic<bool> wrong{false};
    std::atomic<bool> ended{false};

    void send(const std::stop_token& stop) {
        std::vector<char> bytes(kPiece + kPeriod);
        for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i % kPeriod);
        while (!stop.stop_requested()) {
            const auto done = ::send(sender.get(), bytes.data() + sent % kPeriod, kPiece, MSG_NOSIGNAL);
            if (done > 0) {
                sent += static_cast<std::uint64_t>(done);
            } else if (errno != EAGAIN && errno != EINTR) {
                break;
            }
        }
        ::shutdown(sender.get(), SHUT_WR);
    }

    void receive(const std::stop_token& stop) {
        std::vector<char> bytes(kPiece);
        while (!stop.stop_requested()) {
            const auto got = ::recv(receiver.get(), bytes.data(), bytes.size(), 0);
            if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
            if (got <= 0) break;
            for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(got); ++i) {
                if (bytes[i] != static_cast<char>((received + i) % kPeriod)) wrong = true;
            }
            received += static_cast<std::uint64_t>(got);
        }
        ended = true;
    }
};

Result<TcpStream> TcpStream::start(const NetNs& from, const NetNs& to, const Address& source,
                                   const Address& destination) {
    auto listener = to.run([&] { return open_bound(SOCK_STREAM, destination); });
    if (!listener) return std::unexpected(listener.error());
    if (::listen(listener->get(), 1) != 0) return fail_errno("cannot listen");
    auto sender = from.run([&] { return open_bound(SOCK_STREAM, source); });
    if (!sender) return std::unexpected(sender.error());
    ::setsockopt(sender->get(), SOL_SOCKET, SO_MAX_PACING_RATE, &kPace, sizeof kPace);
    set_patience(*sender, kConnectPatience);
    if (auto connected = connect_to(*sender, destination, port_of(*listener)); !connected)
        return std::unexpected(connected.error());
    set_patience(*sender, kImpatience);
    auto state = std::make_shared<State>();
    state->sender = std::move(*sender);
    state->receiver = Fd(::accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!state->receiver) return fail_errno("cannot accept");
    set_patience(state->receiver, kImpatience);
    return TcpStream(std::move(state));
}

TcpStream::TcpStream(std::shared_ptr<State> state) : state_(std::move(state)) {
    receiver_ = std::jthread([state = state_](const std::stop_token& stop) { state->receive(stop); });
    sender_ = std::jthread([state = state_](const std::stop_token& stop) { state->send(stop); });
}

std::uint64_t TcpStream::received() const {
    return state_->received;
}

Result<std::uint64_t> TcpStream::finish() {
    sender_ = {};
    wait_for(kLastByte, [&] { return state_->ended.load(); });
    receiver_ = {};
    if (state_->wrong) return fail("bytes arrived that were not sent");
    if (state_->received != state_->sent) {
        return fail("sent " + std::to_string(state_->sent) + " bytes, received " + std::to_string(state_->received));
    }
    return state_->received.load();
}

}  // namespace sidestep::topo
