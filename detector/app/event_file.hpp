// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Keeps the events, as text, for who asks and for the next process: JSON lines in RUN-DIR/NODE.events, the last few
// thousand of them. A line is written when its event happens, so that a crash loses none; what cannot be written is not
// waited for.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/fd.hpp"
#include "detector/app/problem_log.hpp"

namespace sidestep {

class EventFile {
  public:
    explicit EventFile(std::string path) : path_(std::move(path)) {}

    /// Reads what earlier processes left, at most kKept events; broken lines are left out.
    std::vector<nlohmann::json> load();
    void append(const nlohmann::json& event);
    /// The answer to `events` (docs/api.md): those of earlier processes, then our own in the order of their times.
    [[nodiscard]] std::string answer() const;

    /// Why the next process will not know the events of this one; empty: it will.
    [[nodiscard]] const std::string& trouble() const { return problem_.text(); }

    static constexpr std::size_t kKept = 4096;

  private:
    struct Line {
        std::int64_t time_ns;  ///< a verdict may be read after something else that happened later
        std::string text;
    };

    void keep(const nlohmann::json& event, std::string text);
    Result<void> write(const std::string& line);
    /// Begins a new file with the last kKept lines once this one has twice as many.
    Result<void> shorten();

    std::string path_;
    Fd file_;
    std::deque<Line> lines_;   ///< the last ones
    std::size_t earlier_ = 0;  ///< how many of them are of earlier processes
    std::size_t in_file_ = 0;
    ProblemLog problem_;
};

}  // namespace sidestep
