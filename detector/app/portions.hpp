// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Writes lists of thousands of things as JSON text, a portion at a time: as many as fit into a fraction of a millisecond.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "detector/app/api.hpp"

namespace sidestep {

/// What the loop is kept from other work by one portion. One thing more may be begun when it is over.
inline constexpr std::chrono::microseconds kPortion{200};

inline void append_json(std::string& text, const nlohmann::json& value) {
    text += value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// A string with its quotes. Names are plain, so that most need no look for what JSON cannot have as it is.
inline void append_text(std::string& text, std::string_view value) {
    const auto plain = [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; };
    for (const char c : value) {
        if (!plain(c)) return append_json(text, nlohmann::json(value));
    }
    text += '"';
    text += value;
    text += '"';
}

/// `head`, the things separated by commas, and `tail`. `write` appends one of them; false: it is gone meanwhile.
template <typename Thing, typename Write>
ApiPortions list_in_portions(std::string head, std::vector<Thing> things, Write write, std::string tail) {
    struct Progress {
        std::string head;
        std::vector<Thing> things;
        Write write;
        std::string tail;
        std::size_t next = 0;
        bool any = false;
    };
    auto progress = std::make_shared<Progress>(std::move(head), std::move(things), std::move(write), std::move(tail));
    return [progress = std::move(progress)](std::string& text) {
        auto& [begin, all, append, end, next, any] = *progress;
        const auto until = std::chrono::steady_clock::now() + kPortion;
        if (next == 0) text += begin;
        while (next < all.size()) {
            const auto before = text.size();
            if (any) text += ',';
            if (append(text, all[next++])) {
                any = true;
            } else {
                text.resize(before);
            }
            if (std::chrono::steady_clock::now() >= until && next < all.size()) return true;
        }
        text += end;
        return false;
    };
}

/// All of `first`, then all of `second`.
inline ApiPortions one_after_the_other(ApiPortions first, ApiPortions second) {
    return [first = std::move(first), second = std::move(second), begun = false](std::string& text) mutable {
        if (begun) return second(text);
        begun = !first(text);
        return true;
    };
}

}  // namespace sidestep
