// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The BFD packet that the kernel sends for a session (RFC 5880, 4.1), from the session's machine and back.
#include <arpa/inet.h>

#include "detector/core/headers.hpp"

namespace sidestep {
namespace {

constexpr unsigned kStateShift = 6;
constexpr unsigned kVersionShift = 5;

}  // namespace

ss_bfd_conf write_bfd(const bfd::Machine& machine, const bfd::Timers& timers) {
    const auto u8 = [](unsigned value) { return static_cast<std::uint8_t>(value); };
    const auto state = static_cast<unsigned>(machine.state);
    const auto diagnostic = static_cast<unsigned>(machine.diagnostic);
    const unsigned flags = SS_BFD_INDEPENDENT | (machine.polling ? SS_BFD_POLL : 0U);
    const bool waits = timers.passive && machine.remote_discriminator == 0;
    return {.packet = {.version_diagnostic = u8(SS_BFD_VERSION << kVersionShift | diagnostic),
                       .state_flags = u8(state << kStateShift | flags),
                       .multiplier = timers.multiplier,
                       .length = sizeof(ss_bfd_packet),
                       .my_discriminator = htonl(machine.discriminator),
                       .your_discriminator = htonl(machine.remote_discriminator),
                       .desired_tx_us = htonl(machine.tx_us),
                       .required_rx_us = htonl(machine.rx_us),
                       .required_echo_us = 0},
            .tx_us = waits ? 0 : machine.tx_now_us,
            .rx_us = machine.rx_now_us,
            .ups = machine.ups,
            .pad = 0};
}

bfd::Machine read_bfd(const ss_bfd_conf& conf) {
    constexpr unsigned kDiagnostic = 0x1f;
    const auto& packet = conf.packet;
    return {.state = static_cast<bfd::BfdState>(packet.state_flags >> kStateShift),
            .diagnostic = static_cast<bfd::Diagnostic>(packet.version_diagnostic & kDiagnostic),
            .discriminator = ntohl(packet.my_discriminator),
            .remote_discriminator = ntohl(packet.your_discriminator),
            .ups = conf.ups,
            .polling = (packet.state_flags & SS_BFD_POLL) != 0,
            .tx_us = ntohl(packet.desired_tx_us),
            .rx_us = ntohl(packet.required_rx_us),
            .tx_now_us = conf.tx_us,
            .rx_now_us = conf.rx_us};
}

}  // namespace sidestep
