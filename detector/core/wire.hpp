// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The one place that writes header bytes: probe templates and encapsulation headers. The data plane copies them and
// fills in what differs per packet (sequence, time and MAC of a probe; lengths, class and flow label of a repaired
// packet).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "bpf/abi/sidestep.h"
#include "bpf/model/address.hpp"

namespace sidestep {

using MacAddress = std::array<std::uint8_t, 6>;

/// Ethernet addresses of an adjacency: our interface's and the neighbour's.
struct LinkAddresses {
    MacAddress own{};
    MacAddress neighbor{};

    bool operator==(const LinkAddresses&) const = default;
};

/// A probe without its varying fields.
struct ProbeTemplate {
    std::vector<std::uint8_t> bytes;  ///< from the Ethernet header on
    std::uint16_t udp_offset = 0;
    std::uint32_t checksum = 0;  ///< one's complement sum of all that the UDP checksum covers and stays the same
};

/// Which way a probe goes. Lists are in travel order and may be empty.
struct ProbeWay {
    std::span<const Address> encaps{};  ///< H.Encaps around the probe, as around data; the last SID decapsulates
    std::span<const Address> back{};    ///< SIDs before the sink, in an SRH of the probe itself
};

/// True if the probe's bytes fit into SS_TEMPLATE_MAX.
bool probe_fits(const ProbeWay& way);

/// The probe of session `index`, which returns to `sink` (RFC 8762 and RFC 8972 in loopback; RFC 8754 for the SRH).
ProbeTemplate make_probe(const LinkAddresses& link, const Address& source, const Address& sink, const ProbeWay& way,
                         std::uint16_t index);

/// Ethernet, outer IPv6 and SRH of H.Encaps (RFC 8986, 5.1) with one to SS_MAX_SEGMENTS segments in travel order.
/// Payload length, traffic class and flow label are zero; the inner protocol is IPv6.
std::vector<std::uint8_t> make_encaps_header(const LinkAddresses& link, const Address& source,
                                             std::span<const Address> segments);

}  // namespace sidestep
