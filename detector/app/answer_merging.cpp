// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/app/answer_merging.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "detector/app/portions.hpp"

namespace sidestep {
namespace {

using nlohmann::json;

std::uint64_t arrived_by(const ss_way& way) {
    return way.first + way.later + way.too_old;
}

struct MergingFlow {
    Prefix sid;
    unsigned flow = 0;
};

json merging_of(const MergingFlow& flow, std::span<const ss_way> ways, std::size_t list) {
    const auto& way = ways[list];
    return {{"sid", flow.sid.to_string()},
            {"flow", flow.flow},
            {"list", list},
            {"first", way.first},
            {"later", way.later},
            {"too_old", way.too_old},
            {"missed", missed_by(ways, list)},
            {"behind_us", static_cast<double>(way.behind_ns) / 1e3}};
}

constexpr std::size_t kFewestLists = 2;  // of a hitless policy: one by which nothing comes is told, too

/// Whether a list was removed, as it seems: others that were used with it go on.
bool is_gone(std::span<const ss_way> ways, std::size_t list) {
    if (list < kFewestLists) return false;
    const auto newest = std::ranges::max(ways, {}, &ss_way::last_ns).last_ns;
    return arrived_by(ways[list]) == 0 || newest - ways[list].last_ns > SS_WAY_SILENT_NS;
}

/// False: no copies of it have come.
bool append_ways(std::string& text, const MergingFlow& flow, std::span<const ss_way> ways) {
    if (std::ranges::all_of(ways, [](const auto& way) { return arrived_by(way) == 0; })) return false;
    bool any = false;
    for (std::size_t list = 0; list < ways.size(); ++list) {
        if (is_gone(ways, list)) continue;
        if (std::exchange(any, true)) text += ',';
        append_json(text, merging_of(flow, ways, list));
    }
    return any;
}

}  // namespace

std::uint64_t missed_by(std::span<const ss_way> ways, std::size_t list) {
    std::uint64_t packets = 0;
    for (const auto& way : ways) packets += way.first;
    const std::uint64_t not_missed = ways[list].skipped + ways[list].first + ways[list].later;
    return packets - std::min(packets, not_missed);
}

ApiPortions answer_merging(const Engine& engine, MergeOf merge_of, std::string tail) {
    std::vector<MergingFlow> flows;
    for (const auto& sid : engine.sids().all()) {
        for (const auto flow : sid.flows) flows.push_back({.sid = sid.sid, .flow = flow});
    }
    return list_in_portions(R"("merging":[)", std::move(flows),
                            [merge_of = std::move(merge_of)](std::string& text, const MergingFlow& flow) {
                                const auto merge = merge_of(flow.flow);
                                return merge && append_ways(text, flow, merge->way);
                            },
                            std::move(tail));
}

}  // namespace sidestep
