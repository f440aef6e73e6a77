// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The lab of the tests of repairs: the one of protected_lab.hpp with IPv4 beside IPv6, where A and B decapsulate both
// families themselves (End.DT46), so that nothing in the lab's own tables does it.
#pragma once

#include <string>

#include "tests/net/protected_lab.hpp"

namespace sidestep::topo {

class RepairLab : public ProtectedLab {
  protected:
    [[nodiscard]] std::string topology() const override { return SIDESTEP_NET_TESTS "/dual_stack.yaml"; }

    /// The End.DT46 SID of A or B. The lab has no route for it there: without sidestepd it is unreachable.
    [[nodiscard]] Address decap(const std::string& node) const { return lab().sid(node, 0x0d46); }
    /// `node:` to `adjacencies:` of A or B: its link A-B and then its link to C. The texts to replace:
    /// "wait-to-restore: 100ms}" is once in each adjacency.
    [[nodiscard]] std::string base_config(const std::string& node) const;
    /// One more of `adjacencies:`, to follow that of base_config().
    [[nodiscard]] std::string adjacency_config(const std::string& node, const std::string& link) const;
    /// The candidate that avoids A-B: "{adjacency: A-C, segments: [...]}".
    [[nodiscard]] std::string detour(const std::string& node, const std::string& encap = "h.encaps") const;
    /// A policy for the prefixes behind the other one: plain, else the detour.
    [[nodiscard]] std::string policy_config(const std::string& node) const;
    /// No policy, but a bypass of A-B.
    [[nodiscard]] std::string bypass_config(const std::string& node) const;
    /// The policy of A with its packets steered so; no ingress program sees those of S then.
    [[nodiscard]] std::string steered_config(const std::string& steering) const;
    /// A configuration of A or B with its programs at XDP; from here on its links take frames of XDP.
    [[nodiscard]] std::string at_xdp(const std::string& node, const std::string& config) const;
    /// True if they are there on all its interfaces, and not at tc.
    [[nodiscard]] bool at_xdp_alone(const std::string& node);
    /// Prefixes of the far host and the far router of A or B, for YAML.
    [[nodiscard]] std::string far_prefixes(const std::string& node) const;

    /// Starts sidestepd on both with these texts of configurations.
    testing::AssertionResult start_with(const std::string& a, const std::string& b);

    /// Flows both ways in both families between S and D.
    Result<Flows> dual_flows(double rate = 1000) const;
    /// Cuts A-B until both have seen it and traffic passes again, and restores it; nothing else is lost.
    void survives_cut(Flows flows);

    /// One policy, or the bypass of an adjacency ("A-B bypass"), as `policies` describes it.
    json policy(const std::string& node, const std::string& name);
    /// Packets that a candidate of a policy has taken.
    std::uint64_t taken(const std::string& node, const std::string& name, std::size_t candidate);
    /// One of the counters of `status`.
    std::uint64_t counter(const std::string& node, const std::string& name);
    /// Waits until `condition` is true.
    template <typename Condition>
    bool eventually(Condition condition) {
        return wait_for(kPatience, std::move(condition));
    }
};

}  // namespace sidestep::topo
