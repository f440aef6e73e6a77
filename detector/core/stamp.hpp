// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// STAMP as a session sender needs it (RFC 8762, RFC 8972): test packets as bytes, time stamps, error estimates. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "common/duration.hpp"

namespace sidestep::stamp {

/// Bytes of a base packet, in both directions (RFC 8762, 4.2.1 and 4.3.1).
inline constexpr std::size_t kBaseBytes = 44;

/// How far a clock may be wrong, and whether it follows an external source (RFC 4656, 4.1.2).
struct ErrorEstimate {
    bool synchronized = false;
    bool ptp = false;     ///< the time stamp beside it is PTPv2 truncated (RFC 8186), not NTP
    Nanoseconds error{};  ///< rounded up when it is written

    bool operator==(const ErrorEstimate&) const = default;
};

std::uint16_t encode(const ErrorEstimate& estimate);
ErrorEstimate decode_error(std::uint16_t field);

/// A time of UTC since 1970, as 64 bits of a packet. PTP's is TAI, which is ahead.
std::uint64_t encode_time(Nanoseconds utc, bool ptp, std::chrono::seconds tai_offset);
Nanoseconds decode_time(std::uint64_t field, bool ptp, std::chrono::seconds tai_offset);

/// A test packet of a session sender.
struct Request {
    std::uint32_t sequence = 0;
    std::uint64_t time = 0;  ///< as in the packet
    std::uint16_t error_estimate = 0;
    std::uint16_t ssid = 0;
};

/// The UDP payload, at least kBaseBytes long. What is longer is Extra Padding (RFC 8972, 4.1); one that has no room for its
/// header has zeros.
std::vector<std::uint8_t> write(const Request& request, std::size_t size = kBaseBytes);

/// What a session reflector answers.
struct Answer {
    std::uint32_t sequence = 0;  ///< of a stateful reflector, its own
    std::uint64_t time = 0;
    std::uint16_t error_estimate = 0;
    std::uint16_t ssid = 0;
    std::uint64_t received = 0;
    std::uint32_t their_sequence = 0;  ///< of the request, as the rest
    std::uint64_t their_time = 0;
    std::uint16_t their_error_estimate = 0;
    std::uint8_t their_hop_limit = 0;

    bool operator==(const Answer&) const = default;
};

/// nullopt: too short.
std::optional<Answer> read_answer(std::span<const std::uint8_t> payload);
/// A test packet that came back as it left; nullopt: too short.
std::optional<Request> read_request(std::span<const std::uint8_t> payload);

}  // namespace sidestep::stamp
