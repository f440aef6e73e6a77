// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Lists the sessions of a configuration: one per adjacency, path and passive session. After this step, all are treated
// alike.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "detector/core/config.hpp"
#include "detector/core/schedule.hpp"

namespace sidestep {

struct SessionConfig {
    std::string name;
    std::string interface;   ///< probes leave by this interface
    std::string returns_on;  ///< and return by this one; empty: by any
    Address neighbor;
    Address source;                         ///< of the probes
    std::optional<Address> passive_source;  ///< of the neighbor's probes; set for a passive session
    std::vector<Address> encaps;  ///< H.Encaps around the probe, in travel order; empty for a single-hop session
    ProbeSettings probe;
    Mode mode = Mode::repair;  ///< of the adjacency that it leaves by
    std::optional<BfdSettings> bfd{};
    bool verifies = false;  ///< a backup (verification.hpp)

    bool operator==(const SessionConfig&) const = default;
};

/// Adjacencies first, then paths, then passives, each in the order of the configuration.
std::vector<SessionConfig> sessions_of(const Config& config);

/// Whether it watches nothing but the neighbor on the link.
inline bool is_single_hop(const SessionConfig& session) {
    const bool near = !session.bfd || session.bfd->kind == BfdKind::link;
    return near && session.encaps.empty() && !session.passive_source;
}

/// The neighbor's address as BFD has it.
inline const Address& bfd_peer(const SessionConfig& session) {
    return session.bfd && session.bfd->peer ? *session.bfd->peer : session.neighbor;
}

/// How the clock serves a session; a BFD session has several turns for each packet, for jitter and a timely verdict.
ScheduleEntry turns_of(const SessionConfig& session, std::uint16_t index = 0);

/// The different probe intervals of these sessions; a plan has room for SS_MAX_CLASSES.
std::set<Nanoseconds> intervals_of(const std::vector<SessionConfig>& sessions);

/// The names of the sessions that protect something: if one of them goes down, a policy may leave its first candidate
/// or one of that candidate's lists, or a bypass comes into use. If a policy's first candidate is plain, the sessions of all
/// adjacencies protect: the FIB may send its packets by any of them.
std::set<std::string> protecting_sessions(const Config& config);

/// The names of the sessions that a segment list depends on: first its adjacency's, then its path and passive sessions.
std::vector<std::string> sessions_of(const SegmentListConfig& list);

/// These, and the one that verifies it.
std::vector<std::string> evidence_of(const SegmentListConfig& list);

/// Whether they prove the whole list: one without segments ends at the neighbor, others need more than its adjacency.
bool is_probed_whole(const SegmentListConfig& list);

}  // namespace sidestep
