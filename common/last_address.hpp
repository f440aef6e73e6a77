// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The other end of a prefix, for those who look at what a table answers for all of it.
#pragma once

#include <optional>

#include "common/address.hpp"

namespace sidestep {

/// The address with all bits behind the prefix set.
inline Address last_address(const Prefix& prefix) {
    Address result = prefix.address;
    for (std::size_t bit = prefix.length; bit < 128; ++bit) {
        auto& byte = result.bytes.at(bit / 8);
        byte = static_cast<std::uint8_t>(byte | 0x80U >> bit % 8);
    }
    return result;
}

/// The last address of a prefix that is of one host: a default route ends in the broadcast, or in multicast groups, whose
/// routes are of another kind. None if the prefix has only such addresses.
inline std::optional<Address> last_host(const Prefix& prefix) {
    static const auto kLastV6 = *Address::parse("3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    static const auto kLastV4 = *Address::parse("223.255.255.255");
    const auto last = last_address(prefix);
    const bool v4 = last.is_v4();
    const bool host = v4 ? last.bytes[12] < 224 : last.bytes[0] != 0xff;
    if (host) return last;
    const auto& highest = v4 ? kLastV4 : kLastV6;
    return prefix.contains(highest) ? std::optional(highest) : std::nullopt;
}

}  // namespace sidestep
