// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/load.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "topo/socket.hpp"

namespace sidestep::bench {
namespace {

using topo::Clock;

constexpr int kCpuHogs = 4;
constexpr std::uint16_t kFloodPort = 9;  // discard
constexpr std::size_t kFloodBatch = 64;

}  // namespace

std::string_view name_of(Load load) {
    constexpr std::array<std::string_view, 4> kNames{"idle", "cpu", "fifo", "flood"};
    return kNames.at(static_cast<std::size_t>(load));
}

Result<std::unique_ptr<Flood>> Flood::start(const topo::Lab& lab) {
    const auto from = lab.address("S");
    const auto to = lab.address("D");
    // Each flood has a receiver at the same port.
    auto receiver = lab.in("D", [&] { return topo::open_bound(SOCK_DGRAM, to, kFloodPort, SO_REUSEPORT); });
    if (!receiver) return std::unexpected(receiver.error());
    auto sender = lab.in("S", [&] { return topo::open_bound(SOCK_DGRAM, from); });
    if (!sender) return std::unexpected(sender.error());
    if (auto connected = topo::connect_to(*sender, to, kFloodPort); !connected)
        return std::unexpected(connected.error());
    return std::unique_ptr<Flood>(new Flood(std::move(*sender), std::move(*receiver)));
}

Flood::Flood(Fd sender, Fd receiver) : sender_(std::move(sender)), receiver_(std::move(receiver)) {
    thread_ = std::jthread([this](const std::stop_token& stop) { send(stop); });
}

void Flood::send(const std::stop_token& stop) {
    std::array<char, 16> payload{};
    iovec piece{payload.data(), payload.size()};
    std::array<mmsghdr, kFloodBatch> messages{};
    for (auto& message : messages) {
        message.msg_hdr.msg_iov = &piece;
        message.msg_hdr.msg_iovlen = 1;
    }
    while (!stop.stop_requested()) {
        const int sent = ::sendmmsg(sender_.get(), messages.data(), messages.size(), 0);
        if (sent > 0) sent_ += static_cast<std::uint64_t>(sent);
    }
}

LoadInForce::LoadInForce(Load load, const std::vector<const topo::Lab*>& labs, std::chrono::milliseconds limit)
    : begin_(Clock::now()) {
    const auto must = [](const Result<void>& result) {
        if (!result) throw std::runtime_error(result.error().message);
    };
    const int cores = static_cast<int>(std::thread::hardware_concurrency());
    if (load == Load::cpu) {
        for (int i = 0; i < kCpuHogs; ++i) must(hogs_.add(limit));
    } else if (load == Load::fifo) {
        for (int core = 0; core < cores; ++core) must(hogs_.add(limit, core));
    } else if (load == Load::flood) {
        const int each = std::max(1, cores / static_cast<int>(labs.size()));
        for (int i = 0; i < each * static_cast<int>(labs.size()); ++i) {
            auto flood = Flood::start(*labs[static_cast<std::size_t>(i) % labs.size()]);
            if (!flood) throw std::runtime_error(flood.error().message);
            floods_.push_back(std::move(*flood));
        }
    }
}

double LoadInForce::flood_kpps() const {
    std::uint64_t sent = 0;
    for (const auto& flood : floods_) sent += flood->sent();
    return static_cast<double>(sent) / std::chrono::duration<double, std::milli>(Clock::now() - begin_).count();
}

}  // namespace sidestep::bench
