// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Counts repairs over all nodes.
#include "cli/coverage.hpp"

#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/compute.hpp"

namespace sidestep::routing {
namespace {

double ratio(std::size_t part, std::size_t whole) {
    return whole == 0 ? 1.0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::string histogram(const std::map<std::size_t, std::size_t>& counts, std::size_t total, std::string_view unit) {
    constexpr double kBarWidth = 50;
    std::string text;
    for (const auto& [value, count] : counts) {
        const auto bar = static_cast<std::size_t>(std::lround(kBarWidth * ratio(count, total)));
        text += fmt::format("\n{:>3} {}: {:>9} {:>6.2f} % {}", value, unit, count, 100 * ratio(count, total),
                            std::string(bar, '#'));
    }
    return text;
}

}  // namespace

double Coverage::share() const {
    return ratio(protected_triples, triples);
}

double Coverage::share_of_reachable() const {
    return ratio(protected_triples, triples - cut_off);
}

Coverage measure_coverage(const Graph& graph, Protect protect, const SidOptions& options) {
    Coverage result;
    result.protect = protect;
    for (NodeId plr = 0; plr < graph.node_count(); ++plr) {
        if (graph.node(plr).kind == NodeKind::anycast) continue;
        for (const auto& repair : compute_repairs(graph, plr, protect)) {
            ++result.triples;
            if (!repair.found) {
                ++result.cut_off;
                continue;
            }
            const auto sids = repair_sids(graph, repair, options);
            if (!sids) {
                ++result.no_sids;
                continue;
            }
            ++result.protected_triples;
            ++result.by_segments[repair.segments.size()];
            ++result.by_sids[sids->size()];
        }
    }
    return result;
}

std::string to_json(const Coverage& coverage) {
    const auto counts = [](const std::map<std::size_t, std::size_t>& histogram) {
        auto object = nlohmann::ordered_json::object();
        for (const auto& [value, count] : histogram) object[std::to_string(value)] = count;
        return object;
    };
    return nlohmann::ordered_json{{"protect", name_of(coverage.protect)},
                                  {"triples", coverage.triples},
                                  {"protected", coverage.protected_triples},
                                  {"cut_off", coverage.cut_off},
                                  {"no_sids", coverage.no_sids},
                                  {"share", coverage.share()},
                                  {"share_of_reachable", coverage.share_of_reachable()},
                                  {"segments", counts(coverage.by_segments)},
                                  {"sids", counts(coverage.by_sids)}}
        .dump(2);
}

std::string to_text(const Coverage& coverage) {
    auto text = fmt::format(
        "{} protection: {} (node, failure, destination) triples\n"
        "protected: {} ({:.2f} %), of those reachable at all {:.2f} %\n"
        "cut off by the failure: {}, without SIDs: {}",
        name_of(coverage.protect), coverage.triples, coverage.protected_triples, 100 * coverage.share(),
        100 * coverage.share_of_reachable(), coverage.cut_off, coverage.no_sids);
    text += histogram(coverage.by_segments, coverage.protected_triples, "segments");
    text += histogram(coverage.by_sids, coverage.protected_triples, "SIDs    ");
    return text;
}

}  // namespace sidestep::routing
