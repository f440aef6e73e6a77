// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Looks after what we installed in the kernel: from what is wanted and what was seen to what is to be mended now. Pure;
// detector/app looks and acts.
//
// Others may take our things away again and again. A thing is mended at once, but when that was needed too often within
// a minute, each time waits twice as long as the one before: nobody is fought for ever, and the alarm stays until the
// thing has been left alone for a while.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/duration.hpp"
#include "detector/core/problems.hpp"

namespace sidestep {

/// One thing of ours, as it was seen.
struct Finding {
    std::string thing;  ///< "the program at tc ingress of to-B"
    std::string fault;  ///< empty: it is as wanted. "is gone", "another program runs before it"
    bool mendable = true;

    bool operator==(const Finding&) const = default;
};

/// Programs at one side of an interface, in the order in which packets meet them.
struct SeenPrograms {
    struct One {
        std::uint32_t id = 0;  ///< 0: not a BPF program
        std::string name;
    };
    std::vector<One> all;
};

/// Whether the program with the ID `ours` is there, and the first to see packets.
Finding find_program(std::string thing, const SeenPrograms& seen, std::uint32_t ours);

/// The clock over a while.
struct SeenClock {
    std::uint64_t ticks = 0;
    Nanoseconds elapsed{};
    Nanoseconds tick{};
};
enum class ClockPace { right, fast, slow };
/// A clock without its qdisc runs as fast as the processor. One with another qdisc may be slow; a busy machine delays
/// ticks, too, so only much too few of them count.
ClockPace pace_of(const SeenClock& seen);

class Upkeep {
  public:
    static constexpr Nanoseconds kWindow = std::chrono::seconds(60);
    static constexpr std::size_t kOften = 3;  ///< more within kWindow: somebody takes it away again and again
    static constexpr Nanoseconds kPause = std::chrono::seconds(1);  ///< between two attempts
    static constexpr Nanoseconds kLongestPause = std::chrono::seconds(60);
    static constexpr Nanoseconds kCalm = std::chrono::minutes(5);  ///< without a fault: the alarm ends

    /// The things that are to be mended now. Things that are no longer named are forgotten.
    std::vector<std::string> plan(const std::vector<Finding>& found, Nanoseconds now);
    /// What came of mending; nullopt: it is as wanted again.
    void note(const std::string& thing, const std::optional<std::string>& error);
    /// What there is to say of each thing with a fault, now or lately.
    [[nodiscard]] ProblemTexts problems() const;
    /// Whether the thing is taken away again and again.
    [[nodiscard]] bool alarmed(const std::string& thing) const;

  private:
    struct Care {
        std::string fault;                 ///< at present
        std::string last;                  ///< the last one that was mended
        std::string error;                 ///< of the last attempt
        std::deque<Nanoseconds> mended{};  ///< within kWindow
        Nanoseconds touched{};             ///< the last attempt
        Nanoseconds next{};                ///< no attempt before
        Nanoseconds pause = kPause;
        bool alarm = false;
    };
    static bool attempt(Care& care, Nanoseconds now);
    static bool is_over(const Care& care, Nanoseconds now);

    std::map<std::string, Care> cares_;
};

}  // namespace sidestep
