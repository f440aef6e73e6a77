// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Turns arcs into adjacencies, repairs into candidates, and function numbers into SIDs.
#include "detector/feed/computed_policies.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "bpf/abi/sidestep.h"
#include "detector/feed/link_names.hpp"
#include "routing/core/csid.hpp"
#include "routing/core/sids.hpp"

namespace sidestep {
namespace {

using routing::ArcId;
using routing::Graph;
using routing::NodeId;

constexpr std::size_t kMaxPrimaries = 3;  // further equal-cost paths would leave no room for repairs

class Converter {
  public:
    Converter(const Graph& graph, NodeId plr, const Config& config)
        : graph_(graph),
          plr_(plr),
          config_(config),
          routing_(*config.routing),
          links_(match_links(graph, plr, config.adjacencies)) {
        for (const auto& policy : config.policies) taken_.insert(policy.prefixes.begin(), policy.prefixes.end());
    }

    PolicySet run(const routing::Policies& computed) {
        for (const auto& link : links_.unclaimed) {
            warn(
                "link {} of this node has no adjacency in the configuration whose neighbor is known by IPv6, by its "
                "`link` or else its name: nothing is sent over it",
                link);
        }
        for (const auto& policy : computed.policies) add_policy(policy);
        for (const auto& prefix : routing::prefixes_of(graph_.node(plr_))) leave_out(prefix);
        for (const auto& bypass : computed.bypasses) add_bypass(bypass);
        for (const auto& local : routing::local_sids(graph_, plr_)) add_sid(local);
        warn_of_sids();
        result_.warnings.insert(result_.warnings.end(), computed.warnings.begin(), computed.warnings.end());
        return std::move(result_);
    }

  private:
    void add_policy(const routing::Policy& policy) {
        PolicyConfig result;
        result.name = "to-" + graph_.node(policy.destination).name;
        result.candidates = candidates_of(policy, result.name);
        for (const auto& prefix : policy.prefixes) {
            if (result.candidates.empty()) {
                leave_out(prefix);
            } else if (prefix.address.is_v4() && encap() == Encap::h_insert) {
                warn("{}: {} is IPv4, which h.insert cannot carry: left out", result.name, prefix.to_string());
                leave_out(prefix);
            } else if (taken_.insert(prefix).second) {
                result.prefixes.push_back(prefix);
            }
        }
        if (!result.prefixes.empty()) result_.policies.push_back(std::move(result));
    }

    void leave_out(const Prefix& prefix) {
        if (taken_.insert(prefix).second) result_.unprotected.push_back(prefix);
    }

    /// A micro-loop avoidance list comes first, then primaries, then repairs. None at all if no primary path has an
    /// adjacency: without one there is no session whose failure would be seen.
    std::vector<CandidateConfig> candidates_of(const routing::Policy& policy, const std::string& name) {
        std::vector<CandidateConfig> result;
        std::size_t primaries = 0;
        std::size_t dropped = 0;
        for (const auto& candidate : policy.candidates) {
            auto list = list_of(candidate, encap());
            if (!list) continue;
            const bool primary = !candidate.against && candidate.sids.empty();
            if ((primary && primaries == kMaxPrimaries) || result.size() == SS_MAX_CANDIDATES) {
                ++dropped;
                continue;
            }
            if (primary) ++primaries;
            result.push_back({.preference = CandidateConfig{}.preference, .lists = {std::move(*list)}});
        }
        if (primaries == 0) return {};
        if (dropped > 0) warn("{}: {} of its paths are left out; a policy holds {}", name, dropped, result.size());
        return result;
    }

    void add_bypass(const routing::Bypass& bypass) {
        const auto around = links_.adjacency.find(bypass.around);
        if (around == links_.adjacency.end()) return;
        const auto of_file = std::ranges::find(config_.adjacencies, around->second, &AdjacencyConfig::name);
        if (of_file != config_.adjacencies.end() && !of_file->bypass.empty()) return;
        // A bypass is a tunnel whose last SID decapsulates, so H.Insert cannot serve.
        auto list = list_of(bypass.candidate, encap() == Encap::h_insert ? Encap::h_encaps : encap());
        if (!list) return;
        result_.bypasses[around->second].push_back(
            {.preference = CandidateConfig{}.preference, .lists = {std::move(*list)}});
    }

    /// nullopt if the path leaves by a link without adjacency.
    [[nodiscard]] std::optional<SegmentListConfig> list_of(const routing::Candidate& candidate, Encap how) const {
        const auto adjacency = links_.adjacency.find(candidate.out);
        if (adjacency == links_.adjacency.end()) return std::nullopt;
        SegmentListConfig list;
        list.adjacency = adjacency->second;
        list.encap = candidate.sids.empty() ? Encap::plain : how;
        list.segments = candidate.sids;
        return list;
    }

