// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What an operator asks for: the configuration after reading, with every default filled in. Plain data; reading and
// checking it is detector/io/config_file.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bpf/model/address.hpp"
#include "bpf/model/duration.hpp"
#include "detector/core/damping.hpp"

namespace sidestep {

/// How the far end turns a probe around.
enum class Turnaround : std::uint8_t {
    forward,  ///< plain IPv6 forwarding to the sink address
    end,      ///< the neighbour's End SID, then the sink address (RFC 8986, 4.1)
    end_x,    ///< the neighbour's End.X SID towards us, then the sink address (RFC 8986, 4.2)
};

/// Who beats the probe clock.
enum class ClockKind : std::uint8_t { automatic, kernel, process };

/// Headend behaviour of a candidate path (RFC 8986, 5); `plain` is ordinary forwarding.
enum class Encap : std::uint8_t { plain, h_encaps };

/// How one session probes and when it is trusted again.
struct ProbeSettings {
    Nanoseconds interval{std::chrono::milliseconds(1)};
    unsigned multiplier = 3;  ///< unanswered probes that make it down
    unsigned up_count = 3;    ///< consecutive answers that are asked for on the way up
    Nanoseconds wait_to_restore{std::chrono::seconds(5)};
    Nanoseconds allowance{0};  ///< least time a probe is given to return; 0: a fifth of the interval, at least 100 us
    Turnaround turnaround = Turnaround::forward;
    unsigned loss_limit = 0;                 ///< more probes lost of the last 64 are degraded; 0: no limit
    Nanoseconds rtt_limit{0};                ///< a longer round trip, smoothed, is degraded; 0: no limit
    std::optional<DampingSettings> damping;  ///< none: flaps are not damped
    Address sink;                            ///< address of this node that probes return to
    std::vector<Address> back;  ///< SIDs before the sink: the neighbour's for end and end_x, or a fixed way back
};

/// One single-hop session: a neighbour behind an interface.
struct AdjacencyConfig {
    std::string name;
    std::string interface;
    Address neighbor;
    ProbeSettings probe;
};

/// One multi-hop session over a segment list: its probes are encapsulated as the data would be.
struct PathConfig {
    std::string name;
    std::string adjacency;          ///< the adjacency it leaves by
    std::vector<Address> segments;  ///< in travel order; the last one decapsulates
    std::string returns_on;         ///< interface that probes come back by
    ProbeSettings probe;
};

/// A session that sends nothing: the neighbour's probes pass the End.BPF endpoint of this node.
struct PassiveConfig {
    std::string name;
    std::string interface;  ///< the neighbour's probes come in here
    Address source;         ///< of the neighbour's probes
    ProbeSettings probe;    ///< its interval is the neighbour's
};

/// A way to the destination of a policy (RFC 9256, 2.2).
struct CandidateConfig {
    std::string adjacency;  ///< the adjacency it leaves by
    Encap encap = Encap::plain;
    std::vector<Address> segments;      ///< in travel order
    std::vector<std::string> sessions;  ///< paths and passives that it depends on, beside its adjacency
};

/// Destinations and their candidate paths in order of preference.
struct PolicyConfig {
    std::string name;
    std::vector<Prefix> prefixes;
    std::vector<CandidateConfig> candidates;
};

struct Config {
    std::string node;
    Address source;  ///< outer source of repaired packets and source of probes
    ClockKind clock = ClockKind::automatic;
    std::vector<AdjacencyConfig> adjacencies;
    std::vector<PathConfig> paths;
    std::vector<PassiveConfig> passives;
    std::vector<PolicyConfig> policies;
    std::vector<std::string> ingress;  ///< interfaces that traffic enters by
};

}  // namespace sidestep
