// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The terminal as a screen of lines (ncurses); as it was before, once the object is gone.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

#include "cli/top_screen.hpp"
#include "common/error.hpp"

namespace sidestep {

enum class Key : int { up = 256, down, page_up, page_down, resized, enter, backspace, escape };

class Terminal {
  public:
    /// Takes the terminal over. Colors unless `NO_COLOR` is set, or the terminal has none.
    static Result<Terminal> open();
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;
    Terminal(Terminal&& other) noexcept : ours_(std::exchange(other.ours_, false)) {}
    Terminal& operator=(Terminal&&) = delete;
    ~Terminal();

    [[nodiscard]] std::size_t width() const;
    [[nodiscard]] std::size_t height() const;
    void show(const std::vector<TopLine>& lines);
    /// The next key, a character or one of Key; nullopt if none comes within the time.
    [[nodiscard]] std::optional<int> key(std::chrono::milliseconds patience);

  private:
    Terminal() = default;

    bool ours_ = true;
};

}  // namespace sidestep
