// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Segment lists that no session proves: what doctor's own packets found there.
#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/texts.hpp"
#include "detector/core/list_text.hpp"
#include "detector/core/session_list.hpp"
#include "doctor/checks.hpp"
#include "doctor/lists.hpp"

namespace sidestep {
namespace {

std::string way_of(const TriedList& tried) {
    const auto& list = tried.trial.list;
    if (list.segments.empty()) return fmt::format("its plain backup over {}", list.adjacency);
    return fmt::format("its backup over {} ({})", list.adjacency, fmt::join(texts(list.segments), ", "));
}

const TriedList* tried_list(const Case& node, const SegmentListConfig& list) {
    const auto found =
        std::ranges::find_if(node.tried, [&](const TriedList& tried) { return same_way(tried.trial.list, list); });
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
        "{}not by {} : {} has no route to it, or its router has no such SID{} (does sidestepd run there?), {}has no "
        "way back to {}, or a filter drops SRv6",
        reached == 0 ? "" : fmt::format("they do by {}, ", segments[reached - 1].to_string()), missing, before,
        last ? " that decapsulates" : "",
        last ? fmt::format("takes no packets from {} (sr-domain), looks in a table of its own, ",
                           node.config->source.to_string())
             : "",
        fmt::join(texts(homes_of(node)), ", "));
}

/// Calls `use` with each list of the daemon's that goes the same way.
template <typename Use>
void for_each_same_way(const DaemonView& daemon, const SegmentListConfig& list, const Use& use) {
    for_each_answered_list(daemon, [&](const auto&, const nlohmann::json& entry) {
        const auto theirs = read_list(entry);
        if (theirs && same_way(*theirs, list)) use(entry);
    });
}

/// `largest_packet` of the list, as the daemon knows it.
std::optional<unsigned> largest_known(const DaemonView& daemon, const SegmentListConfig& list) {
    std::optional<unsigned> known;
    for_each_same_way(daemon, list, [&](const nlohmann::json& entry) {
        if (!known) known = room_of(entry);
    });
    return known;
}

/// What the daemon's own probes of the whole list say: "proven" or "silent"; empty: none has come home yet.
std::string verification_of(const DaemonView& daemon, const SegmentListConfig& list) {
    std::string verified;
    for_each_same_way(daemon, list, [&](const nlohmann::json& entry) {
        const auto said = entry.value("verified", nlohmann::json());
        if (said.is_string()) verified = said.get<std::string>();
    });
    return verified;
}

/// What a router has said of the list's packets, if any has; the daemon knows.
std::string refusal(const Case& node, const TriedList& tried) {
    const auto about = list_text(tried.trial.list.adjacency, tried.trial.list.segments);
    for (const auto& problem : node.daemon.problems()) {
        if (problem.value("about", "") == about) return problem.value("problem", "");
    }
    return {};
}

bool all_answer(const Case& node) {
    return std::ranges::all_of(node.config->adjacencies,
                               [&](const AdjacencyConfig& adjacency) { return answers(node, adjacency); });
}

/// While another link is down, the way back from the far end may be what is missing; and without a daemon, nobody knows
/// whether one is.
Finding lost(const Case& node, const TriedList& tried) {
    const auto& segments = tried.trial.list.segments;
    const auto missing = segments.at(std::min(tried.outcome.reached, segments.size() - 1)).to_string();
    const auto command =
        fmt::format("on the routers of and before {} : sidestep doctor; ip -6 route get fibmatch {}", missing, missing);
    if (const auto said = refusal(node, tried); !said.empty()) {
        return {Severity::error, tried.trial.owner, fmt::format("{} loses what is sent by it: {}", way_of(tried), said),
                command};
    }
    if (!all_answer(node)) {
        return {
            Severity::note, tried.trial.owner,
            fmt::format("{} cannot be judged while another link is down: packets of doctor may come back by that one",
                        way_of(tried)),
            "sidestep policies"};
    }
    return {node.daemon.running ? Severity::error : Severity::warning, tried.trial.owner,
            fmt::format("{} would lose what is sent by it: packets of doctor do not come back by all of it; {}",
                        way_of(tried), where(node, tried)),
            command};
}

/// Sent to the list's destinations, a packet came back.
Finding loop(const TriedList& tried) {
    const auto to = tried.trial.beyond.value_or(Address()).to_string();
    return {Severity::error, tried.trial.owner,
            fmt::format("what is sent by {} comes back to this node: a packet of doctor to {} did", way_of(tried), to),
            fmt::format("on the router at the end of the backup: ip route get {}", to)};
}

/// The daemon may have been told of a smaller link by its router.
Finding too_large(const Case& node, const TriedList& tried) {
    const auto known = largest_known(node.daemon, tried.trial.list);
    const auto why =
        known && *known < tried.trial.largest
            ? fmt::format("a link behind {} has room for {} only, says its router", tried.trial.list.adjacency, *known)
            : fmt::format("a link behind {} has a smaller MTU, or packets of this size find no way back",
                          tried.trial.list.adjacency);
    return {Severity::warning, tried.trial.owner,
            fmt::format("{} passes small packets and none of {} bytes: {}", way_of(tried), tried.trial.largest, why),
            "on the routers of the backup: ip link"};
}

/// What the end of the list does with IPv4 is another question than what it does with IPv6, with another way back.
Finding no_v4(const Case& node, const TriedList& tried) {
    const auto last = tried.trial.list.segments.back().to_string();
    return {
        Severity::warning, tried.trial.owner,
        fmt::format("{} passes IPv6 packets of doctor{}, and no IPv4 one came back: {} does not take IPv4 (End.DT4, "
                    "End.DT46), or its router has no way back to {}",
                    way_of(tried), tried.outcome.whole || tried.outcome.end ? "" : " until before its last SID", last,
                    fmt::join(texts(v4_homes_of(node)), ", ")),
        fmt::format("on the router of {}: ip -6 route get fibmatch {}", last, last)};
}

/// The session of a list whose probes get lost where packets of doctor do not: on the way home, which is its own.
std::optional<Finding> lost_on_the_way_home(const Case& node, const TriedList& tried) {
    for (const auto& session : sessions_of(*node.config)) {
        const auto& names = tried.trial.list.sessions;
        const bool its_own = std::ranges::find(names, session.name) != names.end();
        if (!its_own || session.encaps != tried.trial.list.segments || !is_silent(node.daemon.session(session.name)))
            continue;
        return Finding{Severity::error, "session " + session.name,
                       fmt::format("packets of doctor come back by all of its segments, and its probes do not: the far "
                                   "end has no way to its return-address {} that ends at {}",
                                   session.probe.return_address.to_string(), session.returns_on),
                       fmt::format("on the router of {} : ip -6 route get {}", session.encaps.back().to_string(),
                                   session.probe.return_address.to_string())};
    }
    return std::nullopt;
}

/// What is known of a list that is in the configuration.
Finding unproven(const Case& node, const std::string& owner, const SegmentListConfig& list, bool copies) {
    const auto* tried = tried_list(node, list);
    const auto* state = tried == nullptr ? "is believed, not proven"
                                         : "passes packets of doctor now, and nothing will notice when it does not";
    const auto* adjacency = adjacency_of(*node.config, list.adjacency);
    const bool no_mac = tried == nullptr && !copies && adjacency != nullptr && answers(node, *adjacency) &&
                        !link_addresses(node, list.adjacency);
    if (no_mac) {
        return {
            Severity::note, owner,
            fmt::format("its backup over {} is believed, not proven: doctor cannot try it, since the kernel does not "
                        "know the MAC address of {} at the moment",
                        list.adjacency, adjacency->neighbor.to_string()),
            fmt::format("ping -c 1 {}%{}; sidestep doctor", adjacency->neighbor.to_string(), adjacency->interface)};
    }
    const bool v4 = tried != nullptr && tried->trial.v4_too && v4_homes_of(node).empty();
    return {
        Severity::note, owner,
        fmt::format("its {} over {} {}: only the first link is probed, not the {} segment{} behind it{}",
                    copies ? "copy" : "backup", list.adjacency, state, list.segments.size(),
                    list.segments.size() == 1 ? "" : "s",
                    v4 ? "; IPv4 is not tried, since no answer could come back: this node has no IPv4 address" : ""),
        node.config->verify && list.verify && !copies && list.encap != Encap::h_insert
            ? fmt::format("give the router of {} a way to {}, and its probes come home; or add it to `paths`, and name "
                          "that under the candidate's `sessions` (sidestep.yaml(5))",
                          list.segments.back().to_string(), node.config->source.to_string())
            : "add it to `paths`, and name that under the candidate's `sessions` (sidestep.yaml(5))"};
}

}  // namespace

