// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads what makes a policy hitless, and a SID a merging one (docs/hitless.md).
#include <algorithm>
#include <bit>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "bpf/abi/sidestep.h"
#include "detector/config/reader.hpp"
#include "detector/core/names.hpp"

namespace sidestep::config_reader {
namespace {

constexpr std::int64_t kLastFlow = SS_MAX_FLOWS - 1;
constexpr std::int64_t kLeastWindow = 64;
constexpr std::int64_t kMostWindow = std::int64_t{SS_MAX_WINDOW_WORDS} * SS_BLOCK_BITS;

bool has_room_for_argument(const Address& sid) {
    return std::all_of(sid.bytes.begin() + kMergingLength / 8, sid.bytes.end(),
                       [](std::uint8_t byte) { return byte == 0; });
}

/// Refuses a list by which copies could not leave; returns false then.
bool check_room(const SegmentListConfig& list, const YamlPlace& place) {
    if (list.encap != Encap::h_encaps && list.encap != Encap::h_encaps_red) {
        place_of(place, "encap")
            .complain("a hitless policy needs h.encaps or h.encaps.red: the last SID tells the copies apart");
        return false;
    }
    if (list.segments.empty() || has_room_for_argument(list.segments.back())) return true;
    place_of(place, "segments")
        .complain(fmt::format("the argument does not fit into the last SID, {}: flow and number take its last {} "
                              "bits, which must be zero",
                              list.segments.back().to_string(), 128 - kMergingLength));
    return false;
}

std::string interface_of(const Reading& reading, const std::string& adjacency) {
    const auto known = std::ranges::find(reading.config.adjacencies, adjacency, &AdjacencyConfig::name);
    return known == reading.config.adjacencies.end() ? "" : known->interface;
}

constexpr std::ptrdiff_t kLocatorBytes = 6;  // as they are given out (RFC 8986, 3.1)

bool seem_of_one_node(const Address& a, const Address& b) {
    return std::equal(a.bytes.begin(), a.bytes.begin() + kLocatorBytes, b.bytes.begin());
}

/// The first segment that both lists have, those of the merging node aside: copies meet there and fail together.
std::optional<Address> shared_segment(const SegmentListConfig& a, const SegmentListConfig& b) {
    for (const auto& segment : a.segments) {
        if (std::ranges::count(b.segments, segment) != 0 && !seem_of_one_node(segment, a.segments.back()))
            return segment;
    }
    return std::nullopt;
}

/// Two SIDs, of one node as it seems, by which the lists go; the merging node aside. How long a locator is, nobody tells.
std::optional<std::pair<Address, Address>> shared_node(const SegmentListConfig& a, const SegmentListConfig& b) {
    for (const auto& segment : a.segments) {
        if (seem_of_one_node(segment, a.segments.back())) continue;
        const auto other =
            std::ranges::find_if(b.segments, [&](const auto& one) { return seem_of_one_node(segment, one); });
        if (other != b.segments.end()) return std::pair(segment, *other);
    }
    return std::nullopt;
}

std::string mtu_text(const SegmentListConfig& list) {
    return list.mtu == 0 ? "that of " + list.adjacency + "'s interface" : std::to_string(list.mtu);
}

bool depends_on(const SegmentListConfig& list, const std::string& session) {
    return std::ranges::count(list.sessions, session) != 0;
}

/// Both lists would be down at once, and the way that is sound be given up.
void check_proofs_apart(const Reading& reading, const SegmentListConfig& list, const SegmentListConfig& other,
                        const YamlPlace& place) {
    const auto complain = [&](const std::string& what) {
        place_of(place, "sessions").complain(what + ": one cut would take both lists");
    };
    for (const auto& name : list.sessions) {
        if (depends_on(other, name))
            complain(fmt::format("two lists of a hitless candidate depend on the session '{}'", name));
    }
    for (const auto& path : reading.config.paths) {
        if (depends_on(list, path.name) == depends_on(other, path.name)) continue;
        if (depends_on(list, path.name) && path.adjacency == other.adjacency)
            complain(fmt::format("path '{}' leaves by {}, as another list of the candidate does", path.name,
                                 path.adjacency));
        if (depends_on(other, path.name) && path.adjacency == list.adjacency)
            complain(fmt::format("another list of the candidate depends on path '{}', which leaves by {}, too",
                                 path.name, path.adjacency));
    }
}

/// Lists of lower candidates are numbered, too.
void check_end(const Address& end, const Address& merging, const YamlPlace& place) {
    const auto text = fmt::format(
        "ends at {}, others of the policy at {}: its packets are copies, too, and only a SID that merges the flow "
        "takes them",
        end.to_string(), merging.to_string());
    if (seem_of_one_node(end, merging)) {
        place_of(place, "segments").complain(text + ", of which a node has one");
    } else {
        place_of(place, "segments").warn(text);
    }
}

/// A path with the segments of the list would never come up; one by another adjacency proves another way.
void warn_of_probes(const Reading& reading, const SegmentListConfig& list, const YamlPlace& place) {
    for (const auto& path : reading.config.paths) {
        if (!depends_on(list, path.name)) continue;
        if (path.adjacency != list.adjacency) {
            place_of(place, "sessions")
                .warn(fmt::format("path '{}' leaves by {}, the list by {}: it proves another way", path.name,
                                  path.adjacency, list.adjacency));
        }
        if (path.segments.empty() || list.segments.empty()) continue;
        if (path.segments.back() != list.segments.back()) continue;
        place_of(place, "sessions")
            .warn(fmt::format(
                "path '{}' ends at {}, a merging SID, which takes copies only and drops probes: let it end at "
                "another SID of that node",
                path.name, path.segments.back().to_string()));
    }
}

/// Copies that fail together, do not fit equally, or never meet protect nothing.
void check_pair(const Reading& reading, const SegmentListConfig& list, const SegmentListConfig& other,
                const YamlPlace& place) {
    const auto interface = interface_of(reading, list.adjacency);
    if (!interface.empty() && interface == interface_of(reading, other.adjacency)) {
        place_of(place, "adjacency")
            .complain(fmt::format("two lists of a hitless candidate share the link at {}", interface));
    }
    if (const auto shared = shared_segment(list, other)) {
        place_of(place, "segments")
            .complain(fmt::format("two lists of a hitless candidate share the segment {}", shared->to_string()));
    } else if (const auto both = shared_node(list, other)) {
        place_of(place, "segments")
            .warn(
                fmt::format("{} and {}, of another list of the candidate, have the same first 48 bits: if they are of "
                            "one node, all copies fail with it",
                            both->first.to_string(), both->second.to_string()));
    }
    if (!list.segments.empty() && !other.segments.empty() && list.segments.back() != other.segments.back()) {
        place_of(place, "segments")
            .complain(fmt::format("the copies never meet: another list of the candidate ends at {}",
                                  other.segments.back().to_string()));
    }
    check_proofs_apart(reading, list, other, place);
    if (list.mtu != other.mtu) {
        place_of(place, "mtu")
            .complain(fmt::format("the lists of a hitless candidate have unequal mtu: {} and {}", mtu_text(other),
                                  mtu_text(list)));
    }
}

}  // namespace

void read_protection(const YamlPlace& place, PolicyConfig& policy, Seen& flows) {
    const auto protection = place.optional("protection");
    const auto value = protection ? protection->choice(kProtectionNames) : std::nullopt;
    const auto flow = place.optional("flow");
    if (value != 1U) {
        if (flow) flow->complain("is for protection: hitless");
        return;
    }
    if (policy.steering == Steering::lwt_in) {
        protection->complain("hitless needs steering transit, device or lwt-xmit: lwt-in cannot send copies");
    }
    if (const auto given = place.required("flow")) {
        policy.flow = static_cast<unsigned>(given->integer(1, kLastFlow).value_or(1));
        flows.add(std::to_string(policy.flow), *given);
    }
}

void check_hitless(const PolicyConfig& policy, const YamlPlace& place) {
    if (policy.flow == 0 || policy.candidates.empty()) return;
    if (policy.candidates.front().lists.size() < 2) {
        place.complain("the first candidate of a hitless policy needs two lists at least");
    }
}

void check_hitless_list(const Reading& reading, const SegmentListConfig& list,
                        const std::vector<SegmentListConfig>& before, const YamlPlace& place,
                        std::optional<Address>& merging) {
    if (!check_room(list, place)) return;
    if (!list.segments.empty()) {
        const auto& end = list.segments.back();
        if (before.empty() && end != merging.value_or(end)) check_end(end, *merging, place);
        if (!merging) merging = end;
    }
    for (const auto& other : before) check_pair(reading, list, other, place);
    warn_of_probes(reading, list, place);
}

void read_merging(const YamlPlace& place, SidConfig& sid, Seen& taken) {
    const auto flows = place.optional("flows");
    for (const auto* key : {"window", "reset"}) {
        if (const auto other = place.optional(key); other && !flows) other->complain("is for a SID with `flows`");
    }
    if (!flows) return;
    if (sid.behavior == SidBehavior::end || sid.behavior == SidBehavior::end_x) {
        flows->complain(fmt::format("are for end.dt4, end.dt6 and end.dt46, not for {}", to_string(sid.behavior)));
        return;
    }
    for (const auto& item : flows->items(1, kLastFlow)) {
        const auto flow = item.integer(1, kLastFlow);
        if (flow && taken.add(std::to_string(*flow), item)) sid.flows.push_back(static_cast<unsigned>(*flow));
    }
    if (const auto window = place.optional("window")) {
        const auto numbers = window->integer(kLeastWindow, kMostWindow);
        if (numbers && !std::has_single_bit(static_cast<std::uint64_t>(*numbers))) {
            window->complain("must be a power of two");
        }
        sid.window = static_cast<unsigned>(numbers.value_or(sid.window));
    }
    if (const auto reset = place.optional("reset")) {
        sid.reset = reset->duration(std::chrono::milliseconds(10), std::chrono::hours(1)).value_or(sid.reset);
    }
}

}  // namespace sidestep::config_reader
