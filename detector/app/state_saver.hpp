// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Keeps the state file current (state_file.hpp). It saves the first changes at once and the rest later, because
// thousands of sessions may change together.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "detector/app/problem_log.hpp"
#include "detector/app/state_file.hpp"

namespace sidestep {

class StateSaver {
  public:
    /// `state` returns the sessions' present states.
    StateSaver(std::string path, std::function<SavedSessions()> state)
        : path_(std::move(path)), state_(std::move(state)) {}

    /// Tells that a session has changed.
    void note_change() {
        changed_ = true;
        if (left_ > 0) save();
    }
    /// Must be called about every 100 ms.
    void tick() {
        left_ = kSavesAtOnce;
        save();
    }
    /// Why the file stays as it was; empty: it is up to date.
    [[nodiscard]] const std::string& trouble() const { return problem_.text(); }

  private:
    static constexpr int kSavesAtOnce = 4;  // between two ticks

    void save() {
        if (!std::exchange(changed_, false)) return;
        --left_;
        const auto saved = save_state(path_, state_());
        if (!saved) {
            changed_ = true;  // the next tick tries again
            left_ = 0;
        }
        problem_.note(saved, "the state of the sessions cannot be saved, the file stays as it was: ");
    }

    std::string path_;
    ProblemLog problem_;
    std::function<SavedSessions()> state_;
    bool changed_ = false;
    int left_ = kSavesAtOnce;
};

}  // namespace sidestep
