// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Sessions that speak BFD, and the packets of their neighbors.
#pragma once

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "bpf/lib/bfd_signature.h"
#include "detector/core/headers.hpp"
#include "detector/maps/session_table.hpp"
#include "tests/bpf/programs.hpp"

namespace sidestep {

inline constexpr std::uint32_t kBfdDiscriminator = 7U << 12;  // plus the session's index

/// Opens a session that is up, at 10 s x 3.
inline void open_bfd(Programs& programs, std::uint16_t index, const Address& own, const Address& peer,
                     std::uint32_t ifindex = kLoopback) {
    const auto bytes = make_bfd_template({}, {.source = own, .peer = peer}, index);
    auto& conf = programs.sessions[index].conf;
    const bfd::Machine machine{.state = bfd::BfdState::up,
                               .discriminator = kBfdDiscriminator | index,
                               .remote_discriminator = 77,
                               .ups = 1,
                               .tx_us = 10'000'000,
                               .rx_us = 10'000'000,
                               .tx_now_us = 10'000'000,
                               .rx_now_us = 10'000'000};
    conf.flags = SS_SESSION_ACTIVE | SS_SESSION_BFD;
    conf.ifindex = conf.return_ifindex = ifindex;
    conf.interval_ns = 2'500'000'000;
    conf.template_length = conf.length = bytes.length;
    conf.udp_offset = bytes.udp_offset;
    conf.checksum = bytes.checksum;
    conf.bfd = write_bfd(machine, {.desired_tx_us = 10'000'000, .required_rx_us = 10'000'000});
    conf.bfd.index = index;
    std::ranges::copy(own.bytes, conf.return_address);
    std::ranges::copy(bytes.bytes, conf.template_bytes);
    ss_passive_key key{.ifindex = ifindex | SS_BFD_KEY, .source = {}};
    const std::uint32_t value = index;
    std::ranges::copy(peer.bytes, key.source);
    bpf_map__update_elem(programs.maps().ss_passives, &key, sizeof key, &value, sizeof value, BPF_ANY);
}

/// The same with somebody beyond the link, whose packets may have passed `hops` routers and come by any interface.
inline void open_far_bfd(Programs& programs, std::uint16_t index, ss_bfd_kind kind, const Address& own,
                         const Address& peer, std::uint8_t hops = 254) {
    open_bfd(programs, index, own, peer);
    auto& conf = programs.sessions[index].conf;
    conf.return_ifindex = 0;
    conf.bfd.kind = static_cast<std::uint8_t>(kind);
    conf.bfd.hops = hops;
    std::ranges::copy(peer.bytes, conf.peer);
    ss_passive_key key{.ifindex = kLoopback | SS_BFD_KEY, .source = {}};
    std::ranges::copy(peer.bytes, key.source);
    bpf_map__delete_elem(programs.maps().ss_passives, &key, sizeof key, 0);
    if (kind != SS_BFD_MULTIHOP) return;
    const auto pair = pair_key(peer, own);
    const std::uint32_t value = index;
    key.ifindex = SS_BFD_BY_PAIR;
    std::ranges::copy(pair.bytes, key.source);
    bpf_map__update_elem(programs.maps().ss_passives, &key, sizeof key, &value, sizeof value, BPF_ANY);
}

/// The neighbor's packet to session `index`.
inline ss_bfd_packet bfd_of_neighbor(std::uint16_t index) {
    ss_bfd_packet packet{};
    packet.version_diagnostic = SS_BFD_VERSION << 5;
    packet.state_flags = SS_BFD_UP << 6;
    packet.multiplier = 3;
    packet.length = sizeof packet;
    packet.my_discriminator = htonl(77);
    packet.your_discriminator = htonl(kBfdDiscriminator | index);
    packet.desired_tx_us = packet.required_rx_us = htonl(10'000'000);
    return packet;
}

/// Has a session that was opened sign its packets, and expect signed ones.
inline void sign_bfd(Programs& programs, std::uint16_t index, const Address& own, const Address& peer) {
    const auto bytes = make_bfd_template({}, {.source = own, .peer = peer}, index, kProbeTrafficClass, true);
    auto& conf = programs.sessions[index].conf;
    BfdAuth auth;
    auth.keys.push_back({.id = 7, .secret = {'h', 'u', 's', 'h'}});
    write_keys(conf.bfd, auth);
    conf.template_length = conf.length = bytes.length;
    conf.checksum = bytes.checksum;
    std::ranges::copy(bytes.bytes, conf.template_bytes);
}

/// The same packet, signed with the first key of session `index`, by the code that the programs have.
inline ss_bfd_signed signed_by_neighbor(const Programs& programs, std::uint16_t index, ss_bfd_packet packet,
                                        std::uint32_t sequence) {
    ss_session there{};
    there.conf.bfd = programs.sessions[index].conf.bfd;
    there.tx.bfd.sequence = sequence - 1;
    packet.state_flags |= SS_BFD_AUTHENTICATED;
    packet.length = sizeof(ss_bfd_signed);
    ss_bfd_signed result{.packet = packet, .signature = {}};
    ss_bfd_sign(&there, &result);
    return result;
}

inline Bytes bfd_datagram(const ss_bfd_signed& packet) {
    auto bytes = udp(50'000, SS_BFD_PORT, sizeof packet);
    std::memcpy(bytes.data() + 8, &packet, sizeof packet);
    return bytes;
}

/// As a datagram to the port of BFD, or between others.
inline Bytes bfd_datagram(const ss_bfd_packet& packet, std::uint16_t from = 50'000, std::uint16_t to = SS_BFD_PORT) {
    auto bytes = udp(from, to, sizeof packet);
    std::memcpy(bytes.data() + 8, &packet, sizeof packet);
    return bytes;
}

}  // namespace sidestep
