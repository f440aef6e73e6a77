// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Builds a topology in network namespaces: one per node, with veth pairs, addresses, SIDs and static routes. The demo,
// the benchmarks and the tests use it. A lab disappears with its owner, even if the owner is killed.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/error.hpp"
#include "routing/io/topology_file.hpp"
#include "topo/cut.hpp"
#include "topo/netns.hpp"
#include "topo/ping.hpp"
#include "topo/plan.hpp"
#include "topo/process.hpp"
#include "topo/reaper.hpp"
#include "topo/traffic.hpp"

namespace sidestep::topo {

/// Looking up a node or link that the topology does not have throws std::out_of_range: a mistake in the caller.
class Lab {
  public:
    /// Needs root. The host's own namespace is not touched; the nodes' are named ss<pid>-<counter>-<node>.
    static Result<Lab> build(routing::Topology topology);
    static Result<Lab> build_file(const std::string& topology_path);

    /// For configurations, logs and sockets; deleted with the lab. Short: the path of a Unix socket has at most 107
    /// characters.
    [[nodiscard]] const std::string& directory() const { return directory_; }
    [[nodiscard]] const routing::Graph& graph() const { return topology_.graph; }
    [[nodiscard]] routing::NodeId id_of(const std::string& node) const;
    [[nodiscard]] const NetNs& netns(const std::string& node) const { return namespaces_[id_of(node)]; }
    [[nodiscard]] const NodePlan& node(const std::string& node) const { return plan_.nodes[id_of(node)]; }
    /// This node's end of a link, and the other one.
    [[nodiscard]] const InterfacePlan& interface(const std::string& node, const std::string& link) const;
    [[nodiscard]] const InterfacePlan& peer(const std::string& node, const std::string& link) const;
    /// The address that the node sends from and receives at.
    [[nodiscard]] Address address(const std::string& node) const { return this->node(node).address; }
    /// The same for IPv4: the first address of the node's first IPv4 prefix.
    [[nodiscard]] Address address_v4(const std::string& node) const;
    /// A SID of the node by its plan: routing::kFunctionEnd, kFunctionDecap.
    [[nodiscard]] Address sid(const std::string& node, std::uint16_t function) const;
    /// The node's End.X SID of a link.
    [[nodiscard]] Address adjacency_sid(const std::string& node, const std::string& link) const;

    /// Runs code inside a node, see NetNs::run.
    template <typename Work>
    auto in(const std::string& node, Work work) const {
        return netns(node).run(std::move(work));
    }
    /// Starts a program inside a node; it is stopped with its Process, or with the lab's process.
    [[nodiscard]] Result<Process> spawn(const std::string& node, const std::vector<std::string>& argv,
                                        SpawnOptions options = {}) const;
    /// `ip <arguments>` inside a node, and its output.
    [[nodiscard]] Result<std::string> ip(const std::string& node, std::vector<std::string> arguments) const;
    [[nodiscard]] Result<EchoReply> ping(const std::string& from, const std::string& to) const;
    /// Waits until `from` gets an echo from `to`.
    [[nodiscard]] Result<EchoReply> wait_reachable(const std::string& from, const std::string& to,
                                                   std::chrono::milliseconds patience = std::chrono::seconds(5)) const;
    /// Makes this node's end of a link as fit for XDP as a NIC, or not. A veth device is a redirect target only while
    /// its other end polls, and its packets have no checksums unless the other end computes them. At first it is not
    /// fit.
    [[nodiscard]] Result<void> take_frames(const std::string& node, const std::string& link, bool takes = true) const;
    /// A silent cut of a link, not yet in effect. The lab must outlive it.
    [[nodiscard]] Result<Cut> install_cut(const std::string& link) const;
    /// Numbered packets between two nodes; the addresses in `spec` are filled in where they are unspecified.
    [[nodiscard]] Result<Traffic> start_traffic(const std::string& from, const std::string& to,
                                                TrafficSpec spec = {}) const;

  private:
    Lab(routing::Topology topology, Plan plan, std::string directory, std::shared_ptr<const Reaper> reaper)
        : topology_(std::move(topology)),
          plan_(std::move(plan)),
          directory_(std::move(directory)),
          reaper_(std::move(reaper)) {}

    [[nodiscard]] std::pair<routing::LinkId, std::size_t> end_of(const std::string& node,
                                                                 const std::string& link) const;
    Result<void> create(const std::vector<std::string>& names);

    routing::Topology topology_;
    Plan plan_;
    std::string directory_;
    std::shared_ptr<const Reaper> reaper_;  ///< shared with the lab's programs
    std::vector<NetNs> namespaces_;         ///< by routing::NodeId, anycast nodes last and absent
};

}  // namespace sidestep::topo
