// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// RFC 5880, 6.8.3 (timers), 6.8.6 (reception), 6.8.16 (administrative control).
#include "detector/core/bfd_machine.hpp"

#include <algorithm>
#include <array>

namespace sidestep::bfd {
namespace {

void go_to(Machine& machine, BfdState state, Diagnostic diagnostic, const Heard& heard) {
    machine.state = state;
    machine.diagnostic = diagnostic;
    machine.acted = heard.packets;
    if (state == BfdState::up) ++machine.ups;
}

/// A reflector is up or it is not; nothing is agreed upon with it (RFC 7880, 7.3.1).
void hear_reflector(Machine& machine, const Heard& heard) {
    const bool theirs_up = heard.state == BfdState::up;
    if (machine.state == BfdState::down && theirs_up) go_to(machine, BfdState::up, Diagnostic::none, heard);
    if (machine.state == BfdState::up && !theirs_up)
        go_to(machine, BfdState::down, Diagnostic::neighbor_signaled, heard);
}

/// The state changes of 6.8.6.
void hear(Machine& machine, const Heard& heard, bool reflector) {
    machine.remote_discriminator = heard.discriminator;
    if (heard.packets == machine.acted) return;
    if (reflector) return hear_reflector(machine, heard);
    const bool theirs_down = heard.state == BfdState::down || heard.state == BfdState::admin_down;
    switch (machine.state) {
        case BfdState::admin_down:
            return;
        case BfdState::down:
            if (heard.state == BfdState::down) go_to(machine, BfdState::init, machine.diagnostic, heard);
            if (heard.state == BfdState::init) go_to(machine, BfdState::up, Diagnostic::none, heard);
            return;
        case BfdState::init:
            if (heard.state == BfdState::init || heard.state == BfdState::up)
                go_to(machine, BfdState::up, Diagnostic::none, heard);
            if (heard.state == BfdState::admin_down)
                go_to(machine, BfdState::down, Diagnostic::neighbor_signaled, heard);
            return;
        case BfdState::up:
            if (theirs_down) go_to(machine, BfdState::down, Diagnostic::neighbor_signaled, heard);
            return;
    }
}

/// A neighbor that was silent for the detection time is forgotten (6.8.1), and a session that was coming up fails (6.8.4).
/// One that is up is the kernel's to end.
void miss(Machine& machine, const Heard& heard) {
    if (machine.state == BfdState::up) return;
    machine.remote_discriminator = 0;
    if (machine.state == BfdState::init) go_to(machine, BfdState::down, Diagnostic::detection_time_expired, heard);
}

/// What slows us down, or asks more of the neighbor, waits for the end of a poll while the session is up (6.8.3).
void set_timers(Machine& machine, const Situation& situation) {
    const auto& timers = situation.timers;
    const bool up = machine.state == BfdState::up;
    const auto tx = up ? timers.desired_tx_us : std::max(timers.desired_tx_us, kSlowUs);
    const bool changed = tx != machine.tx_us || timers.required_rx_us != machine.rx_us;
    machine.tx_us = tx;
    machine.rx_us = timers.required_rx_us;
    if (up && changed) {
        machine.polling = true;
        machine.finals = situation.heard.finals;
    } else if (!up || situation.heard.finals != machine.finals) {
        machine.polling = false;
    }
    if (!machine.polling || machine.tx_us < machine.tx_now_us) machine.tx_now_us = machine.tx_us;
    if (!machine.polling || machine.rx_us > machine.rx_now_us) machine.rx_now_us = machine.rx_us;
}

std::size_t common_bits(const Address& a, const Address& b) {
    std::size_t bits = 0;
    while (bits < 128 && ((a.bytes[bits / 8] ^ b.bytes[bits / 8]) & (0x80U >> (bits % 8))) == 0) ++bits;
    return bits;
}

}  // namespace

std::string_view to_string(BfdState state) {
    constexpr std::array<std::string_view, 4> kNames{"shutdown", "down", "init", "up"};
    return kNames.at(static_cast<std::size_t>(state));
}

std::string_view to_string(Diagnostic diagnostic) {
    constexpr std::array<std::string_view, 9> kTexts{"ok",
                                                     "control detection time expired",
                                                     "echo function failed",
                                                     "neighbor signaled session down",
                                                     "forwarding plane reset",
                                                     "path down",
                                                     "concatenated path down",
                                                     "administratively down",
                                                     "reverse concatenated path down"};
    const auto index = static_cast<std::size_t>(diagnostic);
    return index < kTexts.size() ? kTexts.at(index) : "unknown";
}

bool advance(Machine& machine, const Situation& situation) {
    const auto before = machine;
    const auto& heard = situation.heard;
    const bool is_admin = machine.state == BfdState::admin_down;
    if (situation.admin_down && !is_admin) {
        go_to(machine, BfdState::admin_down, Diagnostic::admin_down, heard);
    } else if (!situation.admin_down && is_admin) {
        go_to(machine, BfdState::down, Diagnostic::none, heard);
    } else if (situation.ended && machine.state == BfdState::up) {
        go_to(machine, BfdState::down, *situation.ended, heard);
    }
    if (heard.lately) {
        hear(machine, heard, situation.timers.reflector != 0);
    } else {
        miss(machine, heard);
    }
    set_timers(machine, situation);
    return machine != before;
}

std::optional<Address> local_address(const Address& peer, const std::vector<Address>& own) {
    const Address* best = nullptr;
    for (const auto& address : own) {
        const bool fits = address.is_v4() == peer.is_v4() && address.is_link_local() == peer.is_link_local();
        if (fits && (best == nullptr || common_bits(address, peer) > common_bits(*best, peer))) best = &address;
    }
    return best == nullptr ? std::nullopt : std::optional(*best);
}

}  // namespace sidestep::bfd
