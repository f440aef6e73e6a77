/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The adjacency that the kernel's FIB would send a packet by. It is asked with all that the kernel hashes for ECMP
 * (fib_multipath_hash_policy 0 and 1), so that its answer is the kernel's own choice for this flow.
 */
#ifndef SIDESTEP_FIB_H
#define SIDESTEP_FIB_H

#include "bpf/lib/maps.h"
#include "bpf/lib/parse.h"

#define SS_AF_INET 2
#define SS_AF_INET6 10

/* The adjacency behind a gateway: by its address, or whichever the interface leads to. */
static __always_inline const struct ss_adjacency* ss_adjacency_at(struct ss_hop* hop) {
    const struct ss_adjacency* found = bpf_map_lookup_elem(&ss_adjacencies, hop);

    if (found) return found;
    __builtin_memset(hop->gateway, 0, sizeof(hop->gateway));
    return bpf_map_lookup_elem(&ss_adjacencies, hop);
}

/* Null if the FIB has no route, or one by no adjacency of ours. */
static __always_inline const struct ss_adjacency* ss_ask_fib(ss_frame* frame, const struct ss_packet* packet) {
    struct bpf_fib_lookup fib = {};
    struct ss_hop hop = {};
    long result;

    fib.ifindex = ss_ifindex(frame);
    fib.l4_protocol = packet->protocol;
    fib.sport = packet->port[0];
    fib.dport = packet->port[1];
    if (packet->family == SS_IPV4) {
        fib.family = SS_AF_INET;
        fib.tos = (__u8)(bpf_ntohl(packet->flow) >> 20);
        fib.ipv4_src = (__be32)(packet->source[1] >> 32);
        fib.ipv4_dst = (__be32)(packet->destination[1] >> 32);
    } else {
        fib.family = SS_AF_INET6;
        fib.flowinfo = packet->flow & bpf_htonl(0x0fffffff);
        __builtin_memcpy(fib.ipv6_src, packet->source, sizeof(fib.ipv6_src));
        __builtin_memcpy(fib.ipv6_dst, packet->destination, sizeof(fib.ipv6_dst));
    }
    /* These three name interface and gateway; whether the neighbor is resolved is not asked. */
    result = bpf_fib_lookup(frame, &fib, sizeof(fib), 0);
    if (result != BPF_FIB_LKUP_RET_SUCCESS && result != BPF_FIB_LKUP_RET_NO_NEIGH &&
        result != BPF_FIB_LKUP_RET_FRAG_NEEDED) {
        return 0;
    }
    hop.ifindex = fib.ifindex;
    if (fib.family == SS_AF_INET) {
        __u64 mapped[2];

        ss_map_v4(mapped, fib.ipv4_dst);
        __builtin_memcpy(hop.gateway, mapped, sizeof(hop.gateway));
    } else {
        __builtin_memcpy(hop.gateway, fib.ipv6_dst, sizeof(hop.gateway));
    }
    return ss_adjacency_at(&hop);
}

#endif
