// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Sessions that speak BFD: where their packets go, and what the detector says in them.
#include <chrono>

#include <spdlog/spdlog.h>

#include "bpf/lib/portable.h"
#include "detector/maps/session_table.hpp"

namespace sidestep {
namespace {

std::uint32_t in_microseconds(Nanoseconds time) {
    return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::microseconds>(time).count());
}

}  // namespace

bfd::Timers bfd_timers(const SessionConfig& config) {
    return {.desired_tx_us = in_microseconds(config.probe.interval),
            .required_rx_us = in_microseconds(config.bfd ? config.bfd->receive_interval : config.probe.interval),
            .multiplier = static_cast<std::uint8_t>(config.probe.multiplier),
            .passive = config.bfd && config.bfd->passive};
}

/// The lower bits of a discriminator are the session's index, so that packets find it. The others differ from those of the
/// session before, which the neighbor may still believe in.
void SessionTable::start_bfd(Session& session, const ss_bfd_conf& before) {
    constexpr std::uint32_t kNext = SS_MAX_SESSIONS;
    const auto last = read_bfd(before).discriminator;
    const auto clock = static_cast<std::uint32_t>(maps_.clock().last_tick_ns >> 10) & ~(kNext - 1);  // any number
    session.bfd = {};
    session.bfd.discriminator = ((last != 0 ? last & ~(kNext - 1) : clock) + kNext) | session.index;
    if (session.bfd.discriminator == 0) session.bfd.discriminator = kNext;
    publish_bfd(session);
}

void SessionTable::publish_bfd(const Session& session) {
    const auto wanted = write_bfd(session.bfd, bfd_timers(session.config));
    auto& conf = shared(session).conf.bfd;
    conf.packet = wanted.packet;
    SS_WRITE(conf.rx_us, wanted.rx_us);
    SS_WRITE(conf.tx_us, wanted.tx_us);
    SS_WRITE(conf.ups, wanted.ups);
}

void SessionTable::publish_speaker(const Session& session, ss_session_conf& conf) {
    const auto& peer = bfd_peer(session.config);
    const auto bytes = make_bfd_template(*session.link(), *session.local_address, peer, session.index,
                                         static_cast<std::uint8_t>(session.config.probe.traffic_class));
    if (auto set = maps_.set_passive(bfd_key(session.ifindex), peer, session.index); !set) {
        spdlog::error("session {}: {}", session.config.name, set.error().message);
        return;
    }
    constexpr std::uint32_t kFlags = SS_SESSION_ACTIVE | SS_SESSION_BFD;
    write_template(session, conf, bytes, *session.local_address, kFlags);
    publish_bfd(session);
    __sync_synchronize();
    SS_WRITE(conf.flags, kFlags);
}

}  // namespace sidestep
