// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads the topology file. Each function reads one entry and reports its mistakes; reading goes on after the first.
#include "routing/io/topology_file.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "common/file.hpp"
#include "routing/core/sids.hpp"
#include "routing/core/spf.hpp"
#include "routing/io/gml.hpp"

namespace sidestep::routing {
namespace {

/// Values that must be unique in a file, and the entry that had each first.
class Taken {
  public:
    /// Complains at `place` if `what` was taken before, naming by whom.
    void claim(const std::string& what, const std::string& by, const YamlPlace& place) {
        const auto [entry, fresh] = owners_.emplace(what, by);
        if (!fresh) place.complain(fmt::format("{} is already used by {}", what, entry->second));
    }

  private:
    std::map<std::string, std::string> owners_;
};

/// The locators so far. Those that are kept do not overlap, so that one look to either side finds what does.
class Locators {
  public:
    /// Complains at `place` if another node's locator overlaps; the first to be given stays.
    void claim(const Prefix& prefix, const std::string& by, const YamlPlace& place) {
        const auto after = owners_.lower_bound(prefix);
        const auto overlaps = [&](const auto& entry) {
            return entry->first.contains(prefix) || prefix.contains(entry->first);
        };
        if (after != owners_.end() && overlaps(after)) {
            complain(prefix, *after, place);
        } else if (after != owners_.begin() && overlaps(std::prev(after))) {
            complain(prefix, *std::prev(after), place);
        } else {
            owners_.emplace_hint(after, prefix, by);
        }
    }

  private:
    using Owners = std::map<Prefix, std::string>;

    static void complain(const Prefix& prefix, const Owners::value_type& before, const YamlPlace& place) {
        const auto& [other, owner] = before;
        place.complain(other == prefix
                           ? fmt::format("{} is already used by {}", prefix.to_string(), owner)
                           : fmt::format("{} overlaps {} of {}", prefix.to_string(), other.to_string(), owner));
    }

    Owners owners_;
};

class Reader {
  public:
    explicit Reader(Graph& graph) : graph_(graph) {}

    void read(const YamlPlace& root) {
        if (!root.expect_map({"nodes", "links"})) return;
        if (const auto nodes = root.required("nodes")) {
            const auto items = nodes->items();
            for (const auto& item : items) read_node(item);
            if (items.empty()) nodes->complain("must name at least one node");
        }
        if (const auto links = root.optional("links")) {
            for (const auto& item : links->items()) read_link(item);
        }
    }

  private:
    void read_node(const YamlPlace& place) {
        if (!place.expect_map({"name", "kind", "locator", "loopback", "prefixes", "overload"})) return;
        Node node;
        const auto name_place = place.required("name");
        if (!name_place) return;
        const auto name = name_place->text();
        if (!name) return;
        node.name = *name;
        names_.claim(node.name, "another node", *name_place);
        if (const auto kind = place.optional("kind")) {
            if (kind->choice({"router", "host"}) == 1U) node.kind = NodeKind::host;
        }
        if (const auto overload = place.optional("overload")) node.overload = overload->boolean().value_or(false);
        if (node.kind == NodeKind::router || place.has("locator")) read_locator(place, node);
        if (const auto loopback = place.optional("loopback")) {
            node.loopback = loopback->ipv6();
            if (node.loopback) addresses_.claim(node.loopback->to_string(), node.name, *loopback);
        }
        if (const auto prefixes = place.optional("prefixes")) read_prefixes(*prefixes, node);
        if (!graph_.find_node(node.name)) graph_.add_node(std::move(node));
    }

    static void read_prefixes(const YamlPlace& place, Node& node) {
        std::set<Prefix> seen;
        for (const auto& item : place.items()) {
            const auto prefix = item.prefix();
            if (!prefix) continue;
            if (!seen.insert(*prefix).second) item.complain("given twice");
            if (prefix->address.is_link_local() || prefix->address.is_multicast())
                item.complain("is link-local or multicast: no path leads there");
            node.prefixes.push_back(*prefix);
        }
    }

    void read_locator(const YamlPlace& place, Node& node) {
        const auto locator = place.required("locator");
        if (!locator) return;
        const auto prefix = locator->prefix();
        if (!prefix) return;
        if (prefix->address.is_v4() || prefix->length < 16 || prefix->length > kMaxLocatorLength) {
            locator->complain(fmt::format("must be an IPv6 prefix of 16 to {} bits", kMaxLocatorLength));
            return;
        }
        locators_.claim(*prefix, node.name, *locator);
        node.locator = prefix;
    }

