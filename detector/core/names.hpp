// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Spells the choices of a configuration, alike in the file, in answers to the command line and in tables.
#pragma once

#include <array>
#include <string_view>

#include "detector/core/config.hpp"
#include "detector/core/session_list.hpp"

namespace sidestep {

// Each in the order of its enum.
inline constexpr std::array<std::string_view, 3> kClockNames{"auto", "kernel", "process"};
inline constexpr std::array<std::string_view, 2> kIpsecNames{"heed", "ignore"};
inline constexpr std::array<std::string_view, 2> kNetfilterNames{"warn", "ignore"};
inline constexpr std::array<std::string_view, 2> kModeNames{"repair", "observe"};
inline constexpr std::array<std::string_view, 3> kPeerModeNames{"auto", "probe", "bfd"};
inline constexpr std::array<std::string_view, 2> kProtectionNames{"fast-reroute", "hitless"};
inline constexpr std::array<std::string_view, 2> kStartNames{"trusted", "proven"};
inline constexpr std::array<std::string_view, 3> kTurnaroundNames{"forward", "end", "end.x"};
inline constexpr std::array<std::string_view, 3> kBfdKindNames{"single-hop", "multihop", "s-bfd"};
inline constexpr std::array<std::string_view, 4> kEncapNames{"plain", "h.encaps", "h.encaps.red", "h.insert"};
inline constexpr std::array<std::string_view, 4> kSteeringNames{"transit", "device", "lwt-in", "lwt-xmit"};
inline constexpr std::array<std::string_view, 5> kSidBehaviorNames{"end", "end.x", "end.dt4", "end.dt6", "end.dt46"};

/// The allowed values of RoutingConfig::protect.
inline constexpr std::array<std::string_view, 3> kProtectNames{"link", "node", "srlg"};

inline std::string_view to_string(ClockKind clock) {
    return kClockNames.at(static_cast<std::size_t>(clock));
}
inline std::string_view to_string(Ipsec ipsec) {
    return kIpsecNames.at(static_cast<std::size_t>(ipsec));
}
inline std::string_view to_string(Netfilter netfilter) {
    return kNetfilterNames.at(static_cast<std::size_t>(netfilter));
}
inline std::string_view to_string(Mode mode) {
    return kModeNames.at(static_cast<std::size_t>(mode));
}
inline std::string_view to_string(PeerMode mode) {
    return kPeerModeNames.at(static_cast<std::size_t>(mode));
}
inline std::string_view to_string(Start start) {
    return kStartNames.at(static_cast<std::size_t>(start));
}
inline std::string_view to_string(Turnaround turnaround) {
    return kTurnaroundNames.at(static_cast<std::size_t>(turnaround));
}
inline std::string_view to_string(BfdKind kind) {
    return kBfdKindNames.at(static_cast<std::size_t>(kind));
}
inline std::string_view to_string(Encap encap) {
    return kEncapNames.at(static_cast<std::size_t>(encap));
}
inline std::string_view to_string(Steering steering) {
    return kSteeringNames.at(static_cast<std::size_t>(steering));
}
inline std::string_view to_string(SidBehavior behavior) {
    return kSidBehaviorNames.at(static_cast<std::size_t>(behavior));
}

inline std::string_view protection_name(const PolicyConfig& policy) {
    return kProtectionNames.at(policy.flow == 0 ? 0 : 1);
}

/// The kind of a session: "adjacency", "path" or "passive".
inline std::string_view kind_of(const SessionConfig& session) {
    if (session.passive_source) return "passive";
    return is_single_hop(session) ? "adjacency" : "path";
}

/// How the neighbor answers: by turning probes around, or by BFD of its own.
inline std::string_view turnaround_name(const SessionConfig& session) {
    return session.bfd ? "bfd" : to_string(session.probe.turnaround);
}

}  // namespace sidestep
