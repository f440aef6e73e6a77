// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Prints repairs as JSON and as a table.
#include "cli/compute.hpp"

#include <utility>

#include <fmt/format.h>

#include "cli/path_json.hpp"

namespace sidestep::routing {
std::string_view name_of(Protect protect) {
    switch (protect) {
        case Protect::link:
            return "link";
        case Protect::node:
            return "node";
        case Protect::srlg:
            return "srlg";
    }
    return "?";
}

std::string name_of(const Graph& graph, const Failure& failure) {
    switch (failure.kind) {
        case Failure::Kind::link:
            return graph.link(failure.id).id;
        case Failure::Kind::node:
            return graph.node(failure.id).name;
        case Failure::Kind::srlg:
            return std::to_string(failure.id);
    }
    return "?";
}

Report::Report(const Graph& graph, NodeId plr, Protect protect, const SidOptions& options)
    : graph_(&graph), plr_(plr), protect_(protect) {
    for (auto& repair : compute_repairs(graph, plr, protect)) {
        Entry entry{.repair = std::move(repair), .sids = {}, .reason = {}};
        if (entry.repair.found) {
            auto sids = repair_sids(graph, entry.repair, options);
            if (sids) {
                entry.sids = std::move(*sids);
            } else {
                entry.reason = sids.error().message;
            }
        } else {
            entry.reason = entry.repair.reason;
        }
        entries_.push_back(std::move(entry));
    }
}

std::string Report::json() const {
    const auto& graph = *graph_;
    auto repairs = Json::array();
    for (const auto& [repair, sids, reason] : entries_) {
        const auto hop = [&](ArcId arc) { return first_hop(graph, arc); };
        repairs.push_back(
            {{"destination", graph.node(repair.destination).name},
             {"failed", failed(graph, repair.failed)},
             {"primary", list(repair.primary, hop)},
             {"status", reason.empty() ? "protected" : "unprotectable"},
             {"reason", reason.empty() ? Json(nullptr) : Json(reason)},
             {"via", repair.found ? hop(repair.via) : Json(nullptr)},
             {"segments", list(repair.segments, [&](const Segment& item) { return segment(graph, item); })},
             {"sids", list(sids, [](const Address& sid) { return sid.to_string(); })},
             {"cost", repair.found ? Json(repair.cost) : Json(nullptr)},
             {"path", list(path_nodes(graph, repair), [&](NodeId node) { return graph.node(node).name; })}});
    }
    return Json{{"node", graph.node(plr_).name}, {"protect", name_of(protect_)}, {"repairs", repairs}}.dump(2);
}

std::string Report::text() const {
    const auto& graph = *graph_;
    std::vector<std::string> lines;
    lines.reserve(entries_.size());
    for (const auto& [repair, sids, reason] : entries_) {
        auto line =
            fmt::format("{} when {} fails: ", graph.node(repair.destination).name, describe(graph, repair.failed));
        if (!reason.empty()) {
            line += "unprotectable: " + reason;
        } else {
            line += fmt::format("via {} by {}, cost {}", graph.node(graph.to(repair.via)).name,
                                graph.link(link_of(repair.via)).id, repair.cost);
            if (!repair.segments.empty()) line += ", segments " + to_string(graph, repair.segments);
            for (const auto& sid : sids) line += " " + sid.to_string();
        }
        lines.push_back(std::move(line));
    }
    return fmt::format("{}", fmt::join(lines, "\n"));
}

}  // namespace sidestep::routing
