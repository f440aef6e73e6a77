// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// "1 policy", "2 policies".
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sidestep {

/// A number with its noun; without a plural, that is `one` with an s.
inline std::string counted(std::size_t number, std::string_view one, std::string_view many = {}) {
    auto text = std::to_string(number) + ' ';
    if (number == 1) return text.append(one);
    return many.empty() ? text.append(one) + 's' : text.append(many);
}

}  // namespace sidestep
