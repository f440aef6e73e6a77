// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Keeps the kernel's routes after their interface was shut down. The kernel removes them with the interface, and then
// nothing else tells which adjacency those packets would have left by. Pure; time is a parameter.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "common/address.hpp"
#include "common/duration.hpp"
#include "detector/core/kernel_change.hpp"

namespace sidestep {

/// At most this many routes are kept. Each takes about a microsecond when its interface is shut down.
inline constexpr std::uint32_t kRoutesKept = 131072;

class StaleRoutes {
  public:
    /// Keeps at most `most` routes; forgotten() counts the others.
    explicit StaleRoutes(std::size_t most) : most_(most) {}

    void on_route(const RouteChange& change, Nanoseconds now);
    /// The interface was shut down (or deleted), or is up again.
    void on_interface(int ifindex, bool up, Nanoseconds now);
    /// IPv6 was switched off on it: its IPv6 routes are reported gone one by one, the others stay.
    void on_ip_off(int ifindex, Nanoseconds now);
    /// Drops stale routes that were kept long enough.
    void expire(Nanoseconds now);

    /// Prefixes that lost their last route to a shutdown, with the next hop that they had.
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
    [[nodiscard]] bool is_known_down(int ifindex, Nanoseconds now) const;
    void mark_lost_lately(int ifindex, Nanoseconds now);
    [[nodiscard]] bool has_route(const Prefix& prefix) const;
    void mark_stale(const Prefix& prefix, const RouteHop& hop);

    std::size_t most_;
    std::size_t forgotten_ = 0;
    std::map<Key, std::vector<RouteHop>> routes_;
    std::map<int, Nanoseconds> down_;  ///< interfaces that were shut down, and when
    std::vector<Lost> lately_;         ///< routes that just went; the report about their interface may follow
    std::map<Prefix, RouteHop> stale_;
};

}  // namespace sidestep
