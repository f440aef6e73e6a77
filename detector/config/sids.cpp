// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads the SIDs of this node (RFC 8986, RFC 9800), and the SR domain that may send to them.
#include <array>
#include <cstdint>
#include <map>

#include <fmt/format.h>

#include "detector/config/reader.hpp"
#include "detector/core/names.hpp"

namespace sidestep::config_reader {
namespace {

/// The limits of NEXT-C-SID fields: whole bytes, and an argument of at least one.
constexpr unsigned kFewestBits = 8;
constexpr unsigned kMostBlockBits = 96;
constexpr unsigned kMostFunctionBits = 64;
constexpr unsigned kMostBits = 120;

bool is_end(SidBehavior behavior) {
    return behavior == SidBehavior::end || behavior == SidBehavior::end_x;
}

void read_flavors(const YamlPlace& place, SidConfig& sid) {
    if (!is_end(sid.behavior)) {
        place.complain(fmt::format("are for end and end.x, not for {}", to_string(sid.behavior)));
        return;
    }
    Seen seen;
    for (const auto& item : place.items()) {
        constexpr std::array<std::string_view, 4> kFlavors{"psp", "usp", "usd", "next-csid"};
        const std::array<bool*, kFlavors.size()> flags{&sid.psp, &sid.usp, &sid.usd, &sid.next_csid};
        const auto flavor = item.choice(kFlavors);
        if (!flavor || !seen.add(std::string(kFlavors.at(*flavor)), item)) continue;
        *flags.at(*flavor) = true;
        if (sid.usd && sid.behavior == SidBehavior::end_x && *flavor == 2)
            item.complain("is for end: an inner packet cannot be pinned to the adjacency of end.x");
    }
}

void read_bits(const YamlPlace& place, unsigned most, const SidConfig& sid, unsigned& bits) {
    if (!sid.next_csid) {
        place.complain("is for the flavor next-csid");
        return;
    }
    const auto value = place.integer(kFewestBits, most, "bits");
    if (!value) return;
    if (*value % 8 != 0) place.complain("must be a multiple of 8");
    bits = static_cast<unsigned>(*value);
}

void read_structure(const YamlPlace& place, SidConfig& sid) {
    if (const auto bits = place.optional("block-bits")) read_bits(*bits, kMostBlockBits, sid, sid.block_bits);
    if (const auto bits = place.optional("function-bits")) {
        read_bits(*bits, kMostFunctionBits, sid, sid.function_bits);
    }
    if (sid.block_bits + sid.function_bits <= kMostBits) return;
    place_of(place, "function-bits")
        .complain(fmt::format("block-bits plus function-bits is {}; at most {}, because the rest is the argument",
                              sid.block_bits + sid.function_bits, kMostBits));
}

/// Reads a SID that is written with its length.
std::optional<Prefix> read_locator(const YamlPlace& place, unsigned length, const SidConfig& sid, bool merges) {
    const auto prefix = read_prefix_v6(place);
    if (!prefix) return prefix;
    if (const auto scope = scope_of(*prefix)) {
        place.complain(fmt::format("must not be a {} prefix", *scope));
    } else if (prefix->length == length) {
        return prefix;
    } else if (merges) {
        place.complain(fmt::format("must have length {}: the rest of a merging SID is the argument", length));
    } else if (sid.next_csid) {
        place.complain(fmt::format("must have length {}, which is block-bits plus function-bits", length));
    } else {
        place.complain("must be an address; only the flavor next-csid allows a prefix");
    }
    return std::nullopt;
}

/// The prefix of packets to the SID; it is shorter than an address if the SID has an argument. `merges`: its flows were
/// given, whether they are right or not.
std::optional<Prefix> read_sid_prefix(const YamlPlace& place, const SidConfig& sid, bool merges) {
    const auto length = merges ? kMergingLength : sid.next_csid ? sid.block_bits + sid.function_bits : 128U;
    if (sid.next_csid && length > kMostBits) return std::nullopt;  // there is a complaint already
    const auto text = place.is_scalar() ? place.text() : std::nullopt;
    if (text && text->contains('/')) return read_locator(place, length, sid, merges);
    const auto address = read_unicast(place);
    if (!address) return std::nullopt;
    if (merges && Prefix::covering(*address, kMergingLength).address != *address) {
        place.complain(fmt::format("the argument does not fit: a merging SID ends after {} bits", kMergingLength));
    }
    return Prefix::covering(*address, static_cast<std::uint8_t>(length));
}

/// A probe that returned to a SID would not be taken for an answer.
void check_return_addresses(const Reading& reading, const YamlPlace& place, const Prefix& sid) {
    const auto check = [&](const auto& sessions) {
        for (const auto& session : sessions) {
            if (!sid.contains(Prefix{.address = session.probe.return_address, .length = 128})) continue;
            place.complain(fmt::format("contains {}, the return-address of '{}'",
                                       session.probe.return_address.to_string(), session.name));
        }
    };
    check(reading.config.adjacencies);
    check(reading.config.paths);
}

/// A list that ends here sends its packets around in a circle: the far end's list was copied.
void check_lists(const Reading& reading, const YamlPlace& place, const Prefix& sid) {
    const auto check = [&](const std::string& owner, const std::vector<CandidateConfig>& candidates) {
        for (const auto& candidate : candidates) {
            for (const auto& list : candidate.lists) {
                const auto own = std::ranges::find_if(list.segments, [&](const Address& segment) {
                    return sid.contains({segment, 128});
                });
                if (own == list.segments.end()) continue;
                place.warn(fmt::format("{} is a segment of {}: its packets would come back to this node",
                                       own->to_string(), owner));
                return;
            }
        }
    };
    for (const auto& policy : reading.config.policies) check("policy '" + policy.name + "'", policy.candidates);
    for (const auto& adjacency : reading.config.adjacencies)
        check("the bypass of '" + adjacency.name + "'", adjacency.bypass);
}

void read_adjacency_of(const Reading& reading, const YamlPlace& place, SidConfig& sid) {
    if (sid.behavior == SidBehavior::end_x) {
        if (const auto name = place.required("adjacency")) {
            sid.adjacency = read_known_adjacency(reading, *name);
            refuse_v4(reading, sid.adjacency, *name, "end.x");
        }
    } else if (const auto name = place.optional("adjacency")) {
        name->complain(fmt::format("is for end.x, not for {}", to_string(sid.behavior)));
    }
}

/// The data plane decapsulates ahead of the kernel's routes, at all times.
void read_install(const YamlPlace& place, SidConfig& sid) {
    sid.install = is_end(sid.behavior);
    const auto install = place.optional("install");
    if (!install) return;
    const auto value = install->boolean();
    if (value == true && !is_end(sid.behavior)) {
        install->complain(fmt::format("is for end and end.x; {} has no route", to_string(sid.behavior)));
    }
    sid.install = value.value_or(sid.install);
}

/// Checks what the SID needs from other sections.
void check_needs(const Reading& reading, const YamlPlace& place, const SidConfig& sid) {
    if (sid.usd && !reading.has_domain)
        place_of(place, "flavors").complain("usd needs `sr-domain`: without it, nobody may send tunnels to the SID");
    if (is_end(sid.behavior)) {
        if (!sid.install || reading.has_device) return;
        place_of(place, "install")
            .complain("its route needs the policy device; name one with `device`, or set install: false");
    } else if (!reading.has_domain) {
        place_of(place, "behavior")
            .complain(
                fmt::format("{} needs `sr-domain`: without it, nobody may send to the SID", to_string(sid.behavior)));
    }
}

void read_sid(Reading& reading, const YamlPlace& place, Seen& seen, Seen& flows) {
    if (!place.expect_map({"sid", "behavior", "flavors", "block-bits", "function-bits", "adjacency", "install", "flows",
                           "window", "reset"}))
        return;
    SidConfig sid;
    const auto behavior = place.required("behavior");
    const auto kind = behavior ? behavior->choice(kSidBehaviorNames) : std::nullopt;
    if (!kind) return;
    sid.behavior = static_cast<SidBehavior>(*kind);
    if (const auto flavors = place.optional("flavors")) read_flavors(*flavors, sid);
    read_structure(place, sid);
    read_merging(place, sid, flows);
    if (const auto address = place.required("sid")) {
        sid.sid = read_sid_prefix(*address, sid, place.has("flows")).value_or(Prefix{});
        if (sid.sid.length > 0) {
            seen.add(sid.sid.to_string(), *address);
            check_return_addresses(reading, *address, sid.sid);
            check_lists(reading, *address, sid.sid);
        }
    }
    read_adjacency_of(reading, place, sid);
    read_install(place, sid);
    check_needs(reading, place, sid);
    reading.config.sids.push_back(std::move(sid));
}

}  // namespace

void read_domain(Reading& reading, const YamlPlace& place) {
    Seen seen;
    const auto items = place.items(0, reading.limits.domain);
    reading.has_domain = !items.empty();
    for (const auto& item : items) {
        const auto prefix = read_prefix_v6(item);
        if (prefix && seen.add(prefix->to_string(), item)) reading.config.domain.push_back(*prefix);
    }
}

/// All of a merging SID's prefix is its argument: copies would meet a SID in there.
void check_overlaps(const std::vector<SidConfig>& sids, const std::map<Prefix, YamlPlace>& places) {
    for (const auto& merging : sids) {
        if (merging.flows.empty() || merging.sid.length == 0) continue;
        for (const auto& [inner, place] : places) {
            if (inner == merging.sid || !merging.sid.contains(inner)) continue;
            place.complain(fmt::format("is within {} of line {}, whose last {} bits are the numbers of copies",
                                       merging.sid.to_string(), places.at(merging.sid).line(), 128 - kMergingLength));
        }
    }
}

void read_sids(Reading& reading, const YamlPlace& place) {
    Seen seen;
    Seen flows;
    std::map<Prefix, YamlPlace> places;
    for (const auto& item : place.items()) {
        const auto before = reading.config.sids.size();
        read_sid(reading, item, seen, flows);
        if (reading.config.sids.size() != before && reading.config.sids.back().sid.length != 0)
            places.emplace(reading.config.sids.back().sid, place_of(item, "sid"));
    }
    check_overlaps(reading.config.sids, places);
}

}  // namespace sidestep::config_reader
