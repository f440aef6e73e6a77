// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Configuration and routing, added up; then clients.
#include "detector/core/desired.hpp"

#include <algorithm>
#include <utility>

#include "detector/core/verification.hpp"

namespace sidestep {
namespace {

constexpr const char* kComputedMark = " computed";

class Sum {
  public:
    explicit Sum(const Config& config) : config_(config) {
        result_.node = {.source = config.source, .source_v4 = config.source_v4, .domain = config.domain};
        result_.clock = config.clock;
        result_.device = config.device;
        result_.xdp_on_virtual = config.xdp_on_virtual;
        result_.egress = config.egress;
        result_.ipsec = config.ipsec;
        result_.netfilter = config.netfilter;
        result_.sessions = sessions_of(config);
        result_.protecting = protecting_sessions(config);
        result_.sids = config.sids;
        result_.routing = config.routing;
        result_.hooks = config.hooks;
        result_.bfd = config.bfd;
        result_.stamp = config.stamp;
        result_.sbfd = config.sbfd;
        for (const auto& adjacency : config.adjacencies) {
            known_.insert(adjacency.name);
            if (adjacency.mode == Mode::observe) observed_.insert(adjacency.name);
            result_.adjacencies.push_back({.name = adjacency.name,
                                           .interface = adjacency.interface,
                                           .neighbor = adjacency.neighbor,
                                           .gateways = adjacency.gateways,
                                           .link = adjacency.link});
        }
        for (const auto& policy : config.policies) policies_.push_back({.config = policy, .bypass_of = {}});
    }

    Desired run(const PolicySet& computed) {
        if (!computed.policies.empty() || !computed.unprotected.empty()) note_taken();
        for (const auto& policy : computed.policies) add_computed(policy);
        for (const auto& prefix : computed.unprotected) {
            if (!taken_.contains(prefix)) unprotected_.insert(prefix);
        }
        for (const auto& adjacency : config_.adjacencies) add_bypass(adjacency, computed);
        for (const auto& sid : computed.sids) add_sid(sid);
        if (!observed_.empty()) std::ranges::for_each(policies_, [this](auto& policy) { heed_mode(policy); });
        for (auto& session : verify_backups(policies_, config_, result_.sessions))
            result_.sessions.push_back(std::move(session));
        result_.policies = std::move(policies_);
        result_.unprotected = std::move(unprotected_);
        add_entrances();
        return std::move(result_);
    }

  private:
    void note_taken() {
        for (const auto& policy : config_.policies) taken_.insert(policy.prefixes.begin(), policy.prefixes.end());
    }

    void add_computed(PolicyConfig policy) {
        std::erase_if(policy.prefixes, [this](const Prefix& prefix) { return taken_.contains(prefix); });
        keep_usable(policy.candidates);
        if (policy.prefixes.empty()) return;
        if (policy.candidates.empty()) {
            unprotected_.insert(policy.prefixes.begin(), policy.prefixes.end());
            return;
        }
        policies_.push_back({.config = std::move(policy), .bypass_of = {}, .computed = true});
    }

    void add_bypass(const AdjacencyConfig& adjacency, const PolicySet& computed) {
        auto candidates = adjacency.bypass;
        const auto found = computed.bypasses.find(adjacency.name);
        const bool of_routing = candidates.empty() && found != computed.bypasses.end();
        if (of_routing) {
            candidates = found->second;
            keep_usable(candidates);
        }
        if (candidates.empty()) return;
        PolicyConfig config;
        config.name = bypass_name(adjacency.name);
        config.candidates = std::move(candidates);
        policies_.push_back({.config = std::move(config), .bypass_of = adjacency.name, .computed = of_routing});
        if (config_.egress) result_.exits.insert(adjacency.interface);
    }

    void add_sid(const SidConfig& sid) {
        if (!sid.adjacency.empty() && !known_.contains(sid.adjacency)) return;
        const auto same = [&](const SidConfig& other) { return other.sid.address == sid.sid.address; };
        if (std::ranges::none_of(result_.sids, same)) result_.sids.push_back(sid);
    }

    /// A policy is only observed if the way that its packets would leave is: its first candidate, or the adjacency that it
    /// bypasses. Then no route of ours leads them anywhere, either.
    void heed_mode(DesiredPolicy& policy) const {
        const auto& candidates = policy.config.candidates;
        const auto leaves_observed = [this](const SegmentListConfig& list) {
            return observed_.contains(list.adjacency);
        };
        policy.observed = policy.bypass_of.empty()
                              ? !candidates.empty() && std::ranges::any_of(candidates.front().lists, leaves_observed)
                              : observed_.contains(policy.bypass_of);
        if (policy.observed) policy.config.steering = Steering::transit;
    }

    void add_entrances() {
        for (const auto& name : config_.ingress) result_.entrances.emplace(name, false);
        for (const auto& session : result_.sessions) {
            if (!session.verifies) result_.entrances.emplace(session.returns_on, false);
        }
        for (const auto& name : config_.xdp) result_.entrances[name] = true;
    }

    /// Removes lists that leave by an adjacency that is gone, and candidates without lists.
    void keep_usable(std::vector<CandidateConfig>& candidates) const {
        for (auto& candidate : candidates) {
            std::erase_if(candidate.lists,
                          [this](const SegmentListConfig& list) { return !known_.contains(list.adjacency); });
        }
        std::erase_if(candidates, [](const CandidateConfig& candidate) { return candidate.lists.empty(); });
    }

    const Config& config_;
    std::set<std::string> known_;     ///< adjacencies
    std::set<std::string> observed_;  ///< those with `mode: observe`
    std::set<Prefix> taken_;          ///< prefixes of the file's policies
    std::vector<DesiredPolicy> policies_;
    std::set<Prefix> unprotected_;
    Desired result_;
};

}  // namespace

Desired desired_of(const Config& config, const PolicySet& computed) {
    return Sum(config).run(computed);
}

Desired with_clients(Desired base, const std::vector<SessionConfig>& clients) {
    for (const auto& client : clients) {
        auto& session = base.sessions.emplace_back(client);
        if (!session.passive_source) session.source = base.node.source;
        base.entrances.emplace(session.returns_on, false);
    }
    return base;
}

bool yields_to_routes(const DesiredPolicy& policy) {
    const auto& [name, prefixes, candidates, steering, metric, flow, over_routes] = policy.config;
    return policy.bypass_of.empty() && !over_routes && !candidates.empty() &&
           std::ranges::any_of(candidates.front().lists, [](const auto& list) { return list.encap == Encap::plain; });
}

bool is_hitless(const Desired& wanted) {
    return std::ranges::any_of(*wanted.policies, [](const auto& policy) { return policy.config.flow != 0; });
}

bool needs_tc(const Desired& wanted) {
    return std::ranges::any_of(*wanted.policies,
                               [](const auto& policy) { return policy.config.flow != 0 || policy.observed; });
}

std::string key_of(const DesiredPolicy& policy) {
    return policy.config.name + (policy.computed && policy.bypass_of.empty() ? kComputedMark : "");
}

void keep_adjacency_sids(PolicySet& computed, const PolicySet& before) {
    for (const auto& old : before.sids) {
        if (old.behavior != SidBehavior::end_x) continue;
        const auto same = [&](const SidConfig& sid) { return sid.sid == old.sid; };
        if (std::ranges::none_of(computed.sids, same)) computed.sids.push_back(old);
    }
}

}  // namespace sidestep
