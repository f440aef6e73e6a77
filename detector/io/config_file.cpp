// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reading a node's configuration: one small function per section, each of which goes on after a complaint.
#include "detector/io/config_file.hpp"

#include <net/if.h>

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "detector/core/detection.hpp"
#include "detector/core/names.hpp"
#include "detector/core/session_config.hpp"
#include "detector/core/wire.hpp"

namespace sidestep {
namespace {

constexpr Nanoseconds kAnyDuration = std::chrono::hours(24 * 3650);
constexpr std::size_t kLongestNodeName = 32;
constexpr std::size_t kLongestName = SS_NAME_MAX - 1;
constexpr std::size_t kLongestInterface = IFNAMSIZ - 1;

bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
}

bool is_printable(char c) {
    return c > ' ' && c <= '~';
}

/// Where each name was given first, to refuse the second.
class Seen {
  public:
    /// Complains at `place` if `name` was given before; true if it is new.
    bool add(const std::string& name, const YamlPlace& place) {
        const auto [first, fresh] = lines_.emplace(name, place.line());
        if (!fresh) place.complain(fmt::format("'{}' is already given on line {}", name, first->second));
        return fresh;
    }
    [[nodiscard]] bool contains(const std::string& name) const { return lines_.contains(name); }
    /// "A-B, A-C, A-D and 7 more".
    [[nodiscard]] std::string known() const {
        constexpr std::size_t kMost = 8;
        std::string text;
        std::size_t listed = 0;
        for (const auto& [name, line] : lines_) {
            if (listed++ == kMost) return fmt::format("{} and {} more", text, lines_.size() - kMost);
            text += (text.empty() ? "" : ", ") + name;
        }
        return text.empty() ? "none" : text;
    }

  private:
    std::map<std::string, int> lines_;
};

/// One reading of one document.
class Reader {
  public:
    Reader(const InterfaceExists& exists, const ConfigLimits& limits) : exists_(exists), limits_(limits) {}

    Config read(const YamlPlace& root) {
        if (!root.expect_map({"node", "clock", "probe", "adjacencies", "paths", "passives", "policies", "ingress"}))
            return {};
        if (const auto node = root.required("node")) read_node(*node);
        if (const auto clock = root.optional("clock")) read_clock(*clock);
        if (const auto probe = root.optional("probe")) read_probe_defaults(*probe);
        if (const auto adjacencies = root.required("adjacencies")) read_adjacencies(*adjacencies);
        if (const auto paths = root.optional("paths")) read_paths(*paths);
        if (const auto passives = root.optional("passives")) read_passives(*passives);
        if (const auto policies = root.optional("policies")) read_policies(*policies);
        if (const auto ingress = root.optional("ingress")) read_ingress(*ingress);
        return std::move(config_);
    }

  private:
    struct PrefixOwner {
        std::size_t policy;  ///< index in the file
        std::string name;
        int line;
    };

    // --- what several sections share

    /// A name of an adjacency or a policy.
    static std::optional<std::string> read_name(const YamlPlace& place) {
        auto name = place.text();
        if (!name) return name;
        if (name->size() <= kLongestName && std::all_of(name->begin(), name->end(), is_printable)) return name;
        place.complain(fmt::format("must be 1 to {} printable characters without spaces", kLongestName));
        return std::nullopt;
    }

    std::optional<std::string> read_interface(const YamlPlace& place) const {
        auto name = place.text();
        if (!name) return name;
        if (name->size() > kLongestInterface) {
            place.complain(
                fmt::format("'{}' is longer than the {} characters of an interface name", *name, kLongestInterface));
            return std::nullopt;
        }
        if (*name == "." || *name == ".." || name->find_first_of("/: \t\n") != std::string::npos) {
            place.complain(fmt::format("'{}' cannot be the name of an interface", *name));
            return std::nullopt;
        }
        if (exists_ && !exists_(*name)) place.complain(fmt::format("no interface '{}' on this machine", *name));
        return name;
    }

