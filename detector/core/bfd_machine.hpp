// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What this node says in a BFD session (RFC 5880, 6.8): its state, why it went down, its timers and their changes. Pure.
//
// The kernel sends what is decided here, follows the neighbor's timers, and ends a session by itself (bpf/lib/bfd.h). So
// nothing here is urgent, and all of it is decided by level: advance() may be called at any time, with whatever the kernel
// has heard by then. A packet is acted on once.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "common/address.hpp"

namespace sidestep::bfd {

/// RFC 5880, 4.1.
enum class BfdState : std::uint8_t { admin_down, down, init, up };
enum class Diagnostic : std::uint8_t {
    none,
    detection_time_expired,
    echo_failed,
    neighbor_signaled,
    forwarding_reset,
    path_down,
    concatenated_path_down,
    admin_down,
    reverse_concatenated_path_down,
};

/// "up", "down", "init"; "shutdown" for administratively down, as FRR prints it.
std::string_view to_string(BfdState state);
/// The text that FRR prints.
std::string_view to_string(Diagnostic diagnostic);

/// While a session is not up, its packets are at least this far apart (6.8.3).
inline constexpr std::uint32_t kSlowUs = 1'000'000;

/// What the configuration asks for.
struct Timers {
    std::uint32_t desired_tx_us = kSlowUs;
    std::uint32_t required_rx_us = kSlowUs;
    std::uint8_t multiplier = 3;
    bool passive = false;         ///< it waits until the neighbor has spoken (6.1)
    std::uint32_t reflector = 0;  ///< S-BFD: the other end is this discriminator's reflector (RFC 7880); 0: it is BFD

    bool operator==(const Timers&) const = default;
};

/// What the neighbor said, as the kernel has it.
struct Heard {
    BfdState state = BfdState::down;
    std::uint32_t discriminator = 0;
    std::uint64_t packets = 0;  ///< in all
    std::uint64_t finals = 0;   ///< those of them with F
    bool lately = false;        ///< the last one came within the detection time
};

/// A session between two looks.
struct Machine {
    BfdState state = BfdState::down;
    Diagnostic diagnostic = Diagnostic::none;
    std::uint32_t discriminator = 0;
    std::uint32_t remote_discriminator = 0;
    std::uint32_t ups = 0;     ///< how often it came up
    std::uint64_t acted = 0;   ///< the packets up to here have had their effect
    bool polling = false;      ///< new timers wait for the neighbor's F (6.5)
    std::uint64_t finals = 0;  ///< when the poll began
    std::uint32_t tx_us = 0;   ///< as said to the neighbor...
    std::uint32_t rx_us = 0;
    std::uint32_t tx_now_us = 0;  ///< ... and as in force
    std::uint32_t rx_now_us = 0;

    bool operator==(const Machine&) const = default;
};

struct Situation {
    Timers timers;
    bool admin_down = false;            ///< the operator says so
    std::optional<Diagnostic> ended{};  ///< the kernel has ended the session that was up
    Heard heard{};
};

/// Moves on to the present situation. Returns true if something changed that the kernel must know.
bool advance(Machine& machine, const Situation& situation);

/// The address of this node to speak from: of the peer's kind, link-local or not, and closest to it.
std::optional<Address> local_address(const Address& peer, const std::vector<Address>& own);

}  // namespace sidestep::bfd
