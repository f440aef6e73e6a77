// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Compares two desired states part by part.
#include "detector/core/change_plan.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "detector/core/names.hpp"

namespace sidestep {
namespace {

std::string text(const std::string& value) {
    return value.empty() ? "none" : value;
}
std::string text(unsigned value) {
    return std::to_string(value);
}
std::string text(bool value) {
    return value ? "true" : "false";
}
std::string text(Nanoseconds value) {
    return format_duration(value);
}
std::string text(const Address& value) {
    return value == Address{} ? "none" : value.to_string();
}
std::string text(const std::optional<Address>& value) {
    return value ? value->to_string() : "none";
}
std::string text(const std::vector<Address>& values) {
    std::vector<std::string> texts;
    for (const auto& value : values) texts.push_back(value.to_string());
    return fmt::format("[{}]", fmt::join(texts, ", "));
}
std::string text(const std::vector<Prefix>& values) {
    std::vector<std::string> texts;
    for (const auto& value : values) texts.push_back(value.to_string());
    return fmt::format("[{}]", fmt::join(texts, ", "));
}
std::string text(Turnaround value) {
    return std::string(to_string(value));
}
std::string text(ClockKind value) {
    return std::string(to_string(value));
}
std::string text(const std::optional<DampingSettings>& value) {
    if (!value) return "none";
    return fmt::format("half-life {} suppress {} reuse {} max-suppress {}", format_duration(value->half_life),
                       value->suppress, value->reuse, format_duration(value->max_suppress));
}

/// "KEY: BEFORE -> AFTER" for each value that differs.
class Fields {
  public:
    template <typename T>
    Fields& compare(std::string_view key, const T& before, const T& after) {
        if (!(before == after)) list_.push_back(fmt::format("{}: {} -> {}", key, text(before), text(after)));
        return *this;
    }
    std::vector<std::string> take() { return std::move(list_); }

