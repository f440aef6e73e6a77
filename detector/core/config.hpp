// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The configuration as plain data, with every default filled in. detector/config/config_file reads and checks it.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "bpf/abi/sidestep.h"
#include "common/address.hpp"
#include "common/duration.hpp"
#include "detector/core/damping.hpp"
#include "detector/core/session_fsm.hpp"

namespace sidestep {

/// How the far end turns a probe around.
enum class Turnaround : std::uint8_t {
    forward,  ///< plain IPv6 forwarding to the return address
    end,      ///< the neighbor's End SID, then the return address (RFC 8986, 4.1)
    end_x,    ///< the neighbor's End.X SID towards this node, then the return address (RFC 8986, 4.2)
};

/// What drives the probe clock.
enum class ClockKind : std::uint8_t { automatic, kernel, process };

/// Headend behavior of a segment list (RFC 8986, 5); `plain` is forwarding without one.
enum class Encap : std::uint8_t { plain, h_encaps, h_encaps_red, h_insert };

/// How packets come under a policy.
enum class Steering : std::uint8_t {
    transit,   ///< packets that enter by the ingress interfaces, whoever owns the routes
    device,    ///< also packets that our routes lead into the policy device
    lwt_in,    ///< also packets that match our `encap bpf in` routes: forwarded ones
    lwt_xmit,  ///< also packets that match our `encap bpf xmit` routes: forwarded and local ones
};

/// What a SID of this node does (RFC 8986, 4).
enum class SidBehavior : std::uint8_t { end, end_x, end_dt4, end_dt6, end_dt46 };

/// What comes of packets that IPsec policies of the kernel match.
enum class Ipsec : std::uint8_t {
    heed,    ///< they are repaired only where the kernel has applied the policies
    ignore,  ///< they are repaired in the clear
};

/// What is said of netfilter's chains for forwarded packets, which repairs at ingress do not pass.
enum class Netfilter : std::uint8_t { warn, ignore };

/// What comes of packets whose adjacency is down.
enum class Mode : std::uint8_t {
    repair,
    observe,  ///< they are counted and left alone
};

/// What a session counts as before its first answer.
enum class Start : std::uint8_t {
    trusted,  ///< up
    proven,   ///< down
};

/// How one session probes and when it is trusted again.
struct ProbeSettings {
    Nanoseconds interval{std::chrono::milliseconds(1)};
    unsigned multiplier = 3;  ///< consecutive unanswered probes that make it down
    unsigned up_count = 3;    ///< consecutive answers that are needed to come up
    Start start = Start::proven;
    Nanoseconds wait_to_restore{std::chrono::seconds(5)};
    Nanoseconds allowance{0};  ///< least time that a probe gets to return; 0: a fifth of the interval, at least 100 us
    Turnaround turnaround = Turnaround::forward;
    unsigned size = 0;  ///< bytes of the probe, starting with its outermost IPv6 header; 0: as small as possible
    unsigned traffic_class = 0xc0;           ///< of all its IPv6 headers; CS6, as for BFD
    unsigned loss_limit = 0;                 ///< degraded if more of the last 64 probes are lost; 0: no limit
    Nanoseconds rtt_limit{0};                ///< degraded if the smoothed round trip is longer; 0: no limit
    std::optional<DampingSettings> damping;  ///< none: flaps are not damped
    Address return_address;                  ///< address of this node that probes return to
    std::vector<Address>
        back;  ///< SIDs before the return address: the neighbor's for end and end_x, or a fixed return path

    bool operator==(const ProbeSettings&) const = default;
};

/// One of the keys that BFD packets are signed with.
struct BfdKey {
    std::uint8_t id = 0;
    std::array<std::uint8_t, SS_BFD_HASH> secret{};  ///< filled up with zeros

    bool operator==(const BfdKey&) const = default;
};

/// How BFD packets are signed (RFC 5880, 6.7.4). The keys are never printed.
struct BfdAuth {
    bool meticulous = true;    ///< each packet has a new number
    std::string file;          ///< that the keys are read from
    std::vector<BfdKey> keys;  ///< the first one signs, and all are accepted

    bool operator==(const BfdAuth&) const = default;
};

/// How far away the other end of a BFD session is.
enum class BfdKind : std::uint8_t {
    link,      ///< the neighbor on the link (RFC 5881)
    multihop,  ///< anywhere (RFC 5883)
    seamless,  ///< anywhere: a reflector of S-BFD, which this node asks (RFC 7880)
};

/// How a session speaks BFD with its neighbor (RFC 5880 and 5881) instead of probing. Interval, multiplier and the rest are
/// in its ProbeSettings.
struct BfdSettings {
    BfdKind kind = BfdKind::link;
    Nanoseconds receive_interval{};           ///< between two of the neighbor's packets, at least
    std::optional<Address> peer{};            ///< the neighbor's address, if BFD has another one: IPv4, for example
    std::optional<Address> local_address{};   ///< this node's; none: the one on the link that is closest to the peer's
    bool passive = false;                     ///< waits until the neighbor speaks
    std::optional<BfdAuth> auth{};            ///< none: packets are not signed
    std::uint32_t discriminator = 0;          ///< this node's, of a session that starts; 0: any
    std::uint32_t reflector = 0;              ///< seamless: the reflector's discriminator
    unsigned minimum_ttl = SS_BFD_HOP_LIMIT;  ///< of a packet that counts (RFC 5082)

