// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/core/ipsec_plan.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sidestep {
namespace {

constexpr std::size_t kNamed = 4;

std::set<Prefix> everything() {
    return {*Prefix::parse("::/0"), *Prefix::parse("0.0.0.0/0")};
}

bool concerns(const IpsecPolicy& policy) {
    return policy.interface == 0 && (policy.blocks || policy.transforms);
}

std::string selector_text(const IpsecPolicy& policy) {
    return fmt::format("{} {} -> {}", policy.forwarded ? "fwd" : "out", policy.source.to_string(),
                       policy.destination.to_string());
}

/// Without those inside others. In order, the shorter prefix is first; the families do not cover each other.
std::set<Prefix> outermost(const std::set<Prefix>& destinations) {
    std::set<Prefix> kept;
    std::array<const Prefix*, 2> last{};
    for (const auto& destination : destinations) {
        auto*& cover = last.at(destination.address.is_v4() ? 1 : 0);
        if (cover == nullptr || !cover->contains(destination)) cover = &*kept.insert(destination).first;
    }
    return kept;
}

std::string named(const std::set<std::string>& selectors) {
    std::vector<std::string> some;
    for (const auto& selector : selectors) {
        if (some.size() < kNamed) some.push_back(selector);
    }
    auto text = fmt::format("{}", fmt::join(some, ", "));
    if (selectors.size() > kNamed) text += fmt::format(", and {} more", selectors.size() - kNamed);
    return text;
}

}  // namespace

IpsecPlan plan_ipsec(const IpsecPolicies& policies) {
    std::set<Prefix> destinations;
    std::set<std::string> selectors;
    for (const auto& policy : policies.all) {
        if (!concerns(policy)) continue;
        destinations.insert(policy.destination);
        selectors.insert(selector_text(policy));
    }
    if (policies.blocks_sent) selectors.insert("out: all else is blocked");
    if (policies.blocks_forwarded) selectors.insert("fwd: all else is blocked");
    if (policies.blocks_sent || policies.blocks_forwarded) destinations = everything();
    destinations = outermost(destinations);
    if (destinations.size() > kMostIpsecDestinations) destinations = everything();
    return {.destinations = std::move(destinations), .selectors = named(selectors)};
}

std::string ipsec_problem(const IpsecPlan& plan, std::size_t unguarded) {
    if (plan.selectors.empty()) return {};
    if (unguarded != 0)
        return fmt::format(
            "{} of {} destinations of IPsec policies do not fit into the prefix table: packets to them may be "
            "repaired in the clear; remove some prefixes ({})",
            unguarded, plan.destinations.size(), plan.selectors);
    return fmt::format(
        "packets to their destinations are repaired only where the kernel has applied them, at egress or by "
        "the policy device, and else not at all ({}); `ipsec: ignore` repairs them in the clear",
        plan.selectors);
}

}  // namespace sidestep
