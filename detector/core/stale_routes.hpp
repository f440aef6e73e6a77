// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The kernel's routes, remembered beyond an interface that was shut down: the kernel removes them along with it, and
// then nobody can say any more by which adjacency those packets would have left. Pure; time is a parameter.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "common/address.hpp"
#include "common/duration.hpp"
#include "detector/core/kernel_change.hpp"

namespace sidestep {

/// Routes that a node remembers at the most: about a microsecond each when their interface is shut down.
inline constexpr std::uint32_t kRoutesKept = 131072;

class StaleRoutes {
  public:
    /// `most`: routes that are saved_sessions; those beyond are counted in forgotten().
    explicit StaleRoutes(std::size_t most) : most_(most) {}

    void on_route(const RouteChange& change, Nanoseconds now);
    /// The interface was shut down (or deleted), or is up again.
    void on_interface(int ifindex, bool up, Nanoseconds now);
    /// Lets go of what was remembered long enough.
    void expire(Nanoseconds now);

    /// Prefixes that lost their last route by a shutdown, with the next hop they had.
    [[nodiscard]] const std::map<Prefix, RouteHop>& stale() const { return stale_; }
    [[nodiscard]] std::size_t size() const { return routes_.size(); }
    [[nodiscard]] std::size_t forgotten() const { return forgotten_; }

  private:
    struct Key {
        Prefix prefix;
        unsigned metric = 0;
        auto operator<=>(const Key&) const = default;  // NOLINT(modernize-use-nullptr)
    };
    struct Lost {
        Prefix prefix;
        RouteHop hop;
        Nanoseconds when{};
    };

    void set(const Key& key, const std::vector<RouteHop>& hops);
    void drop(const Key& key, const std::vector<RouteHop>& hops, Nanoseconds now);
    [[nodiscard]] bool has_route(const Prefix& prefix) const;
    void mark_stale(const Prefix& prefix, const RouteHop& hop);

    std::size_t most_;
    std::size_t forgotten_ = 0;
    std::map<Key, std::vector<RouteHop>> routes_;
    std::map<int, Nanoseconds> down_;  ///< interfaces that were shut down, and when
    std::vector<Lost> lately_;         ///< routes that just went; the word that their interface did may follow
    std::map<Prefix, RouteHop> stale_;
};

}  // namespace sidestep