    bool operator==(const BfdSettings&) const = default;
};

/// A segment list: an adjacency and the SIDs that are pushed (RFC 9256, 2.2).
struct SegmentListConfig {
    std::string adjacency;  ///< the adjacency that packets leave by
    Encap encap = Encap::plain;
    std::vector<Address> segments;      ///< in travel order
    std::vector<std::string> sessions;  ///< path and passive sessions that it depends on, in addition to its adjacency
    unsigned weight = 1;                ///< its share of the flows among the lists of its candidate path
    unsigned mtu = 0;                   ///< largest packet on its path, with all headers; 0: what the first link takes
    bool verify = true;                 ///< from end to end, if it is a backup that no session of `sessions` proves
    std::string verified_by{};          ///< the session that does so (verification.hpp); empty: none

    bool operator==(const SegmentListConfig&) const = default;
};

/// A candidate path (RFC 9256, 2.2); it is as good as the best of its lists.
struct CandidateConfig {
    unsigned preference = 100;  ///< higher is better (RFC 9256, 2.7); among equals, the order in the file decides
    std::vector<SegmentListConfig> lists;

    bool operator==(const CandidateConfig&) const = default;
};

/// A single-hop session: a neighbor behind an interface.
struct AdjacencyConfig {
    std::string name;
    std::string interface;
    Address neighbor;
    std::vector<Address> gateways;  ///< other addresses of the neighbor that routes may use as gateways, IPv4 included
    std::string link;               ///< its ID in the topology that routes are computed from; by default, its name
    Mode mode = Mode::repair;       ///< by default, the node's
    ProbeSettings probe;
    std::optional<BfdSettings> bfd{};     ///< none: it probes
    std::vector<CandidateConfig> bypass;  ///< for packets in no policy that the FIB sends to this adjacency

    bool operator==(const AdjacencyConfig&) const = default;
};

/// A multi-hop session over a segment list; its probes are encapsulated as data would be.
struct PathConfig {
    std::string name;
    std::string adjacency;          ///< the adjacency that it leaves by
    std::vector<Address> segments;  ///< in travel order; the last one decapsulates
    std::string returns_on;         ///< interface that its probes return by; empty, for BFD: any
    ProbeSettings probe;
    std::optional<BfdSettings> bfd{};  ///< none: it probes. Else it may do without segments

    bool operator==(const PathConfig&) const = default;
};

/// A session that sends nothing and lives on the neighbor's probes, which pass the End.BPF endpoint of this node.
struct PassiveConfig {
    std::string name;
    std::string interface;  ///< the neighbor's probes arrive here
    Address source;         ///< of the neighbor's probes
    ProbeSettings probe;    ///< its interval is that of the neighbor's probes

    bool operator==(const PassiveConfig&) const = default;
};

/// Destinations and their candidate paths, the highest preference first.
struct PolicyConfig {
    std::string name;
    std::vector<Prefix> prefixes;
    std::vector<CandidateConfig> candidates;
    Steering steering = Steering::transit;
    unsigned metric = 5;       ///< of the routes that the steering installs
    unsigned flow = 0;         ///< not 0: hitless; its packets leave by all lists that are up, as this flow
    bool over_routes = false;  ///< its backups also take packets of routes that are more specific than its prefixes

    bool operator==(const PolicyConfig&) const = default;
};

/// A SID of this node.
struct SidConfig {
    Prefix sid;  ///< length 128 unless NEXT-C-SID leaves the rest to the argument
    SidBehavior behavior = SidBehavior::end;
    bool psp = false;             ///< RFC 8986, 4.16.1
    bool usp = false;             ///< RFC 8986, 4.16.2
    bool usd = false;             ///< RFC 8986, 4.16.3; of End only
    bool next_csid = false;       ///< RFC 9800, 4.1
    unsigned block_bits = 32;     ///< of NEXT-C-SID: locator block
    unsigned function_bits = 16;  ///< of NEXT-C-SID: locator node and function, the length of one entry in a container
    std::string adjacency;        ///< of End.X
    std::vector<unsigned> flows;  ///< not empty: a merging SID, which lets first copies of these flows through
    unsigned window = 65536;      ///< of a merging SID: how many numbers of each flow are told apart
    Nanoseconds reset{std::chrono::seconds(2)};  ///< of a merging SID: a flow that is silent this long may begin anew
    bool install =
        true;  ///< End and End.X: also as a seg6local route in the kernel, which serves while all sessions are up

