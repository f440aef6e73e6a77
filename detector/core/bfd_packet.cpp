// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The BFD packet that the kernel sends for a session (RFC 5880, 4.1), from the session's machine and back.
#include <arpa/inet.h>

#include <algorithm>
#include <iterator>

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
    const bool asks = timers.reflector != 0;  // RFC 7880, 7.3.2: with D, and without a wish to be asked itself
    const unsigned flags = SS_BFD_INDEPENDENT | (machine.polling ? SS_BFD_POLL : 0U) | (asks ? SS_BFD_DEMAND : 0U);
    const bool waits = timers.passive && machine.remote_discriminator == 0;
    ss_bfd_conf conf{};
    conf.packet = {.version_diagnostic = u8(SS_BFD_VERSION << kVersionShift | diagnostic),
                   .state_flags = u8(state << kStateShift | flags),
                   .multiplier = timers.multiplier,
                   .length = sizeof(ss_bfd_packet),
                   .my_discriminator = htonl(machine.discriminator),
                   .your_discriminator = htonl(asks ? timers.reflector : machine.remote_discriminator),
                   .desired_tx_us = htonl(machine.tx_us),
                   .required_rx_us = asks ? 0 : htonl(machine.rx_us),
                   .required_echo_us = 0};
    conf.tx_us = waits ? 0 : machine.tx_now_us;
    conf.rx_us = machine.rx_now_us;
    conf.ups = machine.ups;
    return conf;
}

void write_keys(ss_bfd_conf& conf, const BfdAuth& auth) {
    conf.packet.state_flags |= SS_BFD_AUTHENTICATED;
    conf.packet.length = sizeof(ss_bfd_packet) + sizeof(ss_bfd_signature);
    conf.auth = auth.meticulous ? SS_BFD_AUTH_METICULOUS_SHA1 : SS_BFD_AUTH_SHA1;
    conf.keys = static_cast<std::uint8_t>(std::min<std::size_t>(auth.keys.size(), SS_BFD_KEYS));
    for (std::size_t i = 0; i < conf.keys; ++i) {
        conf.key[i].id = auth.keys[i].id;
        std::ranges::copy(auth.keys[i].secret, std::begin(conf.key[i].secret));
    }
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
            .rx_us = packet.required_rx_us != 0 ? ntohl(packet.required_rx_us) : conf.rx_us,  // not said to a reflector
            .tx_now_us = conf.tx_us,
            .rx_now_us = conf.rx_us};
}

}  // namespace sidestep
