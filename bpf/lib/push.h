/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sends a packet by a segment list. The detector wrote the header bytes (detector/core/wire); here they are copied, and
 * what differs per packet is filled in: payload length, inner protocol, traffic class, flow label, hop limit, tag.
 */
#ifndef SIDESTEP_PUSH_H
#define SIDESTEP_PUSH_H

#include "bpf/lib/maps.h"
#include "bpf/lib/parse.h"
#include "bpf/lib/portable.h"

/* The first four bytes of an outer header: class of the inner one (RFC 6040, 4.1), label of its flow (RFC 6438). */
static __always_inline __be32 ss_outer_flow(__be32 inner_first_word, __u32 hash) {
    return bpf_htonl((bpf_ntohl(inner_first_word) & 0x0ff00000) | 0x60000000 | (hash & 0x000fffff));
}

/* One hop less (RFC 8986, 5.1: the encapsulated packet is decremented first). */
static __always_inline int ss_decrement(ss_frame* frame, const struct ss_packet* packet) {
    if (packet->family == SS_IPV4) {
        struct iphdr* ip = ss_at(frame, ETH_HLEN, sizeof(*ip));
        __u32 sum;

        if (!ip) return -1;
        ip->ttl--;
        sum = (__u32)ip->check + bpf_htons(0x0100); /* RFC 1624 */
        ip->check = (__sum16)(sum + (sum >= 0xffff));
    } else {
        struct ipv6hdr* ip = ss_ipv6(frame);

        if (!ip) return -1;
        ip->hop_limit--;
    }
    return 0;
}

/* The next header that says what is inside an outer one. */
static __always_inline __u8 ss_inside(const struct ss_packet* packet) {
    return packet->family == SS_IPV4 ? SS_NEXT_IPV4 : SS_NEXT_IPV6;
}

/* The fields of an outer header that the inner packet decides, at `ip`, behind which the list's other bytes follow. */
static __always_inline void ss_fill_outer(struct ipv6hdr* ip, const struct ss_packet* packet,
                                          const struct ss_list* list, __u32 overhead, __u32 hop_limit, __u32 hash) {
    *(__be32*)ip = ss_outer_flow(packet->flow, hash);
    ip->payload_len = bpf_htons((__u16)(packet->length + overhead - sizeof(*ip)));
    ip->hop_limit = (__u8)hop_limit;
    if (!list->srh_offset) ip->nexthdr = ss_inside(packet);
}

static __always_inline void ss_fill_srh(struct ss_srh* srh, const struct ss_packet* packet, __u8 next_header) {
    srh->next_header = next_header;
    srh->tag = bpf_htons((__u16)(SS_REPAIR_TAG | ((packet->repairs + 1) & 0xff)));
}

/* True if the SRH leaves out the segment that is the outer destination, or there is no SRH at all (RFC 8986, 5.2). */
static __always_inline int ss_reduced(const struct ss_list* list) {
    const struct ss_srh* srh = (const void*)(list->header + ETH_HLEN + sizeof(struct ipv6hdr));

    return !list->srh_offset || srh->segments_left > srh->last_entry;
}

/* H.Encaps and H.Encaps.Red. */
static __always_inline int ss_encapsulate(ss_frame* frame, const struct ss_packet* packet, const struct ss_list* list,
                                          __u32 hop_limit) {
    __u32 length = list->header_length;
    __u32 hash = ss_hash(frame, packet); /* now: with the header half written the kernel would not find the flow */
    struct ipv6hdr* ip;
    struct ss_srh* srh;

    if (!SS_WITHIN(length, ETH_HLEN + sizeof(*ip), SS_HEADER_MAX)) return -1;
    if (ss_add_outer(frame, length - ETH_HLEN)) return -1;
    if (ss_store(frame, 0, list->header, length)) return -1;
    ip = ss_ipv6(frame);
    if (!ip) return -1;
    ss_fill_outer(ip, packet, list, length - ETH_HLEN, hop_limit, hash);
    if (!list->srh_offset) return 0;
    srh = ss_at(frame, ETH_HLEN + sizeof(*ip), sizeof(*srh));
    if (!srh) return -1;
    ss_fill_srh(srh, packet, ss_inside(packet));
    return 0;
}

/* H.Insert: the SRH goes behind the packet's own header, whose destination becomes the last segment. */
static __always_inline int ss_insert(ss_frame* frame, const struct ss_packet* packet, const struct ss_list* list) {
    const __u32 at = ETH_HLEN + sizeof(struct ipv6hdr);
    __u32 srh_length = list->header_length - ETH_HLEN;
    struct ipv6hdr* ip;
    struct ss_srh* srh;

    if (!SS_WITHIN(srh_length, sizeof(*srh) + 16, SS_HEADER_MAX - ETH_HLEN)) return -1;
    if (ss_add_srh(frame, srh_length)) return -1;
    if (ss_store(frame, 0, list->header, ETH_HLEN)) return -1;
    if (ss_store(frame, at, list->header + ETH_HLEN, srh_length)) return -1;
    if (ss_store(frame, at + sizeof(*srh), packet->destination, 16)) return -1;
    ip = ss_ipv6(frame);
    srh = ss_at(frame, at, sizeof(*srh));
    if (!ip || !srh) return -1;
    ss_fill_srh(srh, packet, packet->protocol);
    ip->nexthdr = SS_NEXT_ROUTING;
    ip->payload_len = bpf_htons((__u16)(packet->length - sizeof(*ip) + srh_length));
    /* The first segment of the way is the last one of the SRH (RFC 8754, 2). */
    __builtin_memcpy(&ip->daddr, list->header + ETH_HLEN + srh_length - 16, 16);
    return 0;
}

/* True if H.Insert cannot be done to this packet: headers that a router has to look at come first (RFC 8200, 4.1). */
static __always_inline int ss_not_insertable(const struct ss_packet* packet) {
    return packet->family != SS_IPV6 || packet->protocol == IPPROTO_HOPOPTS || packet->protocol == IPPROTO_DSTOPTS;
}

/* Writes the list's header to the packet. Returns 0, or -1 when that failed and the packet is in pieces. */
static __always_inline int ss_push(ss_frame* frame, const struct ss_packet* packet, const struct ss_list* list,
                                   __u32 hop_limit) {
    if (list->mode == SS_MODE_ENCAPS) return ss_encapsulate(frame, packet, list, hop_limit);
    if (list->mode == SS_MODE_INSERT) return ss_insert(frame, packet, list);
    if (ss_store(frame, 0, list->header, 2 * ETH_ALEN)) return -1;
    return 0;
}

#endif