    /// An IPv6 address that a packet can be sent to on any link, or, if so asked, on the link only.
    static std::optional<Address> read_unicast(const YamlPlace& place, bool link_local_too = false) {
        auto address = place.ipv6();
        if (!address) return address;
        if (address->is_multicast()) {
            place.complain("must not be a multicast address");
        } else if (address->is_unspecified()) {
            place.complain("must not be the unspecified address");
        } else if (address->is_link_local() && !link_local_too) {
            place.complain("must not be a link-local address: it cannot be routed to");
        } else {
            return address;
        }
        return std::nullopt;
    }

    // --- node, clock

    void read_node(const YamlPlace& place) {
        if (!place.expect_map({"name", "source-address"})) return;
        if (const auto name = place.required("name")) read_node_name(*name);
        if (const auto source = place.required("source-address")) {
            config_.source = read_unicast(*source).value_or(Address{});
        }
    }

    void read_node_name(const YamlPlace& place) {
        auto name = place.text();
        if (!name) return;
        if (name->size() > kLongestNodeName || !std::all_of(name->begin(), name->end(), is_word)) {
            place.complain(
                fmt::format("must be 1 to {} letters, digits, dots, underscores or hyphens", kLongestNodeName));
        }
        config_.node = std::move(*name);
    }

    void read_clock(const YamlPlace& place) {
        const auto kind = place.choice(kClockNames);
        if (kind) config_.clock = static_cast<ClockKind>(*kind);
    }

    // --- probe

    void read_probe_defaults(const YamlPlace& place) {
        if (!place.expect_map({"interval", "multiplier", "up-count", "wait-to-restore", "allowance", "turnaround",
                               "loss-limit", "rtt-limit", "damping"})) {
            return;
        }
        read_probe_timing(place, defaults_);
    }

    /// The settings that may stand in the defaults as well as at an adjacency.
    void read_probe_timing(const YamlPlace& place, ProbeSettings& probe) const {
        if (const auto interval = place.optional("interval")) read_interval(*interval, probe);
        if (const auto multiplier = place.optional("multiplier")) {
            const auto value = multiplier->integer(1, limits_.multiplier, "probes");
            if (value) probe.multiplier = static_cast<unsigned>(*value);
        }
        if (const auto up_count = place.optional("up-count")) {
            const auto value = up_count->integer(1, limits_.up_count, "probes");
            if (value) probe.up_count = static_cast<unsigned>(*value);
        }
        if (const auto wait = place.optional("wait-to-restore")) {
            probe.wait_to_restore = wait->duration(Nanoseconds(0), limits_.longest_wait).value_or(Nanoseconds(0));
        }
        if (const auto allowance = place.optional("allowance")) {
            const auto value = allowance->duration(limits_.shortest_allowance, limits_.longest_allowance);
            probe.allowance = value.value_or(Nanoseconds(0));
        }
        if (const auto turnaround = place.optional("turnaround")) {
            const auto value = turnaround->choice(kTurnaroundNames);
            if (value) probe.turnaround = static_cast<Turnaround>(*value);
        }
        if (const auto limit = place.optional("loss-limit")) {
            probe.loss_limit =
                static_cast<unsigned>(limit->integer(0, SS_NO_LOSS_LIMIT - 1, "of 64 probes").value_or(0));
        }
        if (const auto limit = place.optional("rtt-limit")) {
            probe.rtt_limit = limit->duration(Nanoseconds(0), limits_.longest_allowance).value_or(Nanoseconds(0));
        }
        if (const auto damping = place.optional("damping")) read_damping(*damping, probe);
    }

