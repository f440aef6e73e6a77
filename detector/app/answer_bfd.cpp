// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/app/answer_bfd.hpp"

#include "bpf/lib/bfd.h"

namespace sidestep {

nlohmann::json answer_bfd(const Session& session, const ss_session& shared) {
    if (!session.config.bfd) return nullptr;
    constexpr double kNanosecondsPerMicrosecond = 1e3;
    const auto microseconds = [](std::uint64_t ns) { return static_cast<double>(ns) / kNanosecondsPerMicrosecond; };
    const auto& machine = session.bfd;
    const auto said = SS_READ(shared.rx.bfd.said);
    const auto timers = SS_READ(shared.rx.bfd.timers);
    constexpr std::uint64_t kDiagnostic = 0x1f;
    return {{"peer", bfd_peer(session.config).to_string()},
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

}  // namespace sidestep
