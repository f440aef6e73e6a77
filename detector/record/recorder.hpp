// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Writes what comes into the engine of a running detector to a file, a line of JSON each, and the events that come out
// (docs/decisions/0053-recordings.md). `sidestep replay` reads it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "common/error.hpp"
#include "common/fd.hpp"
#include "detector/core/saved_state.hpp"
#include "detector/engine/engine_input.hpp"
#include "detector/engine/event_log.hpp"
#include "detector/record/memory.hpp"

namespace sidestep::record {

class Recorder {
  public:
    /// Appends to `path`, which only its owner may read. A last line without an end is cut off.
    /// Fails if the file holds anything else than a recording.
    static Result<Recorder> open(const std::string& path, const Maps& maps);

    /// A detector starts with this configuration, and with what a predecessor left in memory and in its file of states.
    void start(const std::string& config, const SavedSessions& saved, Nanoseconds now);
    /// The engine is about to move to another configuration.
    void reconfigure(const std::string& config, Nanoseconds now);
    /// The engine is about to be told this.
    void note(const EngineInput& input, Nanoseconds now);
    /// An event came out.
    void note(const LoggedEvent& event);
    /// Why no more is written; empty: it is.
    [[nodiscard]] const std::string& trouble() const { return trouble_; }

  private:
    Recorder(std::string path, Fd file, std::size_t size, const Maps& maps)
        : path_(std::move(path)), file_(std::move(file)), size_(size), maps_(maps), memory_(maps) {}
    void write(const nlohmann::json& line);
    void write_idle();

    /// Comparisons that were made and not written yet: they found nothing new, as ten do every second.
    struct Idle {
        std::size_t count = 0;
        Nanoseconds first{};
        Nanoseconds before_last{};
        Nanoseconds last{};
    };

    std::string path_;
    std::string trouble_{};
    Fd file_;  ///< none: no more is written
    std::size_t size_;
    const Maps& maps_;
    MemoryWatch memory_;
    Idle idle_{};
};

}  // namespace sidestep::record
