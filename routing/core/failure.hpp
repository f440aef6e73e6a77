// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A failure, and the one question that TI-LFA asks about it: would packets between two nodes meet it, if the routers do
// not know of it? docs/routing.md derives the answer.
#pragma once

#include <compare>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "routing/core/graph.hpp"
#include "routing/core/spf.hpp"

namespace sidestep::routing {

/// A link, a node, or all links of a shared risk group, next to the point of local repair or not.
struct Failure {
    enum class Kind { node, srlg, link };
    Kind kind = Kind::link;
    std::uint32_t id = 0;  ///< LinkId, NodeId or Srlg

    auto operator<=>(const Failure&) const = default;
};

/// "link A-B", "node B", "SRLG 7" or "LAN 1".
std::string describe(const Graph& graph, const Failure& failure);

/// The links and nodes that the failure removes.
Cut cut_of(const Graph& graph, const Failure& failure);

/// Shortest path trees of the whole graph, each computed when first asked for. Pointers stay valid.
class OldTrees {
  public:
    explicit OldTrees(const Graph& graph) : graph_(&graph) {}
    const Spf& from(NodeId root);
    const Spf& to(NodeId root);
    /// How many trees were computed.
    [[nodiscard]] std::size_t runs() const { return from_.size() + to_.size(); }

  private:
    const Graph* graph_;
    std::map<NodeId, Spf> from_;
    std::map<NodeId, Spf> to_;
};

/// Answers clean() for one failure in time proportional to the number of failed links.
class Exposure {
  public:
    Exposure(const Graph& graph, const Failure& failure, OldTrees& trees);
    /// The same for any links of `graph`. Nodes are asked for by other ids if `ids` translates: ids[v] is v in `graph`,
    /// and for a v that `graph` does not have, kNoNode, nothing is clean.
    Exposure(const Graph& graph, const std::vector<LinkId>& links, OldTrees& trees, std::vector<NodeId> ids = {});

    static constexpr NodeId kNoNode = std::numeric_limits<NodeId>::max();

    /// Whether all old shortest paths from v to w avoid the failure. `length` is the post-convergence distance from v
    /// to w, or the old one: both give the same answer.
    [[nodiscard]] bool clean(NodeId v, NodeId w, Distance length) const {
        if (!ids_.empty()) {
            v = ids_[v];
            w = ids_[w];
            if (v == kNoNode || w == kNoNode) return false;
        }
        for (const auto& part : parts_) {
            const auto before = part.to_tail->distance[v];
            const auto after = part.from_head->distance[w];
            if (before == kUnreachable || after == kUnreachable || before + part.metric + after > length) continue;
            // From an owner of w that is not transit, packets take its link to w and no other.
            if (graph_->keeps(v, w) && (part.tail != v || part.head != w)) continue;
            // Only paths from or to a node that is not transit contain it.
            const auto next = part.tail == part.head ? w : part.head;
            if ((v == part.tail || graph_->passes(part.tail, next)) &&
                (w == part.head || graph_->passes(part.head, w))) {
                return false;
            }
        }
        return true;
    }

  private:
    /// A direction of a failed link; or a failed node, as an arc of no length from itself to itself.
    struct Part {
        NodeId tail;
        NodeId head;
        Distance metric;
        const Spf* to_tail;
        const Spf* from_head;
    };

    void add(NodeId tail, NodeId head, Distance metric, OldTrees& trees);
    void add(const std::vector<LinkId>& links, OldTrees& trees);

    const Graph* graph_;
    std::vector<Part> parts_;
    std::vector<NodeId> ids_;  ///< empty: ids are those of *graph_
};

}  // namespace sidestep::routing
