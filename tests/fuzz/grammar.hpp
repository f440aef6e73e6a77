// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// IPv6 packets grown from a grammar, each header right in itself:
//
//   packet  = IPv6 header* end
//   header  = hop-by-hop | destination options | SRH along SIDs | another routing header | fragment | AH
//   end     = UDP | TCP | ICMPv6 | nothing | packet | IPv4 packet
//
// in any order, as no sender would and every forger can. The mutations of traffic.hpp cut and bend what comes out.
#pragma once

#include "tests/fuzz/dice.hpp"
#include "tests/fuzz/traffic.hpp"

namespace sidestep {

inline constexpr std::size_t kMostHeaders = 8;  // more than the programs walk over
inline constexpr int kMostNested = 5;           // more than they look into
inline constexpr std::uint8_t kFragmentHeader = 44;
inline constexpr std::uint8_t kAuthentication = 51;
inline constexpr std::uint8_t kNothing = 59;

class Grown {
  public:
    explicit Grown(Dice& dice) : dice_(dice) {}

    Bytes packet_of(int depth = 0) {
        auto to = dice_.chance(60) ? std::string(dice_.of(kSids)) : std::string(dice_.of(kDestinations));
        std::uint8_t next = 0;
        auto rest = end(next, depth);
        for (auto count = dice_.below(kMostHeaders + 1); count > 0; --count) rest = header(next, to) + rest;
        return packet(Ipv6{.from = dice_.chance(80) ? "fd00:b::1" : "2001:db8:5::1",
                           .to = to,
                           .hop_limit = dice_.byte(),
                           .traffic_class = dice_.byte(),
                           .next_header = next},
                      rest);
    }

  private:
    Bytes end(std::uint8_t& next, int depth) {
        switch (dice_.below(depth < kMostNested ? 8 : 4)) {
            case 0:
                next = kTcp;
                return tcp(7, dice_.port(), payload_length(dice_));
            case 1:
                next = 58;
                return Bytes{dice_.byte(), 0, 0, 0} + dice_.bytes(payload_length(dice_));
            case 2:
                next = kNothing;
                return {};
            case 4:
            case 5:
            case 6:
                next = kIpv6Inside;
                return inside(packet_of(depth + 1));
            case 7:
                next = kIpv4Inside;
                return inside(ipv4_traffic(dice_));
            default:
                next = kUdp;
                return udp(7, dice_.port(), payload_length(dice_));
        }
    }

    // A header before `next`, which becomes its own number. An SRH decides where the packet goes.
    Bytes header(std::uint8_t& next, std::string& to) {
        const auto behind = next;
        switch (dice_.below(6)) {
            case 0:
                next = kHopByHop;
                return options(behind, static_cast<std::uint8_t>(dice_.below(3)));
            case 1:
                next = kDestinationOptions;
                return options(behind, static_cast<std::uint8_t>(dice_.below(3)));
            case 2:
                next = kFragmentHeader;
                return Bytes{behind, 0} + dice_.bytes(6);
            case 3:
                next = kAuthentication;
                return Bytes{behind, 4} + dice_.bytes(22);
            case 4:
                next = kRouting;
                return Bytes{behind, 2, static_cast<std::uint8_t>(dice_.below(4)),
                             static_cast<std::uint8_t>(dice_.below(2))} +
                       dice_.bytes(20);
            default:
                next = kRouting;
                return along(behind, to);
        }
    }

    Bytes along(std::uint8_t behind, std::string& to) {
        std::vector<Address> list(1 + dice_.below(4));
        for (auto& segment : list) segment = address(dice_.chance(75) ? dice_.of(kSids) : dice_.of(kDestinations));
        const auto left = dice_.below(list.size());
        to = list.at(list.size() - 1 - left).to_string();
        return srh(behind, list, left, static_cast<std::uint16_t>(dice_.chance(20) ? 0x5d00U + dice_.below(4) : 0));
    }

    Dice& dice_;
};

}  // namespace sidestep
