// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What an operator asks for: the configuration after reading, with every default filled in. Plain data; reading and
// checking it is detector/config/config_file.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/address.hpp"
#include "common/duration.hpp"
#include "detector/core/damping.hpp"

namespace sidestep {

/// How the far end turns a probe around.
enum class Turnaround : std::uint8_t {
    forward,  ///< plain IPv6 forwarding to the sink address
    end,      ///< the neighbor's End SID, then the sink address (RFC 8986, 4.1)
    end_x,    ///< the neighbor's End.X SID towards us, then the sink address (RFC 8986, 4.2)
};

/// Who ticks the probe clock.
enum class ClockKind : std::uint8_t { automatic, kernel, process };

/// Headend behavior of a segment list (RFC 8986, 5); `plain` is forwarding without any.
enum class Encap : std::uint8_t { plain, h_encaps, h_encaps_red, h_insert };

/// How packets come under a policy.
enum class Steering : std::uint8_t {
    transit,   ///< what enters by the ingress interfaces, whoever owns the routes
    device,    ///< beside that, what our routes lead into the policy device
    lwt_in,    ///< beside that, our routes `encap bpf in`: forwarded packets
    lwt_xmit,  ///< beside that, our routes `encap bpf xmit`: forwarded and local packets
};

/// What a SID of this node does (RFC 8986, 4).
enum class SidBehavior : std::uint8_t { end, end_x, end_dt4, end_dt6, end_dt46 };

/// How one session probes and when it is trusted again.
struct ProbeSettings {
    Nanoseconds interval{std::chrono::milliseconds(1)};
    unsigned multiplier = 3;  ///< unanswered probes that make it down
    unsigned up_count = 3;    ///< consecutive answers that are asked for on the way up
    Nanoseconds wait_to_restore{std::chrono::seconds(5)};
    Nanoseconds allowance{0};  ///< least time a probe is given to return; 0: a fifth of the interval, at least 100 us
    Turnaround turnaround = Turnaround::forward;
    unsigned size = 0;              ///< bytes of the probe from its outermost IPv6 header on; 0: as small as it can be
    unsigned traffic_class = 0xc0;  ///< of all its IPv6 headers; CS6, as BFD has it
    unsigned loss_limit = 0;        ///< more probes lost of the last 64 are degraded; 0: no limit
    Nanoseconds rtt_limit{0};       ///< a longer round trip, smoothed, is degraded; 0: no limit
    std::optional<DampingSettings> damping;  ///< none: flaps are not damped
    Address return_address;                  ///< address of this node that probes return to
    std::vector<Address>
        back;  ///< SIDs before the return-address: the neighbor's for end and end_x, or a fixed way back

    bool operator==(const ProbeSettings&) const = default;
};

/// One way out: an adjacency and what is pushed on the way (RFC 9256, 2.2).
struct SegmentListConfig {
    std::string adjacency;  ///< the adjacency it leaves by
    Encap encap = Encap::plain;
    std::vector<Address> segments;      ///< in travel order
    std::vector<std::string> sessions;  ///< paths and passives that it depends on, beside its adjacency
    unsigned weight = 1;                ///< its share of the flows among the lists of its candidate path

    bool operator==(const SegmentListConfig&) const = default;
};

/// A candidate path (RFC 9256, 2.2): as good as the best of its lists.
struct CandidateConfig {
    unsigned preference = 100;  ///< higher is better (RFC 9256, 2.7); among equals the order of the file decides
    std::vector<SegmentListConfig> lists;

    bool operator==(const CandidateConfig&) const = default;
};

/// One single-hop session: a neighbor behind an interface.
struct AdjacencyConfig {
    std::string name;
    std::string interface;
    Address neighbor;
    std::vector<Address> gateways;  ///< the neighbor's other addresses that routes may name, IPv4 ones too
    std::string link;               ///< its id in the topology that routes are computed from; its name by default
    ProbeSettings probe;
    std::vector<CandidateConfig> bypass;  ///< for packets that no policy covers and the FIB sends this way

