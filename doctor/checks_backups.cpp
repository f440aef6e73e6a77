// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Segment lists that no session proves: what doctor's own packets found there.
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "detector/core/session_list.hpp"
#include "doctor/checks.hpp"
#include "doctor/lists.hpp"

namespace sidestep {
namespace {

std::vector<std::string> texts(const std::vector<Address>& addresses) {
    std::vector<std::string> result;
    for (const auto& address : addresses) result.push_back(address.to_string());
    return result;
}

std::string way_of(const TriedList& tried) {
    return fmt::format("its backup over {} ({})", tried.trial.list.adjacency,
                       fmt::join(texts(tried.trial.list.segments), ", "));
}

const TriedList* tried_list(const Case& node, const SegmentListConfig& list) {
    const auto found = std::ranges::find_if(node.tried, [&](const TriedList& tried) {
        const auto& other = tried.trial.list;
        return other.adjacency == list.adjacency && other.encap == list.encap && other.segments == list.segments;
    });
    return found == node.tried.end() || found->outcome.sent == 0 ? nullptr : &*found;
}

/// Where packets stay, and why that may be.
std::string where(const Case& node, const TriedList& tried) {
    const auto& segments = tried.trial.list.segments;
    const auto reached = tried.outcome.reached;
    if (reached == segments.size()) {
        return fmt::format("{} sends on what it should decapsulate: it is no End.DT or End.DX",
                           segments.back().to_string());
    }
    const auto missing = segments.at(reached).to_string();
    const bool last = reached + 1 == segments.size() && tried.trial.list.encap != Encap::h_insert;
    const auto before = reached == 0 ? fmt::format("the neighbor on {}", tried.trial.list.adjacency)
                                     : fmt::format("the router of {}", segments[reached - 1].to_string());
    return fmt::format(
        "{}not by {}: {} has no route to it, or its router has no such SID{}, {}or has no way back to {}",
        reached == 0 ? "" : fmt::format("they do by {}, ", segments[reached - 1].to_string()), missing, before,
        last ? " that decapsulates" : "",
        last ? fmt::format("takes no packets from {} (sr-domain), ", node.config->source.to_string()) : "",
        fmt::join(texts(homes_of(node)), ", "));
}

/// While another link is down, the way back from the far end may be what is missing.
Finding lost(const Case& node, const TriedList& tried) {
    const auto& segments = tried.trial.list.segments;
    const auto missing = segments.at(std::min(tried.outcome.reached, segments.size() - 1)).to_string();
    const bool all_answer = std::ranges::all_of(
        node.config->adjacencies, [&](const AdjacencyConfig& adjacency) { return answers(node, adjacency); });
    return {
        all_answer ? Severity::error : Severity::note, tried.trial.owner,
        all_answer
            ? fmt::format("{} would lose what is sent by it: packets of doctor do not come back by all of it; {}",
                          way_of(tried), where(node, tried))
            : fmt::format("packets of doctor do not come back by all of {}, maybe since another link is down: {}",
                          way_of(tried), where(node, tried)),
        fmt::format("on the routers of and before {}: ip -6 route get fibmatch {}; sidestep status", missing, missing)};
}

Finding too_large(const TriedList& tried) {
    return {Severity::warning, tried.trial.owner,
            fmt::format("{} passes small packets and none of {} bytes: a link behind {} has a smaller MTU, or packets "
                        "of this size find no way back",
                        way_of(tried), tried.trial.largest, tried.trial.list.adjacency),
            "on the routers of the backup: ip link"};
}

/// What is known of a list that is in the configuration.
Finding unproven(const Case& node, const std::string& owner, const SegmentListConfig& list, bool copies) {
    const bool works = tried_list(node, list) != nullptr;
    return {Severity::note, owner,
            fmt::format("its {} over {} {}: only the first link is probed, not the {} segment{} behind it",
                        copies ? "copy" : "backup", list.adjacency,
                        works ? "works now, and nothing will notice when it does not" : "is believed, not proven",
                        list.segments.size(), list.segments.size() == 1 ? "" : "s"),
            "add it to `paths`, and name that under the candidate's `sessions` (sidestep.yaml(5))"};
}

}  // namespace

Findings check_backups(const Case& node) {
    Findings findings;
    if (!node.config) return findings;
    for (const auto& tried : node.tried) {
        if (tried.outcome.sent == 0) continue;
        if (!tried.works()) {
            findings.push_back(lost(node, tried));
        } else if (tried.trial.largest != 0 && !tried.trial.v4_only && !tried.outcome.large) {
            findings.push_back(too_large(tried));
        }
    }
    for_each_list(*node.config,
                  [&](const std::string& owner, const SegmentListConfig& list, const PolicyConfig* policy) {
                      if (is_probed_whole(list)) return;
                      const auto* tried = tried_list(node, list);
                      if (tried != nullptr && !tried->works()) return;
                      findings.push_back(unproven(node, owner, list, policy != nullptr && policy->flow != 0));
                  });
    return findings;
}

}  // namespace sidestep
