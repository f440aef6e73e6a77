// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A lab whose routers run FRR's IS-IS instead of static routes, together with sidestepd. Tests are skipped if FRR is
// not installed.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/net/routing/computed_lab.hpp"

namespace sidestep::topo {

class FrrLab : public ComputedLab {
  protected:
    void SetUp() override;
    void TearDown() override;
    [[nodiscard]] std::string topology() const override { return SIDESTEP_NET_TESTS "/routing/ring.yaml"; }
    [[nodiscard]] std::string cut_link() const override { return "r1-r2"; }

    /// neighbors_config() with routing by IS-IS.
    [[nodiscard]] std::string isis_config(const std::string& node, const std::string& extra) const;
    /// Starts sidestepd with isis_config() and waits until its policies come from the whole network: the database of a
    /// router whose adjacencies are still coming up holds fewer routers.
    testing::AssertionResult start_isis(const std::string& node, const std::string& extra);
    /// The time that a router waits between a change and its new routes.
    testing::AssertionResult set_spf_delay(const std::string& node, std::chrono::milliseconds delay);
    /// Waits until the kernel of `node` sends packets for `to` to its neighbor `by`.
    testing::AssertionResult routes(const std::string& node, const std::string& to, const std::string& by);

  private:
    [[nodiscard]] std::vector<std::string> routers() const;
    [[nodiscard]] std::size_t links_of_routers() const;
    [[nodiscard]] std::string vty_directory(const std::string& node) const { return (directory_ / node).string(); }
    [[nodiscard]] std::string isis_text(const std::string& node) const;
    testing::AssertionResult start_frr(const std::string& node);
    void add_adjacency_sids(const std::string& node);
    void forget_static_routes(const std::string& node);

    std::filesystem::path directory_;  ///< FRR's user owns it
    std::vector<Process> daemons_;
};

}  // namespace sidestep::topo
