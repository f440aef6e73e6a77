// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads the part of GML that networks use: keys with a number, a text or a bracketed list of more keys. (Boost has no
// GML reader, and the format has three kinds of tokens.)
#include "routing/io/gml.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <numbers>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "routing/core/sids.hpp"

namespace sidestep::routing {
namespace {

/// A bracketed list: its plain values by key (the last one wins) and the lists within.
struct Record {
    std::string name = {};  ///< the key that it is the value of
    int line = 1;
    std::map<std::string, std::string, std::less<>> values;
    std::vector<Record> records;

    [[nodiscard]] std::optional<std::string> text(std::string_view key) const {
        const auto found = values.find(key);
        return found == values.end() ? std::nullopt : std::optional(found->second);
    }
    [[nodiscard]] std::optional<double> number(std::string_view key) const {
        const auto value = text(key);
        if (!value) return std::nullopt;
        char* end = nullptr;
        const double result = std::strtod(value->c_str(), &end);
        return end == value->c_str() || *end != 0 || !std::isfinite(result) ? std::nullopt : std::optional(result);
    }
};

class Parser {
  public:
    explicit Parser(std::string_view text) : text_(text) {}

    /// Reads keys up to the closing bracket, or to the end of the text on the outermost level.
    Result<Record> record(int depth = 0) {
        Record result;
        result.line = line_;
        while (true) {
            const auto key = token();
            if (key.empty() || key == "]") {
                if (key.empty() != (depth == 0)) return complain(depth == 0 ? "unexpected ']'" : "missing ']'");
                return result;
            }
            if (key == "[" || key.front() == '"') return complain(fmt::format("expected a key, not {}", key));
            auto value = token();
            if (value.empty() || value == "]") return complain(fmt::format("{} has no value", key));
            if (value == "[") {
                if (depth == kMaxDepth) return complain("lists are nested too deeply");
                auto inner = record(depth + 1);
                if (!inner) return inner;
                inner->name = key;
                result.records.push_back(std::move(*inner));
            } else {
                if (value.front() == '"') value = value.substr(1, value.size() - 2);
                result.values.insert_or_assign(std::string(key), std::string(value));
            }
        }
    }

    [[nodiscard]] int line() const { return line_; }

  private:
    static constexpr int kMaxDepth = 16;

    /// The next bracket, quoted text (with its quotes) or word; empty at the end.
    std::string_view token() {
        while (at_ < text_.size() && (is_space(text_[at_]) || text_[at_] == '#')) {
            if (text_[at_] == '#') {
                at_ = std::min(text_.find('\n', at_), text_.size());
            } else if (text_[at_++] == '\n') {
                ++line_;
            }
        }
        if (at_ == text_.size()) return {};
        const auto begin = at_;
        if (text_[at_] == '"') {
            const auto end = std::min(text_.find('"', at_ + 1), text_.size() - 1);
            at_ = end + 1;
            line_ += static_cast<int>(std::count(text_.begin() + begin, text_.begin() + at_, '\n'));
        } else if (text_[at_] == '[' || text_[at_] == ']') {
            ++at_;
        } else {
            while (at_ < text_.size() && !is_space(text_[at_]) && text_[at_] != '[' && text_[at_] != ']') ++at_;
        }
        return text_.substr(begin, at_ - begin);
    }

    static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
    [[nodiscard]] std::unexpected<Error> complain(const std::string& reason) const {
        return fail(fmt::format("{}: {}", line_, reason));
    }

