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

/* The adjacency behind a gateway: the one with its address, or else the only one on the interface; null if there is none.
 * A destination that is its own gateway is a host on the link: the neighbor only if it has the neighbor's address. */
static __always_inline const struct ss_adjacency* ss_adjacency_at(struct ss_hop* hop, int on_link) {
    const struct ss_adjacency* found = bpf_map_lookup_elem(&ss_adjacencies, hop);

    if (!found && !on_link) {
        __builtin_memset(hop->gateway, 0, sizeof(hop->gateway));
        found = bpf_map_lookup_elem(&ss_adjacencies, hop);
    }
    return found && found->session < SS_MAX_SESSIONS ? found : 0; /* others on a LAN are nobody's */
}

/* The adjacency that the kernel has addressed a packet to, by its destination MAC address; null: none of ours. */
static __always_inline const struct ss_adjacency* ss_adjacency_ahead(const ss_frame* frame) {
    const struct ethhdr* eth = ss_at(frame, 0, sizeof(*eth));
    const struct ss_adjacency* found;
    struct ss_hop hop = {.ifindex = ss_ifindex(frame)};

    if (!eth) return 0;
    __builtin_memset(hop.gateway, 0xff, sizeof(hop.gateway));
    __builtin_memcpy(hop.gateway + SS_HOP_MAC_AT, eth->h_dest, ETH_ALEN);
    found = bpf_map_lookup_elem(&ss_adjacencies, &hop);
    return found && found->session < SS_MAX_SESSIONS ? found : 0;
}

/* True if the packet is for the neighbor itself, by one of its addresses on this link. */
static __always_inline int ss_is_for_neighbor(const ss_frame* frame, const struct ss_packet* packet) {
    struct ss_hop hop = {.ifindex = ss_ifindex(frame)};

    __builtin_memcpy(hop.gateway, packet->destination, sizeof(hop.gateway));
    return bpf_map_lookup_elem(&ss_adjacencies, &hop) != 0;
}

/* True if the FIB delivers packets to the packet's IPv6 source to this node, or has no route for them. */
static __always_inline int ss_source_is_here(ss_frame* frame, const struct ss_packet* packet) {
    struct bpf_fib_lookup fib = {};

    fib.family = SS_AF_INET6;
    fib.ifindex = ss_ifindex(frame);
    __builtin_memcpy(fib.ipv6_dst, packet->source, sizeof(fib.ipv6_dst));
    return bpf_fib_lookup(frame, &fib, sizeof(fib), 0) == BPF_FIB_LKUP_RET_NOT_FWDED;
}

/* True if the kernel hashes the header after all extension headers (fib_multipath_hash_policy 1 and higher), not the
 * first one after the IP header, for packets of this family. */
static __always_inline int ss_hashes_ports(const struct ss_packet* packet) {
    const struct ss_repair_state* repair = ss_entry(&ss_repair_states, 0);

    return repair && repair->hash_policy >> (packet->family == SS_IPV4 ? SS_IPV4 : SS_IPV6) & 1;
}

/* Null if the FIB has no route, or a route that uses none of our adjacencies; `unrouted` tells which. */
SS_OWN_FRAME const struct ss_adjacency* ss_ask_fib(ss_frame* frame, const struct ss_packet* packet, int* unrouted) {
    struct bpf_fib_lookup fib = {};
    struct ss_hop hop = {};
    __u64 gateway[2];
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
    *unrouted = result == BPF_FIB_LKUP_RET_NOT_FWDED;
    if (result != BPF_FIB_LKUP_RET_SUCCESS && result != BPF_FIB_LKUP_RET_NO_NEIGH &&
        result != BPF_FIB_LKUP_RET_FRAG_NEEDED) {
        return 0;
    }
    if (fib.family == SS_AF_INET) {
        ss_map_v4(gateway, fib.ipv4_dst);
    } else {
        __builtin_memcpy(gateway, fib.ipv6_dst, sizeof(gateway));
    }
    hop.ifindex = fib.ifindex;
    __builtin_memcpy(hop.gateway, gateway, sizeof(hop.gateway));
    return ss_adjacency_at(&hop, ss_same_address(gateway, packet->destination));
}

#endif
