// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Frames as bfdd writes them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "common/address.hpp"

namespace sidestep::bfd {

using Bytes = std::vector<std::uint8_t>;

inline constexpr std::uint32_t kIpv6Flag = 16;

inline Bytes frame_of(std::uint8_t version, std::uint16_t type, std::uint16_t id, const Bytes& body) {
    const auto length = body.size() + 8;
    Bytes frame{version,
                0,
                static_cast<std::uint8_t>(type >> 8U),
                static_cast<std::uint8_t>(type),
                static_cast<std::uint8_t>(id >> 8U),
                static_cast<std::uint8_t>(id),
                static_cast<std::uint8_t>(length >> 8U),
                static_cast<std::uint8_t>(length)};
    frame.insert(frame.end(), body.begin(), body.end());
    return frame;
}

inline Bytes from_hex(const std::string& text) {
    Bytes bytes;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2)
        bytes.push_back(static_cast<std::uint8_t>(std::stoi(text.substr(i, 2), nullptr, 16)));
    return bytes;
}

/// Captured from FRR 8.4.4: peer fd00:9::2 local-address fd00:9::1 interface l1.
inline Bytes captured_ipv6_peer() {
    auto body = from_hex(
        "00000010fd000009000000000000000000000001fd000009000000000000000000000002478ef3a9000493e0000493e00000c3500000c3"
        "50"
        "00000000ff03000000001b596c31");
    body.resize(132);
    return frame_of(1, 2, 0, body);
}

/// Captured from FRR 8.4.4: peer 10.9.0.2 with intervals of 10 ms.
inline Bytes captured_ipv4_peer() {
    auto body = from_hex(
        "00000000000000000000000000000000000000000a0900020000000000000000000000001ef5c42f00002710000027100000c3500000c3"
        "50"
        "00000000ff03000000000000");
    body.resize(132);
    return frame_of(1, 2, 0, body);
}

struct FrameSpec {
    std::uint8_t version = 1;
    std::uint32_t flags = kIpv6Flag;
    std::uint32_t discriminator = 1;
};

inline Bytes add_frame(const FrameSpec& spec) {
    auto frame = captured_ipv6_peer();
    const auto put = [&frame](std::size_t at, std::uint32_t value) {
        for (std::size_t i = 0; i < 4; ++i) frame[at + i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
    };
    put(8, spec.flags);
    put(44, spec.discriminator);
    Bytes body(frame.begin() + 8, frame.end());
    body.resize(spec.version == 2 ? 348 : 132);
    return frame_of(spec.version, 2, 0, body);
}

}  // namespace sidestep::bfd
