// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Puts an ICMPv6 error into words (RFC 4443, 3; RFC 8986, 10.4): why a router did not pass on a packet.
#pragma once

#include <netinet/icmp6.h>

#include <cstdint>
#include <string>

#include <fmt/format.h>

#include "common/address.hpp"

namespace sidestep {

/// For example "has no route to fd00:b::6". `destination` of the packet in question.
inline std::string why_not_passed(std::uint8_t type, std::uint8_t code, const Address& destination) {
    constexpr std::uint8_t kSourceFailed = 5;
    constexpr std::uint8_t kRejected = 6;
    constexpr std::uint8_t kUpperLayer = 4;  // SR Upper-layer Header Error
    const auto to = destination.to_string();
    if (type == ICMP6_TIME_EXCEEDED) return fmt::format("drops packets to {} because their hop limit is used up", to);
    if (type == ICMP6_PARAM_PROB && (code == ICMP6_PARAMPROB_NEXTHEADER || code == kUpperLayer))
        return fmt::format("has {} as an address, not as a SID, or as one that does not decapsulate such packets", to);
    if (type == ICMP6_PARAM_PROB) return fmt::format("cannot read the headers of packets to {}", to);
    if (type != ICMP6_DST_UNREACH) return fmt::format("does not pass on packets to {} (ICMPv6 {}/{})", to, type, code);
    switch (code) {
        case ICMP6_DST_UNREACH_NOROUTE:
            return fmt::format("has no route to {}", to);
        case ICMP6_DST_UNREACH_ADMIN:
        case kSourceFailed:
            return fmt::format("has a filter that prohibits packets to {}", to);
        case ICMP6_DST_UNREACH_BEYONDSCOPE:
            return fmt::format("cannot pass on packets to {} from a source of another scope", to);
        case ICMP6_DST_UNREACH_NOPORT:
            return fmt::format("has {} as an address, not as a SID", to);
        case kRejected:
            return fmt::format("has a route to {} that rejects packets", to);
        default:
            return fmt::format("does not reach {}", to);
    }
}

}  // namespace sidestep
