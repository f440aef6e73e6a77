// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// One reading of one configuration: the data that its sections share, and the functions that read the sections, each in
// a file of its own. Every section continues after a complaint, so that all complaints are collected.
#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/yaml.hpp"
#include "detector/config/config_file.hpp"
#include "detector/config/values.hpp"
#include "detector/core/config.hpp"

namespace sidestep::config_reader {

/// A bypass that waits until the paths that it may depend on are known.
struct PendingBypass {
    std::size_t adjacency;  ///< index
    YamlPlace place;
};

struct Reading {
    const InterfaceExists& exists;
    const ConfigLimits& limits;
    AbsentInterface absent = AbsentInterface::complaint;
    bool client = false;  ///< it is a program's request, not the file
    std::string file{};   ///< that it is read from; relative paths begin at its folder
    Config config{};
    ProbeSettings defaults{};
    bool has_domain = false;  ///< somebody may send to SIDs, be it written with a mistake
    bool has_device = false;  ///< the same of the policy device
    Seen adjacencies{};
    Seen sessions{};  ///< path and passive sessions, which a segment list may name in addition to its adjacency
    Seen gateways{};  ///< "ADDRESS%INTERFACE"
    bool has_source_v4 = false;              ///< node.source-address-ipv4 is given, be it written with a mistake
    std::set<std::string> v4_adjacencies{};  ///< those whose neighbor is known by IPv4: they carry nothing else
    Seen pairs{};                            ///< "PEER from ADDRESS" of multihop BFD
    std::vector<PendingBypass> bypasses{};
};

// --- node.cpp

/// `by_v4_alone`: all neighbors are known by IPv4, so the node needs no IPv6 source.
void read_node(Reading& reading, const YamlPlace& place, bool by_v4_alone);
void read_clock(Reading& reading, const YamlPlace& place);
/// Must be called before the adjacencies.
void read_mode(Reading& reading, const YamlPlace& place);
void read_ipsec(Reading& reading, const YamlPlace& place);
void read_netfilter(Reading& reading, const YamlPlace& place);
/// Must be called after the adjacencies.
void read_device(Reading& reading, const YamlPlace& place);
void read_ingress(Reading& reading, const YamlPlace& place);
void read_xdp(Reading& reading, const YamlPlace& place);
/// With Reading::exists, an interface that this machine lacks is a complaint or a warning; its name is used
/// nevertheless.
std::optional<std::string> read_interface(const Reading& reading, const YamlPlace& place);

// --- probe.cpp

void read_probe_defaults(Reading& reading, const YamlPlace& place);
/// The probe goes home by the family of the neighbor's address.
ProbeSettings read_adjacency_probe(const Reading& reading, const YamlPlace& place, const Address& neighbor);
/// The settings of a session that speaks BFD which are no different from those of one that probes; `keys` are all that it
/// may have.
ProbeSettings read_bfd_timing(const Reading& reading, const YamlPlace& place,
                              std::initializer_list<std::string_view> keys);
/// A path's probe has a list of SIDs for its return path instead of a turnaround.
ProbeSettings read_path_probe(const Reading& reading, const YamlPlace& place);
/// With nullptr, the session has no settings of its own, and the defaults apply.
ProbeSettings read_passive_probe(const Reading& reading, const YamlPlace* place);

// --- sessions.cpp

void read_adjacency(Reading& reading, const YamlPlace& place);
void read_path(Reading& reading, const YamlPlace& place);
void read_passive(Reading& reading, const YamlPlace& place);
void read_adjacencies(Reading& reading, const YamlPlace& place);
void read_paths(Reading& reading, const YamlPlace& place);
void read_passives(Reading& reading, const YamlPlace& place);
/// Must be called after all sessions.
void read_bypasses(Reading& reading);
/// Warns of a list whose proof uses the interface that the list is there to back up.
void warn_of_shared_fate(const Reading& reading, const SegmentListConfig& list, const std::string& protected_interface,
                         const YamlPlace& place);
std::string read_known_adjacency(const Reading& reading, const YamlPlace& place);
/// True if the adjacency's neighbor is known by IPv4; then `place` complains that `what` needs IPv6.
bool refuse_v4(const Reading& reading, const std::string& adjacency, const YamlPlace& place, std::string_view what);

// --- candidates.cpp

/// Complains if a list does not fit the owner of its candidate, or the lists before it there.
using CheckList = std::function<void(const SegmentListConfig& list, const std::vector<SegmentListConfig>& before,
                                     const YamlPlace& place)>;

/// The highest preference comes first.
std::vector<CandidateConfig> read_candidates(const Reading& reading, const YamlPlace& place, const CheckList& check);
std::vector<Address> read_segments(const Reading& reading, const YamlPlace& place);

// --- policies.cpp; after all sessions and the device

void read_policies(Reading& reading, const YamlPlace& place);

// --- hitless.cpp

/// Locator and function of a merging SID; the rest is the argument.
inline constexpr std::uint8_t kMergingLength = 64;
/// `protection` and `flow`; must be called after the steering.
void read_protection(const YamlPlace& place, PolicyConfig& policy, Seen& flows);
/// Refuses a list by which no copy could leave, or that fails together with one before it in its candidate. `merging` is
/// the SID that the policy's lists end at; the first one sets it.
void check_hitless_list(const Reading& reading, const SegmentListConfig& list,
                        const std::vector<SegmentListConfig>& before, const YamlPlace& place,
                        std::optional<Address>& merging);
/// `place` is that of the candidates.
void check_hitless(const PolicyConfig& policy, const YamlPlace& place);
/// `flows`, `window` and `reset`; must be called after the behavior.
void read_merging(const YamlPlace& place, SidConfig& sid, Seen& taken);

// --- sids.cpp; SIDs after the domain, the device and the adjacencies

void read_domain(Reading& reading, const YamlPlace& place);
void read_sids(Reading& reading, const YamlPlace& place);

// --- reflectors.cpp; after the node and the domain

void read_stamp(Reading& reading, const YamlPlace& place);
void read_sbfd(Reading& reading, const YamlPlace& place);
/// A number, or an IPv4 address, whose bits are the number (RFC 7880, 3).
std::optional<std::uint32_t> read_discriminator(const YamlPlace& place);

// --- hooks.cpp

void read_hooks(Reading& reading, const YamlPlace& place);

// --- routing.cpp; after the node

void read_routing(Reading& reading, const YamlPlace& place);

// --- bfd.cpp

void read_bfd(Reading& reading, const YamlPlace& place);
/// `bfd` of an adjacency, whose neighbor is known.
void read_adjacency_bfd(const Reading& reading, const YamlPlace& place, AdjacencyConfig& adjacency);
/// `bfd` of a path: multihop.
void read_path_bfd(Reading& reading, const YamlPlace& place, PathConfig& path);
/// `sbfd` of a path: it asks a reflector.
void read_path_sbfd(const Reading& reading, const YamlPlace& place, PathConfig& path);

}  // namespace sidestep::config_reader