Findings check_backups(const Case& node) {
    Findings findings;
    if (!node.config) return findings;
    const bool bypass = std::ranges::any_of(node.config->adjacencies,
                                            [](const AdjacencyConfig& adjacency) { return !adjacency.bypass.empty(); });
    if (node.config->policies.empty() && !bypass && !node.config->routing) {
        findings.push_back({Severity::note, "node " + node.config->node,
                            "has no policy and no bypass: failures are reported, and nothing is rerouted",
                            "policies, or routing, in the configuration (sidestep.yaml(5))"});
    }
    for (const auto& tried : node.tried) {
        if (tried.outcome.sent == 0) continue;
        const bool plain = tried.trial.list.encap == Encap::plain;  // what does not come back is as it should be
        if (tried.outcome.loops) {
            findings.push_back(loop(tried));
        } else if (plain) {
            continue;
        } else if (!tried.works()) {
            findings.push_back(lost(node, tried));
        } else if (auto lost_back = lost_on_the_way_home(node, tried)) {
            findings.push_back(std::move(*lost_back));
        } else if (tried.trial.largest != 0 && tried.outcome.whole && !tried.outcome.large) {
            findings.push_back(too_large(node, tried));
        }
        if (tried.works() && tried.lacks_v4() && all_answer(node)) findings.push_back(no_v4(node, tried));
    }
    for_each_list(*node.config,
                  [&](const std::string& owner, const SegmentListConfig& list, const PolicyConfig* policy) {
                      const auto* tried = tried_list(node, list);
                      if (is_probed_whole(list) || (tried != nullptr && !tried->works())) return;
                      if (verification_of(node.daemon, list) == "proven") return;
                      findings.push_back(unproven(node, owner, list, policy != nullptr && policy->flow != 0));
                  });
    return findings;
}

}  // namespace sidestep
