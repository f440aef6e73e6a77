// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Parses and prints addresses and prefixes.
#include "common/address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <span>

namespace sidestep {
namespace {

constexpr std::array<std::uint8_t, 12> kV4Mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr int kV4Offset = 96;

}  // namespace

std::optional<Address> Address::parse(std::string_view text) {
    std::array<char, INET6_ADDRSTRLEN> terminated{};
    if (text.size() >= terminated.size() || text.find('\0') != std::string_view::npos) return std::nullopt;
    std::ranges::copy(text, terminated.begin());
    Address result;
    if (inet_pton(AF_INET6, terminated.data(), result.bytes.data()) == 1) return result;
    std::copy(kV4Mapped.begin(), kV4Mapped.end(), result.bytes.begin());
    if (inet_pton(AF_INET, terminated.data(), result.bytes.data() + kV4Mapped.size()) == 1) return result;
    return std::nullopt;
}

Address Address::from(const in6_addr& address) {
    Address result;
    std::memcpy(result.bytes.data(), &address, sizeof address);
    return result;
}

bool Address::is_v4() const {
    return std::equal(kV4Mapped.begin(), kV4Mapped.end(), bytes.begin());
}
bool Address::is_link_local() const {
    return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
}
bool Address::is_multicast() const {
    return bytes[0] == 0xff;
}
bool Address::is_unspecified() const {
    return *this == Address{};
}

in6_addr Address::to_in6() const {
    in6_addr result{};
    std::memcpy(&result, bytes.data(), sizeof result);
    return result;
}

std::string Address::to_string() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (is_v4()) {
        inet_ntop(AF_INET, bytes.data() + kV4Mapped.size(), text.data(), text.size());
    } else {
        inet_ntop(AF_INET6, bytes.data(), text.data(), text.size());
    }
    return text.data();
}

std::optional<Prefix> Prefix::parse(std::string_view text) {
    const auto slash = text.find('/');
    const auto address = Address::parse(text.substr(0, slash));
    if (!address) return std::nullopt;
    const int offset = address->is_v4() && text.substr(0, slash).find(':') == std::string_view::npos ? kV4Offset : 0;
    int length = 128 - offset;
    if (slash != std::string_view::npos) {
        const auto digits = text.substr(slash + 1);
        const char* end = digits.data() + digits.size();
        const auto [parsed, error] = std::from_chars(digits.data(), end, length);
        if (error != std::errc{} || parsed != end || length < 0 || length > 128 - offset) return std::nullopt;
    }
    const auto result = covering(*address, static_cast<std::uint8_t>(length + offset));
    if (result.address != *address) return std::nullopt;
    return result;
}

Prefix Prefix::covering(const Address& address, std::uint8_t length) {
    Prefix result{.address = address, .length = length};
    if (length >= 128) return result;
    const auto bytes = std::span(result.address.bytes).subspan(length / 8U);
    bytes.front() = static_cast<std::uint8_t>(bytes.front() & ~(0xffU >> (length % 8U)));
    std::ranges::fill(bytes.subspan(1), std::uint8_t{0});
    return result;
}

bool Prefix::contains(const Address& other) const {
    return covering(other, length).address == address;
}

bool Prefix::contains(const Prefix& other) const {
    return other.length >= length && contains(other.address);
}

std::string Prefix::to_string() const {
    const int offset = address.is_v4() && length >= kV4Offset ? kV4Offset : 0;
    return address.to_string() + "/" + std::to_string(length - offset);
}

}  // namespace sidestep
