/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sends a packet by a segment list. The detector wrote the header bytes (detector/core/headers). This code copies them and
 * fills in what differs per packet: payload length, inner protocol, traffic class, flow label, hop limit, tag.
 */
#ifndef SIDESTEP_PUSH_H
#define SIDESTEP_PUSH_H

#include "bpf/lib/maps.h"
#include "bpf/lib/parse.h"
#include "bpf/lib/portable.h"

/*
 * The first four bytes of an outer header: the inner traffic class (RFC 6040, 4.1), and a label of the flow (RFC 6438).
 */
static __always_inline __be32 ss_outer_flow(__be32 inner_first_word, __u32 hash) {
    return bpf_htonl((bpf_ntohl(inner_first_word) & 0x0ff00000) | 0x60000000 | (hash & 0x000fffff));
}

/* Decrements the hop limit (RFC 8986, 5.1: before encapsulation). */
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

/* The next header value that announces this packet inside an outer one. */
static __always_inline __u8 ss_inside(const struct ss_packet* packet) {
    return packet->family == SS_IPV4 ? SS_NEXT_IPV4 : SS_NEXT_IPV6;
}

/* Fills in the fields of the outer header at `ip` that depend on the inner packet. The list's other bytes follow it. */
static __always_inline void ss_fill_outer(struct ipv6hdr* ip, const struct ss_packet* packet,
                                          const struct ss_list* list, __u32 overhead, __u32 hop_limit, __u32 hash) {
    *(__be32*)ip = ss_outer_flow(packet->flow, hash);
    ip->payload_len = bpf_htons((__u16)(packet->length + overhead - sizeof(*ip)));
    ip->hop_limit = (__u8)hop_limit;
    if (!list->srh_offset) ip->nexthdr = ss_inside(packet);
}

/* The SRH tag of a packet with one more repair. */
static __always_inline __be16 ss_repair_tag(const struct ss_packet* packet) {
    return bpf_htons((__u16)(SS_REPAIR_TAG | ((packet->repairs + 1) & 0xff)));
}

static __always_inline void ss_fill_srh(struct ss_srh* srh, const struct ss_packet* packet, __u8 next_header) {
    srh->next_header = next_header;
    srh->tag = ss_repair_tag(packet);
}

/* True if the SRH leaves out the segment that is the outer destination, or there is no SRH at all (RFC 8986, 5.2). */
static __always_inline int ss_reduced(const struct ss_list* list) {
    const struct ss_srh* srh = (const void*)(list->header + ETH_HLEN + sizeof(struct ipv6hdr));

    return !list->srh_offset || srh->segments_left > srh->last_entry;
}

