// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The lab of the repair tests: that of protected_lab.hpp with IPv4 in addition to IPv6. A and B decapsulate both
// families themselves (End.DT46), and nothing in the lab's own tables does.
#pragma once

#include <string>

#include "tests/net/protected_lab.hpp"

namespace sidestep::topo {

class RepairLab : public ProtectedLab {
  protected:
    [[nodiscard]] std::string topology() const override { return SIDESTEP_NET_TESTS "/dual_stack.yaml"; }

    /// The End.DT46 SID of A or B. The lab has no route for it there: without sidestepd it is unreachable.
    [[nodiscard]] Address decap(const std::string& node) const { return lab().sid(node, 0x0d46); }
    /// The sections `node:` to `adjacencies:` of A or B: its link A-B, then its link to C. Tests replace texts in it:
    /// "wait-to-restore: 100ms}" occurs once in each adjacency.
    [[nodiscard]] std::string base_config(const std::string& node) const;
    /// Another item of `adjacencies:`, to follow those of base_config().
    [[nodiscard]] std::string adjacency_config(const std::string& node, const std::string& link) const;
    /// The candidate that avoids A-B: "{adjacency: A-C, segments: [...]}".
    [[nodiscard]] std::string detour(const std::string& node, const std::string& encap = "h.encaps") const;
    /// A policy for the prefixes behind the other router: plain, or else the detour.
    [[nodiscard]] std::string policy_config(const std::string& node) const;
    /// Without a policy, but with a bypass of A-B.
    [[nodiscard]] std::string bypass_config(const std::string& node) const;
    /// The policy of A with this steering; no ingress program sees the packets of S then.
    [[nodiscard]] std::string steered_config(const std::string& steering) const;
    /// A configuration of A or B with its programs at XDP; its links become XDP redirect targets.
    [[nodiscard]] std::string at_xdp(const std::string& node, const std::string& config) const;
    /// True if the programs are at XDP on all its interfaces, and not at tc.
    [[nodiscard]] bool at_xdp_alone(const std::string& node);
    /// Prefixes of the far host and the far router of A or B, for YAML.
    [[nodiscard]] std::string far_prefixes(const std::string& node) const;

    /// Starts sidestepd on both routers with these configurations.
    testing::AssertionResult start_with(const std::string& a, const std::string& b);

    /// Flows between S and D, in both directions and both families.
    Result<Flows> dual_flows(double rate = 1000) const;
    /// Flows from S to D in both families; packets of them have arrived.
    [[nodiscard]] Flows forward_flows() const;
    /// Cuts A-B until both routers have seen it and traffic passes again, then restores it. Nothing else is lost.
    void survives_cut(Flows flows);

    /// A policy, or the bypass of an adjacency ("A-B bypass"), as in the answer to `policies`.
    json policy(const std::string& node, const std::string& name);
    /// Packets that a candidate of a policy has taken.
    std::uint64_t taken(const std::string& node, const std::string& name, std::size_t candidate);
    /// A counter of `status`.
    std::uint64_t counter(const std::string& node, const std::string& name);
    /// Waits until `condition` is true.
    template <typename Condition>
    bool eventually(Condition condition) {
        return wait_for(kPatience, std::move(condition));
    }
};

}  // namespace sidestep::topo
