/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * End.DT4, End.DT6 and End.DT46 into the main table (RFC 8986, 4.6 to 4.8): removes the outer header and lets the inner
 * packet take the kernel's ordinary path. Accepts packets from within the SR domain only (RFC 8754, 5.1).
 */
#ifndef SIDESTEP_DECAP_H
#define SIDESTEP_DECAP_H

#include "bpf/lib/fib.h"
#include "bpf/lib/lookup.h"
#include "bpf/lib/merge.h"
#include "bpf/lib/parse.h"
#include "bpf/lib/sid.h"

#define SS_MOST_OUTER 4095 /* bpf_skb_adjust_room() removes at most this many bytes */

#define SS_ECN_MASK 3
#define SS_ECN_ECT1 1
#define SS_ECN_ECT0 2
#define SS_ECN_CE 3

/* True if the packet arrived from an adjacency, and so from a router of the SR domain. */
static __always_inline int ss_from_inside(const ss_frame* frame) {
    struct ss_hop inside = {.ifindex = ss_ifindex(frame)};

    return bpf_map_lookup_elem(&ss_adjacencies, &inside) != 0;
}

SS_VERIFIED_ONCE int ss_source_in_domain(const struct ss_packet* packet) {
    const struct ss_node* node = ss_node();
    __u32 i;

    if (!node || !packet) return 0;
    for (i = 0; i < SS_MAX_DOMAIN && i < node->domains; i++) {
        const __u64* mask = node->domain[i].mask;
        const __u64* wanted = node->domain_address[i];

        SS_KEEP(i);
        if ((packet->source[0] & mask[0]) == wanted[0] && (packet->source[1] & mask[1]) == wanted[1]) return 1;
    }
    return 0;
}

/* True if a packet to an End or End.X of ours must be dropped. From inside, any source is valid, because H.Insert keeps
 * the host's. Without an SR domain in the configuration, filters at the edge decide who may send to them. */
static __always_inline int ss_is_outsider(const ss_frame* frame, const struct ss_packet* packet) {
    const struct ss_node* node = ss_node();

    return node && node->domains && !ss_from_inside(frame) && !ss_source_in_domain(packet);
}

/* The EtherType of the inner packet if the SID accepts it, else 0. */
static __always_inline __u16 ss_inner_protocol(const struct ss_packet* packet, const struct ss_visit* visit) {
    __u32 behavior = visit->decapsulates & ((1U << SS_FLAVORS_AT) - 1);

    if (packet->upper == SS_NEXT_IPV6 && behavior != SS_END_DT4) return ETH_P_IPV6;
    if (packet->upper == SS_NEXT_IPV4 && behavior != SS_END_DT6) return ETH_P_IP;
    return 0;
}

/* RFC 6040, 4.2: a packet that knows no ECN cannot carry on the mark of the tunnel, and is dropped. */
static __always_inline int ss_must_drop_marked(__be32 outer_flow, const struct ss_packet* inner) {
    const __u32 told = bpf_ntohl(outer_flow) >> 20 & SS_ECN_MASK;

    return told == SS_ECN_CE && !(bpf_ntohl(inner->flow) >> 20 & SS_ECN_MASK);
}

/* RFC 6040, 4.2: copies congestion marks from the outer to the inner header. */
static __always_inline int ss_combine_ecn(ss_frame* frame, __be32 outer_flow, const struct ss_packet* inner) {
    __u32 told = bpf_ntohl(outer_flow) >> 20 & SS_ECN_MASK;
    __u32 had = bpf_ntohl(inner->flow) >> 20 & SS_ECN_MASK;

    if (!(told == SS_ECN_CE && had != SS_ECN_CE) && !(told == SS_ECN_ECT1 && had == SS_ECN_ECT0)) return 0;
    if (inner->family == SS_IPV4) {
        struct iphdr* ip = ss_at(frame, ETH_HLEN, sizeof(*ip));
        __u32 sum;

        if (!ip) return -1;
        ip->tos = (__u8)((ip->tos & ~SS_ECN_MASK) | told);
        sum = (__u32)(__u16)~ip->check + bpf_htons((__u16)(0xffff - had)) + bpf_htons((__u16)told); /* RFC 1624 */
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        ip->check = (__sum16)~sum;
    } else {
        __be32* first = ss_at(frame, ETH_HLEN, sizeof(*first));

        if (!first) return -1;
        *first = (*first & ~bpf_htonl(SS_ECN_MASK << 20)) | bpf_htonl(told << 20);
    }
    return 0;
}

/* Removes the outer header and all its extension headers; `packet` is the inner one afterwards, with the repairs of both.
 * Returns 0, or the program's result. */
SS_OWN_FRAME int ss_decapsulate(ss_frame* frame, struct ss_packet* packet, const struct ss_visit* visit) {
    __u16 protocol = ss_inner_protocol(packet, visit);
    __u32 outer = packet->upper_at - ETH_HLEN;
    __be32 outer_flow = packet->flow;
    __u8 repairs = packet->repairs;

    if (!ss_from_inside(frame) || !ss_source_in_domain(packet)) {
        ss_count_outcome(SS_OUTCOME_NOT_IN_DOMAIN);
        return SS_SHOT;
    }
    if (!SS_WITHIN(outer, sizeof(struct ipv6hdr), SS_MOST_OUTER)) {
        ss_count_outcome(SS_OUTCOME_MALFORMED);
        return SS_PASS;
    }
    if (protocol == ETH_P_IPV6 ? ss_read_ipv6(frame, ETH_HLEN + outer, packet)
                               : protocol != ETH_P_IP || ss_read_ipv4(frame, ETH_HLEN + outer, packet)) {
        ss_count_outcome(SS_OUTCOME_SID_FAILED);
        return SS_SHOT; /* the SID is ours, so nobody else wants it */
    }
    if (ss_must_drop_marked(outer_flow, packet)) goto broken; /* before it counts as the first copy of its number */
    if (visit->decapsulates >> SS_FLAVORS_AT & SS_FLAVOR_MERGE &&
        ss_admit_copy(frame, visit->destination[0], bpf_be64_to_cpu(visit->destination[1])) != SS_COPY_FIRST)
        return SS_SHOT;
    if (ss_remove_outer(frame, outer, packet->family)) goto broken;
    if (ss_combine_ecn(frame, outer_flow, packet)) goto broken;
    packet->upper_at -= outer;
    if (packet->srh_at) packet->srh_at -= outer;
    if (packet->repairs < repairs) packet->repairs = repairs; /* should it be repaired here, too */
    ss_count_outcome(SS_OUTCOME_DECAPSULATED);
    return 0;

broken:
    ss_count_outcome(SS_OUTCOME_SID_FAILED);
    return SS_SHOT;
}

#endif
