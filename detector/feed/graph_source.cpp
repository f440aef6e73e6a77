// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Checks cheaply whether the network changed, and finds this node in it.
#include "detector/feed/graph_source.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "detector/feed/computed_policies.hpp"
#include "routing/io/isis_source.hpp"
#include "routing/io/topology_file.hpp"

namespace sidestep {
namespace {

/// The file is read when its time, size or inode changes; editors and atomic replacements change at least one of them.
class FileSource : public GraphSource {
  public:
    FileSource(std::string path, std::string node) : path_(std::move(path)), node_(std::move(node)) {}

    Result<std::optional<Network>> poll() override {
        struct stat status {};
        if (::stat(path_.c_str(), &status) != 0) {
            seen_.reset();
            return fail_errno("cannot read " + path_);
        }
        const Seen now{status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_size, status.st_ino};
        if (seen_ == now) {
            if (problem_) return std::unexpected(*problem_);
            return std::nullopt;
        }
        seen_ = now;
        auto network = read();
        problem_ = network ? std::nullopt : std::optional(network.error());
        if (!network) return std::unexpected(network.error());
        return std::move(*network);
    }

    [[nodiscard]] std::string name() const override { return "topology file " + path_; }

  private:
    using Seen = std::tuple<std::int64_t, std::int64_t, std::int64_t, std::uint64_t>;

    [[nodiscard]] Result<Network> read() const {
        auto topology = routing::load_topology(path_);
        if (!topology) return std::unexpected(topology.error());
        const auto plr = topology->graph.find_node(node_);
        if (!plr) return fail(fmt::format("{} has no node {}: set `node` under `routing`", path_, node_));
        auto graph = std::make_shared<const routing::Graph>(std::move(topology->graph));
        return Network{.view = {.graph = std::move(graph), .plr = *plr}, .warnings = std::move(topology->warnings)};
    }

    std::string path_;
    std::string node_;
    std::optional<Seen> seen_;
    std::optional<Error> problem_;
};

/// This node is the router that vtysh talks to, unless the configuration names another.
class IsisGraphSource : public GraphSource {
  public:
    IsisGraphSource(routing::IsisSourceOptions options, routing::LocatorPlan plan, std::string node)
        : source_(std::move(options), plan), node_(std::move(node)) {}

    Result<std::optional<Network>> poll() override {
        const auto changed = source_.refresh();
        if (!changed) return std::unexpected(changed.error());
        if (!*changed && !problem_) return std::nullopt;
        const auto& [graph, self, warnings] = *source_.current();
        const auto plr = node_.empty() ? self : graph.find_node(node_);
        if (!plr) {
            problem_ = Error{
                node_.empty() ? "the IS-IS database does not say which router is this one: set `node` under `routing`"
                              : "the IS-IS database has no router " + node_ + ": correct `node` under `routing`"};
            return std::unexpected(*problem_);
        }
        problem_.reset();
        return Network{.view = {.graph = std::make_shared<const routing::Graph>(graph), .plr = *plr},
                       .warnings = warnings};
    }

    [[nodiscard]] std::string name() const override { return "IS-IS"; }

  private:
    routing::IsisSource source_;
    std::string node_;
    std::optional<Error> problem_;
};

}  // namespace

std::unique_ptr<GraphSource> make_graph_source(const Config& config, std::chrono::milliseconds patience) {
    const auto& asked = *config.routing;
    if (!asked.topology.empty()) {
        return std::make_unique<FileSource>(asked.topology, asked.node.empty() ? config.node : asked.node);
    }
    routing::IsisSourceOptions options{.socket_directory = asked.vty_directory,
                                       .timeout = patience,
                                       .scope = {.level = asked.isis_level, .area = asked.isis_area}};
    if (!asked.vtysh.empty()) options.vtysh = asked.vtysh;
    return std::make_unique<IsisGraphSource>(std::move(options), locator_plan_of(config), asked.node);
}

}  // namespace sidestep
