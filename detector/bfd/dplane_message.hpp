// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The protocol between FRR's bfdd and its data plane: frames on a stream, in network byte order. bfdd speaks version 1 or
// 2, and ends a connection on which the other version comes; so each frame names the version that it is written for.
//
//     0        1        2                 4                 6                 8
//     version  zero     type              id (0: unasked)   length of all     body
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "common/address.hpp"
#include "common/error.hpp"
#include "detector/core/bfd_machine.hpp"

namespace sidestep::bfd {

inline constexpr std::size_t kFrameHeader = 8;      ///< bytes
inline constexpr std::size_t kLongestFrame = 4096;  ///< bytes; the longest of version 2 has 356

/// A session that bfdd asks for. Times are in microseconds, as in RFC 5880, except for the hold time.
struct AskedSession {
    bool multihop = false;
    bool demand = false;
    bool c_bit = false;
    bool echo = false;
    bool passive = false;
    bool shutdown = false;
    Address source{};       ///< unspecified: FRR leaves the choice to its data plane
    Address destination{};  ///< the peer
    std::uint32_t discriminator = 0;
    std::uint32_t min_tx_us = 0;
    std::uint32_t min_rx_us = 0;
    std::uint32_t min_echo_tx_us = 0;
    std::uint32_t min_echo_rx_us = 0;
    std::uint32_t hold_ms = 0;
    std::uint8_t ttl = 0;
    std::uint8_t multiplier = 0;
    std::uint32_t ifindex = 0;
    std::string interface {};  ///< empty: none given
    std::uint8_t mode = 0;     ///< of version 2: 0 BFD, 1 S-BFD echo, 2 S-BFD initiator

    bool operator==(const AskedSession&) const = default;
};

struct AddSession {
    AskedSession session;
};
struct DeleteSession {
    std::uint32_t discriminator = 0;
};
struct AskCounters {
    std::uint32_t discriminator = 0;
};
struct EchoRequest {
    std::uint64_t dplane_time = 0;
    std::uint64_t bfdd_time = 0;
};
/// Nothing that a data plane has to act on.
struct OtherMessage {
    std::uint16_t type = 0;
};

struct DplaneMessage {
    std::uint8_t version = 0;
    std::uint16_t id = 0;
    std::variant<AddSession, DeleteSession, AskCounters, EchoRequest, OtherMessage> body;
};

/// The length of the frame that `bytes` begins with; 0: too little of it is there to tell. An error if no frame begins here
/// that this data plane knows: what follows cannot be understood either.
Result<std::size_t> frame_length(std::span<const std::uint8_t> bytes);
/// Reads one whole frame. An error if its body is shorter than its type needs, or has texts without end.
Result<DplaneMessage> read_message(std::span<const std::uint8_t> frame);

/// What a data plane tells of a session. "Remote" is the neighbor's; intervals are in microseconds.
struct StateChange {
    std::uint32_t discriminator = 0;
    std::uint32_t remote_discriminator = 0;
    std::uint32_t remote_tx_us = 0;
    std::uint32_t remote_rx_us = 0;
    std::uint32_t remote_echo_rx_us = 0;  ///< 0: it takes no echo packets
    std::uint8_t remote_multiplier = 0;
    bool remote_c_bit = true;  ///< who turns probes around is the kernel, whatever becomes of routing daemons
    BfdState state = BfdState::down;
    Diagnostic diagnostic = Diagnostic::none;

    bool operator==(const StateChange&) const = default;
};

struct SessionCounters {
    std::uint64_t packets_in = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t packets_out = 0;
    std::uint64_t bytes_out = 0;

    bool operator==(const SessionCounters&) const = default;
};

std::vector<std::uint8_t> write_state_change(std::uint8_t version, const StateChange& change);
/// The answer to the request with this id.
std::vector<std::uint8_t> write_counters(std::uint8_t version, std::uint16_t id, std::uint32_t discriminator,
                                         const SessionCounters& counters);
std::vector<std::uint8_t> write_echo_reply(std::uint8_t version, std::uint16_t id, const EchoRequest& request);

}  // namespace sidestep::bfd
