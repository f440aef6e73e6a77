// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "doctor/trial.hpp"

#include <algorithm>
#include <charconv>

#include "common/last_address.hpp"
#include "detector/core/encap_overhead.hpp"
#include "detector/core/names.hpp"
#include "detector/core/session_list.hpp"
#include "doctor/lists.hpp"

namespace sidestep {
namespace {

using nlohmann::json;

constexpr std::size_t kMostHomes = 8;

/// The first link has to work, or nothing is learned of what is behind it.
bool first_link_works(const Case& node, const std::string& name) {
    const auto* adjacency = adjacency_of(*node.config, name);
    return adjacency != nullptr && answers(node, *adjacency) && link_addresses(node, name);
}

unsigned largest_packet(const Case& node, const SegmentListConfig& list) {
    const auto* adjacency = adjacency_of(*node.config, list.adjacency);
    const auto* seen = adjacency == nullptr ? nullptr : node.machine.interface(adjacency->interface);
    if (seen == nullptr) return 0;
    const auto mtu = list.mtu == 0 ? seen->mtu : std::min(seen->mtu, list.mtu);
    const auto room = mtu - std::min(mtu, overhead_at_most(list));
    const auto largest = std::min(room, largest_ingress(node, {adjacency->interface}));
    return largest > kLeastMtu ? largest : 0;
}

bool all_v4(const std::vector<Prefix>& prefixes) {
    return !prefixes.empty() && std::ranges::all_of(prefixes, [](const Prefix& p) { return p.address.is_v4(); });
}

void add(std::vector<Trial>& trials, Trial trial, const Case& node) {
    const auto& list = trial.list;
    if (!first_link_works(node, list.adjacency)) return;
    const auto known =
        std::ranges::find_if(trials, [&](const Trial& other) { return same_way(other.list, trial.list); });
    if (known != trials.end()) {
        known->v4_only = known->v4_only && trial.v4_only;
        known->v4_too = known->v4_too || trial.v4_too;
        if (!known->beyond) known->beyond = trial.beyond;
        return;
    }
    trial.largest = largest_packet(node, list);
    trials.push_back(std::move(trial));
}

bool is_loopback_v4(const Address& address) {
    return address.is_v4() && address.bytes[12] == 127;  // RFC 1122, 3.2.1.3
}

/// Somewhere in the prefixes; not in those that this node itself is in, such as a default route's.
std::optional<Address> beyond(const Case& node, const std::vector<Prefix>& prefixes) {
    const auto homes = homes_of(node);
    for (const auto& prefix : prefixes) {
        if (prefix.address.is_v4() ||
            std::ranges::any_of(homes, [&](const Address& home) { return prefix.contains(home); }))
            continue;
        if (const auto host = last_host(prefix)) return host;
    }
    return std::nullopt;
}

bool any_v4(const std::vector<Prefix>& prefixes) {
    return std::ranges::any_of(prefixes, [](const Prefix& prefix) { return prefix.address.is_v4(); });
}

/// What H.Insert and plain lists carry has no IPv4 in it, or no header of ours.
bool encapsulates(const SegmentListConfig& list) {
    return list.encap == Encap::h_encaps || list.encap == Encap::h_encaps_red;
}

Trial trial_of(const Case& node, const std::string& owner, const SegmentListConfig& list,
               const std::vector<Prefix>& prefixes) {
    return {.owner = owner,
            .list = list,
            .v4_only = all_v4(prefixes),
            .v4_too = any_v4(prefixes) && encapsulates(list),
            .beyond = beyond(node, prefixes)};
}

/// The first candidate of a policy is as routed, mostly.
bool is_backup(const PolicyConfig* policy, const SegmentListConfig& list) {
    return policy != nullptr && !std::ranges::any_of(policy->candidates.front().lists,
                                                     [&](const auto& first) { return same_way(first, list); });
}

/// A session goes all the way, and is not silent: then it says more than a trial.
bool is_proven(const Case& node, const SegmentListConfig& list) {
    return is_probed_whole(list) && std::ranges::none_of(list.sessions, [&](const std::string& name) {
               return is_silent(node.daemon.session(name));
           });
}

void add_computed(std::vector<Trial>& trials, const json& policy, const json& entry, const Case& node) {
    if (!policy.value("computed", false) || policy.value("protection", "") == "hitless") return;
    if (entry.value("probed", "") != "first-link") return;
    const auto bypass_of = policy.value("bypass_of", json());
    const auto owner =
        bypass_of.is_string() ? "bypass of " + bypass_of.get<std::string>() : "policy " + policy.value("name", "");
    std::vector<Prefix> prefixes;
    for (const auto& text : policy.value("prefixes", std::vector<std::string>())) {
        if (const auto prefix = Prefix::parse(text)) prefixes.push_back(*prefix);
    }
    if (const auto list = read_list(entry)) add(trials, trial_of(node, owner, *list, prefixes), node);
}

/// H.Encaps leaves the packet's own hop limit alone until the end of the list; others use it up on the way.
std::uint8_t hop_limit(Form form, const SegmentListConfig& list) {
    if (form == Form::end) return 1;
    if (form == Form::onward) return list.encap == Encap::h_insert ? 64 : 2;
    return 255;
}

std::optional<MacAddress> parse_mac(const std::string& text) {
    MacAddress mac{};
    if (text.size() != mac.size() * 3 - 1) return std::nullopt;
    for (std::size_t i = 0; i < mac.size(); ++i) {
        const auto* const at = text.data() + i * 3;
        const auto parsed = std::from_chars(at, at + 2, mac.at(i), 16);
        if (parsed.ec != std::errc() || parsed.ptr != at + 2) return std::nullopt;
    }
    return mac;
}

}  // namespace

bool same_way(const SegmentListConfig& a, const SegmentListConfig& b) {
    return a.adjacency == b.adjacency && a.encap == b.encap && a.segments == b.segments;
}

std::optional<SegmentListConfig> read_list(const json& entry) {
    const auto encap = std::ranges::find(kEncapNames, entry.value("encap", ""));
    if (encap == kEncapNames.end()) return std::nullopt;
    SegmentListConfig list;
    list.adjacency = entry.value("adjacency", "");
    list.encap = static_cast<Encap>(encap - kEncapNames.begin());
    for (const auto& text : entry.value("segments", std::vector<std::string>())) {
        const auto segment = Address::parse(text);
        if (!segment) return std::nullopt;
        list.segments.push_back(*segment);
    }
    return list;
}

std::vector<Trial> trials_of(const Case& node) {
    std::vector<Trial> trials;
    if (!node.config || !node.machine.looked) return trials;
    for_each_list(*node.config, [&](const std::string& owner, const SegmentListConfig& list,
                                    const PolicyConfig* policy) {
        const bool plain = list.encap == Encap::plain;
        if (plain ? !is_backup(policy, list) : is_proven(node, list)) return;
        if (policy != nullptr && policy->flow != 0) return;
        add(trials, trial_of(node, owner, list, policy != nullptr ? policy->prefixes : std::vector<Prefix>()), node);
    });
    for_each_answered_list(node.daemon,
                           [&](const json& policy, const json& entry) { add_computed(trials, policy, entry, node); });
    const bool v4 = !v4_homes_of(node).empty();
    std::erase_if(trials,
                  [&](const Trial& trial) { return trial.passable() == 0 && !trial.beyond && !(trial.v4_too && v4); });
    return trials;
}

std::vector<Address> homes_of(const Case& node) {
    std::vector<Address> homes;
    const auto offer = [&](const Address& home) {
        if (homes.size() >= kMostHomes || home.is_v4() || std::ranges::find(homes, home) != homes.end()) return;
        if (!node.machine.holders(home).empty()) homes.push_back(home);
    };
    for (const auto& adjacency : node.config->adjacencies) offer(adjacency.probe.return_address);
    offer(node.config->source);
    return homes;
}

std::vector<Address> v4_homes_of(const Case& node) {
    std::vector<Address> homes;
    const auto offer = [&](const std::string& name) {
        const auto* seen = node.machine.interface(name);
        if (seen == nullptr || !seen->up || !seen->carrier) return;
        for (const auto& held : seen->addresses) {
            const bool usable = held.address.is_v4() && !is_loopback_v4(held.address) && homes.size() < kMostHomes;
            if (usable) homes.push_back(held.address);
        }
    };
    for (const auto& [name, seen] : node.machine.interfaces) {
        if (seen.loopback) offer(name);
    }
    for (const auto& name : node.config->ingress) offer(name);
    for (const auto& adjacency : node.config->adjacencies) {
        if (std::ranges::find(node.config->ingress, adjacency.interface) == node.config->ingress.end())
            offer(adjacency.interface);
    }
    return homes;
}

std::optional<LinkAddresses> link_addresses(const Case& node, const std::string& adjacency) {
    const auto* config = adjacency_of(*node.config, adjacency);
    const auto* seen = config == nullptr ? nullptr : node.machine.interface(config->interface);
    if (seen == nullptr || !seen->up || !seen->carrier) return std::nullopt;
    for (const auto& neighbor : node.machine.neighbors) {
        if (neighbor.interface != config->interface || neighbor.address != config->neighbor) continue;
        const auto own = parse_mac(seen->mac);
        const auto theirs = parse_mac(neighbor.mac);
        if (own && theirs) return LinkAddresses{.own = *own, .neighbor = *theirs};
    }
    return std::nullopt;
}

std::vector<std::uint8_t> bytes_of(const Trial& trial, const TrialPacket& packet, const LinkAddresses& link,
                                   const Address& source) {
    const bool first = packet.form == Form::first;
    const bool onward = packet.form == Form::end || packet.form == Form::onward;
    const auto passed = std::span(trial.list.segments).first(first ? packet.segments : trial.list.segments.size());
    const bool v4 = packet.form == Form::v4;
    const bool outside = !first && trial.list.encap != Encap::h_insert;
    const ProbePath way{.encaps = outside ? passed : std::span<const Address>(),
                        .back = outside ? std::span<const Address>() : passed};
    const Datagram datagram{.from = onward || v4 ? packet.home : source,
                            .to = onward ? trial.beyond.value_or(packet.home) : packet.home,
                            .hop_limit = hop_limit(packet.form, trial.list),
                            .port = packet.port,
                            .payload = packet.payload};
    return make_datagram(link, source, datagram, way);
}

}  // namespace sidestep