    std::string_view text_;
    std::size_t at_ = 0;
    int line_ = 1;
};

struct Place {
    std::optional<double> latitude;
    std::optional<double> longitude;
};

Metric metric_between(const Place& a, const Place& b) {
    if (!a.latitude || !a.longitude || !b.latitude || !b.longitude) return 100;
    constexpr double kEarthRadiusKm = 6371.0;
    constexpr double kRadian = std::numbers::pi / 180;
    const auto squared_sine = [](double degrees) { return std::pow(std::sin(degrees * kRadian / 2), 2); };
    const double haversine = squared_sine(*b.latitude - *a.latitude) + std::cos(*a.latitude * kRadian) *
                                                                           std::cos(*b.latitude * kRadian) *
                                                                           squared_sine(*b.longitude - *a.longitude);
    const double km = 2 * kEarthRadiusKm * std::asin(std::sqrt(std::clamp(haversine, 0.0, 1.0)));
    return static_cast<Metric>(std::max(1.0, std::round(km)));
}

class Builder {
  public:
    std::optional<std::string> add_node(const Record& record) {
        const auto id = record.text("id");
        if (!id) return "a node has no id";
        if (nodes_.contains(*id)) return fmt::format("node {} is given twice", *id);
        Node node;
        node.name = record.text("label").value_or(*id);
        if (topology_.graph.find_node(node.name)) node.name += "#" + *id;
        const auto number = topology_.graph.node_count() + 1;
        if (number > 0xffff) return "more nodes than locators (65535)";
        node.locator = Prefix::parse(fmt::format("fd00:0:{:x}::/48", number));
        node.loopback = Address::parse(fmt::format("fd00:0:{:x}::1", number));
        nodes_.emplace(*id, topology_.graph.add_node(std::move(node)));
        places_.push_back({.latitude = record.number("Latitude"), .longitude = record.number("Longitude")});
        return std::nullopt;
    }

    std::optional<std::string> add_link(const Record& record) {
        auto& graph = topology_.graph;
        Link link;
        for (std::size_t end = 0; end < 2; ++end) {
            const auto* key = end == 0 ? "source" : "target";
            const auto id = record.text(key);
            if (!id) return fmt::format("an edge has no {}", key);
            const auto node = nodes_.find(*id);
            if (node == nodes_.end()) return fmt::format("there is no node {}", *id);
            link.ends[end] = node->second;
        }
        const auto& from = graph.node(link.ends[0]).name;
        const auto& to = graph.node(link.ends[1]).name;
        if (link.ends[0] == link.ends[1]) {
            topology_.warnings.push_back(fmt::format("line {}: {} is linked to itself: left out", record.line, from));
            return std::nullopt;
        }
        link.metrics.fill(metric_between(places_[link.ends[0]], places_[link.ends[1]]));
        link.id = fmt::format("{}-{}", from, to);
        for (int n = 2; graph.find_link(link.id); ++n) link.id = fmt::format("{}-{}.{}", from, to, n);
        link.functions.fill(link_function(graph.link_count()));
        graph.add_link(std::move(link));
        return std::nullopt;
    }

    Topology finish() {
        topology_.graph.freeze();
        auto unreachable = warn_unreachable(topology_.graph);
        std::move(unreachable.begin(), unreachable.end(), std::back_inserter(topology_.warnings));
        return std::move(topology_);
    }

  private:
    Topology topology_;
    std::map<std::string, NodeId> nodes_;
    std::vector<Place> places_;
};

}  // namespace

Result<Topology> parse_gml(const std::string& text, const std::string& file) {
    auto root = Parser(text).record();
    if (!root) return fail(fmt::format("{}:{}", file, root.error().message));
    const auto graph = std::find_if(root->records.begin(), root->records.end(),
                                    [](const Record& record) { return record.name == "graph"; });
    if (graph == root->records.end()) return fail(file + ": no graph");
    Builder builder;
    const auto add_all = [&](std::string_view key, auto add) -> Result<void> {
        for (const auto& record : graph->records) {
            if (record.name != key) continue;
            if (const auto reason = (builder.*add)(record)) {
                return fail(fmt::format("{}:{}: {}", file, record.line, *reason));
            }
        }
        return {};
    };
    if (auto nodes = add_all("node", &Builder::add_node); !nodes) return std::unexpected(nodes.error());
    if (auto links = add_all("edge", &Builder::add_link); !links) return std::unexpected(links.error());
    auto topology = builder.finish();
    if (topology.graph.node_count() == 0) return fail(file + ": no nodes");
    return topology;
}

}  // namespace sidestep::routing
