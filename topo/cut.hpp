// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Cuts a link silently, in one or both directions, by one store: packets vanish, carrier and neighbor entries stay.
// Install it before other tc programs, so that it runs first.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "common/error.hpp"
#include "topo/netns.hpp"

namespace sidestep::topo {

/// Directions of a link as bits; forward is ends[0] -> ends[1].
enum class Direction : std::uint32_t { forward = 1, backward = 2, both = 3 };

class Cut {
  public:
    /// The effect of a cut so far in one direction; times are CLOCK_MONOTONIC in nanoseconds.
    struct Seen {
        std::uint64_t dropped = 0;
        std::optional<std::int64_t> first_drop_ns;
    };

    /// Attaches to both ends; the link works as before. Both namespaces must outlive the cut.
    static Result<Cut> install(const LinkEnd& first, const LinkEnd& second);

    Cut(Cut&&) noexcept;
    Cut& operator=(Cut&&) noexcept;
    Cut(const Cut&) = delete;
    Cut& operator=(const Cut&) = delete;
    ~Cut();

    /// Starts a new cut: counters of uncut directions begin at zero. Returns the time of the store, CLOCK_MONOTONIC in
    /// nanoseconds.
    std::int64_t cut(Direction direction = Direction::both);
    /// Loses one packet in this many in both directions, from now on; 0: none.
    void thin(std::uint32_t every);
    /// Loses this share of the packets of a direction, 0 to 1, from now on; the seed decides which ones.
    void lose(double share, Direction direction, std::uint32_t seed);
    /// Loses the packets of a direction with more bytes than this, Ethernet header included, from now on; 0: none.
    void lose_above(std::uint32_t bytes, Direction direction);
    /// Ends every cut; the counters stay readable. Returns the time of the store.
    std::int64_t restore();
    [[nodiscard]] bool is_cut() const;
    /// What is not lost of one direction goes to this interface of the sender's namespace instead; 0: over the link. An
    /// interface that does not exist any more is none.
    void divert(Direction direction, int ifindex);
    /// Whose packets have this direction.
    [[nodiscard]] const LinkEnd& sender(Direction direction) const;
    [[nodiscard]] Seen seen(Direction direction) const;

  private:
    struct State;
    explicit Cut(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace sidestep::topo
