// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Header bytes, written field by field in network order.
#include "detector/core/wire.hpp"

#include <linux/if_ether.h>
#include <netinet/in.h>

#include <cstddef>
#include <ranges>

namespace sidestep {
namespace {

constexpr std::uint8_t kHopLimitProbe = 255;
constexpr std::uint8_t kHopLimitEncaps = 64;
constexpr std::uint16_t kUdpHeaderLength = 8;
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

void write_ethernet(Writer& out, const LinkAddresses& link) {
    out.raw(link.neighbor);
    out.raw(link.own);
    out.u16(ETH_P_IPV6);
}

void write_ipv6(Writer& out, std::uint32_t flow_label, std::size_t payload, unsigned next_header, unsigned hop_limit,
                const Address& source, const Address& destination) {
    out.u32(0x60000000U | flow_label);
    out.u16(static_cast<unsigned>(payload));
    out.u8(next_header);
    out.u8(hop_limit);
    out.raw(source.bytes);
    out.raw(destination.bytes);
}

constexpr std::size_t srh_length(std::size_t segments) {
    return 8 + 16 * segments;
}

/// An SRH whose first segment is active (RFC 8754, 2): the list is written in reverse of travel order.
void write_srh(Writer& out, unsigned next_header, std::span<const Address> segments) {
    const auto last = static_cast<unsigned>(segments.size() - 1);
    out.u8(next_header);
    out.u8(static_cast<unsigned>(srh_length(segments.size()) / 8 - 1));
    out.u8(4);     // routing type
    out.u8(last);  // segments left
    out.u8(last);  // last entry
    out.u8(0);     // flags
    out.u16(0);    // tag
    for (const auto& segment : std::views::reverse(segments)) out.raw(segment.bytes);
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

/// Sum of 16-bit words in memory order; an odd last byte does not occur here.
std::uint32_t add_words(std::uint32_t sum, std::span<const std::uint8_t> bytes) {
    for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
        sum += static_cast<std::uint32_t>(bytes[i] | bytes[i + 1] << 8);
    }
    return sum;
}

}  // namespace

bool probe_fits(const ProbeWay& way) {
    const auto outer = way.encaps.empty() ? 0 : kIpv6HeaderLength + srh_length(way.encaps.size());
    const auto srh = way.back.empty() ? 0 : srh_length(way.back.size() + 1);
    return ETH_HLEN + outer + kIpv6HeaderLength + srh + kUdpHeaderLength + sizeof(ss_stamp) <= SS_TEMPLATE_MAX;
}

ProbeTemplate make_probe(const LinkAddresses& link, const Address& source, const Address& sink, const ProbeWay& way,
                         std::uint16_t index) {
    const std::uint16_t udp_length = kUdpHeaderLength + sizeof(ss_stamp);
    std::vector<Address> list(way.back.begin(), way.back.end());
    list.push_back(sink);
    const auto srh = way.back.empty() ? 0 : srh_length(list.size());
    const auto payload = srh + udp_length;

    Writer out;
    write_ethernet(out, link);
    if (!way.encaps.empty()) {
        const auto outer_payload = srh_length(way.encaps.size()) + kIpv6HeaderLength + payload;
        write_ipv6(out, index, outer_payload, IPPROTO_ROUTING, kHopLimitEncaps, source, way.encaps.front());
        write_srh(out, IPPROTO_IPV6, way.encaps);
    }
    write_ipv6(out, index, payload, way.back.empty() ? unsigned{IPPROTO_UDP} : unsigned{IPPROTO_ROUTING},
               kHopLimitProbe, source, list.front());
    if (!way.back.empty()) write_srh(out, IPPROTO_UDP, list);
    ProbeTemplate result;
    result.udp_offset = static_cast<std::uint16_t>(out.size());
    out.u16(kProbeSourcePortBase | (index & 0x3fffU));
    out.u16(SS_PROBE_PORT);
    out.u16(udp_length);
    out.u16(0);  // checksum
    write_stamp(out, index);
    result.bytes = out.take();

    // The pseudo-header names the final destination (RFC 8200, 8.1).
    Writer pseudo;
    pseudo.raw(source.bytes);
    pseudo.raw(sink.bytes);
    pseudo.u32(udp_length);
    pseudo.u32(IPPROTO_UDP);
    result.checksum = add_words(add_words(0, pseudo.take()), std::span(result.bytes).subspan(result.udp_offset));
    return result;
}

std::vector<std::uint8_t> make_encaps_header(const LinkAddresses& link, const Address& source,
                                             std::span<const Address> segments) {
    Writer out;
    write_ethernet(out, link);
    write_ipv6(out, 0, 0, IPPROTO_ROUTING, kHopLimitEncaps, source, segments.front());
    write_srh(out, IPPROTO_IPV6, segments);
    return out.take();
}

}  // namespace sidestep
