// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A line parser like that of the database.
#include "routing/core/isis_adjacencies.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <sstream>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace sidestep::routing {
namespace {

class AdjacencyParser {
  public:
    explicit AdjacencyParser(int level) : level_(level) {}

    std::vector<IsisAdjacency> read(const std::string& text) {
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);) read_line(line);
        for (auto& adjacency : adjacencies_) {
            const auto known = metrics_.find(adjacency.interface);
            if (known != metrics_.end()) adjacency.metric = known->second;
        }
        return std::move(adjacencies_);
    }

  private:
    /// The rest of the line if it begins with `key`; otherwise nothing.
    static std::string_view after(std::string_view line, std::string_view key) {
        return line.starts_with(key) ? line.substr(key.size()) : std::string_view();
    }
    static std::string_view word(std::string_view text) { return text.substr(0, text.find_first_of(", \t\r")); }

    void read_line(std::string_view line) {
        if (const auto rest = after(line, "    Interface: "); !rest.empty()) {
            read_adjacency(rest);
        } else if (const auto own = after(line, "  Interface: "); !own.empty()) {
            interface_ = word(own);
            at_level_ = false;
        } else if (const auto level = after(line, "    Level-"); !level.empty()) {
            at_level_ = level.starts_with(fmt::format("{} Information", level_));
        } else if (const auto metric = after(line, "      Metric: "); !metric.empty() && at_level_) {
            read_metric(word(metric));
        } else if (line.size() > 1 && line[0] == ' ' && line[1] != ' ') {
            neighbor_ = word(line.substr(1));
        }
    }

    /// "x91, Level: 2, State: Up, Expires in 27s"
    void read_adjacency(std::string_view text) {
        const auto has = [&](const std::string& part) { return text.find(part) != std::string_view::npos; };
        const bool at_level = has(fmt::format("Level: {},", level_)) || has("Level: 3,");  // 3: both
        if (neighbor_.empty() || !at_level || !has("State: Up")) return;
        adjacencies_.push_back({.neighbor = neighbor_, .interface = std::string(word(text))});
    }

    void read_metric(std::string_view digits) {
        Metric value = 0;
        const auto* end = digits.data() + digits.size();
        const auto [stop, error] = std::from_chars(digits.data(), end, value);
        if (error == std::errc{} && stop == end) metrics_[interface_] = value;
    }

    int level_;
    std::string neighbor_;
    std::string interface_;
    bool at_level_ = false;
    std::vector<IsisAdjacency> adjacencies_;
    std::map<std::string, Metric> metrics_;  ///< by interface
};

}  // namespace

std::vector<IsisAdjacency> parse_isis_adjacencies(const std::string& text, int level) {
    return AdjacencyParser(level).read(text);
}

}  // namespace sidestep::routing
