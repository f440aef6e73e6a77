// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Writes header bytes field by field, in network order.
#include "detector/core/headers.hpp"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>

#include <cstddef>
#include <cstring>
#include <ranges>

namespace sidestep {
namespace {

constexpr std::uint8_t kHopLimitProbe = 255;
constexpr std::uint8_t kHopLimitEncaps = 64;
constexpr std::uint16_t kUdpHeaderLength = 8;
constexpr std::uint8_t kTlvExtraPadding = 1;
constexpr std::size_t kTlvHeaderLength = 4;
constexpr std::size_t kIpv4HeaderLength = 20;
constexpr std::size_t kIpv6HeaderLength = 40;
constexpr std::uint16_t kProbeSourcePortBase = 0xc000;  // dynamic range, so that sessions hash apart

class Writer {
  public:
    void u8(unsigned value) { bytes_.push_back(static_cast<std::uint8_t>(value)); }
    void u16(unsigned value) {
        u8(value >> 8);
        u8(value & 0xff);
    }
    void u32(std::uint32_t value) {
        u16(value >> 16);
        u16(value & 0xffff);
    }
    void raw(std::span<const std::uint8_t> bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
    [[nodiscard]] std::size_t size() const { return bytes_.size(); }
    std::vector<std::uint8_t> take() { return std::move(bytes_); }

  private:
    std::vector<std::uint8_t> bytes_;
};

void write_ethernet(Writer& out, const LinkAddresses& link, unsigned protocol = ETH_P_IPV6) {
    out.raw(link.neighbor);
    out.raw(link.own);
    out.u16(protocol);
}

struct Flow {
    std::uint8_t traffic_class = 0;
    std::uint32_t label = 0;
};

/// Of the packet itself, and of H.Encaps around it.
struct Ends {
    Address outer_source;
    Address source;
    Address destination;
    unsigned hop_limit = kHopLimitProbe;
};

void write_ipv6(Writer& out, Flow flow, std::size_t payload, unsigned next_header, unsigned hop_limit,
                const Address& source, const Address& destination) {
    out.u32(0x60000000U | flow.traffic_class << 20 | flow.label);
    out.u16(static_cast<unsigned>(payload));
    out.u8(next_header);
    out.u8(hop_limit);
    out.raw(source.bytes);
    out.raw(destination.bytes);
}

constexpr std::size_t srh_length(std::size_t segments) {
    return 8 + 16 * segments;
}

/// Writes the SRH of a list in travel order (RFC 8754, 2): the SRH's entries are in reverse. `left` segments are still
/// to be visited.
void write_srh(Writer& out, unsigned next_header, std::span<const Address> segments, std::size_t left) {
    out.u8(next_header);
    out.u8(static_cast<unsigned>(srh_length(segments.size()) / 8 - 1));
    out.u8(4);  // routing type
    out.u8(static_cast<unsigned>(left));
    out.u8(static_cast<unsigned>(segments.size() - 1));  // last entry
    out.u8(0);                                           // flags
    out.u16(0);                                          // tag
    for (const auto& segment : std::views::reverse(segments)) out.raw(segment.bytes);
}

/// An SRH whose first segment is active.
void write_srh(Writer& out, unsigned next_header, std::span<const Address> segments) {
    write_srh(out, next_header, segments, segments.size() - 1);
}

/// Extra Padding (RFC 8972, 4.1). The data plane appends its value, zeros.
void write_padding(Writer& out, std::size_t bytes) {
    out.u8(SS_STAMP_TLV_FLAGS);
    out.u8(kTlvExtraPadding);
    out.u16(static_cast<unsigned>(bytes));
}

void write_stamp(Writer& out, std::uint16_t index) {
    out.u32(0);  // sequence
    out.u32(0);  // seconds
    out.u32(0);  // nanoseconds
    out.u16(SS_STAMP_ERROR_ESTIMATE);
    out.u16(index);
    for (std::size_t i = 0; i < sizeof(ss_stamp::mbz); ++i) out.u8(0);
    out.u8(SS_STAMP_TLV_FLAGS);
    out.u8(SS_STAMP_TLV_TYPE);
    out.u16(sizeof(ss_stamp::mac));
    for (std::size_t i = 0; i < sizeof(ss_stamp::mac); ++i) out.u8(0);
}

/// Adds 16-bit words in memory order; the data plane continues this sum. No caller has an odd last byte.
std::uint32_t add_words(std::uint32_t sum, std::span<const std::uint8_t> bytes) {
    for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
        std::uint16_t word = 0;
        std::memcpy(&word, &bytes[i], sizeof word);
        sum += word;
    }
    return sum;
}

std::size_t outer_length(const ProbePath& way) {
    return way.encaps.empty() ? 0 : kIpv6HeaderLength + srh_length(way.encaps.size());
}

/// IPv6 headers and SRHs, all before UDP.
std::size_t way_length(const ProbePath& way) {
    return outer_length(way) + kIpv6HeaderLength + (way.back.empty() ? 0 : srh_length(way.back.size() + 1));
}

/// All headers before UDP, for a datagram of `udp` bytes with its header.
void write_way(Writer& out, const LinkAddresses& link, Flow flow, const Ends& ends, const ProbePath& way,
               std::size_t udp) {
    std::vector<Address> list(way.back.begin(), way.back.end());
    list.push_back(ends.destination);
    write_ethernet(out, link);
    if (!way.encaps.empty()) {
        write_ipv6(out, flow, way_length(way) - kIpv6HeaderLength + udp, IPPROTO_ROUTING, kHopLimitEncaps,
                   ends.outer_source, way.encaps.front());
        write_srh(out, IPPROTO_IPV6, way.encaps);
    }
    write_ipv6(out, flow, way_length(way) - outer_length(way) - kIpv6HeaderLength + udp,
               way.back.empty() ? unsigned{IPPROTO_UDP} : unsigned{IPPROTO_ROUTING}, ends.hop_limit, ends.source,
               list.front());
    if (!way.back.empty()) write_srh(out, IPPROTO_UDP, list);
}

void write_udp(Writer& out, std::uint16_t from, std::uint16_t to, std::size_t length) {
    out.u16(from);
    out.u16(to);
    out.u16(static_cast<unsigned>(length));
    out.u16(0);  // checksum
}

/// The sum of all that a UDP checksum covers, with the final destination (RFC 8200, 8.1). Zeros at the end of the
/// datagram, which is `length` bytes long, may be left out of `udp`.
std::uint32_t sum_of(const Address& source, const Address& home, std::span<const std::uint8_t> udp,
                     std::size_t length) {
    Writer pseudo;
    pseudo.raw(source.bytes);
    pseudo.raw(home.bytes);
    pseudo.u32(static_cast<std::uint32_t>(length));
    pseudo.u32(IPPROTO_UDP);
    return add_words(add_words(0, pseudo.take()), udp);
}

/// The checksum in memory order; 0 stands for none (RFC 8200, 8.1).
std::uint16_t fold(std::uint32_t sum) {
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    const auto folded = static_cast<std::uint16_t>(~sum);
    return folded == 0 ? 0xffff : folded;
}

/// An IPv4 header without options (RFC 791, 3.1), for `payload` bytes of UDP.
void write_ipv4(Writer& out, std::uint8_t traffic_class, std::size_t payload, unsigned hop_limit, const Address& source,
                const Address& destination) {
    constexpr std::size_t kChecksumAt = 10;
    constexpr unsigned kDontFragment = 0x4000;
    Writer header;
    header.u8(0x45);
    header.u8(traffic_class);
    header.u16(static_cast<unsigned>(kIpv4HeaderLength + payload));
    header.u16(0);  // identification
    header.u16(kDontFragment);
    header.u8(hop_limit);
    header.u8(IPPROTO_UDP);
    header.u16(0);  // checksum
    header.raw(std::span(source.bytes).last(4));
    header.raw(std::span(destination.bytes).last(4));
    auto bytes = header.take();
    const auto checksum = fold(add_words(0, bytes));
    std::memcpy(&bytes[kChecksumAt], &checksum, sizeof checksum);
    out.raw(bytes);
}

/// All that is in front of an IPv4 packet with `udp` bytes of UDP.
void write_before_ipv4(Writer& out, const LinkAddresses& link, Flow flow, const Address& outer_source,
                       std::span<const Address> encaps, std::size_t udp) {
    if (encaps.empty()) return write_ethernet(out, link, ETH_P_IP);
    write_ethernet(out, link);
    write_ipv6(out, flow, srh_length(encaps.size()) + kIpv4HeaderLength + udp, IPPROTO_ROUTING, kHopLimitEncaps,
               outer_source, encaps.front());
    write_srh(out, IPPROTO_IPIP, encaps);
}

/// Its UDP has no checksum, which IPv4 allows (RFC 768).
std::vector<std::uint8_t> make_v4_datagram(const LinkAddresses& link, const Address& source, const Datagram& datagram,
                                           std::span<const Address> encaps) {
    const auto udp = kUdpHeaderLength + datagram.payload.size();
    Writer out;
    write_before_ipv4(out, link, {}, source, encaps, udp);
    write_ipv4(out, 0, udp, datagram.hop_limit, datagram.from, datagram.to);
    write_udp(out, datagram.port, datagram.port, udp);
    out.raw(datagram.payload);
    return out.take();
}

}  // namespace

bool probe_fits(const ProbePath& way) {
    return ETH_HLEN + way_length(way) + kUdpHeaderLength + sizeof(ss_stamp) + kTlvHeaderLength <= SS_TEMPLATE_MAX;
}

/// IPv4 if its addresses are; then it has no `way` (RFC 791, 3.1: without options; DF, and identification 0: RFC 6864, 4.1).
ProbeTemplate make_probe(const LinkAddresses& link, const Address& source, const Address& return_address,
                         const ProbePath& way, std::uint16_t index, std::size_t size, std::uint8_t traffic_class) {
    const bool v4 = return_address.is_v4();
    const auto headers = v4 ? kIpv4HeaderLength : way_length(way);
    const auto least = headers + kUdpHeaderLength + sizeof(ss_stamp);
    const auto padded = size >= least + kTlvHeaderLength ? size - least : 0;
    const auto udp = kUdpHeaderLength + sizeof(ss_stamp) + padded;

    Writer out;
    if (v4) {
        write_ethernet(out, link, ETH_P_IP);
        write_ipv4(out, traffic_class, udp, kHopLimitProbe, source, return_address);
    } else {
        const Ends ends{.outer_source = source, .source = source, .destination = return_address};
        write_way(out, link, {.traffic_class = traffic_class, .label = index}, ends, way, udp);
    }
    ProbeTemplate result;
    result.udp_offset = static_cast<std::uint16_t>(out.size());
    write_udp(out, kProbeSourcePortBase | (index & 0x3fffU), SS_PROBE_PORT, udp);
    write_stamp(out, index);
    if (padded > 0) write_padding(out, padded - kTlvHeaderLength);
    result.bytes = out.take();
    result.length = static_cast<std::uint16_t>(ETH_HLEN + least + padded);
    // The mapped form of IPv4 adds all ones, which are zero in this sum.
    result.checksum = sum_of(source, return_address, std::span(result.bytes).subspan(result.udp_offset), udp);
    return result;
}

ProbeTemplate make_bfd_template(const LinkAddresses& link, const BfdWay& way, std::uint16_t index,
                                std::uint8_t traffic_class, bool with_signature) {
    const auto udp_length = kUdpHeaderLength + sizeof(ss_bfd_packet) + (with_signature ? sizeof(ss_bfd_signature) : 0);
    const Flow flow{.traffic_class = traffic_class, .label = way.encaps.empty() ? 0U : index};
    Writer out;
    if (!way.peer.is_v4()) {
        write_way(out, link, flow, {.outer_source = way.outer_source, .source = way.source, .destination = way.peer},
                  {.encaps = way.encaps}, udp_length);
    } else {
        write_before_ipv4(out, link, flow, way.outer_source, way.encaps, udp_length);
        write_ipv4(out, traffic_class, udp_length, kHopLimitProbe, way.source, way.peer);
    }
    ProbeTemplate result;
    result.udp_offset = static_cast<std::uint16_t>(out.size());
    write_udp(out, kProbeSourcePortBase | (index & 0x3fffU), way.port, udp_length);
    for (auto i = std::size_t{kUdpHeaderLength}; i < udp_length; ++i) out.u8(0);
    result.bytes = out.take();
    result.length = static_cast<std::uint16_t>(result.bytes.size());
    // The mapped form of IPv4 adds all ones, which are zero in this sum.
    result.checksum = sum_of(way.source, way.peer, std::span(result.bytes).subspan(result.udp_offset), udp_length);
    return result;
}

std::vector<std::uint8_t> make_datagram(const LinkAddresses& link, const Address& source, const Datagram& datagram,
                                        const ProbePath& way) {
    if (datagram.to.is_v4()) return make_v4_datagram(link, source, datagram, way.encaps);
    const auto length = kUdpHeaderLength + datagram.payload.size();
    Writer out;
    write_way(
        out, link, {},
        {.outer_source = source, .source = datagram.from, .destination = datagram.to, .hop_limit = datagram.hop_limit},
        way, length);
    const auto start = out.size();
    write_udp(out, datagram.port, datagram.port, length);
    out.raw(datagram.payload);
    auto bytes = out.take();
    const auto checksum = fold(sum_of(datagram.from, datagram.to, std::span(bytes).subspan(start), length));
    std::memcpy(&bytes[start + 6], &checksum, sizeof checksum);
    return bytes;
}

ListHeader make_encaps_header(const LinkAddresses& link, const Address& source, std::span<const Address> segments,
                              bool reduced) {
    const auto listed = reduced ? segments.subspan(1) : segments;
    Writer out;
    write_ethernet(out, link);
    write_ipv6(out, {}, 0, listed.empty() ? unsigned{IPPROTO_IPV6} : unsigned{IPPROTO_ROUTING}, kHopLimitEncaps, source,
               segments.front());
    ListHeader result;
    if (!listed.empty()) {
        result.srh_offset = static_cast<std::uint16_t>(out.size());
        write_srh(out, IPPROTO_IPV6, listed, segments.size() - 1);
    }
    result.bytes = out.take();
    return result;
}

ListHeader make_insert_header(const LinkAddresses& link, std::span<const Address> segments) {
    std::vector<Address> list(segments.begin(), segments.end());
    list.emplace_back();
    Writer out;
    write_ethernet(out, link);
    ListHeader result{.bytes = {}, .srh_offset = static_cast<std::uint16_t>(out.size())};
    write_srh(out, 0, list);
    result.bytes = out.take();
    return result;
}

ListHeader make_forward_header(const LinkAddresses& link) {
    Writer out;
    write_ethernet(out, link);
    return {.bytes = out.take(), .srh_offset = 0};
}

}  // namespace sidestep