    bool operator==(const SidConfig&) const = default;
};

/// Where policies, bypasses and SIDs are computed from, in addition to those in the file.
struct RoutingConfig {
    std::string topology;       ///< path of a topology file; empty: FRR's IS-IS
    std::string vtysh;          ///< for IS-IS: the program, "vtysh" by default
    std::string vty_directory;  ///< for IS-IS: the directory of its sockets; empty: vtysh's own default
    int isis_level = 2;         ///< the database that counts; the other one if it alone has LSPs
    std::string isis_area;      ///< tag of the area that counts; empty: whichever there is
    std::string node;           ///< this node's name in the topology; empty, for IS-IS: the name that IS-IS has for it
    std::string protect = "node";  ///< "link", "node" or "srlg"
    Encap encap = Encap::h_encaps;
    unsigned max_segments = 10;
    bool next_csid = false;
    Nanoseconds hold{
        std::chrono::seconds(2)};  ///< how long a repair stays after the failure has been flooded (RFC 8333)
    bool install_sids = true;

    bool operator==(const RoutingConfig&) const = default;
};

/// A program that is run when sessions change their state.
struct HookConfig {
    std::set<SessionState> on;                     ///< the states entered
    std::vector<std::string> run;                  ///< the program's absolute path, and its arguments
    std::string session;                           ///< only this one's; empty: all
    Nanoseconds timeout{std::chrono::seconds(5)};  ///< then it is killed

    bool operator==(const HookConfig&) const = default;
};

/// By what the peers of FRR's bfdd are answered.
enum class PeerMode : std::uint8_t {
    automatic,  ///< BFD with those that speak it, probes for the others
    probe,
    bfd,
};

/// Sidestep as the data plane of FRR's bfdd.
struct BfdConfig {
    std::string frr;  ///< path of the Unix socket that bfdd listens at (its option --dplaneaddr unix:PATH)
    PeerMode mode = PeerMode::probe;

    bool operator==(const BfdConfig&) const = default;
};

/// A reflector: this node answers packets of other nodes' measurements (docs/reflectors.md).
struct ReflectorConfig {
    std::uint16_t port = 0;                     ///< UDP
    std::vector<Address> addresses;             ///< of this node, at which it answers
    std::vector<Prefix> sources;                ///< of the senders that are answered
    unsigned rate = 10'000;                     ///< answers a second, on each CPU
    bool stateful = false;                      ///< STAMP: answers have numbers of their own (RFC 8762, 4.2)
    bool ptp = false;                           ///< STAMP: time stamps are PTPv2 truncated (RFC 8186), not NTP
    std::vector<std::uint32_t> discriminators;  ///< S-BFD: of this node
    Nanoseconds receive_interval{std::chrono::milliseconds(10)};  ///< S-BFD: between two packets of an initiator
    bool admin_down = false;                                      ///< S-BFD: says that it is administratively down

    bool operator==(const ReflectorConfig&) const = default;
};

struct Config {
    std::string node;
    Address source;                    ///< outer source of repaired packets and source of probes
    std::optional<Address> source_v4;  ///< of ICMPv4 errors; else 192.0.0.8 (RFC 7600)
    ClockKind clock = ClockKind::automatic;
    Mode mode = Mode::repair;      ///< of adjacencies that do not say otherwise
    ProbeSettings probe_defaults;  ///< of what does not say otherwise
    std::vector<AdjacencyConfig> adjacencies;
    std::vector<PathConfig> paths;
    std::vector<PassiveConfig> passives;
    std::vector<PolicyConfig> policies;
    std::vector<std::string> ingress;  ///< interfaces that traffic enters by
    std::vector<std::string> xdp;  ///< those of them, and of the adjacencies' interfaces, that use XDP instead of tc
    bool xdp_on_virtual = false;   ///< also on veth and tap devices: packets that arrive there have valid checksums
    bool egress = true;            ///< bypasses also take what the kernel itself sends to their adjacencies
    Ipsec ipsec = Ipsec::heed;
    Netfilter netfilter = Netfilter::warn;
    bool verify = true;  ///< backups, from end to end
    std::vector<SidConfig> sids;
    std::vector<Prefix> domain;  ///< outer sources that may send to our SIDs (RFC 8754, 5.1); empty: none may
    std::string device;          ///< name of the policy device; empty: there is none
    std::optional<RoutingConfig> routing;
    std::vector<HookConfig> hooks;
    std::optional<BfdConfig> bfd;
    std::optional<ReflectorConfig> stamp;  ///< session reflector of RFC 8762
    std::optional<ReflectorConfig> sbfd;   ///< reflector of RFC 7880

    bool operator==(const Config&) const = default;
};

}  // namespace sidestep
