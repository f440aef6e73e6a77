// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads policies: their destinations, how packets come under them, and their candidates.
#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "detector/config/reader.hpp"
#include "detector/core/names.hpp"

namespace sidestep::config_reader {
namespace {

/// bpf_lwt_push_encap takes headers of at most 256 bytes if they are not its own: IPv6, and an SRH with this many
/// segments.
constexpr std::size_t kLwtSegments = 13;

struct PrefixOwner {
    std::size_t policy;  ///< index in the file
    int line;
};

/// What only one policy may have.
struct Taken {
    Seen names;
    Seen flows;
    std::map<Prefix, PrefixOwner> prefixes;
};

/// Complains if this policy, or one before it, already has the prefix.
bool is_free(const Reading& reading, const Prefix& prefix, const YamlPlace& place, Taken& taken) {
    const auto& before = reading.config.policies;
    const auto index = before.size();
    const auto [entry, fresh] = taken.prefixes.emplace(prefix, PrefixOwner{index, place.line()});
    if (fresh) return true;
    const auto& owner = entry->second;
    if (owner.policy == index) {
        place.complain(fmt::format("{} twice: already given on line {}", prefix.to_string(), owner.line));
    } else {
        place.complain(fmt::format("two policies for one prefix: {} is in policy '{}' on line {}", prefix.to_string(),
                                   before[owner.policy].name, owner.line));
    }
    return false;
}

/// A network's address whose length was forgotten would protect that one address.
void warn_of_length(const YamlPlace& place, const Prefix& prefix) {
    if (prefix.length != 128) return;  // there may be 100,000
    const auto text = place.text();
    if (!text || text->find('/') != std::string::npos) return;
    const auto& bytes = prefix.address.bytes;
    const bool network = bytes[15] == 0 && (prefix.address.is_v4() || bytes[14] == 0);
    if (network) place.warn(fmt::format("has no length, so it is this one address: {}", prefix.to_string()));
}

void read_prefixes(const Reading& reading, const YamlPlace& place, PolicyConfig& policy, Taken& taken) {
    for (const auto& item : place.items()) {
        const auto prefix = item.prefix();
        if (!prefix) continue;
        warn_of_length(item, *prefix);
        if (const auto scope = scope_of(*prefix)) {
            item.complain(fmt::format("{} is {}: no other path leads there", prefix->to_string(), *scope));
        } else if (is_free(reading, *prefix, item, taken)) {
            policy.prefixes.push_back(*prefix);
        }
    }
}

void read_steering(const Reading& reading, const YamlPlace& place, PolicyConfig& policy) {
    const auto value = place.choice(kSteeringNames);
    if (!value) return;
    policy.steering = static_cast<Steering>(*value);
    const bool by_device = policy.steering == Steering::device || policy.steering == Steering::lwt_xmit;
    if (by_device && !reading.has_device) {
        place.complain(fmt::format("steering {} leads into the policy device; name one with `device`",
                                   to_string(policy.steering)));
    }
}

/// Refuses lists that do not fit the prefixes or the steering of the policy.
void check_list(const Reading& reading, const PolicyConfig& policy, const SegmentListConfig& list,
                const YamlPlace& place) {
    const bool v4 = std::ranges::any_of(policy.prefixes, is_v4);
    if (!std::ranges::all_of(policy.prefixes, is_v4) && list.encap == Encap::plain)
        refuse_v4(reading, list.adjacency, place_of(place, "adjacency"), "a policy with IPv6 prefixes");
    if (v4 && list.encap == Encap::h_insert) {
        place_of(place, "encap").complain("H.Insert carries IPv6 only; this policy has IPv4 prefixes");
    }
    const bool whole_header = list.encap == Encap::h_encaps_red;
    if (policy.steering == Steering::lwt_in && whole_header && list.segments.size() > kLwtSegments) {
        place_of(place, "segments")
            .complain(fmt::format("with steering lwt-in, h.encaps.red takes at most {} segments: the kernel's limit "
                                  "for a header is 256 bytes",
                                  kLwtSegments));
    }
}

/// A candidate backs up those of higher preference.
void check_proofs(const Reading& reading, const PolicyConfig& policy, const YamlPlace& place) {
    std::set<std::string> before;  // interfaces
    for (const auto& candidate : policy.candidates) {
        for (const auto& list : candidate.lists) {
            for (const auto& interface : before) warn_of_shared_fate(reading, list, interface, place);
        }
        for (const auto& list : candidate.lists) {
            const auto known = std::ranges::find(reading.config.adjacencies, list.adjacency, &AdjacencyConfig::name);
            if (known != reading.config.adjacencies.end()) before.insert(known->interface);
        }
    }
}

void read_policy(Reading& reading, const YamlPlace& place, Taken& taken) {
    if (!place.expect_map(
            {"name", "prefixes", "candidates", "steering", "metric", "over-routes", "protection", "flow"}))
        return;
    PolicyConfig policy;
    if (const auto name = place.required("name")) {
        policy.name = read_name(*name).value_or("");
        if (!policy.name.empty()) taken.names.add(policy.name, *name);
    }
    if (const auto prefixes = place.required("prefixes")) {
        read_prefixes(reading, *prefixes, policy, taken);
    }
    if (const auto steering = place.optional("steering")) {
        read_steering(reading, *steering, policy);
        if (policy.steering == Steering::lwt_in && std::ranges::any_of(policy.prefixes, is_v4)) {
            steering->complain(
                "lwt-in carries IPv6 only: Linux stops forwarding by such an IPv4 route once the node itself has "
                "looked it up; use device or lwt-xmit");
        }
    }
    read_protection(place, policy, taken.flows);
    if (const auto metric = place.optional("metric")) {
        policy.metric = static_cast<unsigned>(metric->integer(1, UINT32_MAX).value_or(policy.metric));
    }
    if (const auto over = place.optional("over-routes")) {
        policy.over_routes = over->boolean().value_or(policy.over_routes);
    }
    if (const auto candidates = place.required("candidates")) {
        std::optional<Address> merging;
        policy.candidates = read_candidates(reading, *candidates,
                                            [&](const auto& list, const auto& before, const YamlPlace& list_place) {
                                                check_list(reading, policy, list, list_place);
                                                if (policy.flow != 0)
                                                    check_hitless_list(reading, list, before, list_place, merging);
                                            });
        check_proofs(reading, policy, *candidates);
        check_hitless(policy, *candidates);
    }
    reading.config.policies.push_back(std::move(policy));
}

/// Limits the number of lengths, because the data plane does one lookup per length.
void check_lengths(const Reading& reading, const YamlPlace& place) {
    for (const bool v4 : {false, true}) {
        std::set<std::uint8_t> lengths;
        for (const auto& policy : reading.config.policies) {
            for (const auto& prefix : policy.prefixes) {
                if (is_v4(prefix) == v4) lengths.insert(prefix.length);
            }
        }
        if (lengths.size() <= reading.limits.lengths) continue;
        place.complain(fmt::format("use {} different lengths of {} prefixes; at most {} can be served", lengths.size(),
                                   v4 ? "IPv4" : "IPv6", reading.limits.lengths));
    }
}

}  // namespace

void read_policies(Reading& reading, const YamlPlace& place) {
    Taken taken;
    const auto items = place.items();
    reading.config.policies.reserve(items.size());
    for (const auto& item : items) read_policy(reading, item, taken);
    check_lengths(reading, place);
}

}  // namespace sidestep::config_reader
