// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Holds the frames of a slow link until each is due. Pure: time is a parameter, and what varies follows from a seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <vector>

#include "common/duration.hpp"

namespace sidestep::topo {

/// How one direction of a link delays frames.
struct DelaySpec {
    Nanoseconds delay{};
    Nanoseconds
        jitter{};  ///< each frame takes between delay - jitter (at least 0) and delay + jitter, all equally likely
    bool reorder = false;    ///< frames may overtake each other; else one waits for those before it
    std::uint64_t seed = 1;  ///< what the frames take follows from it
};

/// Times are nanoseconds of one clock, which the caller reads.
class DelayQueue {
  public:
    using Frame = std::vector<std::byte>;

    static constexpr std::size_t kMostFrames = 65'536;

    explicit DelayQueue(const DelaySpec& spec, std::size_t most = kMostFrames);

    /// Takes a frame that begins to cross the link now. A frame too many is dropped, and counted.
    void push(Frame frame, std::int64_t now_ns);
    /// When the next frame is due; nullopt if there is none.
    [[nodiscard]] std::optional<std::int64_t> next_due_ns() const;
    /// The next frame that is due; nullopt if none is. Frames that are due at the same time leave as they came.
    std::optional<Frame> pop(std::int64_t now_ns);
    /// From now on nothing waits: what is here is due, in the order in which it would have been, and so is what comes.
    void release() { released_ = true; }

    /// How long after it was due a frame was taken at most, but for those that were released.
    [[nodiscard]] Nanoseconds latest() const { return latest_; }
    [[nodiscard]] std::size_t size() const { return waiting_.size(); }
    [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

  private:
    struct Waiting {
        std::int64_t due_ns = 0;
        std::uint64_t number = 0;
        Frame frame;
    };
    static bool leaves_later(const Waiting& one, const Waiting& other);
    std::int64_t draw_ns();

    DelaySpec spec_;
    std::size_t most_;
    std::mt19937_64 random_;
    std::vector<Waiting> waiting_;  // a heap; the front leaves first
    std::int64_t last_due_ns_ = 0;
    std::uint64_t pushed_ = 0;
    std::uint64_t dropped_ = 0;
    Nanoseconds latest_{};
    bool released_ = false;
};

}  // namespace sidestep::topo
