// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// IP addresses and prefixes in the form of the maps: 16 bytes, IPv4 as IPv4-mapped IPv6 (RFC 4291, 2.5.5.2).
#pragma once

#include <netinet/in.h>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sidestep {

/// An IPv6 address, or an IPv4 address in IPv4-mapped form; bytes in network order.
struct Address {
    std::array<std::uint8_t, 16> bytes{};

    /// Parses "2001:db8::1" or "192.0.2.1"; nullopt if it is neither.
    static std::optional<Address> parse(std::string_view text);
    static Address from(const in6_addr& address);

    [[nodiscard]] bool is_v4() const;
    [[nodiscard]] bool is_link_local() const;
    [[nodiscard]] bool is_multicast() const;
    [[nodiscard]] bool is_unspecified() const;
    [[nodiscard]] in6_addr to_in6() const;
    /// RFC 5952 text; dotted quad for IPv4.
    [[nodiscard]] std::string to_string() const;

    auto operator<=>(const Address&) const = default;  // NOLINT(modernize-use-nullptr): what it expands to
};

/// A prefix whose host bits are zero. `length` counts in the 128-bit form: 10.0.0.0/8 has length 104.
struct Prefix {
    Address address;
    std::uint8_t length = 0;

    /// Parses "2001:db8::/48", "10.0.0.0/8" or a bare address (a host prefix); nullopt if it is neither
    /// or has host bits set.
    static std::optional<Prefix> parse(std::string_view text);
    /// The prefix of `length` bits (128-bit form) that covers `address`.
    static Prefix covering(const Address& address, std::uint8_t length);

    [[nodiscard]] bool contains(const Address& other) const;
    [[nodiscard]] bool contains(const Prefix& other) const;
    /// "2001:db8::/48"; IPv4 with its own length: "10.0.0.0/8".
    [[nodiscard]] std::string to_string() const;

    auto operator<=>(const Prefix&) const = default;  // NOLINT(modernize-use-nullptr)
};

}  // namespace sidestep
