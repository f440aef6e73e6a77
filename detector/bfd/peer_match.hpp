// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Which session of Sidestep answers for a BFD peer: one that the configuration has for that neighbor, or one to be made for
// it, or none and why. Pure: what the kernel knows is asked through functions.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/address.hpp"
#include "common/duration.hpp"
#include "detector/bfd/dplane_message.hpp"
#include "detector/core/config.hpp"

namespace sidestep::bfd {

/// A session to be made.
struct SessionWish {
    std::string name{};  ///< without kClientPrefix: "ADDRESS%INTERFACE", the same whenever bfdd comes back
    std::string interface {};
    Address neighbor{};
    Address return_address{};
    Nanoseconds interval{};
    unsigned multiplier = 3;
    std::optional<BfdSettings> bfd{};  ///< it speaks BFD; else it probes
    bool shutdown = false;             ///< it speaks BFD, and says that it is administratively down

    bool operator==(const SessionWish&) const = default;
};

struct PeerMatch {
    std::string session{};              ///< the name of the session that answers; empty: none
    std::optional<SessionWish> wish{};  ///< set if that session exists for this peer only
    std::string trouble{};              ///< why none answers; empty if one does

    bool operator==(const PeerMatch&) const = default;
};

/// All that may answer for a peer; with both, PeerTable chooses.
struct PeerWays {
    std::optional<PeerMatch> probe{};
    std::optional<PeerMatch> bfd{};

    bool operator==(const PeerWays&) const = default;
};

/// What is around a peer.
struct Surroundings {
    const std::vector<AdjacencyConfig>& adjacencies;
    Nanoseconds shortest_interval{};
    Nanoseconds shortest_bfd{};
    Nanoseconds longest_interval{};
    unsigned most_multiplier = 32;
    /// Addresses that this node has on an interface.
    std::function<std::vector<Address>(const std::string& interface)> addresses;
    /// The interface whose link an address is on; empty if it is on none.
    std::function<std::string(const Address& neighbor)> interface_to;
    bool source_v4 = false;  ///< this node has an address that probes by IPv4 come from
};

/// By a session of the configuration, or one that probes.
PeerMatch match_peer(const AskedSession& peer, const Surroundings& around);
/// By a session that speaks BFD with the peer.
PeerMatch match_speaker(const AskedSession& peer, const Surroundings& around);
PeerWays ways_to(const AskedSession& peer, const Surroundings& around, PeerMode mode);

}  // namespace sidestep::bfd
