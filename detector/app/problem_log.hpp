// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Logs a problem that is met again and again once, until it changes or ends.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <spdlog/spdlog.h>

#include "common/error.hpp"

namespace sidestep {

class ProblemLog {
  public:
    explicit ProblemLog(spdlog::level::level_enum level = spdlog::level::warn) : level_(level) {}

    /// Logs the error of `result`, after `prefix`, unless it is the one of the last call.
    void note(const Result<void>& result, std::string_view prefix = "") {
        auto problem = result ? std::string() : result.error().message;
        const bool fresh = problem != std::exchange(problem_, problem);
        if (fresh && exists()) spdlog::log(level_, "{}{}", prefix, problem_);
    }
    /// True if the last call was about a problem.
    [[nodiscard]] bool exists() const { return !problem_.empty(); }
    /// The error of the last call; empty: there was none.
    [[nodiscard]] const std::string& text() const { return problem_; }

  private:
    spdlog::level::level_enum level_;
    std::string problem_;
};

}  // namespace sidestep
