// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/core/silence.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace sidestep {
namespace {

/// How the far end should have turned the probe around, and did not.
std::string cause_there(const SessionConfig& config) {
    const auto home = config.probe.return_address.to_string();
    const auto neighbor = config.neighbor.to_string();
    if (!config.encaps.empty()) {
        return fmt::format(
            "a SID of its segments is missing on its router, a router has no route to the next one, the "
            "last one does not decapsulate, or there is no way back to {} by {}",
            home, config.returns_on);
    }
    if (config.probe.turnaround != Turnaround::forward) {
        return fmt::format("{} has no SID {}, or is not the router that has it", neighbor,
                           config.probe.back.empty() ? "" : config.probe.back.front().to_string());
    }
    if (config.neighbor.is_v4()) {
        return fmt::format(
            "{} does not forward IPv4 (sysctl net.ipv4.ip_forward), has no route to {} over this link, filters UDP "
            "port 862, or has no route to {} over this link and drops what comes from there (sysctl rp_filter: 1); or "
            "it is the wrong neighbor",
            neighbor, home, config.source.to_string());
    }
    return fmt::format(
        "{} does not forward IPv6 (sysctl net.ipv6.conf.all.forwarding), has no route to {} over this "
        "link, or filters UDP port 862; or it is the wrong neighbor",
        neighbor, home);
}

std::string cause_of_routed_bfd(const Silence& silence, const std::string& peer) {
    const auto& config = *silence.config;
    const auto own = config.bfd->local_address.value_or(config.source).to_string();
    if (silence.return_at.empty()) return fmt::format("local-address {} is no address of this node", own);
    const auto lost = fmt::format(
        "it cannot be reached {}, or its packets have no way back to {}, come by an interface that is not listened at, "
        "or have a hop limit below {}",
        config.encaps.empty() ? "over " + config.interface : std::string("by these segments"), own,
        config.bfd->minimum_ttl);
    if (config.bfd->kind == BfdKind::multihop)
        return fmt::format("{} speaks no multihop BFD with {} (UDP port {}), {}", peer, own, SS_BFD_MULTIHOP_PORT,
                           lost);
    return fmt::format("{} answers no S-BFD of {} to discriminator {} (UDP port {}), {}", peer, own,
                       config.bfd->reflector, SS_SBFD_PORT, lost);
}

std::string cause_of_bfd(const Silence& silence) {
    const auto& config = *silence.config;
    const auto peer = bfd_peer(config).to_string();
    if (silence.answered > 0) return fmt::format("{} is heard, but says that the session is down", peer);
    if (config.bfd->kind != BfdKind::link) return cause_of_routed_bfd(silence, peer);
    return fmt::format(
        "{} speaks no BFD with this node (UDP port 3784, hop limit 255), or this node has no address "
        "on {} to speak from",
        peer, config.interface);
}

}  // namespace

std::string likely_cause(const Silence& silence) {
    const auto& config = *silence.config;
    if (config.bfd && silence.carrier && silence.ipv6 && silence.neighbor_known) return cause_of_bfd(silence);
    if (silence.answered > 0) {
        return fmt::format("its path loses probes, or they come back too late: it takes {} answers in a row",
                           config.probe.up_count);
    }
    const auto home = config.probe.return_address.to_string();
    if (config.passive_source) {
        return fmt::format(
            "{} sends no probes through a SID of this node, the SID's route is missing, or they come in "
            "by another interface than {}",
            config.passive_source->to_string(), config.interface);
    }
    if (!silence.carrier) return fmt::format("{} is down or has no carrier", config.interface);
    if (!silence.ipv6)
        return fmt::format("IPv6 is off on {}, or its MTU is below 1280 (RFC 8200, 5)", config.interface);
    if (!silence.neighbor_known) {
        return fmt::format("nobody behind {} answers for {}: wrong neighbor or interface, or it is off",
                           config.interface, config.neighbor.to_string());
    }
    if (silence.return_at.empty()) {
        return fmt::format("return-address {} is no address of this node", home);
    }
    const bool pinned = config.probe.turnaround == Turnaround::end_x;
    if (!pinned && config.encaps.empty() &&
        std::ranges::find(silence.return_at, config.returns_on) == silence.return_at.end()) {
        return fmt::format(
            "return-address {} is on {}, not on {}: answers come back there, if at all, and are refused; "
            "swapped return addresses?",
            home, silence.return_at.front(), config.returns_on);
    }
    return cause_there(config);
}

std::string explain(const Silence& silence) {
    const auto& config = *silence.config;
    const auto cause = likely_cause(silence);
    if (config.passive_source) return fmt::format("none of {} expected probes came in; {}", silence.sent, cause);
    if (config.bfd)
        return fmt::format("{} BFD packets sent to {} by {}, {} received; {}", silence.sent,
                           bfd_peer(config).to_string(), config.interface, silence.answered, cause);
    if (silence.sent == 0) return fmt::format("no probe could be sent by {}; {}", config.interface, cause);
    return fmt::format("{} probes sent to {} by {}, {}{} answered; {}", silence.sent, config.neighbor.to_string(),
                       config.interface,
                       silence.send_errors > 0 ? fmt::format("{} refused by the interface, ", silence.send_errors) : "",
                       silence.answered > 0 ? std::to_string(silence.answered) : "none", cause);
}

}  // namespace sidestep
