// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/bfd_flood.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <array>
#include <utility>

#include "bpf/abi/sidestep.h"
#include "topo/socket.hpp"

namespace sidestep::bench {
namespace {

constexpr std::size_t kBatch = 64;
constexpr std::array kHopLimits{255, 255, 64};  // the last ones come from beyond the link

/// As a neighbor would send it, but for what is wrong with it.
std::array<ss_bfd_packet, kHopLimits.size()> useless_packets() {
    ss_bfd_packet packet{};
    packet.version_diagnostic = SS_BFD_VERSION << 5;
    packet.state_flags = SS_BFD_DOWN << 6;
    packet.multiplier = 3;
    packet.length = sizeof packet;
    packet.my_discriminator = htonl(1);
    packet.your_discriminator = htonl(0xdeadbeef);
    auto malformed = packet;
    malformed.version_diagnostic = 0;
    return {malformed, packet, packet};
}

}  // namespace

Result<std::unique_ptr<BfdFlood>> BfdFlood::start(const topo::Lab& lab, const Address& from, const Address& to) {
    std::vector<Fd> senders;
    for (const int hop_limit : kHopLimits) {
        auto sender = lab.in("B", [&] { return topo::open_bound(SOCK_DGRAM, from); });
        if (!sender) return std::unexpected(sender.error());
        if (auto connected = topo::connect_to(*sender, to, SS_BFD_PORT); !connected)
            return std::unexpected(connected.error());
        if (::setsockopt(sender->get(), IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hop_limit, sizeof hop_limit) != 0)
            return fail_errno("hop limit");
        senders.push_back(std::move(*sender));
    }
    return std::unique_ptr<BfdFlood>(new BfdFlood(std::move(senders)));
}

BfdFlood::BfdFlood(std::vector<Fd> senders) : senders_(std::move(senders)) {
    thread_ = std::jthread([this](const std::stop_token& stop) { send(stop); });
}

void BfdFlood::send(const std::stop_token& stop) {
    auto packets = useless_packets();
    std::size_t turn = 0;
    while (!stop.stop_requested()) {
        turn = (turn + 1) % senders_.size();
        iovec piece{&packets.at(turn), sizeof packets[0]};
        std::array<mmsghdr, kBatch> messages{};
        for (auto& message : messages) {
            message.msg_hdr.msg_iov = &piece;
            message.msg_hdr.msg_iovlen = 1;
        }
        const int sent = ::sendmmsg(senders_[turn].get(), messages.data(), messages.size(), 0);
        if (sent > 0) sent_ += static_cast<std::uint64_t>(sent);
    }
}

}  // namespace sidestep::bench
