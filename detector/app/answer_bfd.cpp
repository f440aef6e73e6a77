// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/app/answer_bfd.hpp"

#include "bpf/lib/bfd.h"
#include "detector/core/names.hpp"

namespace sidestep {

nlohmann::json answer_bfd(const Session& session, const ss_session& shared) {
    if (!session.config.bfd) return nullptr;
    constexpr double kNanosecondsPerMicrosecond = 1e3;
    const auto microseconds = [](std::uint64_t ns) { return static_cast<double>(ns) / kNanosecondsPerMicrosecond; };
    const auto& machine = session.bfd;
    const auto said = SS_READ(shared.rx.bfd.said);
    const auto timers = SS_READ(shared.rx.bfd.timers);
    constexpr std::uint64_t kDiagnostic = 0x1f;
    return {{"kind", to_string(session.config.bfd->kind)},
            {"peer", bfd_peer(session.config).to_string()},
            {"local_address", session.local_address ? nlohmann::json(session.local_address->to_string()) : nullptr},
            {"state", bfd::to_string(machine.state)},
            {"diagnostic", bfd::to_string(machine.diagnostic)},
            {"discriminator", machine.discriminator},
            {"transmit_us", microseconds(ss_bfd_period_ns(&shared))},
            {"detection_us", microseconds(ss_bfd_detection_ns(&shared))},
            {"polling", machine.polling},
            {"ups", machine.ups},
            {"refused", SS_READ(shared.rx.bfd.refused)},
            {"remote",
             {{"state", bfd::to_string(static_cast<bfd::BfdState>(ss_bfd_remote_state(&shared)))},
              {"diagnostic", bfd::to_string(static_cast<bfd::Diagnostic>(said >> 56 & kDiagnostic))},
              {"discriminator", static_cast<std::uint32_t>(said)},
              {"transmit_us", timers >> 32},
              {"receive_us", static_cast<std::uint32_t>(timers)},
              {"multiplier", ss_bfd_remote_multiplier(&shared)}}}};
}

/// The kernel's verdict changes when BFD comes up and when it goes down.
nlohmann::json answer_bfd_peer(const Session& session, const ss_session& shared, bool of_client, Nanoseconds now) {
    constexpr std::uint64_t kDiagnostic = 0x1f;
    const auto& machine = session.bfd;
    const auto timers = SS_READ(shared.rx.bfd.timers);
    const auto since = now - Nanoseconds(SS_READ(shared.tx.verdict_ns));
    const auto settings = bfd_timers(session.config);
    const auto remote_diagnostic = static_cast<bfd::Diagnostic>(SS_READ(shared.rx.bfd.said) >> 56 & kDiagnostic);
    return {{"peer", bfd_peer(session.config).to_string()},
            {"local", session.local_address ? nlohmann::json(session.local_address->to_string()) : nullptr},
            {"interface", session.config.interface},
            {"kind", to_string(session.config.bfd->kind)},
            {"multihop", session.config.bfd->kind == BfdKind::multihop},
            {"passive", settings.passive},
            {"shutdown", session.fsm.state == SessionState::admin_down},
            {"minimum_ttl", session.config.bfd->minimum_ttl},
            {"id", machine.discriminator},
            {"remote_id", machine.remote_discriminator},
            {"status", bfd::to_string(machine.state)},
            {"local_diagnostic", bfd::to_string(machine.diagnostic)},
            {"diagnostic", bfd::to_string(remote_diagnostic)},
            {"since_ms", std::chrono::duration_cast<std::chrono::milliseconds>(since).count()},
            {"told_age_ms", nullptr},
            {"multiplier", settings.multiplier},
            {"receive_us", settings.required_rx_us},
            {"transmit_us", settings.desired_tx_us},
            {"echo_receive_us", 0},
            {"echo_transmit_us", 0},
            {"remote_multiplier", ss_bfd_remote_multiplier(&shared)},
            {"remote_receive_us", static_cast<std::uint32_t>(timers)},
            {"remote_transmit_us", timers >> 32},
            {"ups", machine.ups},
            {"downs", session.fsm.downs},
            {"notifications", 0},
            {"session", session.config.name},
            {"asked_by", of_client ? "client" : "configuration"},
            {"made_for_it", false},
            {"by_bfd", true},
            {"trouble", ""},
            {"packets_in", SS_READ(shared.rx.answered)},
            {"packets_out", SS_READ(shared.tx.sent)}};
}

}  // namespace sidestep