    void read_link(const YamlPlace& place) {
        if (!place.expect_map({"id", "ends", "metric", "reverse-metric", "srlg", "subnet"})) return;
        Link link;
        if (const auto id_place = place.required("id")) {
            link.id = id_place->text().value_or("");
            if (!link.id.empty()) links_.claim(link.id, "another link", *id_place);
        }
        const bool ends_known = read_ends(place, link);
        link.metrics = {10, 10};
        if (const auto metric = read_metric(place, "metric")) link.metrics = {*metric, *metric};
        if (const auto metric = read_metric(place, "reverse-metric")) link.metrics[1] = *metric;
        if (const auto srlg = place.optional("srlg")) {
            for (const auto& item : srlg->items()) {
                const auto value = item.integer(0, std::numeric_limits<Srlg>::max());
                if (value) link.srlgs.push_back(static_cast<Srlg>(*value));
            }
            std::ranges::sort(link.srlgs);
            link.srlgs.erase(std::unique(link.srlgs.begin(), link.srlgs.end()), link.srlgs.end());
        }
        if (const auto subnet = place.optional("subnet")) {
            link.subnet = subnet->prefix();
            if (link.subnet && (link.subnet->length != 64 || link.subnet->address.is_v4())) {
                subnet->complain("must be an IPv6 prefix of 64 bits");
            } else if (link.subnet) {
                addresses_.claim(link.subnet->to_string(), link.id, *subnet);
            }
        }
        if (!link.id.empty() && ends_known && !graph_.find_link(link.id)) {
            const auto function = link_function(graph_.link_count());
            link.functions = {function, function};
            graph_.add_link(std::move(link));
        }
    }

    bool read_ends(const YamlPlace& place, Link& link) {
        const auto ends = place.required("ends");
        if (!ends) return false;
        const auto items = ends->items();
        if (items.size() != 2) {
            ends->complain("must name exactly two nodes");
            return false;
        }
        bool known = true;
        for (std::size_t end = 0; end < 2; ++end) {
            const auto name = items[end].text();
            const auto node = name ? graph_.find_node(*name) : std::nullopt;
            if (name && !node) items[end].complain(fmt::format("there is no node {}", *name));
            if (!node) known = false;
            link.ends[end] = node.value_or(0);
        }
        if (known && link.ends[0] == link.ends[1]) {
            ends->complain("must name two different nodes");
            return false;
        }
        return known;
    }

    static std::optional<Metric> read_metric(const YamlPlace& place, std::string_view key) {
        const auto metric = place.optional(key);
        const auto value = metric ? metric->integer(1, kMaxMetric) : std::nullopt;
        return value ? std::optional(static_cast<Metric>(*value)) : std::nullopt;
    }

    Graph& graph_;
    Taken names_;
    Taken links_;
    Taken addresses_;
    Locators locators_;
};

}  // namespace

std::optional<Topology> parse_topology(const std::string& text, Complaints& complaints) {
    Topology topology;
    Reader reader(topology.graph);
    read_yaml(text, complaints, [&](const YamlPlace& root) { reader.read(root); });
    if (!complaints.empty()) return std::nullopt;
    topology.graph.attach_anycast();
    topology.graph.freeze();
    topology.warnings = warn_unreachable(topology.graph);
    return topology;
}

Result<Topology> load_topology(const std::string& path) {
    const auto text = read_file(path);
    if (!text) return std::unexpected(text.error());
    if (path.ends_with(".gml")) return parse_gml(*text, path);
    Complaints complaints{.file = path, .list = {}};
    auto topology = parse_topology(*text, complaints);
    if (!topology) return fail(complaints.to_string());
    for (const auto& warning : complaints.warnings) topology->warnings.push_back(warning.to_string());
    return std::move(*topology);
}

std::vector<std::string> warn_unreachable(const Graph& graph) {
    std::vector<std::string> warnings;
    if (graph.node_count() == 0) return warnings;
    const auto spf = spf_from(graph, 0);
    for (NodeId id = 0; id < graph.node_count(); ++id) {
        if (spf.distance[id] != kUnreachable) continue;
        warnings.push_back(fmt::format("{} cannot be reached from {}", graph.node(id).name, graph.node(0).name));
    }
    return warnings;
}

}  // namespace sidestep::routing
