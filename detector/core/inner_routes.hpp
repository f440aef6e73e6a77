// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Routes inside the prefix of a policy. A policy for ::/0 protects the default route; it must not take the packets of
// networks that this router reaches otherwise, however many of its paths are down. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "common/address.hpp"
#include "detector/core/kernel_change.hpp"
#include "detector/core/prefix_sources.hpp"

namespace sidestep {

class InnerRoutes {
  public:
    /// Keeps at most `most` routes; forgotten() counts the others.
    explicit InnerRoutes(std::size_t most) : most_(most) {}

    /// Returns true if that changes anything.
    bool on_route(const RouteChange& change);
    /// The kernel does not report the IPv4 routes that go with an interface.
    bool on_interface_down(int ifindex);
    /// All routes are told from here on, until sweep(), which erases those that were not, and returns true if there are any.
    void doubt() { ++round_; }
    bool sweep();

    /// Whether the policy in a slot leaves more specific routes alone.
    using Yields = std::function<bool(std::uint32_t slot)>;
    /// Whether a next hop is what the policy in a slot protects: a route that uses it stays under the policy.
    using IsUpstream = std::function<bool(std::uint32_t slot, const RouteHop& hop)>;
    /// The entries that the prefix table needs in addition to this set: SS_POLICY_NONE for a route that has its packets to
    /// itself, and the policy's slot for one of the policy's that lies in such a route.
    [[nodiscard]] std::map<Prefix, std::uint32_t> entries(const PrefixSet& set, const Yields& yields,
                                                          const IsUpstream& is_upstream) const;

    [[nodiscard]] std::size_t size() const { return routes_.size(); }
    [[nodiscard]] std::size_t forgotten() const { return forgotten_; }

  private:
    /// In the order in which the kernel prefers routes to one prefix.
    struct Key {
        Prefix prefix;
        RouteKind kind = RouteKind::forwards;
        unsigned metric = 0;
        auto operator<=>(const Key& other) const {
            if (const auto order = prefix <=> other.prefix; order != 0) return order;
            if (const auto order = metric <=> other.metric; order != 0) return order;
            return kind <=> other.kind;
        }
        bool operator==(const Key&) const = default;
    };

    struct Route {
        std::vector<RouteHop> hops;
        std::uint32_t round = 0;
    };

    std::size_t most_;
    std::size_t forgotten_ = 0;
    std::uint32_t round_ = 0;
    std::map<Key, Route> routes_;
};

}  // namespace sidestep
