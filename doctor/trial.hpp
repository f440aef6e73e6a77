// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Segment lists that no session proves, and how doctor tries them: it sends packets to itself by way of each, once by
// all of its segments as data goes, and once by the first ones only, so that it can say where packets stay. Pure.
// send_trials.hpp sends them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "detector/core/config.hpp"
#include "detector/core/headers.hpp"

namespace sidestep {

struct Case;

struct Trial {
    std::string owner{};  ///< "policy to-D"
    SegmentListConfig list{};
    bool v4_only = false;  ///< its last SID may be an End.DT4, which takes no packet of ours
    unsigned largest = 0;  ///< bytes of the largest packet that both the entrances and the first link let through

    /// How many of its segments packets of ours can pass.
    [[nodiscard]] std::size_t passable() const { return list.segments.size() - (v4_only ? 1 : 0); }
};

/// What came of a trial.
struct Outcome {
    unsigned sent = 0;        ///< packets; 0: it could not be tried
    std::size_t reached = 0;  ///< as many segments, counted from the first, sent on a packet that came back
    bool whole = false;       ///< a packet came back as data goes
    bool large = false;       ///< and so did one of the largest size
};

struct TriedList {
    Trial trial{};
    Outcome outcome{};

    /// As far as can be told.
    [[nodiscard]] bool works() const { return outcome.whole || (trial.v4_only && outcome.reached == trial.passable()); }
};

/// The lists of policies and bypasses, computed ones included, of which only the first link is probed; each once.
/// Hitless ones are left out: their SIDs want numbered copies. Their first link must answer.
std::vector<Trial> trials_of(const Case& node);

/// Addresses of this node that packets of a trial return to; any of them will do.
std::vector<Address> homes_of(const Case& node);

/// Ethernet addresses of an adjacency, if both are known.
std::optional<LinkAddresses> link_addresses(const Case& node, const std::string& adjacency);

/// The packet that ends at `home`: `whole`, as data goes, or by its first `segments` SIDs, of which none decapsulates it.
std::vector<std::uint8_t> trial_packet(const Trial& trial, std::size_t segments, bool whole, const LinkAddresses& link,
                                       const Address& source, const Address& home, std::uint16_t port,
                                       std::span<const std::uint8_t> payload);

}  // namespace sidestep
