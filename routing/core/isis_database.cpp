// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A line parser: it recognizes each line by its words, and its only state is the LSP that the line belongs to.
#include "routing/core/isis_database.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace sidestep::routing {
namespace {

/// isisd prints no more of a host name than this in an LSP ID.
constexpr std::size_t kShownName = 14;

/// The LSPs of a node as they were printed, before system IDs are known.
struct Printed {
    std::string shown;  ///< the LSP ID's name: a system ID or the beginning of a host name
    std::uint8_t pseudonode = 0;
    std::string hostname = {};  ///< the Hostname TLV, if any
    bool first_fragment = false;
    bool overload = false;
    bool multi_topology = false;
    std::vector<IsisNeighbor> neighbors = {};
    std::vector<IsisNeighbor> mt_neighbors = {};  ///< of the IPv6 topology
    std::vector<IsisPrefix> prefixes = {};
};

struct Section {
    std::string area = {};
    int level = 0;
    std::vector<Printed> nodes = {};
    std::size_t lsps = 0;
    std::optional<std::size_t> announced = {};  ///< "    5 LSPs", the last line of a section
};

struct Host {
    std::string system;
    std::string name;
    bool self = false;
};

struct Printout {
    std::vector<Section> sections;
    std::vector<Host> hosts;
};

std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> words;
    for (std::size_t at = 0; (at = line.find_first_not_of(" \t\r", at)) != std::string_view::npos;) {
        const auto end = std::min(line.find_first_of(" \t\r", at), line.size());
        words.push_back(line.substr(at, end - at));
        at = end;
    }
    return words;
}

template <typename T>
std::optional<T> number(std::string_view digits, int base = 10) {
    T value{};
    const auto* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, value, base);
    return error == std::errc{} && stop == end ? std::optional(value) : std::nullopt;
}

/// "0000.0000.0001"
bool is_system_id(std::string_view text) {
    constexpr std::string_view kPattern = "xxxx.xxxx.xxxx";
    return std::equal(text.begin(), text.end(), kPattern.begin(), kPattern.end(), [](char c, char pattern) {
        return pattern == '.' ? c == '.' : std::isxdigit(static_cast<unsigned char>(c)) != 0;
    });
}

/// NAME.PP with a two-digit hexadecimal PP.
std::optional<std::pair<std::string_view, std::uint8_t>> split_pseudonode(std::string_view text) {
    if (text.size() < 4 || text[text.size() - 3] != '.') return std::nullopt;
    const auto pseudonode = number<std::uint8_t>(text.substr(text.size() - 2), 16);
    if (!pseudonode) return std::nullopt;
    return std::pair(text.substr(0, text.size() - 3), *pseudonode);
}

class LineParser {
  public:
    Printout read(std::string_view text) {
        for (std::size_t at = 0; at < text.size();) {
            const auto end = std::min(text.find('\n', at), text.size());
            const auto line = text.substr(at, end - at);
            if (const auto words = words_of(line); !words.empty()) read_line(line, words);
            at = end + 1;
        }
        return std::move(printout_);
    }

  private:
    using Words = std::vector<std::string_view>;

    void read_line(std::string_view line, const Words& words) {
        const bool in_database = !printout_.sections.empty() && !printout_.sections.back().announced;
        if (words[0] == "Area" && words.size() == 2 && line.ends_with(':')) {
            area_ = words[1].substr(0, words[1].size() - 1);
        } else if (words[0] == "IS-IS" && words.size() > 1 && words[1].starts_with("Level-")) {
            printout_.sections.push_back({.area = area_, .level = words[1] == "Level-1" ? 1 : 2});
            node_ = nullptr;
        } else if (in_database && line[0] != ' ') {
            read_lsp(words);
        } else if (in_database && words.size() == 2 && words[1] == "LSPs") {
            printout_.sections.back().announced = number<std::size_t>(words[0]);
        } else if (in_database && node_ != nullptr) {
            read_tlv(line);
        } else if (!in_database && words.size() > 2 && is_system_id(words[1])) {
            printout_.hosts.push_back(
                {.system = std::string(words[1]), .name = std::string(words[2]), .self = words[0] == "*"});
        }
    }

