/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Finds the adjacency that the kernel's FIB would send a packet to. The lookup contains everything that the kernel
 * hashes for ECMP (fib_multipath_hash_policy 0 and 1), so the answer is the kernel's own choice for this flow.
 */
#ifndef SIDESTEP_FIB_H
#define SIDESTEP_FIB_H

#include "bpf/lib/maps.h"
#include "bpf/lib/parse.h"

#define SS_AF_INET 2
#define SS_AF_INET6 10

/* The adjacency behind a gateway: the one with its address, or else the only one on the interface. */
static __always_inline const struct ss_adjacency* ss_adjacency_at(struct ss_hop* hop) {
    const struct ss_adjacency* found = bpf_map_lookup_elem(&ss_adjacencies, hop);

    if (found) return found;
    __builtin_memset(hop->gateway, 0, sizeof(hop->gateway));
    return bpf_map_lookup_elem(&ss_adjacencies, hop);
}

/* True if the kernel hashes the header after all extension headers (fib_multipath_hash_policy 1 and higher), not the
 * first one after the IP header, for packets of this family. */
static __always_inline int ss_hashes_ports(const struct ss_packet* packet) {
    const struct ss_repair_state* repair = ss_entry(&ss_repair_states, 0);

    return repair && repair->hash_policy >> (packet->family == SS_IPV4 ? SS_IPV4 : SS_IPV6) & 1;
}

/* Null if the FIB has no route, or a route that uses none of our adjacencies. */
static __always_inline const struct ss_adjacency* ss_ask_fib(ss_frame* frame, const struct ss_packet* packet) {
    struct bpf_fib_lookup fib = {};
    struct ss_hop hop = {};
    long result;

    fib.ifindex = ss_ifindex(frame);
    fib.l4_protocol = ss_hashes_ports(packet) ? packet->flow_protocol : packet->protocol;
    fib.sport = packet->port[0];
    fib.dport = packet->port[1];
    if (packet->family == SS_IPV4) {
        fib.family = SS_AF_INET;
        fib.tos = (__u8)(bpf_ntohl(packet->flow) >> 20);
        fib.ipv4_src = ss_unmap_v4(packet->source);
        fib.ipv4_dst = ss_unmap_v4(packet->destination);
    } else {
        fib.family = SS_AF_INET6;
        fib.flowinfo = packet->flow & bpf_htonl(0x0fffffff);
        __builtin_memcpy(fib.ipv6_src, packet->source, sizeof(fib.ipv6_src));
        __builtin_memcpy(fib.ipv6_dst, packet->destination, sizeof(fib.ipv6_dst));
    }
    /* These three name interface and gateway. It does not matter here whether the neighbor is resolved. */
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
