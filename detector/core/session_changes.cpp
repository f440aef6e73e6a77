// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Pairs sessions by name first, then by the link or path that they watch.
#include "detector/core/session_changes.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "detector/core/field_changes.hpp"
#include "detector/core/keyed_pairs.hpp"

namespace sidestep {
namespace {

/// The link or path that a session watches. A change of it means another session, unless the name is the same.
auto identity(const SessionConfig& session) {
    const auto& bfd = session.bfd;
    return std::tuple(session.interface, session.returns_on, session.neighbor, session.passive_source, session.encaps,
                      bfd ? std::optional(std::tuple(bfd_peer(session), bfd->kind, bfd->reflector)) : std::nullopt);
}

std::optional<BfdSettings> without_keys(std::optional<BfdSettings> bfd) {
    if (bfd && bfd->auth) bfd->auth->keys.clear();
    return bfd;
}

/// What the keys are is said nowhere, only that they are others.
void compare_keys(const SessionConfig& before, const SessionConfig& after, std::vector<std::string>& fields) {
    const auto keys_of = [](const SessionConfig& session) {
        return session.bfd && session.bfd->auth ? session.bfd->auth->keys : std::vector<BfdKey>();
    };
    if (keys_of(before) != keys_of(after)) fields.emplace_back("authentication: other keys");
}

std::vector<std::string> fields_of(const SessionConfig& before, const SessionConfig& after) {
    const auto& old = before.probe;
    const auto& probe = after.probe;
    auto fields = FieldChanges()
                      .compare("interface", before.interface, after.interface)
                      .compare("returns-on", before.returns_on, after.returns_on)
                      .compare("neighbor", before.neighbor, after.neighbor)
                      .compare("source", before.source, after.source)
                      .compare("probe-source", before.passive_source, after.passive_source)
                      .compare("segments", before.encaps, after.encaps)
                      .compare("mode", before.mode, after.mode)
                      .compare("interval", old.interval, probe.interval)
                      .compare("multiplier", old.multiplier, probe.multiplier)
                      .compare("up-count", old.up_count, probe.up_count)
                      .compare("start", old.start, probe.start)
                      .compare("wait-to-restore", old.wait_to_restore, probe.wait_to_restore)
                      .compare("allowance", old.allowance, probe.allowance)
                      .compare("turnaround", old.turnaround, probe.turnaround)
                      .compare("size", old.size, probe.size)
                      .compare("loss-limit", old.loss_limit, probe.loss_limit)
                      .compare("rtt-limit", old.rtt_limit, probe.rtt_limit)
                      .compare("damping", old.damping, probe.damping)
                      .compare("return-address", old.return_address, probe.return_address)
                      .compare("return", old.back, probe.back)
                      .compare("bfd", without_keys(before.bfd), without_keys(after.bfd))
                      .take();
    compare_keys(before, after, fields);
    return fields;
}

}  // namespace

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

}  // namespace sidestep