    /// `damping: true` takes the defaults, a map changes them, false turns damping off.
    void read_damping(const YamlPlace& place, ProbeSettings& probe) const {
        if (place.is_scalar()) {
            probe.damping.reset();
            if (place.boolean().value_or(false)) probe.damping.emplace();
            return;
        }
        if (!place.expect_map({"half-life", "suppress", "reuse", "max-suppress"})) return;
        DampingSettings damping;
        if (const auto half_life = place.optional("half-life")) {
            damping.half_life =
                half_life->duration(std::chrono::milliseconds(1), limits_.longest_wait).value_or(damping.half_life);
        }
        if (const auto suppress = place.optional("suppress")) {
            damping.suppress = suppress->number(1, 1e6, "(a flap adds 1000)").value_or(damping.suppress);
        }
        if (const auto reuse = place.optional("reuse")) {
            damping.reuse = reuse->number(1, 1e6, "(a flap adds 1000)").value_or(damping.reuse);
        }
        if (const auto longest = place.optional("max-suppress")) {
            damping.max_suppress =
                longest->duration(std::chrono::milliseconds(1), limits_.longest_wait).value_or(damping.max_suppress);
        }
        if (damping.reuse >= damping.suppress) {
            place.complain("reuse must be below suppress");
        } else if (highest_penalty(damping) <= damping.suppress) {
            place.complain(
                fmt::format("never suppresses: with this half-life and max-suppress the penalty stays below {:.0f}",
                            highest_penalty(damping)));
        }
        probe.damping = damping;
    }
    void read_interval(const YamlPlace& place, ProbeSettings& probe) const {
        const auto value = place.duration(Nanoseconds(0), kAnyDuration);
        if (!value) return;
        const auto shortest = config_.clock == ClockKind::process ? limits_.shortest_process_interval  //
                                                                  : limits_.shortest_interval;
        if (*value < shortest || *value > limits_.longest_interval) {
            place.complain(fmt::format("must be from {} to {} with clock: {}", format_duration(shortest),
                                       format_duration(limits_.longest_interval), to_string(config_.clock)));
            return;
        }
        probe.interval = *value;
    }

    ProbeSettings read_probe(const YamlPlace& place) const {
        auto probe = defaults_;
        if (!place.expect_map({"interval", "multiplier", "up-count", "wait-to-restore", "allowance", "turnaround",
                               "loss-limit", "rtt-limit", "damping", "sink", "segment"})) {
            return probe;
        }
        read_probe_timing(place, probe);
        probe.allowance = allowance_of(probe);
        if (const auto sink = place.required("sink")) probe.sink = read_unicast(*sink).value_or(Address{});
        if (probe.turnaround != Turnaround::forward) {
            if (const auto segment = place.required("segment")) {
                if (const auto sid = read_unicast(*segment)) probe.back = {*sid};
            }
        } else if (const auto segment = place.optional("segment")) {
            segment->complain("is for turnaround end and end.x; this probe is turned around by forward");
        }
        return probe;
    }

    // --- adjacencies

    void read_adjacencies(const YamlPlace& place) {
        for (const auto& item : place.items(1, limits_.adjacencies)) read_adjacency(item);
        check_intervals(place);
    }

    void check_intervals(const YamlPlace& place) const {
        std::set<Nanoseconds> intervals;
        for (const auto& session : sessions_of(config_)) intervals.insert(session.probe.interval);
        if (intervals.size() <= limits_.intervals) return;
        place.complain(fmt::format("use {} different probe intervals; at most {} can be served", intervals.size(),
                                   limits_.intervals));
    }

    void read_adjacency(const YamlPlace& place) {
        if (!place.expect_map({"name", "interface", "neighbor", "probe"})) return;
        AdjacencyConfig adjacency;
        if (const auto name = place.required("name")) {
            adjacency.name = read_name(*name).value_or("");
            if (!adjacency.name.empty()) adjacency_names_.add(adjacency.name, *name);
        }
        if (const auto interface = place.required("interface")) {
            adjacency.interface = read_interface(*interface).value_or("");
        }
        if (const auto neighbor = place.required("neighbor")) {
            adjacency.neighbor = read_unicast(*neighbor, true).value_or(Address{});
        }
        if (const auto probe = place.required("probe")) adjacency.probe = read_probe(*probe);
        config_.adjacencies.push_back(std::move(adjacency));
    }  // --- paths

    void read_paths(const YamlPlace& place) {
        for (const auto& item :
             place.items(0, limits_.adjacencies - std::min(config_.adjacencies.size(), limits_.adjacencies)))
            read_path(item);
        check_intervals(place);
    }

    /// The name of a session that is not an adjacency's.
    std::string read_session_name(const YamlPlace& place) {
        auto name = read_name(place).value_or("");
        if (!name.empty() && adjacency_names_.contains(name)) {
            place.complain(fmt::format("'{}' is an adjacency; sessions need names of their own", name));
        } else if (!name.empty()) {
            path_names_.add(name, place);
        }
        return name;
    }

