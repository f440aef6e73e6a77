// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Compares two desired states part by part.
#include "detector/core/change_plan.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "common/counted.hpp"
#include "detector/core/field_changes.hpp"
#include "detector/core/keyed_pairs.hpp"
#include "detector/core/names.hpp"
#include "detector/core/session_changes.hpp"

namespace sidestep {
namespace {

/// All fields except prefixes, which are compared separately.
std::string protection_text(const PolicyConfig& policy) {
    return policy.flow == 0 ? std::string(protection_name(policy))
                            : fmt::format("{} (flow {})", protection_name(policy), policy.flow);
}

std::vector<std::string> fields_of(const DesiredPolicy& before, const DesiredPolicy& after) {
    // All there are, so that this does not compile if one is added and forgotten here. Prefixes are compared one by one.
    [[maybe_unused]] const auto& [name, prefixes, candidates, steering, metric, flow, over_routes] = before.config;
    std::vector<std::string> fields;
    if (before.config.steering != after.config.steering) {
        fields.push_back(
            fmt::format("steering: {} -> {}", to_string(before.config.steering), to_string(after.config.steering)));
    }
    if (before.config.metric != after.config.metric)
        fields.push_back(fmt::format("metric: {} -> {}", before.config.metric, after.config.metric));
    if (before.config.over_routes != after.config.over_routes)
        fields.push_back(fmt::format("over-routes: {} -> {}", before.config.over_routes, after.config.over_routes));
    if (before.config.flow != after.config.flow)
        fields.push_back(
            fmt::format("protection: {} -> {}", protection_text(before.config), protection_text(after.config)));
    if (before.config.candidates != after.config.candidates) fields.emplace_back("candidates");
    if (before.observed != after.observed) fields.emplace_back(after.observed ? "now only observed" : "now repaired");
    if (before.computed != after.computed) fields.emplace_back(after.computed ? "now computed" : "now from the file");
    return fields;
}

std::vector<ItemChange> policy_changes(const Desired& present, const Desired& wanted) {
    std::vector<ItemChange> changes;
    if (present.policies.shares(wanted.policies)) return changes;
    for_each_pair(
        by_key(*present.policies, key_of), by_key(*wanted.policies, key_of),
        [&](const std::string& name, const auto* before, const auto* after) {
            if (before == nullptr || after == nullptr) {
                changes.push_back(
                    {.kind = after != nullptr ? ChangeKind::added : ChangeKind::removed, .name = name, .fields = {}});
                return;
            }
            auto fields = fields_of(**before, **after);
            if (fields.empty()) return;
            changes.push_back({.kind = ChangeKind::changed, .name = name, .fields = std::move(fields)});
        });
    return changes;
}

using PrefixOwners = std::vector<std::pair<Prefix, const DesiredPolicy*>>;

/// The prefixes of `desired`, without policies that have the same prefixes in `other`. In a large set, those are most.
PrefixOwners owners_of(const Desired& desired, const Desired& other) {
    PrefixOwners result;
    const auto others = by_key(*other.policies, key_of);
    for (const auto& policy : desired.policies) {
        const auto twin = others.find(key_of(policy));
        if (twin != others.end() && twin->second->config.prefixes == policy.config.prefixes) continue;
        for (const auto& prefix : policy.config.prefixes) result.emplace_back(prefix, &policy);
    }
    std::ranges::sort(result, {}, &PrefixOwners::value_type::first);
    return result;
}

std::vector<ItemChange> prefix_changes(const Desired& present, const Desired& wanted) {
    std::vector<ItemChange> changes;
    if (present.policies.shares(wanted.policies)) return changes;
    for_each_pair(
        owners_of(present, wanted), owners_of(wanted, present),
        [&](const Prefix& prefix, const auto* before, const auto* after) {
            if (before == nullptr) {
                changes.push_back(
                    {.kind = ChangeKind::added, .name = prefix.to_string(), .fields = {"policy " + key_of(**after)}});
            } else if (after == nullptr) {
                changes.push_back({.kind = ChangeKind::removed,
                                   .name = prefix.to_string(),
                                   .fields = {"policy " + key_of(**before)}});
            } else if (auto fields = FieldChanges().compare("policy", key_of(**before), key_of(**after)).take();
                       !fields.empty()) {
                changes.push_back(
                    {.kind = ChangeKind::changed, .name = prefix.to_string(), .fields = std::move(fields)});
            }
        });
    return changes;
}

/// What of it packets notice.
std::vector<std::string> fields_of(const SidConfig& before, const SidConfig& after) {
    auto fields = FieldChanges()
                      .compare("flows", before.flows, after.flows)
                      .compare("window", before.window, after.window)
                      .compare("reset", before.reset, after.reset)
                      .take();
    const bool merges =
        std::ranges::any_of(before.flows, [&](unsigned flow) { return std::ranges::count(after.flows, flow) != 0; });
    if (merges && (before.window != after.window || before.reset != after.reset))
        fields.emplace_back("the window begins anew: copies of packets on the way may pass twice");
    return fields;
}

std::vector<ItemChange> sid_changes(const std::vector<SidConfig>& present, const std::vector<SidConfig>& wanted) {
    std::vector<ItemChange> changes;
    const auto name = [](const SidConfig& sid) { return sid.sid.to_string(); };
    for_each_pair(by_key(present, name), by_key(wanted, name),
                  [&](const std::string& sid, const auto* before, const auto* after) {
                      if (before != nullptr && after != nullptr && **before == **after) return;
                      ItemChange change{.kind = ChangeKind::changed, .name = sid, .fields = {}};
                      if (before == nullptr) change.kind = ChangeKind::added;
                      if (after == nullptr) change.kind = ChangeKind::removed;
                      const auto& shown = after != nullptr ? **after : **before;
                      change.fields.emplace_back(to_string(shown.behavior));
                      if (before != nullptr && after != nullptr) {
                          for (auto& field : fields_of(**before, **after)) change.fields.push_back(std::move(field));
                      }
                      changes.push_back(std::move(change));
                  });
    return changes;
}

std::vector<ItemChange> entrance_changes(const Desired& present, const Desired& wanted) {
    std::vector<ItemChange> changes;
    for_each_pair(present.entrances, wanted.entrances,
                  [&](const std::string& name, const bool* before, const bool* after) {
                      if (before != nullptr && after != nullptr && *before == *after) return;
                      ItemChange change{.kind = ChangeKind::changed, .name = name, .fields = {}};
                      if (before == nullptr) change.kind = ChangeKind::added;
                      if (after == nullptr) change.kind = ChangeKind::removed;
                      if (after != nullptr) change.fields.emplace_back(*after ? "at XDP" : "at tc");
                      changes.push_back(std::move(change));
                  });
    return changes;
}

/// Where bfdd listens; without it, FRR's peers are administratively down.
std::string frr_of(const Desired& desired) {
    return desired.bfd ? desired.bfd->frr : std::string();
}

std::string peer_mode_of(const Desired& desired) {
    return desired.bfd ? std::string(to_string(desired.bfd->mode)) : std::string();
}

/// What of an adjacency is no part of its session, by "adjacency A-B".
std::map<std::string, std::vector<std::string>> adjacency_changes(const Desired& present, const Desired& wanted) {
    std::map<std::string, std::vector<std::string>> changes;
    const auto name_of = [](const AdjacencyKey& adjacency) { return adjacency.name; };
    for_each_pair(by_key(present.adjacencies, name_of), by_key(wanted.adjacencies, name_of),
                  [&](const std::string& name, const auto* before, const auto* after) {
                      if (before == nullptr || after == nullptr) return;  // its session comes or goes
                      changes["adjacency " + name] = FieldChanges()
                                                         .compare("gateways", (*before)->gateways, (*after)->gateways)
                                                         .compare("link", (*before)->link, (*after)->link)
                                                         .take();
                  });
    return changes;
}

std::vector<ItemChange> setting_changes(const Desired& present, const Desired& wanted) {
    std::vector<ItemChange> changes;
    const auto add = [&](const char* name, std::vector<std::string> fields) {
        if (!fields.empty())
            changes.push_back({.kind = ChangeKind::changed, .name = name, .fields = std::move(fields)});
    };
    add("node", FieldChanges()
                    .compare("source-address", present.node.source, wanted.node.source)
                    .compare("source-address-v4", present.node.source_v4, wanted.node.source_v4)
                    .compare("sr-domain", present.node.domain, wanted.node.domain)
                    .take());
    add("clock", FieldChanges().compare("clock", present.clock, wanted.clock).take());
    add("device", FieldChanges().compare("device", present.device, wanted.device).take());
    add("xdp", FieldChanges().compare("xdp-on-virtual", present.xdp_on_virtual, wanted.xdp_on_virtual).take());
    if (present.hooks != wanted.hooks) add("hooks", {counted(wanted.hooks.size(), "program")});
    add("egress", FieldChanges().compare("egress", present.egress, wanted.egress).take());
    add("ipsec", FieldChanges().compare("ipsec", present.ipsec, wanted.ipsec).take());
    add("netfilter", FieldChanges().compare("netfilter", present.netfilter, wanted.netfilter).take());
    add("stamp", FieldChanges().compare("stamp", present.stamp, wanted.stamp).take());
    add("sbfd", FieldChanges().compare("sbfd", present.sbfd, wanted.sbfd).take());
    add("bfd", FieldChanges()
                   .compare("frr", frr_of(present), frr_of(wanted))
                   .compare("mode", peer_mode_of(present), peer_mode_of(wanted))
                   .take());
    for (const auto& [name, fields] : adjacency_changes(present, wanted)) add(name.c_str(), fields);
    if (present.routing != wanted.routing) add("routing", {"computed again from the new settings"});
    return changes;
}

std::string line_of(std::string_view what, const ItemChange& change) {
    auto line = fmt::format("{} {} {}", what, change.name, to_string(change.kind));
    if (!change.fields.empty()) line += fmt::format(": {}", fmt::join(change.fields, "; "));
    return line;
}

std::string line_of(const SessionChange& change) {
    auto line = change.kind == ChangeKind::renamed
                    ? fmt::format("session {} renamed to {}, its state is kept", change.before, change.name)
                    : fmt::format("session {} {}", change.name, to_string(change.kind));
    if (change.starts_anew) line += ", starts anew";
    if (!change.fields.empty()) line += fmt::format(": {}", fmt::join(change.fields, "; "));
    return line;
}

}  // namespace

std::string_view to_string(ChangeKind kind) {
    switch (kind) {
        case ChangeKind::added:
            return "added";
        case ChangeKind::removed:
            return "removed";
        case ChangeKind::changed:
            return "changed";
        case ChangeKind::renamed:
            return "renamed";
    }
    return "?";
}

bool ChangePlan::empty() const {
    return *this == ChangePlan{};
}

bool ChangePlan::rewrites_policies() const {
    // A policy that names a session which is added or removed has changed, too.
    const bool other_names =
        std::ranges::any_of(sessions, [](const SessionChange& change) { return change.kind == ChangeKind::renamed; });
    const bool other_source =
        std::ranges::any_of(settings, [](const ItemChange& change) { return change.name == "node"; });
    return !policies.empty() || !prefixes.empty() || unprotected || other_names || other_source;
}

bool ChangePlan::only_sessions() const {
    auto rest = *this;
    rest.entrances.clear();
    std::erase_if(rest.sessions, [](const SessionChange& change) {
        return change.kind == ChangeKind::added || change.kind == ChangeKind::removed;
    });
    return rest.empty();
}

ChangePlan plan_changes(const Desired& present, const Desired& wanted) {
    return {.sessions = session_changes(present.sessions, wanted.sessions),
            .policies = policy_changes(present, wanted),
            .prefixes = prefix_changes(present, wanted),
            .sids = sid_changes(present.sids, wanted.sids),
            .entrances = entrance_changes(present, wanted),
            .settings = setting_changes(present, wanted),
            .protecting = present.protecting != wanted.protecting,
            .adjacencies = present.adjacencies != wanted.adjacencies,
            .unprotected = present.unprotected != wanted.unprotected};
}

std::vector<std::string> describe(const ChangePlan& plan) {
    std::vector<std::string> lines;
    for (const auto& change : plan.sessions) lines.push_back(line_of(change));
    for (const auto& change : plan.policies) lines.push_back(line_of("policy", change));
    for (const auto& change : plan.prefixes) lines.push_back(line_of("prefix", change));
    for (const auto& change : plan.sids) lines.push_back(line_of("SID", change));
    for (const auto& change : plan.entrances) lines.push_back(line_of("ingress", change));
    for (const auto& change : plan.settings) lines.push_back(line_of("setting", change));
    return lines;
}

}  // namespace sidestep