  private:
    std::vector<std::string> list_;
};

/// The link or path that a session watches. A change of it means another session, unless the name is the same.
auto identity(const SessionConfig& session) {
    return std::tie(session.interface, session.returns_on, session.neighbor, session.passive_source, session.encaps);
}

std::vector<std::string> fields_of(const SessionConfig& before, const SessionConfig& after) {
    const auto& old = before.probe;
    const auto& probe = after.probe;
    return Fields()
        .compare("interface", before.interface, after.interface)
        .compare("returns-on", before.returns_on, after.returns_on)
        .compare("neighbor", before.neighbor, after.neighbor)
        .compare("source", before.source, after.source)
        .compare("probe-source", before.passive_source, after.passive_source)
        .compare("segments", before.encaps, after.encaps)
        .compare("interval", old.interval, probe.interval)
        .compare("multiplier", old.multiplier, probe.multiplier)
        .compare("up-count", old.up_count, probe.up_count)
        .compare("wait-to-restore", old.wait_to_restore, probe.wait_to_restore)
        .compare("allowance", old.allowance, probe.allowance)
        .compare("turnaround", old.turnaround, probe.turnaround)
        .compare("size", old.size, probe.size)
        .compare("loss-limit", old.loss_limit, probe.loss_limit)
        .compare("rtt-limit", old.rtt_limit, probe.rtt_limit)
        .compare("damping", old.damping, probe.damping)
        .compare("return-address", old.return_address, probe.return_address)
        .compare("return", old.back, probe.back)
        .take();
}

template <typename Item, typename Key>
auto by_key(const std::vector<Item>& items, Key key) {
    std::map<std::string, const Item*> result;
    for (const auto& item : items) result.emplace(key(item), &item);
    return result;
}

/// Visits the keys of two maps in order, with the value that each map has; null if it has none.
template <typename Map, typename Visit>
void for_each_pair(const Map& before, const Map& after, Visit visit) {
    const decltype(&before.begin()->second) none = nullptr;
    auto left = before.begin();
    auto right = after.begin();
    while (left != before.end() || right != after.end()) {
        if (right == after.end() || (left != before.end() && left->first < right->first)) {
            visit(left->first, &left->second, none);
            ++left;
        } else if (left == before.end() || right->first < left->first) {
            visit(right->first, none, &right->second);
            ++right;
        } else {
            visit(left->first, &left->second, &right->second);
            ++left;
            ++right;
        }
    }
}

std::vector<SessionChange> session_changes(const std::vector<SessionConfig>& present,
                                           const std::vector<SessionConfig>& wanted) {
    const auto name = [](const SessionConfig& session) { return session.name; };
    std::vector<SessionChange> changed;
    std::vector<const SessionConfig*> removed;
    std::vector<const SessionConfig*> added;
    const auto compare = [&](const SessionConfig& before, const SessionConfig& after) {
        const bool renamed = before.name != after.name;
        auto fields = fields_of(before, after);
        if (!renamed && fields.empty()) return;
        changed.push_back({.kind = renamed ? ChangeKind::renamed : ChangeKind::changed,
                           .name = after.name,
                           .before = renamed ? before.name : "",
                           .starts_anew = identity(before) != identity(after),
                           .fields = std::move(fields)});
    };
    for_each_pair(by_key(present, name), by_key(wanted, name), [&](const auto&, const auto* before, const auto* after) {
        if (after == nullptr) {
            removed.push_back(*before);
        } else if (before == nullptr) {
            added.push_back(*after);
        } else {
            compare(**before, **after);
        }
    });
    std::map<decltype(identity(std::declval<SessionConfig>())), const SessionConfig*> gone;
    for (const auto* session : removed) gone.emplace(identity(*session), session);
    std::erase_if(added, [&](const SessionConfig* session) {
        const auto old = gone.find(identity(*session));
        if (old == gone.end()) return false;
        compare(*old->second, *session);
        std::erase(removed, old->second);
        gone.erase(old);
        return true;
    });
    std::ranges::stable_partition(changed,
                                  [](const SessionChange& change) { return change.kind == ChangeKind::renamed; });
    const auto add = [&](ChangeKind kind, const SessionConfig* session) {
        changed.push_back({.kind = kind, .name = session->name, .before = {}, .fields = {}});
    };
    for (const auto* session : added) add(ChangeKind::added, session);
    for (const auto* session : removed) add(ChangeKind::removed, session);
    return changed;
}

/// All fields except prefixes, which are compared separately.
std::vector<std::string> fields_of(const DesiredPolicy& before, const DesiredPolicy& after) {
    std::vector<std::string> fields;
    if (before.config.steering != after.config.steering) {
        fields.push_back(
            fmt::format("steering: {} -> {}", to_string(before.config.steering), to_string(after.config.steering)));
    }
    if (before.config.metric != after.config.metric)
        fields.push_back(fmt::format("metric: {} -> {}", before.config.metric, after.config.metric));
    if (before.config.candidates != after.config.candidates) fields.emplace_back("candidates");
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
            } else if (auto fields = Fields().compare("policy", key_of(**before), key_of(**after)).take();
                       !fields.empty()) {
                changes.push_back(
                    {.kind = ChangeKind::changed, .name = prefix.to_string(), .fields = std::move(fields)});
            }
        });
    return changes;
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

std::vector<ItemChange> setting_changes(const Desired& present, const Desired& wanted) {
    std::vector<ItemChange> changes;
    const auto add = [&](const char* name, std::vector<std::string> fields) {
        if (!fields.empty())
            changes.push_back({.kind = ChangeKind::changed, .name = name, .fields = std::move(fields)});
    };
    add("node", Fields()
                    .compare("source-address", present.node.source, wanted.node.source)
                    .compare("source-address-v4", present.node.source_v4, wanted.node.source_v4)
                    .compare("sr-domain", present.node.domain, wanted.node.domain)
                    .take());
    add("clock", Fields().compare("clock", present.clock, wanted.clock).take());
    add("device", Fields().compare("device", present.device, wanted.device).take());
    add("xdp", Fields().compare("xdp-on-virtual", present.xdp_on_virtual, wanted.xdp_on_virtual).take());
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
