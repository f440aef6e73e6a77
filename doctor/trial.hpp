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
    bool v4_only = false;  ///< its last SID may be an End.DT4, which takes no IPv6
    bool v4_too = false;   ///< IPv4 prefixes use it, among others or alone
    unsigned largest = 0;  ///< bytes of the largest packet that both the entrances and the first link let through
    std::optional<Address> beyond{};  ///< an address that data goes to by the list; IPv6

    /// How many of its segments IPv6 packets of ours can pass.
    [[nodiscard]] std::size_t passable() const {
        return list.segments.size() - (v4_only && !list.segments.empty() ? 1 : 0);
    }
};

/// What came of a trial.
struct Outcome {
    unsigned sent = 0;             ///< packets; 0: it could not be tried
    std::size_t reached = 0;       ///< as many segments, counted from the first, sent on a packet that came back
    bool whole = false;            ///< a packet came back as data goes
    bool large = false;            ///< and so did one of the largest size
    bool v4_sent = false;          ///< IPv4 packets were sent, too
    bool v4 = false;               ///< and one came back
    bool loops = false;            ///< one that should have gone on to the list's destinations came back
    std::optional<Address> end{};  ///< the router behind the list, which said that the hops of such a one were used up
};

struct TriedList {
    Trial trial{};
    Outcome outcome{};

    /// As far as can be told.
    [[nodiscard]] bool works() const {
        return !outcome.loops &&
               (outcome.whole || outcome.end || outcome.v4 || (trial.v4_only && outcome.reached == trial.passable()));
    }
    /// IPv4 should pass, and does not.
    [[nodiscard]] bool lacks_v4() const { return outcome.v4_sent && !outcome.v4; }
};

/// Whether packets of both go the same way, in the same form.
bool same_way(const SegmentListConfig& a, const SegmentListConfig& b);

/// The lists of policies and bypasses, computed ones included, of which only the first link is probed, or whose own
/// session is silent; each once. Hitless ones are left out: their SIDs want numbered copies. Their first link must answer.
std::vector<Trial> trials_of(const Case& node);

/// Addresses of this node that packets of a trial return to; any of them will do.
std::vector<Address> homes_of(const Case& node);
/// The same for IPv4: those of loopback and of the links where packets come in.
std::vector<Address> v4_homes_of(const Case& node);

/// A list of `policies` as the daemon answers it; nullopt if it cannot be read.
std::optional<SegmentListConfig> read_list(const nlohmann::json& entry);

/// Ethernet addresses of an adjacency, if both are known.
std::optional<LinkAddresses> link_addresses(const Case& node, const std::string& adjacency);

/// How a packet of a trial goes.
enum class Form : std::uint8_t {
    whole,   ///< as data does, home
    large,   ///< the same, in the largest size
    v4,      ///< the same by IPv4
    first,   ///< by the first segments, of which none decapsulates it, home
    end,     ///< to `beyond`, with no hop left behind the list: the router there says so
    onward,  ///< to `beyond`, with one more hop: nothing should come back
};

struct TrialPacket {
    Form form = Form::whole;
    std::size_t segments = 0;  ///< of Form::first
    Address home{};            ///< where it ends, or where answers go
    std::uint16_t port = 0;
    std::span<const std::uint8_t> payload{};
};

/// Its bytes, from Ethernet on. `source` is that of data.
std::vector<std::uint8_t> bytes_of(const Trial& trial, const TrialPacket& packet, const LinkAddresses& link,
                                   const Address& source);

}  // namespace sidestep
