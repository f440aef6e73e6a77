// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Walks a packet through a network in which some links and nodes have failed and every router repairs by its own lists,
// as the data plane does (bpf/lib/steer.h, bpf/lib/transmit.h): each knows of the failures next to it, and of no others.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "routing/core/failure.hpp"
#include "routing/core/graph.hpp"
#include "routing/core/spf.hpp"
#include "routing/core/tilfa.hpp"

namespace sidestep::routing {

/// How a packet ended.
enum class End {
    delivered,
    unprotected,  ///< there is no candidate, or it is down
    u_turn,       ///< refused: a repair without segments, back to where the packet came from
    loop,         ///< refused: it carries as many repairs as it may, or one of this router's
    expired,      ///< by its hop limit
    lost,         ///< on a link that its router believed in
};

struct Walk {
    End end = End::expired;
    unsigned repairs = 0;
    unsigned most_visits = 0;  ///< of a link in one direction
};

class RepairWalk {
  public:
    RepairWalk(const Graph& graph, Protect protect);

    /// What has failed from here on; the routers next to it know.
    void fail(const std::vector<Failure>& failures);
    /// From here on the routers know what this says: the rank (ss_rank) of a link in one direction.
    void believe(std::function<std::uint32_t(ArcId)> rank) { believed_ = std::move(rank); }
    [[nodiscard]] bool is_dead(NodeId node) const { return dead_[node]; }

    /// A packet of a flow; flows differ in the choice among equal-cost paths.
    Walk walk(NodeId from, NodeId to, std::uint32_t flow);

  private:
    /// A way out of a router: an arc and segments; without any, to the neighbor as it is.
    struct Way {
        ArcId out = 0;
        std::vector<Segment> segments;
    };
    /// A header that a repair has put before the packet. The router where the last segment ends takes it away.
    struct Tunnel {
        NodeId source;
        unsigned repairs;  ///< that the packet carries with it
        std::vector<Segment> segments;
        std::size_t next = 0;
    };
    struct Packet {
        NodeId at;
        NodeId destination;
        std::uint32_t flow;
        std::optional<ArcId> came_by{};
        std::vector<Tunnel> tunnels{};
        unsigned brought = 0;  ///< repairs of the tunnel that has ended here
    };

    using WaysTo = std::map<NodeId, std::vector<Way>>;

    const WaysTo& policies_of(NodeId router);
    const std::optional<Way>& bypass_of(ArcId arc);
    [[nodiscard]] bool is_broken(ArcId arc) const;
    [[nodiscard]] std::uint32_t rank(ArcId arc) const;
    std::optional<NodeId> follow_segments(Packet& packet, std::optional<ArcId>& pinned) const;
    ArcId route(const Packet& packet, NodeId target);
    const Way* choose(const Packet& packet, NodeId target, std::optional<ArcId> pinned, std::uint32_t least);
    std::optional<End> repair(Packet& packet, const Way& way, Walk& walk) const;

    const Graph* graph_;
    Protect protect_;
    OldTrees trees_;
    std::map<NodeId, WaysTo> policies_;             ///< by router, then by destination; of those that had to repair
    std::map<ArcId, std::optional<Way>> bypasses_;  ///< by the arc around which they lead; of those that were asked for
    std::function<std::uint32_t(ArcId)> believed_{};  ///< empty: the truth
    std::vector<bool> dead_;
    std::vector<bool> cut_;
};

}  // namespace sidestep::routing
