// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads what makes a policy hitless, and a SID a merging one (docs/hitless.md).
#include <algorithm>
#include <bit>
#include <chrono>

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

/// The first segment that both lists have, the last ones aside: copies meet there and fail together.
std::optional<Address> shared_segment(const SegmentListConfig& a, const SegmentListConfig& b) {
    if (a.segments.empty() || b.segments.empty()) return std::nullopt;
    const auto last = b.segments.end() - 1;
    const auto found = std::find_first_of(a.segments.begin(), a.segments.end() - 1, b.segments.begin(), last);
    return found == a.segments.end() - 1 ? std::nullopt : std::optional(*found);
}

std::string mtu_text(const SegmentListConfig& list) {
    return list.mtu == 0 ? "that of " + list.adjacency + "'s interface" : std::to_string(list.mtu);
}

/// A path with the segments of the list would never come up.
void warn_of_probes(const Reading& reading, const SegmentListConfig& list, const YamlPlace& place) {
    for (const auto& path : reading.config.paths) {
        const bool named = std::ranges::count(list.sessions, path.name) != 0;
        if (!named || path.segments.empty() || list.segments.empty()) continue;
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
    }
    if (!list.segments.empty() && !other.segments.empty() && list.segments.back() != other.segments.back()) {
        place_of(place, "segments")
            .complain(fmt::format("the copies never meet: another list of the candidate ends at {}",
                                  other.segments.back().to_string()));
    }
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
                        const std::vector<SegmentListConfig>& before, const YamlPlace& place) {
    if (!check_room(list, place)) return;
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
