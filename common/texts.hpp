// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Turns addresses and prefixes into texts, for tables and JSON.
#pragma once

#include <string>
#include <vector>

namespace sidestep {

template <typename Items>
std::vector<std::string> texts(const Items& items) {
    std::vector<std::string> result;
    result.reserve(items.size());
    for (const auto& item : items) result.push_back(item.to_string());
    return result;
}

}  // namespace sidestep
