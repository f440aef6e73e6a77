/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Hashes a flow to the same number at every hook: addresses, protocol, ports, flow label. */
#ifndef SIDESTEP_FLOW_HASH_H
#define SIDESTEP_FLOW_HASH_H

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>

#include "bpf/lib/packet.h"
#include "bpf/lib/prefix_hash.h"

static __always_inline __u32 ss_flow_hash(const struct ss_packet* packet) {
    __u64 label = packet->family == SS_IPV6 ? packet->flow & bpf_htonl(0xfffff) : 0;
    __u64 ends = (__u64)packet->port[0] << 48 | (__u64)packet->port[1] << 32 | label;
    __u64 from = ss_prefix_hash(packet->source[0], packet->source[1], packet->flow_protocol, ends);

    return (__u32)(ss_prefix_hash(packet->destination[0], packet->destination[1], 0, from) >> 32);
}

#endif
