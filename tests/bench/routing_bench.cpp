// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// How long all link-protection repairs of one node take, SIDs not included: real networks and random ones of degree 4,
// and how much the textbook formulation (an SPF per node of the network) would cost instead.
#include <algorithm>
#include <ctime>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "routing/core/isis_database.hpp"
#include "routing/core/isis_graph.hpp"
#include "routing/core/policy.hpp"
#include "routing/core/tilfa.hpp"
#include "routing/io/topology_file.hpp"
#include "tests/bench/maps_update.hpp"
#include "tests/bench/report.hpp"
#include "tests/unit/routing/oracle.hpp"
#include "tests/unit/routing/random_graph.hpp"

namespace sidestep::routing {
namespace {

using bench::rounded;
using bench::Row;

struct Spent {
    double wall_ms = 0;
    double cpu_ms = 0;  ///< what is left of it when other programs want the core too
};

double clock_ms(clockid_t clock) {
    timespec now{};
    clock_gettime(clock, &now);
    return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
}

Spent spent(const std::function<void()>& work) {
    const double wall = clock_ms(CLOCK_MONOTONIC);
    const double cpu = clock_ms(CLOCK_THREAD_CPUTIME_ID);
    work();
    return {.wall_ms = clock_ms(CLOCK_MONOTONIC) - wall, .cpu_ms = clock_ms(CLOCK_THREAD_CPUTIME_ID) - cpu};
}

double median(std::vector<double> values) {
    return bench::quantile(std::move(values), 0.5);
}

/// Times compute_repairs for nodes spread over the network: the median, with the worst, the CPU time and the bar beside
/// it.
Row measure(const std::string& key, const Graph& graph, std::size_t samples, double bar_ms = 0) {
    std::vector<double> wall;
    std::vector<double> cpu;
    std::size_t repairs = 0;
    for (std::size_t i = 0; i < samples; ++i) {
        const auto plr = static_cast<NodeId>(i * graph.node_count() / samples);
        const auto time = spent([&] { repairs += compute_repairs(graph, plr, Protect::link).size(); });
        wall.push_back(time.wall_ms);
        cpu.push_back(time.cpu_ms);
    }
    Row row{.key = key, .value = median(wall), .unit = "ms", .n = samples};
    row.versus["max_ms"] = rounded(*std::max_element(wall.begin(), wall.end()));
    row.versus["cpu_ms"] = median(cpu);
    row.versus["nodes"] = graph.node_count();
    row.versus["links"] = graph.link_count();
    row.versus["repairs_per_node"] = repairs / samples;
    if (bar_ms > 0) row.bar = bar_ms;
    return row;
}

Graph zoo(const std::string& name) {
    auto topology = load_topology(fmt::format("{}/topo/zoo/{}.gml", SIDESTEP_SOURCE_DIR, name));
    if (!topology) throw std::runtime_error(topology.error().message);
    return std::move(topology->graph);
}

Graph random_network(std::size_t nodes) {
    return RandomGraph{.nodes = nodes, .degree = 4, .max_metric = 100, .seed = 1}.graph();
}

/// The oracle's CPU time for one node, all SPFs included, divided by that of compute_repairs.
Row measure_oracle(const Graph& graph, double fast_ms, std::size_t samples) {
    std::vector<double> cpu;
    for (std::size_t i = 0; i < samples; ++i) {
        const auto plr = static_cast<NodeId>(i * graph.node_count() / samples);
        cpu.push_back(spent([&] {
                          const Oracle oracle(graph);
                          for (const auto& hop : graph.hops(plr)) {
                              const Failure failure{.kind = Failure::Kind::link, .id = link_of(hop.arc)};
                              (void)oracle.repairs(plr, failure);
                          }
                      }).cpu_ms);
    }
    const auto oracle_ms = median(cpu);
    Row row{.key = "oracle_ratio_1k", .value = oracle_ms / fast_ms, .unit = "times", .n = samples};
    row.versus["oracle_cpu_ms"] = oracle_ms;
    row.versus["compute_cpu_ms"] = fast_ms;
    return row;
}

/// What isisd would print of this network.
std::string isis_text(const Graph& graph) {
    const auto system = [](NodeId node) { return fmt::format("0000.0000.{:04x}", node + 1); };
    std::string text = "Area core:\nIS-IS Level-2 link-state database:\n";
    std::string hosts = "Level  System ID      Dynamic Hostname\n";
    for (NodeId node = 0; node < graph.node_count(); ++node) {
        const auto& name = graph.node(node).name;
        text += fmt::format("{}.00-00  512   0x00000002  0x7afd    1135    0/0/0\n  Hostname: {}\n", name, name);
        hosts += fmt::format("{} {} {}\n", node == 0 ? "    *" : "2", system(node), name);
        for (const auto& hop : graph.hops(node)) {
            text += fmt::format("  Extended Reachability: {}.00 (Metric: {})\n", system(hop.neighbor), hop.metric);
        }
        text += fmt::format("  IPv6 Reachability: {} (Metric: 10)\n\n", graph.node(node).locator->to_string());
    }
    return fmt::format("{}    {} LSPs\n\n{}", text, graph.node_count(), hosts);
}

/// From isisd's answer to policies with SIDs: all that has to happen after a change, but the answer itself and the
/// maps.
Row measure_update(const Graph& graph, std::size_t samples) {
    const auto text = isis_text(graph);
    const LocatorPlan plan{.block = Prefix::parse("fd00::/32").value(), .length = 48};
    std::vector<double> wall;
    std::vector<double> cpu;
    std::size_t candidates = 0;
    for (std::size_t i = 0; i < samples; ++i) {
        const auto time = spent([&] {
            const auto database = parse_isis_database(text);
            if (!database) throw std::runtime_error(database.error().message);
            const auto isis = graph_of(*database, plan);
            const auto policies = compute_policies(isis.graph, isis.self.value(), Protect::link, {});
            for (const auto& policy : policies.policies) candidates += policy.candidates.size();
        });
        wall.push_back(time.wall_ms);
        cpu.push_back(time.cpu_ms);
    }
    Row row{.key = "isis_update_ms_1k", .value = median(wall), .unit = "ms", .n = samples};
    row.versus["cpu_ms"] = median(cpu);
    row.versus["candidates"] = candidates / samples;
    row.bar = 100;
    return row;
}

std::vector<Row> run(bool quick) {
    const auto few = [&](std::size_t samples) { return quick ? std::max<std::size_t>(samples / 10, 3) : samples; };
    std::vector<Row> rows;
    rows.push_back(measure("compute_ms_abilene", zoo("Abilene"), 11));
    rows.push_back(measure("compute_ms_cogentco", zoo("Cogentco"), few(100)));
    rows.push_back(measure("compute_ms_kdl", zoo("Kdl"), few(100)));
    const auto thousand = random_network(1000);
    rows.push_back(measure("compute_ms_1k", thousand, few(100), 10));
    rows.push_back(measure("compute_ms_10k", random_network(10'000), few(30), 200));
    rows.push_back(measure_oracle(thousand, rows[3].versus["cpu_ms"].get<double>(), quick ? 1 : 3));
    rows.push_back(measure_update(thousand, few(30)));
    rows.push_back(bench::measure_maps_update(thousand, few(30)));
    return rows;
}

}  // namespace
}  // namespace sidestep::routing

int main(int argc, char** argv) {
    return sidestep::bench::run_bench("routing", argc, argv, [](const sidestep::bench::Arguments& arguments) {
        return sidestep::routing::run(arguments.quick);
    });
}
