// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What is wrong at present, by what it concerns: `sidestep status` lists it. It is gathered again and again; a problem
// is news once, until it changes or ends.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "common/duration.hpp"

namespace sidestep {

/// Texts by what they concern. An empty text says that a problem has ended.
using ProblemTexts = std::map<std::string, std::string>;

struct Problem {
    std::string text;
    Nanoseconds since{};  ///< CLOCK_MONOTONIC
};

class Problems {
  public:
    /// All that is wrong now. Returns what is news.
    ProblemTexts update(const ProblemTexts& present, Nanoseconds now) {
        ProblemTexts news;
        std::erase_if(all_, [&](const auto& one) {
            const bool ended = !present.contains(one.first);
            if (ended) news.emplace(one.first, "");
            return ended;
        });
        for (const auto& [about, text] : present) {
            auto& known = all_[about];
            if (known.text == text) continue;
            known = {.text = text, .since = now};
            news.emplace(about, text);
        }
        return news;
    }
    [[nodiscard]] const std::map<std::string, Problem>& all() const { return all_; }

  private:
    std::map<std::string, Problem> all_;
};

}  // namespace sidestep
