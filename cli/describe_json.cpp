// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Prints what a configuration means, for programs.
#include "cli/describe.hpp"
#include "common/texts.hpp"
#include "detector/core/detection.hpp"
#include "detector/core/names.hpp"
#include "detector/core/session_list.hpp"

namespace sidestep {
namespace {

using nlohmann::json;

double in_ms(Nanoseconds duration) {
    return std::chrono::duration<double, std::milli>(duration).count();
}

double in_us(Nanoseconds duration) {
    return std::chrono::duration<double, std::micro>(duration).count();
}

/// A missing value is null.
json text_or_null(const std::string& text) {
    return text.empty() ? json(nullptr) : json(text);
}

template <typename Items, typename ToJson>
json array_of(const Items& items, ToJson to_json) {
    auto result = json::array();
    for (const auto& item : items) result.push_back(to_json(item));
    return result;
}

json session_json(const SessionConfig& session, Nanoseconds tick) {
    const auto& probe = session.probe;
    const auto times = detection_times(probe, tick);
    return {{"name", session.name},
            {"interface", session.interface},
            {"neighbor", session.neighbor.to_string()},
            {"path", texts(session.encaps)},
            {"return_address", probe.return_address.to_string()},
            {"mode", to_string(session.mode)},
            {"turnaround", turnaround_name(session)},
            {"segment", probe.back.empty() ? json(nullptr) : json(probe.back.front().to_string())},
            {"size", probe.size},
            {"interval_us", in_us(probe.interval)},
            {"multiplier", probe.multiplier},
            {"up_count", probe.up_count},
            {"start", to_string(probe.start)},
            {"allowance_us", in_us(allowance_of(probe))},
            {"wait_to_restore_ms", in_ms(probe.wait_to_restore)},
            {"verdict_min_ms", in_ms(times.shortest)},
            {"verdict_max_ms", in_ms(times.longest)},
            {"from_failure_max_ms", in_ms(times.from_failure)},
            {"restore_min_ms", in_ms(times.restore)}};
}

json list_json(const SegmentListConfig& list) {
    json result{{"weight", list.weight},
                {"adjacency", list.adjacency},
                {"encap", to_string(list.encap)},
                {"segments", texts(list.segments)},
                {"sessions", list.sessions}};
    if (list.mtu != 0) result["mtu"] = list.mtu;
    return result;
}

json candidates_json(const std::vector<CandidateConfig>& candidates) {
    auto result = json::array();
    for (const auto& [preference, lists] : candidates) {
        result.push_back({{"index", result.size()}, {"preference", preference}, {"lists", array_of(lists, list_json)}});
    }
    return result;
}

json bypasses_json(const Config& config) {
    auto result = json::array();
    for (const auto& adjacency : config.adjacencies) {
        if (adjacency.bypass.empty()) continue;
        result.push_back({{"adjacency", adjacency.name}, {"candidates", candidates_json(adjacency.bypass)}});
    }
    return result;
}

json sid_json(const SidConfig& sid) {
    auto flavors = json::array();
    if (sid.psp) flavors.push_back("psp");
    if (sid.usp) flavors.push_back("usp");
    if (sid.usd) flavors.push_back("usd");
    if (sid.next_csid) flavors.push_back("next-csid");
    return {{"sid", sid.sid.to_string()},
            {"behavior", to_string(sid.behavior)},
            {"flavors", std::move(flavors)},
            {"block_bits", sid.next_csid ? json(sid.block_bits) : json(nullptr)},
            {"function_bits", sid.next_csid ? json(sid.function_bits) : json(nullptr)},
            {"adjacency", text_or_null(sid.adjacency)},
            {"flows", sid.flows},
            {"window", sid.flows.empty() ? json(nullptr) : json(sid.window)},
            {"reset_ms", sid.flows.empty() ? json(nullptr) : json(sid.reset.count() / 1'000'000)},
            {"install", sid.install}};
}

json routing_json(const RoutingConfig& routing) {
    return {{"topology", text_or_null(routing.topology)},
            {"vtysh", text_or_null(routing.vtysh)},
            {"vty_directory", text_or_null(routing.vty_directory)},
            {"node", text_or_null(routing.node)},
            {"protect", routing.protect},
            {"encap", to_string(routing.encap)},
            {"max_segments", routing.max_segments},
            {"next_csid", routing.next_csid},
            {"hold_ms", in_ms(routing.hold)},
            {"install_sids", routing.install_sids}};
}

json reflector_json(const std::optional<ReflectorConfig>& reflector) {
    if (!reflector) return nullptr;
    json result{{"port", reflector->port},
                {"addresses", texts(reflector->addresses)},
                {"sources", texts(reflector->sources)},
                {"rate", reflector->rate}};
    if (reflector->discriminators.empty()) {
        result["stateful"] = reflector->stateful;
        result["ptp"] = reflector->ptp;
    } else {
        result["discriminators"] = reflector->discriminators;
        result["receive_interval_ms"] = in_ms(reflector->receive_interval);
        result["admin_down"] = reflector->admin_down;
    }
    return result;
}

}  // namespace

json policy_json(const PolicyConfig& policy) {
    return {{"name", policy.name},
            {"prefixes", texts(policy.prefixes)},
            {"steering", to_string(policy.steering)},
            {"metric", policy.metric},
            {"flow", policy.flow == 0 ? json(nullptr) : json(policy.flow)},
            {"over_routes", policy.over_routes},
            {"candidates", candidates_json(policy.candidates)}};
}

json describe_json(const Config& config) {
    const auto tick = tick_of(config);
    auto adjacencies = json::array();
    auto paths = json::array();
    auto passives = json::array();
    for (const auto& session : sessions_of(config)) {
        auto& list = session.passive_source ? passives : is_single_hop(session) ? adjacencies : paths;
        list.push_back(session_json(session, tick));
    }
    return {
        {"node", config.node},
        {"source_address", config.source.is_unspecified() ? json(nullptr) : json(config.source.to_string())},
        {"source_address_ipv4", config.source_v4 ? json(config.source_v4->to_string()) : json(nullptr)},
        {"clock", {{"kind", to_string(config.clock)}, {"tick_us", in_us(tick)}}},
        {"mode", to_string(config.mode)},
        {"adjacencies", std::move(adjacencies)},
        {"paths", std::move(paths)},
        {"passives", std::move(passives)},
        {"policies", json::array()},
        {"bypasses", bypasses_json(config)},
        {"ingress", config.ingress},
        {"xdp", config.xdp},
        {"xdp_on_virtual", config.xdp_on_virtual},
        {"egress", config.egress},
        {"ipsec", to_string(config.ipsec)},
        {"netfilter", to_string(config.netfilter)},
        {"device", text_or_null(config.device)},
        {"sr_domain", texts(config.domain)},
        {"sids", array_of(config.sids, sid_json)},
        {"routing", config.routing ? routing_json(*config.routing) : json(nullptr)},
        {"stamp", reflector_json(config.stamp)},
        {"sbfd", reflector_json(config.sbfd)},
        {"bfd", config.bfd ? json{{"frr", config.bfd->frr}, {"mode", to_string(config.bfd->mode)}} : json(nullptr)}};
}

}  // namespace sidestep
