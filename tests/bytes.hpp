// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Bytes as tests write them down: what goes over the wire is compared with hexadecimal digits, to be read next to the
// drawings of RFCs.
#pragma once

#include <cctype>
#include <charconv>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/address.hpp"

namespace sidestep {

using Bytes = std::vector<std::uint8_t>;

inline Address address(std::string_view text) {
    return *Address::parse(text);
}

inline void append(Bytes& bytes, std::span<const std::uint8_t> more) {
    bytes.insert(bytes.end(), more.begin(), more.end());
}

inline Bytes operator+(Bytes bytes, const Bytes& more) {
    append(bytes, more);
    return bytes;
}

/// Bytes from hexadecimal digits; white space is free.
inline Bytes hex(std::string_view text) {
    std::string digits;
    for (const char c : text) {
        if (!std::isspace(static_cast<unsigned char>(c))) digits += c;
    }
    Bytes bytes;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
        std::from_chars(digits.data() + i, digits.data() + i + 2, bytes.emplace_back(), 16);
    }
    return bytes;
}

}  // namespace sidestep
