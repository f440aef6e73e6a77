// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/core/stamp.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "bpf/abi/sidestep.h"

namespace sidestep::stamp {
namespace {

constexpr std::uint64_t kNtpEpoch = 2'208'988'800;  // of 1970 (RFC 5905, 6)
constexpr std::uint64_t kPerSecond = 1'000'000'000;
constexpr unsigned kMostScale = 63;
constexpr unsigned kMostMultiplier = 255;

void put(std::vector<std::uint8_t>& bytes, std::size_t at, std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) bytes.at(at + i) = static_cast<std::uint8_t>(value >> (8 * (size - 1 - i)));
}

std::uint64_t get(std::span<const std::uint8_t> bytes, std::size_t at, std::size_t size) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value = value << 8 | bytes[at + i];
    return value;
}

}  // namespace

std::uint16_t encode(const ErrorEstimate& estimate) {
    auto multiplier = std::ceil(static_cast<double>(std::max<std::int64_t>(estimate.error.count(), 0)) * 1e-9 * 0x1p32);
    unsigned scale = 0;
    for (; multiplier > kMostMultiplier && scale < kMostScale; ++scale) multiplier = std::ceil(multiplier / 2);
    const auto low = static_cast<unsigned>(std::clamp(multiplier, 1.0, static_cast<double>(kMostMultiplier)));
    return static_cast<std::uint16_t>((estimate.synchronized ? SS_STAMP_SYNCHRONIZED : 0) |
                                      (estimate.ptp ? SS_STAMP_PTP : 0) | scale << 8 | low);
}

ErrorEstimate decode_error(std::uint16_t field) {
    const auto error = (field & 0xff) * std::exp2(static_cast<int>(field >> 8 & kMostScale) - 32) * 1e9;
    return {.synchronized = (field & SS_STAMP_SYNCHRONIZED) != 0,
            .ptp = (field & SS_STAMP_PTP) != 0,
            .error = Nanoseconds(static_cast<std::int64_t>(std::min(error, 9e18)))};
}

std::uint64_t encode_time(Nanoseconds utc, bool ptp, std::chrono::seconds tai_offset) {
    const auto time = static_cast<std::uint64_t>((ptp ? utc + tai_offset : utc).count());
    const auto seconds = time / kPerSecond;
    const auto rest = time % kPerSecond;
    if (ptp) return (seconds & UINT32_MAX) << 32 | rest;
    return (seconds + kNtpEpoch) << 32 | (rest << 32) / kPerSecond;
}

Nanoseconds decode_time(std::uint64_t field, bool ptp, std::chrono::seconds tai_offset) {
    const auto high = field >> 32;
    const auto low = field & UINT32_MAX;
    if (ptp) return Nanoseconds(static_cast<std::int64_t>(high * kPerSecond + low)) - tai_offset;
    // NTP's second era begins in 2036; a time before 1970 can only be one of it.
    const auto seconds = high >= kNtpEpoch ? high - kNtpEpoch : high + (1ULL << 32) - kNtpEpoch;
    return Nanoseconds(static_cast<std::int64_t>(seconds * kPerSecond + (low * kPerSecond >> 32)));
}

std::vector<std::uint8_t> write(const Request& request, std::size_t size) {
    std::vector<std::uint8_t> bytes(std::max(size, kBaseBytes));
    put(bytes, 0, request.sequence, 4);
    put(bytes, 4, request.time, 8);
    put(bytes, 12, request.error_estimate, 2);
    put(bytes, 14, request.ssid, 2);
    if (size < kBaseBytes + sizeof(ss_stamp_tlv)) return bytes;
    bytes.at(kBaseBytes) = SS_TLV_UNRECOGNIZED;  // as a sender sets it (RFC 8972, 4)
    bytes.at(kBaseBytes + 1) = SS_TLV_EXTRA_PADDING;
    put(bytes, kBaseBytes + 2, size - kBaseBytes - sizeof(ss_stamp_tlv), 2);
    return bytes;
}

std::optional<Answer> read_answer(std::span<const std::uint8_t> payload) {
    if (payload.size() < kBaseBytes) return std::nullopt;
    return Answer{.sequence = static_cast<std::uint32_t>(get(payload, 0, 4)),
                  .time = get(payload, 4, 8),
                  .error_estimate = static_cast<std::uint16_t>(get(payload, 12, 2)),
                  .ssid = static_cast<std::uint16_t>(get(payload, 14, 2)),
                  .received = get(payload, 16, 8),
                  .their_sequence = static_cast<std::uint32_t>(get(payload, 24, 4)),
                  .their_time = get(payload, 28, 8),
                  .their_error_estimate = static_cast<std::uint16_t>(get(payload, 36, 2)),
                  .their_hop_limit = static_cast<std::uint8_t>(get(payload, 40, 1))};
}

std::optional<Request> read_request(std::span<const std::uint8_t> payload) {
    if (payload.size() < kBaseBytes) return std::nullopt;
    return Request{.sequence = static_cast<std::uint32_t>(get(payload, 0, 4)),
                   .time = get(payload, 4, 8),
                   .error_estimate = static_cast<std::uint16_t>(get(payload, 12, 2)),
                   .ssid = static_cast<std::uint16_t>(get(payload, 14, 2))};
}

}  // namespace sidestep::stamp
