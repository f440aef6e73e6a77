// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Sessions that send and receive probes, and the probes as they return.
#pragma once

#include <algorithm>
#include <cstring>
#include <span>

#include "bpf/lib/probe.h"
#include "detector/core/headers.hpp"
#include "tests/bpf/programs.hpp"

namespace sidestep {

/// Opens a session on the loopback device; its template leads to `return_address`.
inline void open_session(Programs& programs, std::uint16_t index, const Address& return_address,
                         std::uint32_t ifindex = kLoopback, std::span<const Address> segments = {}) {
    const auto source = address(return_address.is_v4() ? "192.0.2.1" : "2001:db8:a::1");
    const auto probe = make_probe({}, source, return_address, {.encaps = {}, .back = segments}, index);
    auto& conf = programs.sessions[index].conf;
    conf.flags = SS_SESSION_ACTIVE;
    conf.ifindex = ifindex;
    conf.return_ifindex = ifindex;
    conf.loss_limit = SS_NO_LOSS_LIMIT;
    conf.multiplier = 3;
    conf.up_count = 3;
    conf.interval_ns = 1'000'000;
    conf.allowance_ns = 200'000;
    conf.template_length = static_cast<std::uint16_t>(probe.bytes.size());
    conf.length = probe.length;
    conf.udp_offset = probe.udp_offset;
    conf.checksum = probe.checksum;
    std::ranges::copy(return_address.bytes, conf.return_address);
    std::ranges::copy(probe.bytes, conf.template_bytes);
}

/// Probe `sequence` of a session as it returns.
inline Bytes returned_probe(const Programs& programs, std::uint16_t index, std::uint32_t sequence, std::uint64_t sent) {
    const auto& conf = programs.sessions[index].conf;
    Bytes bytes(conf.template_bytes, conf.template_bytes + conf.template_length);
    ss_stamp stamp{};
    std::memcpy(&stamp, bytes.data() + conf.udp_offset + 8, sizeof stamp);
    const auto check = ss_stamp_fill(&stamp, &programs.secret, sequence, sent, conf.checksum);
    std::memcpy(bytes.data() + conf.udp_offset + 6, &check, sizeof check);
    std::memcpy(bytes.data() + conf.udp_offset + 8, &stamp, sizeof stamp);
    return bytes;
}

}  // namespace sidestep
