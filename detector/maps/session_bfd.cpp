// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Sessions that speak BFD: where their packets go, and what the detector says in them.
#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <iterator>

#include <spdlog/spdlog.h>

#include "bpf/lib/bfd.h"
#include "bpf/lib/portable.h"
#include "detector/maps/session_table.hpp"

namespace sidestep {
namespace {

static_assert(static_cast<int>(BfdKind::multihop) == SS_BFD_MULTIHOP &&
              static_cast<int>(BfdKind::seamless) == SS_BFD_SEAMLESS);

constexpr std::uint16_t port_of(BfdKind kind) {
    if (kind == BfdKind::multihop) return SS_BFD_MULTIHOP_PORT;
    return kind == BfdKind::seamless ? SS_SBFD_PORT : SS_BFD_PORT;
}

std::uint32_t in_microseconds(Nanoseconds time) {
    return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::microseconds>(time).count());
}

}  // namespace

bfd::Timers bfd_timers(const SessionConfig& config) {
    return {.desired_tx_us = in_microseconds(config.probe.interval),
            .required_rx_us = in_microseconds(config.bfd ? config.bfd->receive_interval : config.probe.interval),
            .multiplier = static_cast<std::uint8_t>(config.probe.multiplier),
            .passive = config.bfd && config.bfd->passive,
            .reflector = config.bfd ? config.bfd->reflector : 0};
}

Address discriminator_key(std::uint32_t discriminator) {
    const auto in_order = htonl(discriminator);
    Address key;
    std::memcpy(key.bytes.data(), &in_order, sizeof in_order);
    return key;
}

Address pair_key(const Address& peer, const Address& own) {
    std::array<__u64, 2> theirs{};
    std::array<__u64, 2> ours{};
    std::array<__u64, 2> pair{};
    std::memcpy(theirs.data(), peer.bytes.data(), sizeof theirs);
    std::memcpy(ours.data(), own.bytes.data(), sizeof ours);
    ss_bfd_pair(theirs.data(), ours.data(), pair.data());
    Address key;
    std::memcpy(key.bytes.data(), pair.data(), sizeof pair);
    return key;
}

/// The lower bits of a discriminator are, unless somebody else has chosen it, the session's index, so that packets find it.
/// The others differ from those of the session before, which the neighbor may still believe in.
void SessionTable::start_bfd(Session& session, const ss_bfd_conf& before) {
    constexpr std::uint32_t kNext = SS_MAX_SESSIONS;
    const auto last = read_bfd(before).discriminator;
    const auto clock = static_cast<std::uint32_t>(maps_.clock().last_tick_ns >> 10) & ~(kNext - 1);  // any number
    session.bfd = {};
    auto& signed_last = shared(session).tx.bfd.sequence;  // the tick's, but it does not look here yet
    if (signed_last == 0) signed_last = static_cast<std::uint32_t>(maps_.clock().last_tick_ns >> 10);
    if (session.config.bfd->discriminator != 0) {
        session.bfd.discriminator = session.config.bfd->discriminator;
        return publish_bfd(session);
    }
    session.bfd.discriminator = ((last != 0 ? last & ~(kNext - 1) : clock) + kNext) | session.index;
    if (session.bfd.discriminator == 0) session.bfd.discriminator = kNext;
    publish_bfd(session);
}

void SessionTable::publish_bfd(const Session& session) {
    auto wanted = write_bfd(session.bfd, bfd_timers(session.config));
    if (const auto& auth = session.config.bfd->auth) write_keys(wanted, *auth);
    auto& conf = shared(session).conf.bfd;
    conf.packet = wanted.packet;
    std::ranges::copy(wanted.key, std::begin(conf.key));
    SS_WRITE(conf.keys, wanted.keys);
    SS_WRITE(conf.auth, wanted.auth);
    SS_WRITE(conf.rx_us, wanted.rx_us);
    SS_WRITE(conf.tx_us, wanted.tx_us);
    SS_WRITE(conf.ups, wanted.ups);
    conf.index = session.index;
    SS_WRITE(conf.kind, static_cast<std::uint8_t>(session.config.bfd->kind));
    SS_WRITE(conf.hops, static_cast<std::uint8_t>(SS_BFD_HOP_LIMIT - session.config.bfd->minimum_ttl));
}

/// So that it is found when a packet does not name it.
Result<void> SessionTable::expect_neighbor(const Session& session) {
    const auto& peer = bfd_peer(session.config);
    const auto discriminator = session.bfd.discriminator;
    const auto kind = session.config.bfd->kind;
    Result<void> set;
    if (kind == BfdKind::link) set = maps_.set_passive(bfd_key(session.ifindex), peer, session.index);
    if (kind == BfdKind::multihop)
        set = maps_.set_passive(kByPair, pair_key(peer, *session.local_address), session.index);
    if (set && discriminator % SS_MAX_SESSIONS != session.index)
        set = maps_.set_passive(kByDiscriminator, discriminator_key(discriminator), session.index);
    return set;
}

void SessionTable::publish_speaker(const Session& session, ss_session_conf& conf) {
    const auto& config = session.config;
    const auto& peer = bfd_peer(config);
    const auto bytes = make_bfd_template(*session.link(),
                                         {.source = *session.local_address,
                                          .peer = peer,
                                          .port = port_of(config.bfd->kind),
                                          .encaps = config.encaps,
                                          .outer_source = config.source},
                                         session.index, static_cast<std::uint8_t>(config.probe.traffic_class),
                                         config.bfd->auth.has_value());
    if (auto set = expect_neighbor(session); !set) {
        spdlog::error("session {}: {}", config.name, set.error().message);
        return;
    }
    constexpr std::uint32_t kFlags = SS_SESSION_ACTIVE | SS_SESSION_BFD;
    write_template(session, conf, bytes, *session.local_address, kFlags);
    std::ranges::copy(peer.bytes, std::begin(conf.peer));
    publish_bfd(session);
    __sync_synchronize();
    SS_WRITE(conf.flags, kFlags);
}

}  // namespace sidestep