/* Writes the outer header of H.Encaps or H.Encaps.Red where there is room for it. */
static __always_inline int ss_write_outer(ss_frame* frame, const struct ss_packet* packet, const struct ss_list* list,
                                          __u32 hop_limit, __u32 hash) {
    __u32 length = list->header_length;
    struct ipv6hdr* ip;
    struct ss_srh* srh;

    if (!SS_WITHIN(length, ETH_HLEN + sizeof(*ip), SS_HEADER_MAX)) return -1;
    SS_KEEP(length); /* what goes to the stack has its bounds by now: verifiers before 6.2 give it none later */
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

/* H.Encaps and H.Encaps.Red. */
static __always_inline int ss_encapsulate(ss_frame* frame, const struct ss_packet* packet, const struct ss_list* list,
                                          __u32 hop_limit) {
    __u32 hash = ss_hash(frame, packet); /* first: with the header half written, the kernel would not find the flow */

    if (ss_add_outer(frame, list->header_length - ETH_HLEN)) return -1;
    return ss_write_outer(frame, packet, list, hop_limit, hash);
}

#define SS_BEHIND_IPV6 (ETH_HLEN + (__u32)sizeof(struct ipv6hdr))
#define SS_MOST_OPTIONS 64 /* an SRH can follow at most this many bytes of hop-by-hop options */
#define SS_CANNOT_INSERT (~0U)

/*
 * Offset at which H.Insert puts the SRH: after the hop-by-hop options, which come first, and before everything else
 * (RFC 8200, 4.1). Destination options remain for the packet's own destination. Returns SS_CANNOT_INSERT if there is no
 * such place.
 */
static __always_inline __u32 ss_insert_at(const ss_frame* frame, const struct ss_packet* packet) {
    const __u8* options;
    __u32 bytes;

    if (packet->family != SS_IPV6) return SS_CANNOT_INSERT;
    if (packet->protocol != IPPROTO_HOPOPTS) return SS_BEHIND_IPV6;
    options = ss_at(frame, SS_BEHIND_IPV6, 2);
    if (!options) return SS_CANNOT_INSERT;
    bytes = 8 + 8 * (__u32)options[1];
    return bytes <= SS_MOST_OPTIONS ? SS_BEHIND_IPV6 + bytes : SS_CANNOT_INSERT;
}

/* Moves hop-by-hop options from `from` to just after the IPv6 header and lets them announce a routing header. *next
 * becomes the header that they announced before. */
SS_OWN_FRAME int ss_move_options(ss_frame* frame, __u32 from, __u32 bytes, __u8* next) {
    __u8 options[SS_MOST_OPTIONS] = {}; /* verifiers before 6.3 let no helper write to what was not written before */

    if (!SS_WITHIN(bytes, 8, sizeof(options)) || ss_load(frame, from, options, bytes)) return -1;
    *next = options[0];
    options[0] = SS_NEXT_ROUTING;
    return ss_store(frame, SS_BEHIND_IPV6, options, bytes);
}

/* H.Insert: the packet's destination becomes the last segment of the SRH. */
static __always_inline int ss_insert(ss_frame* frame, const struct ss_packet* packet, const struct ss_list* list) {
    __u32 at = ss_insert_at(frame, packet);
    __u32 srh_length = list->header_length - ETH_HLEN;
    __u8 next = packet->protocol;
    struct ipv6hdr* ip;
    struct ss_srh* srh;

    if (!SS_WITHIN(srh_length, sizeof(*srh) + 16, SS_HEADER_MAX - ETH_HLEN)) return -1;
    if (ss_add_srh(frame, srh_length)) return -1;
    if (!SS_WITHIN(at, SS_BEHIND_IPV6, SS_BEHIND_IPV6 + SS_MOST_OPTIONS)) return -1;
    if (at != SS_BEHIND_IPV6 && ss_move_options(frame, SS_BEHIND_IPV6 + srh_length, at - SS_BEHIND_IPV6, &next))
        return -1;
    if (ss_store(frame, 0, list->header, ETH_HLEN)) return -1;
    /* Checked again, because verifiers before 6.2 have lost the bounds by now. */
    if (!SS_WITHIN(srh_length, sizeof(*srh) + 16, SS_HEADER_MAX - ETH_HLEN)) return -1;
    if (ss_store(frame, at, list->header + ETH_HLEN, srh_length)) return -1;
    if (ss_store(frame, at + sizeof(*srh), packet->destination, 16)) return -1;
    ip = ss_ipv6(frame);
    srh = ss_at(frame, at, sizeof(*srh));
    if (!ip || !srh) return -1;
    ss_fill_srh(srh, packet, next);
    if (at == SS_BEHIND_IPV6) ip->nexthdr = SS_NEXT_ROUTING;
    ip->payload_len = bpf_htons((__u16)(packet->length - sizeof(*ip) + srh_length));
    /* The first segment of the path is the last one in the SRH (RFC 8754, 2). */
    __builtin_memcpy(&ip->daddr, list->header + ETH_HLEN + srh_length - 16, 16);
    return 0;
}

/* Writes the list's header to the packet. Returns 0, or -1 if that failed and the packet is damaged. */
static __always_inline int ss_push(ss_frame* frame, const struct ss_packet* packet, const struct ss_list* list,
                                   __u32 hop_limit) {
    if (list->mode == SS_MODE_ENCAPS) return ss_encapsulate(frame, packet, list, hop_limit);
    if (list->mode == SS_MODE_INSERT) return ss_insert(frame, packet, list);
    if (ss_store(frame, 0, list->header, 2 * ETH_ALEN)) return -1;
    return 0;
}

#endif