    bool operator==(const AdjacencyConfig&) const = default;
};

/// One multi-hop session over a segment list: its probes are encapsulated as the data would be.
struct PathConfig {
    std::string name;
    std::string adjacency;          ///< the adjacency it leaves by
    std::vector<Address> segments;  ///< in travel order; the last one decapsulates
    std::string returns_on;         ///< interface that probes come back by
    ProbeSettings probe;

    bool operator==(const PathConfig&) const = default;
};

/// A session that sends nothing: the neighbor's probes pass the End.BPF endpoint of this node.
struct PassiveConfig {
    std::string name;
    std::string interface;  ///< the neighbor's probes come in here
    Address source;         ///< of the neighbor's probes
    ProbeSettings probe;    ///< its interval is the neighbor's

    bool operator==(const PassiveConfig&) const = default;
};

/// Destinations and their candidate paths, best preference first.
struct PolicyConfig {
    std::string name;
    std::vector<Prefix> prefixes;
    std::vector<CandidateConfig> candidates;
    Steering steering = Steering::transit;
    unsigned metric = 5;  ///< of the routes that the steering installs

    bool operator==(const PolicyConfig&) const = default;
};

/// A SID of this node.
struct SidConfig {
    Prefix sid;  ///< length 128 unless NEXT-C-SID leaves the rest to the argument
    SidBehavior behavior = SidBehavior::end;
    bool psp = false;             ///< RFC 8986, 4.16.1
    bool next_csid = false;       ///< RFC 9800, 4.1
    unsigned block_bits = 32;     ///< of NEXT-C-SID: locator block
    unsigned function_bits = 16;  ///< of NEXT-C-SID: locator node and function, what one container entry takes
    std::string adjacency;        ///< of End.X
    bool install = true;  ///< End and End.X: as a seg6local route of the kernel's, for the time when all is well

    bool operator==(const SidConfig&) const = default;
};

/// Where policies, bypasses and SIDs are computed from, beside those of the file.
struct RoutingConfig {
    std::string topology;          ///< path of a topology file; empty: FRR's IS-IS
    std::string vtysh;             ///< of IS-IS: the program, "vtysh" by default
    std::string vty_directory;     ///< of IS-IS: where its sockets are; empty: vtysh's own default
    std::string node;              ///< this node's name there; empty, with IS-IS: whatever it is called there
    std::string protect = "node";  ///< "link", "node" or "srlg"
    Encap encap = Encap::h_encaps;
    unsigned max_segments = 10;
    bool next_csid = false;
    Nanoseconds hold{std::chrono::seconds(2)};  ///< how long a repair outlives the failure's flooding (RFC 8333)
    bool install_sids = true;

    bool operator==(const RoutingConfig&) const = default;
};

struct Config {
    std::string node;
    Address source;                    ///< outer source of repaired packets and source of probes
    std::optional<Address> source_v4;  ///< of ICMPv4 errors; else 192.0.0.8 (RFC 7600)
    ClockKind clock = ClockKind::automatic;
    std::vector<AdjacencyConfig> adjacencies;
    std::vector<PathConfig> paths;
    std::vector<PassiveConfig> passives;
    std::vector<PolicyConfig> policies;
    std::vector<std::string> ingress;  ///< interfaces that traffic enters by
    std::vector<std::string> xdp;      ///< of those, and of the adjacencies': at XDP instead of tc
    bool xdp_on_virtual = false;       ///< on veth and tap devices, too: what comes by them has its checksums
    std::vector<SidConfig> sids;
    std::vector<Prefix> domain;  ///< outer sources that packets to our SIDs may have (RFC 8754, 5.1); empty: none may
    std::string device;          ///< name of the policy device; empty: there is none
    std::optional<RoutingConfig> routing;

    bool operator==(const Config&) const = default;
};

}  // namespace sidestep
