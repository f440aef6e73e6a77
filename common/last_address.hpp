// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The other end of a prefix, for those who look at what a table answers for all of it.
#pragma once

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

}  // namespace sidestep
