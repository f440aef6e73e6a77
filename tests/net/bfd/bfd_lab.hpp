// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The lab of the other tests, with zebra and bfdd on A and sidestepd as bfdd's data plane:
//
//     S --- A ======= B --- D      B runs no BFD: its answers to probes are what bfdd is told
//            \       /
//             `- C -'
#pragma once

#include <memory>
#include <string>

#include "tests/net/bfd/frr_node.hpp"
#include "tests/net/protected_lab.hpp"

namespace sidestep::topo {

class BfdLab : public ProtectedLab {
  protected:
    void SetUp() override;
    void TearDown() override;

    [[nodiscard]] FrrNode& frr() { return *frr_; }
    /// Peers of bfdd: "peer ..." lines.
    testing::AssertionResult start_bfdd(const std::string& peers);
    /// The configuration of A, under FRR.
    [[nodiscard]] std::string bfd_config() const;
    /// "peer fe80::b interface to-B": the neighbor of the adjacency A-B.
    [[nodiscard]] std::string neighbor_peer() const;
    [[nodiscard]] std::string neighbor() const { return lab().peer("A", "A-B").link_local.to_string(); }
    /// Waits until bfdd has this state for a peer.
    testing::AssertionResult bfdd_says(const std::string& peer, const std::string& status);
    /// How often bfdd has seen a peer go from up to down.
    [[nodiscard]] std::size_t flaps() const;
    /// `sidestep ...` on A.
    std::string sidestep(const std::string& arguments);

  private:
    std::unique_ptr<FrrNode> frr_;
};

}  // namespace sidestep::topo
