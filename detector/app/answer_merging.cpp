// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/app/answer_merging.hpp"

#include <algorithm>

namespace sidestep {
namespace {

using nlohmann::json;

std::uint64_t arrived_by(const ss_way& way) {
    return way.first + way.later + way.too_old;
}

json merging_of(const SidConfig& sid, unsigned flow, std::span<const ss_way> ways, std::size_t list) {
    const auto& way = ways[list];
    return {{"sid", sid.sid.to_string()},
            {"flow", flow},
            {"list", list},
            {"first", way.first},
            {"later", way.later},
            {"too_old", way.too_old},
            {"missed", missed_by(ways, list)},
            {"behind_us", static_cast<double>(way.behind_ns) / 1e3}};
}

}  // namespace

std::uint64_t missed_by(std::span<const ss_way> ways, std::size_t list) {
    std::uint64_t packets = 0;
    for (const auto& way : ways) packets += way.first;
    return packets - std::min(packets, arrived_by(ways[list]));
}

json answer_merging(const Engine& engine, const Dataplane& dataplane) {
    json rows = json::array();
    for (const auto& sid : engine.sids().all()) {
        for (const auto flow : sid.flows) {
            const auto merge = dataplane.merge(flow);
            if (!merge) continue;
            for (std::size_t list = 0; list < SS_MAX_LISTS; ++list) {
                if (arrived_by(merge->way[list]) != 0) rows.push_back(merging_of(sid, flow, merge->way, list));
            }
        }
    }
    return rows;
}

}  // namespace sidestep