    /// Other nodes compute repairs with these SIDs, whether this node has them or not.
    void warn_of_sids() {
        if (result_.sids.empty()) return;
        if (config_.device.empty() && routing_.install_sids) {
            warn(
                "the SIDs of this node are not in the kernel, so repairs over it fail: add a `device`, or set "
                "`install-sids: false` if somebody else installs them");
        }
        if (config_.domain.empty()) {
            warn(
                "nobody may send to the decapsulating SID of this node, so repairs that end here fail: set "
                "`sr-domain` to the prefix of the nodes' source addresses");
        }
    }

    /// The ingress program decapsulates; it also checks the SR domain (docs/repair.md).
    void add_sid(const routing::LocalSid& local) {
        SidConfig sid;
        sid.sid = {.address = local.sid, .length = 128};
        sid.install = routing_.install_sids;
        switch (local.behavior) {
            case routing::Behavior::end:
                sid.behavior = SidBehavior::end;
                break;
            case routing::Behavior::decap:
                sid.behavior = SidBehavior::end_dt46;
                sid.install = false;
                break;
            case routing::Behavior::end_x: {
                const auto adjacency = links_.adjacency.find(local.arc.value());
                if (adjacency == links_.adjacency.end()) return;
                sid.behavior = SidBehavior::end_x;
                sid.adjacency = adjacency->second;
                compressed(sid, routing::kCsidBits + routing::kFunctionBits);
                break;
            }
            case routing::Behavior::end_next_csid:
                if (!routing_.next_csid) return;
                sid.behavior = SidBehavior::end;
                compressed(sid, routing::kCsidBits);
                break;
        }
        const auto same = [&](const SidConfig& other) { return other.sid.address == sid.sid.address; };
        if (std::ranges::none_of(config_.sids, same)) result_.sids.push_back(std::move(sid));
    }

    /// RFC 9800, 4.1: the argument follows block, node and function. Locators of another format are unchanged, and
    /// routing does not compress them.
    void compressed(SidConfig& sid, std::uint8_t function_bits) const {
        constexpr auto kLocator = routing::kCsidBlockBits + routing::kCsidBits;
        if (!routing_.next_csid || graph_.node(plr_).locator->length != kLocator) return;
        sid.next_csid = true;
        sid.block_bits = routing::kCsidBlockBits;
        sid.function_bits = function_bits;
        sid.sid.length = static_cast<std::uint8_t>(routing::kCsidBlockBits + function_bits);
    }

    [[nodiscard]] Encap encap() const { return routing_.encap == Encap::plain ? Encap::h_encaps : routing_.encap; }

    template <typename... Args>
    void warn(fmt::format_string<Args...> format, Args&&... args) {
        result_.warnings.push_back(fmt::format(format, std::forward<Args>(args)...));
    }

    const Graph& graph_;
    NodeId plr_;
    const Config& config_;
    const RoutingConfig& routing_;
    LinkNames links_;
    std::set<Prefix> taken_;  ///< prefixes that have a policy already
    PolicySet result_;
};

}  // namespace

routing::Protect protection_of(const RoutingConfig& config) {
    if (config.protect == "link") return routing::Protect::link;
    return config.protect == "srlg" ? routing::Protect::srlg : routing::Protect::node;
}

routing::SidOptions sid_options_of(const RoutingConfig& config) {
    return {.push = config.encap == Encap::h_insert ? routing::Push::insert : routing::Push::encaps,
            .max_depth = std::min<std::size_t>(config.max_segments, SS_MAX_SEGMENTS),
            .next_csid = config.next_csid};
}

routing::LocatorPlan locator_plan_of(const Config& config) {
    routing::LocatorPlan plan{.block = Prefix::covering(config.source, routing::kCsidBlockBits)};
    for (const auto& prefix : config.domain) {
        if (prefix.length <= plan.length && prefix.contains(config.source)) plan.block = prefix;
    }
    return plan;
}

PolicySet to_policy_set(const Graph& graph, NodeId plr, const routing::Policies& computed, const Config& config) {
    return Converter(graph, plr, config).run(computed);
}

PolicySet compute_set(const Graph& graph, NodeId plr, const Config& config) {
    const auto computed =
        routing::compute_policies(graph, plr, protection_of(*config.routing), sid_options_of(*config.routing));
    return to_policy_set(graph, plr, computed, config);
}

}  // namespace sidestep
