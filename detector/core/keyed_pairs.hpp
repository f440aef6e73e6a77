// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Pairs the items of two lists by their keys, to compare the lists.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace sidestep {

/// The items by their keys. Of several items with the same key, the first counts.
template <typename Item, typename Key>
auto by_key(const std::vector<Item>& items, Key key) {
    std::map<std::string, const Item*> result;
    for (const auto& item : items) result.emplace(key(item), &item);
    return result;
}

/// Visits the keys of two maps in order, with the value that each map has; null if it has none.
template <typename Map, typename Visit>
void for_each_pair(const Map& before, const Map& after, Visit visit) {
    const decltype(&before.begin()->second) none = nullptr;
    auto left = before.begin();
    auto right = after.begin();
    while (left != before.end() || right != after.end()) {
        if (right == after.end() || (left != before.end() && left->first < right->first)) {
            visit(left->first, &left->second, none);
            ++left;
        } else if (left == before.end() || right->first < left->first) {
            visit(right->first, none, &right->second);
            ++right;
        } else {
            visit(left->first, &left->second, &right->second);
            ++left;
            ++right;
        }
    }
}

}  // namespace sidestep
