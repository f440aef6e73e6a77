// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Derives the sessions from a configuration.
#include "detector/core/session_list.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "detector/core/detection.hpp"

namespace sidestep {
std::vector<SessionConfig> sessions_of(const Config& config) {
    std::vector<SessionConfig> result;
    for (const auto& adjacency : config.adjacencies) {
        result.push_back({.name = adjacency.name,
                          .interface = adjacency.interface,
                          .returns_on = adjacency.interface,
                          .neighbor = adjacency.neighbor,
                          .source = adjacency.neighbor.is_v4() ? config.source_v4.value_or(Address{}) : config.source,
                          .passive_source = std::nullopt,
                          .encaps = {},
                          .probe = adjacency.probe,
                          .mode = adjacency.mode,
                          .bfd = adjacency.bfd});
    }
    for (const auto& path : config.paths) {
        const auto out = std::ranges::find(config.adjacencies, path.adjacency, &AdjacencyConfig::name);
        if (out == config.adjacencies.end()) continue;  // the configuration reader refuses this
        result.push_back({.name = path.name,
                          .interface = out->interface,
                          .returns_on = path.returns_on.empty() && !path.bfd ? out->interface : path.returns_on,
                          .neighbor = out->neighbor,
                          .source = config.source,
                          .passive_source = std::nullopt,
                          .encaps = path.segments,
                          .probe = path.probe,
                          .mode = out->mode,
                          .bfd = path.bfd});
    }
    for (const auto& passive : config.passives) {
        result.push_back({.name = passive.name,
                          .interface = passive.interface,
                          .returns_on = passive.interface,
                          .neighbor = {},
                          .source = {},
                          .passive_source = passive.source,
                          .encaps = {},
                          .probe = passive.probe});
        // A probe may pass up to one interval after the expectation that it meets.
        result.back().probe.allowance = passive.probe.interval + allowance_of(passive.probe);
    }
    return result;
}

std::vector<std::string> sessions_of(const SegmentListConfig& list) {
    std::vector<std::string> names{list.adjacency};
    names.insert(names.end(), list.sessions.begin(), list.sessions.end());
    return names;
}

std::vector<std::string> evidence_of(const SegmentListConfig& list) {
    auto names = sessions_of(list);
    if (!list.verified_by.empty()) names.push_back(list.verified_by);
    return names;
}

bool is_probed_whole(const SegmentListConfig& list) {
    return list.segments.empty() || !list.sessions.empty();
}

namespace {

/// Plain forwarding is the FIB's: of several equal ways it may take any adjacency's, whatever the policy names.
bool follows_fib(const PolicyConfig& policy) {
    return !policy.candidates.empty() &&
           std::ranges::any_of(policy.candidates.front().lists,
                               [](const SegmentListConfig& list) { return list.encap == Encap::plain; });
}

}  // namespace

ScheduleEntry turns_of(const SessionConfig& session, std::uint16_t index) {
    const auto interval = session.probe.interval;
    if (!session.bfd) return {.session = index, .interval = interval};
    return {.session = index,
            .interval = std::min(interval, session.bfd->receive_interval) / SS_BFD_LOOKS,
            .turns = SS_BFD_LOOKS};
}

std::set<Nanoseconds> intervals_of(const std::vector<SessionConfig>& sessions) {
    std::set<Nanoseconds> intervals;
    for (const auto& session : sessions) intervals.insert(turns_of(session).interval);
    return intervals;
}

std::set<std::string> protecting_sessions(const Config& config) {
    std::set<std::string> names;
    for (const auto& policy : config.policies) {
        if (policy.candidates.empty()) continue;  // the configuration reader refuses this
        for (const auto& list : policy.candidates.front().lists) {
            for (auto& name : sessions_of(list)) names.insert(std::move(name));
        }
    }
    // If routes are computed, any adjacency may get a bypass at any time.
    const bool all = config.routing || std::ranges::any_of(config.policies, follows_fib);
    for (const auto& adjacency : config.adjacencies) {
        if (all || !adjacency.bypass.empty()) names.insert(adjacency.name);
    }
    return names;
}

}  // namespace sidestep
