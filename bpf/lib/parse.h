/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Bounds-checked reading of packets from the Ethernet header on. */
#ifndef SIDESTEP_PARSE_H
#define SIDESTEP_PARSE_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/abi/sidestep.h"

/* What the tc programs return to let the packet go on, other filters included. */
#define SS_PASS TC_ACT_UNSPEC

/* Next headers that <linux/in.h> leaves to others. */
#define SS_NEXT_IPV4 4
#define SS_NEXT_ROUTING 43

/* First 8 bytes of a Segment Routing Header (RFC 8754, 2). */
struct ss_srh {
    __u8 next_header;
    __u8 length; /* in 8 bytes, the first 8 not counted */
    __u8 type;
    __u8 segments_left;
    __u8 last_entry;
    __u8 flags;
    __be16 tag;
};

#define SS_SRH_TYPE 4

/* The IPv6 header, or null when the packet is too short for one. The version is for the caller to check. */
static __always_inline struct ipv6hdr* ss_ipv6(const struct __sk_buff* skb) {
    struct ethhdr* eth = (void*)(long)skb->data;
    struct ipv6hdr* ip = (void*)(eth + 1);

    if ((void*)(ip + 1) > (void*)(long)skb->data_end) return 0;
    return ip;
}

/* The UDP header of a packet whose IPv6 header is followed by UDP, or by an SRH and then UDP; else 0. */
static __always_inline struct udphdr* ss_udp(const struct __sk_buff* skb, struct ipv6hdr* ip) {
    void* end = (void*)(long)skb->data_end;
    void* next = ip + 1;
    struct udphdr* udp;

    if (ip->nexthdr == SS_NEXT_ROUTING) {
        struct ss_srh* srh = next;

        if ((void*)(srh + 1) > end) return 0;
        if (srh->type != SS_SRH_TYPE || srh->next_header != IPPROTO_UDP) return 0;
        next += 8 + 8 * (__u32)srh->length;
    } else if (ip->nexthdr != IPPROTO_UDP) {
        return 0;
    }
    udp = next;
    if ((void*)(udp + 1) > end) return 0;
    return udp;
}

static __always_inline int ss_same_address(const void* a, const void* b) {
    const __u64 *left = a, *right = b;

    return left[0] == right[0] && left[1] == right[1];
}

#endif
