// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Writes header bytes, in this place only: probe templates, encapsulation headers, what doctor sends. The data plane
// copies the first two, and fills in what differs per packet (sequence, time and MAC of a probe; lengths, class and
// flow label of a repaired packet).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "bpf/abi/sidestep.h"
#include "common/address.hpp"
#include "detector/core/bfd_machine.hpp"
#include "detector/core/config.hpp"

namespace sidestep {

using MacAddress = std::array<std::uint8_t, 6>;

/// Ethernet addresses of an adjacency: this node's and the neighbor's.
struct LinkAddresses {
    MacAddress own{};
    MacAddress neighbor{};

    bool operator==(const LinkAddresses&) const = default;
};

/// A probe without its varying fields.
struct ProbeTemplate {
    std::vector<std::uint8_t> bytes;  ///< starts with the Ethernet header
    std::uint16_t udp_offset = 0;
    std::uint16_t length = 0;    ///< of the probe, including its padding
    std::uint32_t checksum = 0;  ///< one's complement sum of the constant fields that the UDP checksum covers
};

/// The bytes that a repair puts in front of a packet; fields that differ per packet are zero (ss_list in the ABI).
struct ListHeader {
    std::vector<std::uint8_t> bytes;  ///< starts with the Ethernet header
    std::uint16_t srh_offset = 0;     ///< 0: there is no SRH
};

/// CS6, for network control (RFC 4594, 3.1): the traffic class of BFD.
inline constexpr std::uint8_t kProbeTrafficClass = 0xc0;

/// The path of a probe. Lists are in travel order and may be empty.
struct ProbePath {
    std::span<const Address> encaps{};  ///< H.Encaps around the probe, as for data; the last SID decapsulates
    std::span<const Address> back{};    ///< SIDs before the return address, in an SRH of the probe itself
};

/// True if the probe's bytes fit into SS_TEMPLATE_MAX.
bool probe_fits(const ProbePath& way);

/// The probe of session `index`, which returns to `return_address` (RFC 8762 and RFC 8972 in loopback; RFC 8754 for the
/// SRH). `size` is its length in bytes, starting with the outermost IPv6 header. The bytes beyond the template are
/// Extra Padding (RFC 8972, 4.1) of zeros; a size below that of the template is ignored. `traffic_class` is for all its
/// IPv6 headers.
ProbeTemplate make_probe(const LinkAddresses& link, const Address& source, const Address& return_address,
                         const ProbePath& way, std::uint16_t index, std::size_t size = 0,
                         std::uint8_t traffic_class = kProbeTrafficClass);

/// Where BFD packets go.
struct BfdWay {
    Address source{};  ///< of the packet, and its destination: both IPv6 or both IPv4
    Address peer{};
    std::uint16_t port = SS_BFD_PORT;   ///< of the peer (RFC 5881, 4; RFC 5883, 5; RFC 7881, 3)
    std::span<const Address> encaps{};  ///< H.Encaps around the packet, in travel order; may be empty
    Address outer_source{};             ///< of that
};

/// The headers of session `index`'s BFD packets (RFC 5881, 4 and 5), and room for the packet, which the tick fills in.
ProbeTemplate make_bfd_template(const LinkAddresses& link, const BfdWay& way, std::uint16_t index,
                                std::uint8_t traffic_class = kProbeTrafficClass, bool with_signature = false);
/// What the kernel is to send for a session, and by which timers.
ss_bfd_conf write_bfd(const bfd::Machine& machine, const bfd::Timers& timers);
/// Has the packet signed.
void write_keys(ss_bfd_conf& conf, const BfdAuth& auth);
/// The machine as write_bfd() wrote it.
bfd::Machine read_bfd(const ss_bfd_conf& conf);

/// A UDP datagram, IPv4 if its addresses are; its payload has an even length.
struct Datagram {
    Address from{};
    Address to{};
    std::uint8_t hop_limit = 255;
    std::uint16_t port = 0;  ///< source and destination
    std::span<const std::uint8_t> payload{};
};

/// The datagram by a way as a probe takes it; `source` is that of H.Encaps around it. IPv4 needs such a header. No program
/// of ours takes it for a probe.
std::vector<std::uint8_t> make_datagram(const LinkAddresses& link, const Address& source, const Datagram& datagram,
                                        const ProbePath& way);

/// Ethernet, outer IPv6 and SRH of H.Encaps (RFC 8986, 5.1) with one to SS_MAX_SEGMENTS segments in travel order; or of
/// H.Encaps.Red (5.2), which leaves out the first segment of the SRH, and the whole SRH if there was only one.
ListHeader make_encaps_header(const LinkAddresses& link, const Address& source, std::span<const Address> segments,
                              bool reduced = false);
/// Ethernet and the SRH of H.Insert: the segments, then a place for the packet's own destination.
ListHeader make_insert_header(const LinkAddresses& link, std::span<const Address> segments);
/// Only Ethernet; the packet keeps its EtherType.
ListHeader make_forward_header(const LinkAddresses& link);

}  // namespace sidestep
