// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The lab of the tests of computed policies: sidestepd knows only its neighbors and where the graph is. The lab itself
// installs no SIDs on the routers; sidestepd installs those that it needs.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/net/repair_lab.hpp"

namespace sidestep::topo {

class ComputedLab : public RepairLab {
  protected:
    void SetUp() override;
    [[nodiscard]] std::string topology() const override { return SIDESTEP_NET_TESTS "/routing/diamond.yaml"; }
    /// The file that sidestepd reads: a copy that tests may change.
    [[nodiscard]] std::string graph_file() const { return lab().directory() + "/graph.yaml"; }
    /// Replaces that file in one step, as an editor would.
    void write_graph(const std::string& text) const;
    [[nodiscard]] std::string read_graph() const;

    /// Links of a router to other routers.
    [[nodiscard]] std::vector<std::string> core_links(const std::string& node) const;
    /// The sections `node:` to `adjacencies:`, with one adjacency for each core link, and ingress for the other
    /// interfaces.
    [[nodiscard]] std::string neighbors_config(const std::string& node) const;
    /// The same with `device: sr0`, `sr-domain` and `routing:`; `extra` begins with ", ".
    [[nodiscard]] std::string computed_config(const std::string& node, const std::string& extra = "") const;
    /// Starts sidestepd on a router, without the lab's SIDs, and waits for sessions and policies.
    testing::AssertionResult start_computed(const std::string& node, const std::string& extra = "") {
        return start_routed(node, computed_config(node, extra));
    }
    testing::AssertionResult start_routed(const std::string& node, const std::string& config);
    /// Waits until the feed has delivered this often and reports no problem.
    testing::AssertionResult delivered(const std::string& node, std::uint64_t deliveries = 1);
    /// Waits until the answer to `command` contains this at a JSON pointer.
    testing::AssertionResult has(const std::string& node, const std::string& command, const std::string& pointer,
                                 const json& value);

    /// The cut of any link; that of "A-B" is cut().
    Cut& cut_of(const std::string& link);
    /// Names of the policies of a node, without its bypasses.
    std::vector<std::string> policy_names(const std::string& node);
    /// Routes of SIDs that sidestepd has installed.
    std::string installed_sids(const std::string& node) {
        return shell(node, "ip -6 route show | grep seg6local | sort");
    }
    /// Packets whose hop limit ran out, on all routers: those that looped.
    std::uint64_t expired();

  private:
    std::map<std::string, Cut> cuts_;
};

}  // namespace sidestep::topo
