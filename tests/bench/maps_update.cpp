// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The detector's own tables in this process, attached to nothing; the sessions have no interfaces.
#include "tests/bench/maps_update.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>

#include <fmt/format.h>
#include <unistd.h>

#include "detector/engine/engine.hpp"
#include "detector/feed/computed_policies.hpp"
#include "detector/kernel/bpffs.hpp"
#include "detector/kernel/dataplane.hpp"
#include "detector/maps/map_sizes.hpp"

namespace sidestep::bench {
namespace {

using routing::Graph;
using routing::LinkId;
using Clock = std::chrono::steady_clock;

/// A bpffs of its own.
class Pins {
  public:
    Pins() : directory_(fmt::format("/tmp/sidestep-bench-{}", getpid())), mounted_(mount_bpffs(directory_)) {}
    Pins(const Pins&) = delete;
    Pins& operator=(const Pins&) = delete;
    ~Pins() { unmount_bpffs(directory_); }
    [[nodiscard]] const std::string& directory() const { return directory_; }
    [[nodiscard]] const Result<void>& mounted() const { return mounted_; }

  private:
    std::string directory_;
    Result<void> mounted_;
};

Graph with_metric(const Graph& graph, LinkId changed, routing::Metric metric) {
    Graph result;
    for (const auto& node : graph.nodes()) result.add_node(node);
    for (LinkId i = 0; i < graph.link_count(); ++i) {
        auto link = graph.link(i);
        if (i == changed) link.metrics = {metric, metric};
        result.add_link(std::move(link));
    }
    result.freeze();
    return result;
}

Config config_of(const Graph& graph) {
    Config config;
    config.node = graph.node(0).name;
    config.source = *Address::parse("fd00::1");
    for (const auto& hop : graph.hops(0)) {
        AdjacencyConfig adjacency;
        adjacency.name = adjacency.link = graph.link(routing::link_of(hop.arc)).id;
        adjacency.interface = adjacency.name;
        config.adjacencies.push_back(std::move(adjacency));
    }
    config.routing.emplace();
    return config;
}

double milliseconds_since(Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

Row measure(const Graph& graph, std::size_t samples, Row row) {
    const Pins pins;
    if (!pins.mounted()) {
        row.flaw = pins.mounted().error().message;
        return row;
    }
    const auto config = config_of(graph);
    auto dataplane = Dataplane::load(pins.directory() + "/bench", map_sizes(config));
    if (!dataplane) {
        row.flaw = dataplane.error().message;
        return row;
    }
    Engine engine(
        **dataplane,
        {.resolve = [](int, const Address&) {}, .on_event = [](const LoggedEvent&) {}, .linkdown_ignored = {}});
    (void)engine.apply(desired_of(config), {});
    std::vector<double> all;
    std::vector<double> in_maps;
    std::size_t policies = 0;
    std::size_t changed = 0;
    for (std::size_t i = 0; i < samples; ++i) {
        const auto network = with_metric(graph, static_cast<LinkId>(i * 37 % graph.link_count()),
                                         static_cast<routing::Metric>(1 + i % 100));
        const auto bank = (*dataplane)->node().bank;
        const auto start = Clock::now();
        const auto set = compute_set(network, 0, config);
        const auto computed = Clock::now();
        const auto replaced = engine.apply(desired_of(config, set), {});
        all.push_back(milliseconds_since(start));
        in_maps.push_back(milliseconds_since(computed));
        if (!replaced) row.flaw = replaced.error().message;
        policies = set.policies.size();
        changed += (*dataplane)->node().bank != bank ? 1 : 0;
    }
    (*dataplane)->unpin();
    row.n = changed;
    if (changed != samples || policies == 0) row.flaw += " not all sets came into force";
    row.value = quantile(all, 0.5);
    row.versus["max_ms"] = rounded(*std::ranges::max_element(all));
    row.versus["maps_ms"] = quantile(in_maps, 0.5);
    row.versus["policies"] = policies;
    return row;
}

}  // namespace

Row measure_maps_update(const Graph& graph, std::size_t samples) {
    constexpr double kBarMs = 100;
    Row row{.key = "maps_update_ms_1k", .value = 0, .unit = "ms", .n = 0};
    row.bar = kBarMs;
    return measure(graph, samples, std::move(row));
}

}  // namespace sidestep::bench