    void read_path(const YamlPlace& place) {
        if (!place.expect_map({"name", "adjacency", "segments", "returns-on", "probe"})) return;
        PathConfig path;
        if (const auto name = place.required("name")) path.name = read_session_name(*name);
        if (const auto adjacency = place.required("adjacency")) path.adjacency = read_known_adjacency(*adjacency);
        if (const auto segments = place.required("segments")) path.segments = read_segments(*segments);
        if (const auto returns_on = place.optional("returns-on")) {
            path.returns_on = read_interface(*returns_on).value_or("");
        }
        if (const auto probe = place.required("probe")) path.probe = read_path_probe(*probe);
        if (!probe_fits({.encaps = path.segments, .back = path.probe.back})) {
            place.complain("the probe with its segments there and back would be longer than its template can hold");
        }
        config_.paths.push_back(std::move(path));
    }

    /// A path's probe has a list of SIDs for its way back instead of a turnaround.
    ProbeSettings read_path_probe(const YamlPlace& place) const {
        auto probe = defaults_;
        probe.turnaround = Turnaround::forward;
        if (!place.expect_map({"interval", "multiplier", "up-count", "wait-to-restore", "allowance", "loss-limit",
                               "rtt-limit", "damping", "sink", "return"})) {
            return probe;
        }
        read_probe_timing(place, probe);
        probe.allowance = allowance_of(probe);
        if (const auto sink = place.required("sink")) probe.sink = read_unicast(*sink).value_or(Address{});
        if (const auto back = place.optional("return")) probe.back = read_segments(*back);
        return probe;
    }

    // --- passives

    void read_passives(const YamlPlace& place) {
        const auto taken = config_.adjacencies.size() + config_.paths.size();
        for (const auto& item : place.items(0, limits_.adjacencies - std::min(taken, limits_.adjacencies))) {
            read_passive(item);
        }
        check_intervals(place);
    }

    void read_passive(const YamlPlace& place) {
        if (!place.expect_map({"name", "interface", "source", "probe"})) return;
        PassiveConfig passive;
        if (const auto name = place.required("name")) passive.name = read_session_name(*name);
        if (const auto interface = place.required("interface")) {
            passive.interface = read_interface(*interface).value_or("");
        }
        if (const auto source = place.required("source")) passive.source = read_unicast(*source).value_or(Address{});
        passive.probe = defaults_;
        if (const auto probe = place.optional("probe")) {
            if (!probe->expect_map({"interval", "multiplier", "up-count", "wait-to-restore", "allowance", "damping"})) {
                return;
            }
            read_probe_timing(*probe, passive.probe);
        }
        passive.probe.loss_limit = 0;  // its windows hold expectations, not probes
        passive.probe.allowance = allowance_of(passive.probe);
        config_.passives.push_back(std::move(passive));
    }

    // --- policies

    void read_policies(const YamlPlace& place) {
        for (const auto& item : place.items()) read_policy(item);
    }

    void read_policy(const YamlPlace& place) {
        if (!place.expect_map({"name", "prefixes", "candidates"})) return;
        PolicyConfig policy;
        if (const auto name = place.required("name")) {
            policy.name = read_name(*name).value_or("");
            if (!policy.name.empty()) policy_names_.add(policy.name, *name);
        }
        if (const auto prefixes = place.required("prefixes")) read_prefixes(*prefixes, policy);
        if (const auto candidates = place.required("candidates")) read_candidates(*candidates, policy);
        config_.policies.push_back(std::move(policy));
    }

    void read_prefixes(const YamlPlace& place, PolicyConfig& policy) {
        for (const auto& item : place.items()) {
            const auto prefix = item.prefix();
            if (!prefix) continue;
            if (prefix->address.is_v4()) {
                item.complain("IPv4 prefixes are not supported yet");
            } else if (is_free(*prefix, item, policy.name)) {
                policy.prefixes.push_back(*prefix);
            }
        }
    }

    /// Complains if this or another policy has the prefix already.
    bool is_free(const Prefix& prefix, const YamlPlace& place, const std::string& policy_name) {
        const auto policy = config_.policies.size();
        const auto [entry, fresh] = prefixes_.emplace(prefix, PrefixOwner{policy, policy_name, place.line()});
        if (fresh) return true;
        const auto& owner = entry->second;
        if (owner.policy == policy) {
            place.complain(fmt::format("{} twice: already given on line {}", prefix.to_string(), owner.line));
        } else {
            place.complain(fmt::format("two policies for one prefix: {} is in policy '{}' on line {}",
                                       prefix.to_string(), owner.name, owner.line));
        }
        return false;
    }