    /// "r1.00-00  *  37  0x00000002  0x7afd  1135  0/0/0"; the star marks the router's own.
    void read_lsp(const Words& words) {
        const auto flags = words.back();
        const auto& id = words[0];
        if (flags.size() != 5 || flags[1] != '/' || flags[3] != '/' || id.size() < 7 || id[id.size() - 3] != '-')
            return;
        const auto node = split_pseudonode(id.substr(0, id.size() - 3));
        if (!node || words.size() < 6) return;
        auto& section = printout_.sections.back();
        ++section.lsps;
        node_ = nullptr;
        // A lifetime in brackets is that of a purge: the LSP is gone.
        if (words[words.size() - 2].starts_with('(')) return;
        const bool first = id.ends_with("-00");
        // LSPs come in the order of their IDs, so a fragment belongs to the last node shown like it.
        if (first || section.nodes.empty() || section.nodes.back().shown != node->first ||
            section.nodes.back().pseudonode != node->second) {
            section.nodes.push_back({.shown = std::string(node->first),
                                     .pseudonode = node->second,
                                     .first_fragment = first,
                                     .overload = flags[4] != '0'});
        }
        node_ = &section.nodes.back();
    }

    /// "  KEY: VALUE ..."
    void read_tlv(std::string_view line) {
        const auto colon = line.find(": ");
        if (colon == std::string_view::npos) return;
        const auto key = line.substr(2, colon - 2);
        const auto value = words_of(line.substr(colon + 2));
        if (value.empty()) return;
        if (key == "Extended Reachability" || key == "IS Reachability") {
            read_neighbor(value, node_->neighbors);
        } else if (key == "MT Reachability" && value.back() == "ipv6-unicast") {
            read_neighbor(value, node_->mt_neighbors);
        } else if (key == "MT Router Info" && value[0] == "ipv6-unicast") {
            node_->multi_topology = true;
        } else if (key == "Hostname") {
            node_->hostname = value[0];
        } else if (key.ends_with("IP Reachability") || key.ends_with("IPv6 Reachability")) {
            read_prefix(value, node_->prefixes);
        }
    }

    /// "(Metric:" "10)"
    static std::optional<Metric> metric_of(const Words& words) {
        if (words.size() < 3 || words[1] != "(Metric:") return std::nullopt;
        return number<Metric>(words[2].substr(0, words[2].find(')')));
    }

    /// "fd00:0:1::/48 (Metric: 10) Down External"
    static void read_prefix(const Words& words, std::vector<IsisPrefix>& prefixes) {
        const auto prefix = Prefix::parse(words[0]);
        const auto metric = metric_of(words);
        if (!prefix || !metric || *metric > kMaxPathMetric) return;
        const auto has = [&](std::string_view flag) {
            return std::find(words.begin(), words.end(), flag) != words.end();
        };
        prefixes.push_back({.prefix = *prefix, .metric = *metric, .down = has("Down"), .external = has("External")});
    }

    /// "0000.0000.0002.00 (Metric: 10) ..."
    static void read_neighbor(const Words& words, std::vector<IsisNeighbor>& neighbors) {
        const auto id = split_pseudonode(words[0]);
        const auto metric = metric_of(words);
        if (!id || !is_system_id(id->first) || !metric || *metric > kMaxMetric) return;
        neighbors.push_back({.id = {.system = std::string(id->first), .pseudonode = id->second}, .metric = *metric});
    }

    Printout printout_;
    std::string area_;
    Printed* node_ = nullptr;
};

/// System IDs by what LSP IDs show. Several routers may show the same name. isisd prints LSPs in the order of system IDs,
/// so that the order tells them apart.
class Hosts {
  public:
    Hosts(const Section& section, const std::vector<Host>& hosts) {
        for (const auto& host : hosts) {
            by_name_[host.name].insert(host.system);
            by_shown_[host.name.substr(0, kShownName)].insert(host.system);
            if (host.self) reported_.insert(host.system);
        }
        for (const auto& node : section.nodes) {
            for (const auto* list : {&node.neighbors, &node.mt_neighbors}) {
                for (const auto& neighbor : *list) reported_.insert(neighbor.id.system);
            }
            if (stands_for_router(node)) ++called_[name_of(node)];
        }
    }

