// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads candidate paths (RFC 9256, 2.2) of policies and bypasses: one segment list, or several with weights.
#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

#include "detector/config/reader.hpp"
#include "detector/core/names.hpp"

namespace sidestep::config_reader {
namespace {

constexpr std::int64_t kLeastMtu = 1280;  // RFC 8200, 5
constexpr std::int64_t kLargestMtu = 65535;
constexpr std::int64_t kHighestPreference = UINT32_MAX;  // RFC 9256, 2.7

void read_session_names(const Reading& reading, const YamlPlace& place, SegmentListConfig& list) {
    for (const auto& item :
         place.items(1, reading.limits.list_sessions - 1)) {  // the first session is that of its adjacency
        auto name = item.text();
        if (!name) continue;
        if (!reading.sessions.contains(*name)) {
            item.complain(fmt::format("no path or passive session '{}'; known: {}", *name, reading.sessions.known()));
        }
        list.sessions.push_back(std::move(*name));
    }
}

/// Returns true if the behavior is known.
bool read_encap(const YamlPlace& place, SegmentListConfig& list) {
    list.encap = place.has("segments") ? Encap::h_encaps : Encap::plain;
    const auto encap = place.optional("encap");
    if (!encap) return true;
    const auto value = encap->choice(kEncapNames);
    if (value) list.encap = static_cast<Encap>(*value);
    return value.has_value();
}

/// Reads the list at `place`, whose keys have been checked.
SegmentListConfig read_list(const Reading& reading, const YamlPlace& place, const CheckList& check,
                            const std::vector<SegmentListConfig>& before) {
    SegmentListConfig list;
    if (const auto adjacency = place.required("adjacency")) list.adjacency = read_known_adjacency(reading, *adjacency);
    if (const auto sessions = place.optional("sessions")) read_session_names(reading, *sessions, list);
    if (!read_encap(place, list)) return list;
    if (list.encap != Encap::plain) {
        if (const auto segments = place.required("segments")) {
            list.segments = read_segments(reading, *segments);
            refuse_v4(reading, list.adjacency, *segments, "a list with segments");
        }
    } else if (const auto segments = place.optional("segments")) {
        segments->complain("plain forwarding takes no segments; use encap: h.encaps");
    }
    if (const auto mtu = place.optional("mtu")) {
        list.mtu = static_cast<unsigned>(mtu->integer(kLeastMtu, kLargestMtu).value_or(0));
    }
    if (const auto verify = place.optional("verify")) list.verify = verify->boolean().value_or(true);
    check(list, before, place);
    return list;
}

void read_lists(const Reading& reading, const YamlPlace& place, const CheckList& check, CandidateConfig& candidate) {
    const auto most = reading.limits.weight;
    unsigned sum = 0;
    for (const auto& item : place.items(1, reading.limits.lists)) {
        if (!item.expect_map({"weight", "adjacency", "encap", "segments", "sessions", "mtu", "verify"})) continue;
        auto list = read_list(reading, item, check, candidate.lists);
        if (const auto weight = item.optional("weight")) {
            list.weight = static_cast<unsigned>(weight->integer(1, most).value_or(1));
        }
        sum += list.weight;
        candidate.lists.push_back(std::move(list));
    }
    if (sum > most) place.complain(fmt::format("the weights add up to {}; at most {}", sum, most));
}

bool has_known_keys(const YamlPlace& place) {
    if (place.has("lists")) return place.expect_map({"preference", "lists"});
    return place.expect_map({"adjacency", "encap", "segments", "sessions", "preference", "lists", "mtu", "verify"});
}

CandidateConfig read_candidate(const Reading& reading, const YamlPlace& place, const CheckList& check) {
    CandidateConfig candidate;
    if (!has_known_keys(place)) return candidate;
    if (const auto preference = place.optional("preference")) {
        const auto value = preference->integer(0, kHighestPreference);
        if (value) candidate.preference = static_cast<unsigned>(*value);
    }
    if (const auto lists = place.optional("lists")) {
        read_lists(reading, *lists, check, candidate);
    } else {
        candidate.lists.push_back(read_list(reading, place, check, {}));
    }
    return candidate;
}

}  // namespace

std::vector<CandidateConfig> read_candidates(const Reading& reading, const YamlPlace& place, const CheckList& check) {
    std::vector<CandidateConfig> candidates;
    for (const auto& item : place.items(1, reading.limits.candidates)) {
        candidates.push_back(read_candidate(reading, item, check));
    }
    std::ranges::stable_sort(candidates, std::ranges::greater{}, &CandidateConfig::preference);
    return candidates;
}

std::vector<Address> read_segments(const Reading& reading, const YamlPlace& place) {
    std::vector<Address> segments;
    for (const auto& item : place.items(1, reading.limits.segments)) {
        if (const auto segment = read_unicast(item)) segments.push_back(*segment);
    }
    return segments;
}

}  // namespace sidestep::config_reader