    void read_candidates(const YamlPlace& place, PolicyConfig& policy) const {
        for (const auto& item : place.items(1, limits_.candidates)) policy.candidates.push_back(read_candidate(item));
    }

    CandidateConfig read_candidate(const YamlPlace& place) const {
        CandidateConfig candidate;
        if (!place.expect_map({"adjacency", "encap", "segments", "sessions"})) return candidate;
        if (const auto adjacency = place.required("adjacency")) {
            candidate.adjacency = read_known_adjacency(*adjacency);
        }
        if (const auto sessions = place.optional("sessions")) read_path_names(*sessions, candidate);
        const auto segments = place.optional("segments");
        candidate.encap = segments ? Encap::h_encaps : Encap::plain;
        if (const auto encap = place.optional("encap")) {
            const auto value = encap->choice(kEncapNames);
            if (!value) return candidate;
            candidate.encap = static_cast<Encap>(*value);
        }
        if (candidate.encap == Encap::plain) {
            if (segments) segments->complain("plain forwarding takes no segments; use encap: h.encaps");
        } else if (const auto list = place.required("segments")) {
            candidate.segments = read_segments(*list);
        }
        return candidate;
    }
    std::string read_known_adjacency(const YamlPlace& place) const {
        auto name = place.text();
        if (!name) return {};
        if (!adjacency_names_.contains(*name)) {
            place.complain(fmt::format("no adjacency '{}'; known: {}", *name, adjacency_names_.known()));
        }
        return std::move(*name);
    }

    void read_path_names(const YamlPlace& place, CandidateConfig& candidate) const {
        for (const auto& item : place.items(1, SS_MAX_CANDIDATE_SESSIONS - 1)) {
            auto name = item.text();
            if (!name) continue;
            if (!path_names_.contains(*name)) {
                item.complain(fmt::format("no path or passive session '{}'; known: {}", *name, path_names_.known()));
            }
            candidate.sessions.push_back(std::move(*name));
        }
    }

    std::vector<Address> read_segments(const YamlPlace& place) const {
        std::vector<Address> segments;
        for (const auto& item : place.items(1, limits_.segments)) {
            if (const auto segment = read_unicast(item)) segments.push_back(*segment);
        }
        return segments;
    }
    // --- ingress

    void read_ingress(const YamlPlace& place) {
        Seen seen;
        for (const auto& item : place.items()) {
            auto name = read_interface(item);
            if (name && seen.add(*name, item)) config_.ingress.push_back(std::move(*name));
        }
    }

    const InterfaceExists& exists_;
    const ConfigLimits& limits_;
    Config config_;
    ProbeSettings defaults_;
    Seen adjacency_names_;
    Seen path_names_;
    Seen policy_names_;
    std::map<Prefix, PrefixOwner> prefixes_;
};

}  // namespace

std::optional<Config> read_config(const std::string& text, Complaints& complaints, const InterfaceExists& exists,
                                  const ConfigLimits& limits) {
    Config config;
    read_yaml(text, complaints, [&](const YamlPlace& root) { config = Reader(exists, limits).read(root); });
    if (!complaints.empty()) return std::nullopt;
    return config;
}

std::optional<std::string> read_text(const std::string& path, Complaints& complaints) {
    complaints.file = path;
    auto text = read_file(path);
    if (text) return std::move(*text);
    auto reason = text.error().message;
    if (const auto named = path + ": "; reason.starts_with(named)) reason.erase(0, named.size());
    complaints.list.push_back({.file = path, .line = 0, .column = 0, .field = "", .reason = std::move(reason)});
    return std::nullopt;
}

std::optional<Config> read_config_file(const std::string& path, Complaints& complaints, const InterfaceExists& exists,
                                       const ConfigLimits& limits) {
    const auto text = read_text(path, complaints);
    return text ? read_config(*text, complaints, exists, limits) : std::nullopt;
}

bool interface_exists(const std::string& name) {
    return if_nametoindex(name.c_str()) != 0;
}

}  // namespace sidestep