    /// To be called once for each router, in the order of the printout.
    [[nodiscard]] Result<std::string> system_of(const Printed& node) {
        if (is_system_id(node.shown)) return node.shown;
        const auto& name = name_of(node);
        const auto systems = systems_called(name, node.hostname.empty() ? by_shown_ : by_name_);
        const auto routers = called_[name];
        if (systems.empty()) return fail(fmt::format("the system ID of {} is not known yet: left out", name));
        if (systems.size() != routers) {
            return fail(
                fmt::format("{} LSPs of routers called {}, which {} systems are called: left out; give each its "
                            "own host name",
                            routers, name, systems.size()));
        }
        return systems[seen_[name]++];
    }

  private:
    using Systems = std::map<std::string, std::set<std::string>>;

    static bool stands_for_router(const Printed& node) {
        return node.pseudonode == 0 && node.first_fragment && !is_system_id(node.shown);
    }
    static const std::string& name_of(const Printed& node) {
        return node.hostname.empty() ? node.shown : node.hostname;
    }

    /// Ascending. isisd remembers the names of routers that are gone: among several, those count that some router reports.
    [[nodiscard]] std::vector<std::string> systems_called(const std::string& name, const Systems& systems) const {
        const auto found = systems.find(name);
        if (found == systems.end()) return {};
        std::vector<std::string> result(found->second.begin(), found->second.end());
        if (result.size() > 1) std::erase_if(result, [&](const auto& system) { return !reported_.contains(system); });
        return result;
    }

    Systems by_name_;
    Systems by_shown_;
    std::set<std::string> reported_;             ///< as somebody's neighbor, or as the router that was asked
    std::map<std::string, std::size_t> called_;  ///< routers by what tells their names
    std::map<std::string, std::size_t> seen_{};  ///< those of them that have their system ID
};

const Section* choose(const std::vector<Section>& sections, const IsisScope& scope) {
    const Section* chosen = nullptr;
    for (const auto& section : sections) {
        if (!scope.area.empty() && section.area != scope.area) continue;
        if (section.nodes.empty() || (chosen != nullptr && section.level != scope.level)) continue;
        chosen = &section;
    }
    return chosen;
}

/// Fills `nodes` with those of a section under their system IDs, and `left_out`.
void resolve(const Section& section, Hosts hosts, IsisDatabase& result) {
    std::string speaker;  // a pseudonode's LSP follows its speaker's and shows the same name
    std::string speaker_shown;
    for (const auto& printed : section.nodes) {
        // ISO 10589, 7.2.5: without fragment 0 the rest says nothing.
        if (!printed.first_fragment) continue;
        if (printed.pseudonode == 0 || printed.shown != speaker_shown) {
            auto system = hosts.system_of(printed);
            speaker_shown = printed.shown;
            speaker = system.value_or("");
            if (!system) result.left_out.push_back(system.error().message);
        }
        if (speaker.empty()) continue;
        result.nodes.push_back({.id = {.system = speaker, .pseudonode = printed.pseudonode},
                                .name = printed.hostname.empty() ? printed.shown : printed.hostname,
                                .overload = printed.overload,
                                .neighbors = printed.multi_topology ? printed.mt_neighbors : printed.neighbors,
                                .prefixes = printed.prefixes});
    }
}

}  // namespace

Result<IsisDatabase> parse_isis_database(const std::string& text, const IsisScope& scope) {
    const auto printout = LineParser().read(text);
    if (printout.sections.empty())
        return fail("no IS-IS database in the output of isisd: is an IS-IS area configured?");
    for (const auto& section : printout.sections) {
        if (!section.announced && section.lsps > 0) return fail("the IS-IS database ends before its count of LSPs");
        if (section.announced && *section.announced != section.lsps) {
            return fail(
                fmt::format("the IS-IS database announces {} LSPs but shows {}", *section.announced, section.lsps));
        }
    }
    const auto* section = choose(printout.sections, scope);
    if (section == nullptr && !scope.area.empty())
        return fail(fmt::format("the IS-IS database has nothing of area {}: is that its tag?", scope.area));
    if (section == nullptr) return fail("the IS-IS database is empty: is the area up?");
    IsisDatabase database{.level = section->level, .self = {}, .nodes = {}, .left_out = {}};
    resolve(*section, Hosts(*section, printout.hosts), database);
    for (const auto& host : printout.hosts) {
        if (host.self) database.self = host.system;
    }
    return database;
}

}  // namespace sidestep::routing
