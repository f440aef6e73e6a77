// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "doctor/trial.hpp"

#include <algorithm>
#include <charconv>

#include "detector/core/encap_overhead.hpp"
#include "detector/core/names.hpp"
#include "detector/core/session_list.hpp"
#include "doctor/lists.hpp"

namespace sidestep {
namespace {

using nlohmann::json;

constexpr std::size_t kMostHomes = 8;

bool same_way(const SegmentListConfig& a, const SegmentListConfig& b) {
    return a.adjacency == b.adjacency && a.encap == b.encap && a.segments == b.segments;
}

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
    if (list.encap == Encap::plain || list.segments.empty() || !first_link_works(node, list.adjacency)) return;
    const auto known =
        std::ranges::find_if(trials, [&](const Trial& other) { return same_way(other.list, trial.list); });
    if (known != trials.end()) {
        known->v4_only = known->v4_only && trial.v4_only;
        return;
    }
    trial.largest = largest_packet(node, list);
    trials.push_back(std::move(trial));
}

/// As the daemon lists it.
std::optional<SegmentListConfig> read_list(const json& entry) {
    const auto encap = std::ranges::find(kEncapNames, entry.value("encap", ""));
    if (encap == kEncapNames.end() || entry.value("probed", "") != "first-link") return std::nullopt;
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

void add_computed(std::vector<Trial>& trials, const json& policy, const Case& node) {
    if (!policy.value("computed", false) || policy.value("protection", "") == "hitless") return;
    const auto bypass_of = policy.value("bypass_of", json());
    const auto owner =
        bypass_of.is_string() ? "bypass of " + bypass_of.get<std::string>() : "policy " + policy.value("name", "");
    std::vector<Prefix> prefixes;
    for (const auto& text : policy.value("prefixes", std::vector<std::string>())) {
        if (const auto prefix = Prefix::parse(text)) prefixes.push_back(*prefix);
    }
    for (const auto& candidate : policy.value("candidates", json::array())) {
        for (const auto& entry : candidate.value("lists", json::array())) {
            if (const auto list = read_list(entry))
                add(trials, {.owner = owner, .list = *list, .v4_only = all_v4(prefixes)}, node);
        }
    }
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

std::vector<Trial> trials_of(const Case& node) {
    std::vector<Trial> trials;
    if (!node.config || !node.machine.looked) return trials;
    for_each_list(*node.config,
                  [&](const std::string& owner, const SegmentListConfig& list, const PolicyConfig* policy) {
                      if (is_probed_whole(list) || (policy != nullptr && policy->flow != 0)) return;
                      const bool v4_only = policy != nullptr && all_v4(policy->prefixes);
                      add(trials, {.owner = owner, .list = list, .v4_only = v4_only}, node);
                  });
    if (node.daemon.policies.is_object()) {
        for (const auto& policy : node.daemon.policies.value("policies", json::array()))
            add_computed(trials, policy, node);
    }
    std::erase_if(trials, [](const Trial& trial) { return trial.passable() == 0; });
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

std::vector<std::uint8_t> trial_packet(const Trial& trial, std::size_t segments, bool whole, const LinkAddresses& link,
                                       const Address& source, const Address& home, std::uint16_t port,
                                       std::span<const std::uint8_t> payload) {
    const auto passed = std::span(trial.list.segments).first(segments);
    const bool as_data = whole && trial.list.encap != Encap::h_insert;
    const ProbePath way{.encaps = as_data ? passed : std::span<const Address>(),
                        .back = as_data ? std::span<const Address>() : passed};
    return make_datagram(link, source, home, way, port, payload);
}

}  // namespace sidestep
