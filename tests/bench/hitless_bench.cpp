// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Traffic that is sent twice: what of it is lost, what it costs, and how long the ways of all copies take to find.
#include <linux/types.h>

#include <algorithm>
#include <ctime>
#include <string>
#include <vector>

#include "routing/core/disjoint.hpp"
#include "tests/bench/hitless_rows.hpp"
#include "tests/bench/report.hpp"
#include "tests/unit/routing/random_graph.hpp"

struct ss_window_view {
    std::vector<__u64>* words;
};

namespace {

__u64* ss_window_word(const ss_window_view* view, __u32 index) {
    return index < view->words->size() ? &(*view->words)[index] : nullptr;
}

}  // namespace

#include "bpf/lib/sequence_window.h"

namespace sidestep::bench {
namespace {

double cpu_ms() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
}

/// The pairs from one node to all others, CPU time; beside it, with their segment lists.
Row measure_pairs(const std::string& key, routing::Disjoint disjoint, std::size_t samples) {
    const auto graph = routing::RandomGraph{.nodes = 1000, .degree = 4, .max_metric = 100, .seed = 1}.graph();
    std::vector<double> pairs_ms;
    std::vector<double> lists_ms;
    std::size_t found = 0;
    std::size_t sids = 0;
    for (std::size_t i = 0; i < samples; ++i) {
        const auto source = static_cast<routing::NodeId>(i * graph.node_count() / samples);
        const auto start = cpu_ms();
        routing::DisjointPairs pairs(graph, source, disjoint);
        std::vector<routing::DisjointPair> all;
        for (routing::NodeId to = 0; to < graph.node_count(); ++to) {
            if (to != source) all.push_back(pairs.to(to));
        }
        pairs_ms.push_back(cpu_ms() - start);
        routing::UniquePaths unique(graph);
        for (const auto& pair : all) {
            if (!pair.found) continue;
            ++found;
            for (const std::size_t which : {0U, 1U}) sids += pin_way(graph, pair, which, {}, unique).sids.size();
        }
        lists_ms.push_back(cpu_ms() - start);
    }
    Row row{.key = key, .value = quantile(pairs_ms, 0.5), .unit = "ms", .n = samples};
    row.versus["max_ms"] = rounded(*std::max_element(pairs_ms.begin(), pairs_ms.end()));
    row.versus["with_lists_ms"] = rounded(quantile(lists_ms, 0.5));
    row.versus["pairs_per_node"] = found / samples;
    row.versus["sids_per_way"] = rounded(static_cast<double>(sids) / static_cast<double>(2 * found));
    return row;
}

/// Both copies of packets, the second one `skew` numbers behind, through the window in user space: CPU time of one.
Row measure_window(bool quick) {
    constexpr std::uint64_t kSkew = 1000;
    const std::uint64_t packets = quick ? 1'000'000 : 10'000'000;
    std::vector<__u64> words(4096);
    ss_copy_window window{};
    window.words = static_cast<__u32>(words.size());
    window.reset_ns = 2'000'000'000;
    const ss_window_view view{&words};
    std::uint64_t firsts = 0;
    const auto start = cpu_ms();
    for (std::uint64_t number = kSkew; number < packets + kSkew; ++number) {
        firsts += ss_pass_once(&view, &window, number, 1) == SS_COPY_FIRST ? 1U : 0U;
        firsts += ss_pass_once(&view, &window, number - kSkew, 1) == SS_COPY_FIRST ? 1U : 0U;
    }
    const auto spent_ns = (cpu_ms() - start) * 1e6;
    Row row{.key = "window_ns", .value = spent_ns / static_cast<double>(2 * packets), .unit = "ns", .n = 2 * packets};
    if (firsts != packets + kSkew) row.flaw = "not every packet passed once";
    return row;
}

std::vector<Row> run(const Arguments& arguments) {
    const std::size_t samples = arguments.quick ? 5 : 50;
    std::vector<Row> rows = measure_losses(arguments.quick);
    for (const auto& row : measure_costs(arguments.quick)) rows.push_back(row);
    rows.push_back(measure_pairs("compute_disjoint_ms_1k", routing::Disjoint::node, samples));
    rows.back().bar = 50;
    rows.push_back(measure_pairs("compute_link_disjoint_ms_1k", routing::Disjoint::link, samples));
    rows.push_back(measure_window(arguments.quick));
    return rows;
}

}  // namespace
}  // namespace sidestep::bench

int main(int argc, char** argv) {
    return sidestep::bench::run_bench("hitless", argc, argv, sidestep::bench::run);
}
