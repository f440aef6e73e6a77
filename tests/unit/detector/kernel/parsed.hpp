// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Addresses and prefixes in tests, from text that is known to be right.
#pragma once

#include "common/address.hpp"

namespace sidestep {

inline Prefix prefix(const char* text) {
    return *Prefix::parse(text);
}

inline Address address(const char* text) {
    return *Address::parse(text);
}

}  // namespace sidestep
