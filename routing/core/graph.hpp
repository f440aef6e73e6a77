// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The link-state graph that every algorithm here uses: dense integers inside, names and opaque link ids at the edge.
// A link is one object with two directions, its arcs 2*link and 2*link+1, so that parallel links stay apart and the
// two directions of a failed link are found without a search.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/address.hpp"

namespace sidestep::routing {

using NodeId = std::uint32_t;    ///< dense, from 0
using LinkId = std::uint32_t;    ///< dense, from 0; both directions together
using ArcId = std::uint32_t;     ///< one direction of a link: 2*link is ends[0] -> ends[1], 2*link+1 the reverse
using Metric = std::uint32_t;    ///< of one arc
using Distance = std::uint64_t;  ///< sum of metrics along a path
using Srlg = std::uint32_t;      ///< shared risk link group

/// A LAN is a shared risk group of the links between its routers: what fails there may be the LAN or a router's port to
/// it, and a repair over the same port would fail, too. Such groups have numbers from here on.
inline constexpr Srlg kFirstLan = 0xFFFF0000;

inline constexpr Distance kUnreachable = std::numeric_limits<Distance>::max();
inline constexpr Metric kMaxMetric = 0xfffffe;  ///< RFC 5305, 3: a wide metric of 2^24-1 is not used by SPF

constexpr LinkId link_of(ArcId arc) {
    return arc / 2;
}
constexpr ArcId reverse(ArcId arc) {
    return arc ^ 1U;
}

/// An anycast node stands for a prefix that several nodes own: every owner reaches it at its own metric.
enum class NodeKind { router, host, anycast };

struct Node {
    std::string name;
    NodeKind kind = NodeKind::router;
    bool overload = false;               ///< ISO 10589 overload bit: a destination, never transit
    std::optional<Prefix> locator = {};  ///< of this node's SIDs
    std::optional<Address> loopback = {};
    std::vector<Prefix> prefixes =
        {};  ///< attached besides locator and loopback; the prefix itself for an anycast node

    /// Whether paths may lead through this node; paths may always begin or end there.
    [[nodiscard]] bool transit() const { return kind == NodeKind::router && !overload; }
};

struct Link {
    std::string id;
    std::array<NodeId, 2> ends{};
    std::array<Metric, 2> metrics{};  ///< [0] from ends[0] to ends[1], [1] the reverse
    std::vector<Srlg> srlgs = {};
    std::optional<Prefix> subnet = {};                        ///< a /64 for addresses: ends[0] is ::1, ends[1] ::2
    std::array<std::optional<std::uint16_t>, 2> functions{};  ///< End.X function number of each arc (see sids.hpp)
    std::array<std::string, 2> interfaces{};                  ///< of each end, where known

    /// The address of `ends[end]` on this link, where the link has a subnet.
    [[nodiscard]] std::optional<Address> address(std::size_t end) const;
};

/// What SPF reads of an arc, seen from the node it leaves.
struct Hop {
    NodeId neighbor;
    ArcId arc;           ///< from this node to the neighbor
    Metric metric;       ///< of `arc`
    Metric back_metric;  ///< of reverse(arc)
};

/// What an owner adds to the distance of a prefix; 0 if it has no entry.
using PrefixMetrics = std::map<std::pair<Prefix, NodeId>, Metric>;

/// Filled by add_node, add_link and attach_anycast, then frozen. hops() needs a frozen graph.
class Graph {
  public:
    /// Names must be new; metrics must be positive. Readers check this and complain with the place.
    NodeId add_node(Node node);
    LinkId add_link(Link link);
    /// Makes one anycast node of every prefix that more than one node owns; those prefixes leave their owners.
    void attach_anycast(const PrefixMetrics& metrics = {});
    /// Sorts arcs by node. Nothing may be added afterwards.
    void freeze();

    [[nodiscard]] std::size_t node_count() const { return nodes_.size(); }
    [[nodiscard]] std::size_t link_count() const { return links_.size(); }
    [[nodiscard]] const Node& node(NodeId id) const { return nodes_[id]; }
    [[nodiscard]] const Link& link(LinkId id) const { return links_[id]; }
    [[nodiscard]] std::span<const Node> nodes() const { return nodes_; }
    [[nodiscard]] std::span<const Link> links() const { return links_; }
    [[nodiscard]] std::span<const Hop> hops(NodeId node) const {
        return {hops_.data() + first_hop_[node], hops_.data() + first_hop_[node + 1]};
    }
    [[nodiscard]] bool transit(NodeId node) const { return transit_[node]; }
    /// Whether paths to `destination` may lead through this other node: as transit, or to an anycast destination that it
    /// owns, where packets end.
    [[nodiscard]] bool passes(NodeId node, NodeId destination) const {
        return transit_[node] || owns(node, destination);
    }
    /// Whether packets to `destination` go no further than this node, whatever the metrics of its other owners are.
    [[nodiscard]] bool keeps(NodeId node, NodeId destination) const {
        return !transit_[node] && owns(node, destination);
    }
    /// Whether this is an anycast destination of the node's own.
    [[nodiscard]] bool owns(NodeId node, NodeId destination) const;

    [[nodiscard]] NodeId from(ArcId arc) const { return links_[link_of(arc)].ends[arc & 1U]; }
    [[nodiscard]] NodeId to(ArcId arc) const { return links_[link_of(arc)].ends[(arc & 1U) ^ 1U]; }
    [[nodiscard]] Metric metric(ArcId arc) const { return links_[link_of(arc)].metrics[arc & 1U]; }

    [[nodiscard]] std::optional<NodeId> find_node(const std::string& name) const;
    [[nodiscard]] std::optional<LinkId> find_link(const std::string& id) const;
    /// The node a destination belongs to: by name, else by longest match over loopbacks, locators and prefixes.
    [[nodiscard]] std::optional<NodeId> find_destination(const std::string& text) const;

  private:
    std::vector<Node> nodes_;
    std::vector<Link> links_;
    std::vector<Hop> hops_;
    std::vector<std::uint32_t> first_hop_;
    std::vector<bool> transit_;
    std::unordered_map<std::string, NodeId> node_names_;
    std::unordered_map<std::string, LinkId> link_ids_;
};

}  // namespace sidestep::routing
