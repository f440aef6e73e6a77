/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Bounds-checked reading of packets: IP headers, ports, SRHs. */
#ifndef SIDESTEP_PARSE_H
#define SIDESTEP_PARSE_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/lib/frame.h"
#include "bpf/lib/packet.h"
#include "bpf/lib/portable.h"

/* Next headers that <linux/in.h> leaves to others. */
#define SS_NEXT_IPV4 4
#define SS_NEXT_IPV6 41
#define SS_NEXT_ROUTING 43

#define SS_SRH_TYPE 4

static __always_inline __u32 ss_srh_bytes(const struct ss_srh* srh) {
    return 8 + 8 * (__u32)srh->length;
}

/* False if value < least or value > most. clang must not merge the two comparisons: the verifier would not follow. */
#define SS_WITHIN(value, least, most)    \
    ({                                   \
        int within_ = 0;                 \
        SS_KEEP(value);                  \
        if ((value) >= (least)) {        \
            SS_KEEP(value);              \
            within_ = (value) <= (most); \
        }                                \
        within_;                         \
    })

/* The IPv6 header behind Ethernet, or null when the packet is too short for one. The version is for the caller. */
static __always_inline struct ipv6hdr* ss_ipv6(const ss_frame* frame) {
    return ss_at(frame, ETH_HLEN, sizeof(struct ipv6hdr));
}

/* The UDP header of a packet whose IPv6 header is followed by UDP, or by an SRH and then UDP; else 0. */
static __always_inline struct udphdr* ss_udp(const ss_frame* frame, struct ipv6hdr* ip) {
    void* end = (void*)(long)frame->data_end;
    void* next = ip + 1;
    struct udphdr* udp;

    if (ip->nexthdr == SS_NEXT_ROUTING) {
        struct ss_srh* srh = next;

        if ((void*)(srh + 1) > end) return 0;
        if (srh->type != SS_SRH_TYPE || srh->next_header != IPPROTO_UDP) return 0;
        next += ss_srh_bytes(srh);
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

static __always_inline void ss_map_v4(__u64* address, __be32 v4) {
    address[0] = 0;
    address[1] = bpf_cpu_to_be64(0x0000ffff00000000ULL | bpf_ntohl(v4));
}

static __always_inline void ss_read_xdp_interfaces(const ss_frame* frame, __u32 offset, struct ss_packet* packet) {
    const __be16* port;

    if (packet->protocol != IPPROTO_TCP && packet->protocol != IPPROTO_UDP) return;
    port = ss_at(frame, offset, 2 * sizeof(*port));
    if (!port) return;
    packet->port[0] = port[0];
    packet->port[1] = port[1];
}

/* Reads an IPv6 packet whose header is at `offset`. Returns 0, or -1 if there is no such header. */
static __always_inline int ss_read_ipv6(const ss_frame* frame, __u32 offset, struct ss_packet* packet) {
    const struct ipv6hdr* ip = ss_at(frame, offset, sizeof(*ip));
    const struct ss_srh* srh;
    __u16 tag;

    if (!ip || ip->version != 6) return -1;
    packet->family = SS_IPV6;
    packet->flow = *(const __be32*)ip;
    packet->length = sizeof(*ip) + bpf_ntohs(ip->payload_len);
    packet->protocol = ip->nexthdr;
    packet->hop_limit = ip->hop_limit;
    packet->repairs = 0;
    packet->port[0] = packet->port[1] = 0;
    __builtin_memcpy(packet->source, &ip->saddr, sizeof(packet->source));
    __builtin_memcpy(packet->destination, &ip->daddr, sizeof(packet->destination));
    ss_read_xdp_interfaces(frame, offset + sizeof(*ip), packet);
    if (packet->protocol != SS_NEXT_ROUTING) return 0;
    srh = ss_at(frame, offset + sizeof(*ip), sizeof(*srh));
    if (!srh || srh->type != SS_SRH_TYPE) return 0;
    tag = bpf_ntohs(srh->tag);
    if ((tag & 0xff00) == SS_REPAIR_TAG) packet->repairs = tag & 0xff;
    return 0;
}

/* The same of IPv4. */
static __always_inline int ss_read_ipv4(const ss_frame* frame, __u32 offset, struct ss_packet* packet) {
    const struct iphdr* ip = ss_at(frame, offset, sizeof(*ip));
    __u32 header;

    if (!ip || ip->version != 4 || ip->ihl < 5) return -1;
    header = 4 * (__u32)ip->ihl;
    packet->family = SS_IPV4;
    packet->flow = bpf_htonl((__u32)ip->tos << 20);
    packet->length = bpf_ntohs(ip->tot_len);
    packet->protocol = ip->protocol;
    packet->hop_limit = ip->ttl;
    packet->repairs = 0;
    packet->port[0] = packet->port[1] = 0;
    if (packet->length < header) return -1;
    ss_map_v4(packet->source, ip->saddr);
    ss_map_v4(packet->destination, ip->daddr);
    if (!(ip->frag_off & bpf_htons(0x3fff))) ss_read_xdp_interfaces(frame, offset + header, packet);
    return 0;
}

#endif
