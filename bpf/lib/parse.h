/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Bounds-checked parsing of packets. All headers of a packet are found here, once; probe receiver, SIDs, decapsulation
 * and FIB lookup use what ss_read_ipv6() and ss_read_ipv4() recorded.
 */
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

/* Next headers that <linux/in.h> does not define. */
#define SS_NEXT_IPV4 4
#define SS_NEXT_IPV6 41
#define SS_NEXT_ROUTING 43

#define SS_SRH_TYPE 4

static __always_inline __u32 ss_srh_bytes(const struct ss_srh* srh) {
    return 8 + 8 * (__u32)srh->length;
}

/* False if value < least or value > most. clang must not merge the two comparisons: the verifier could not follow. */
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

/* The IPv6 header after Ethernet, or null if the packet is too short for one. The caller checks the version. */
static __always_inline struct ipv6hdr* ss_ipv6(const ss_frame* frame) {
    return ss_at(frame, ETH_HLEN, sizeof(struct ipv6hdr));
}

static __always_inline int ss_same_address(const void* a, const void* b) {
    const __u64 *left = a, *right = b;

    return left[0] == right[0] && left[1] == right[1];
}

/* Headers that are skipped: options and routing headers. Nothing after a fragment header or AH is looked at: the rest
 * may be in another packet, or may not be what it seems. */
#define SS_EXTENSIONS (1ULL << IPPROTO_HOPOPTS | 1ULL << SS_NEXT_ROUTING | 1ULL << IPPROTO_DSTOPTS)
#define SS_MAX_EXTENSIONS 6
#define SS_NEXT_UNKNOWN 255 /* the packet ends here, or there are too many headers */
#define SS_MOST_AT 0x3fff   /* no header is farther from the start of the frame */

/* The result of a walk as one number: `upper` and its offset, and the offset of the first SRH. */
#define SS_WALKED(upper, upper_at, srh_at) ((__u64)(upper) | (__u64)(upper_at) << 16 | (__u64)(srh_at) << 32)

static __always_inline __u8 ss_walked_upper(__u64 walked) {
    return (__u8)walked;
}

static __always_inline __u32 ss_walked_upper_at(__u64 walked) {
    return walked >> 16 & SS_MOST_AT;
}

static __always_inline __u32 ss_walked_srh_at(__u64 walked) {
    return walked >> 32 & SS_MOST_AT;
}

static __always_inline int ss_is_extension(__u32 next) {
    return next < 64 && SS_EXTENSIONS >> next & 1;
}

/* All programs are linked together, and the context types at tc and XDP differ. */
#ifdef SS_AT_XDP
#define ss_walk ss_walk_xdp
#endif

/*
 * Walks the extension headers (RFC 8200, 4), in any order, starting with header `next` at offset `at`. Stops before a
 * routing header that must be processed before anybody may use what follows: one of another type than SRH, or a second
 * SRH, with segments left.
 */
SS_VERIFIED_ONCE __u64 ss_walk(ss_frame* frame, __u32 at, __u32 next) {
    __u32 srh_at = 0;
    __u32 i;

    for (i = 0; i <= SS_MAX_EXTENSIONS; i++) {
        const struct ss_srh* header;

        SS_KEEP(i);
        if (!ss_is_extension(next)) return SS_WALKED(next, at, srh_at);
        at &= SS_MOST_AT;
        header = ss_at(frame, at, sizeof(*header));
        if (!header) break;
        if (next == SS_NEXT_ROUTING) {
            if (header->type == SS_SRH_TYPE && !srh_at) {
                srh_at = at;
            } else if (header->segments_left) {
                return SS_WALKED(next, at, srh_at);
            }
        }
        next = header->next_header;
        at += ss_srh_bytes(header);
    }
    return SS_WALKED(SS_NEXT_UNKNOWN, 0, srh_at);
}

/* Protocols that begin with ports or with an SPI, as in the kernel's proto_ports_offset(). */
#define SS_WITH_PORTS \
    (1ULL << IPPROTO_TCP | 1ULL << IPPROTO_UDP | 1ULL << IPPROTO_DCCP | 1ULL << IPPROTO_ESP | 1ULL << IPPROTO_AH)

static __always_inline void ss_read_ports(const ss_frame* frame, __u32 at, struct ss_packet* packet) {
    const __u32 protocol = packet->flow_protocol;
    const __be16* port;

    if (protocol < 64 ? !(SS_WITH_PORTS >> protocol & 1) : protocol != IPPROTO_SCTP && protocol != IPPROTO_UDPLITE)
        return;
    if (protocol == IPPROTO_AH) at += 4;
    port = ss_at(frame, at, 2 * sizeof(*port));
    if (!port) return;
    packet->port[0] = port[0];
    packet->port[1] = port[1];
}

/* Parses what follows the IPv6 header at `offset`. */
static __always_inline void ss_read_behind_ipv6(ss_frame* frame, __u32 offset, struct ss_packet* packet) {
    const __u32 at = offset + sizeof(struct ipv6hdr);
    __u64 walked =
        ss_is_extension(packet->protocol) ? ss_walk(frame, at, packet->protocol) : SS_WALKED(packet->protocol, at, 0);
    __u32 upper_at = ss_walked_upper_at(walked);
    __u32 srh_at = ss_walked_srh_at(walked);
    const struct ss_srh* srh;
    const __u8* fragment;

    packet->upper = packet->flow_protocol = ss_walked_upper(walked);
    packet->upper_at = (__u16)upper_at;
    packet->srh_at = (__u16)srh_at;
    if (packet->upper == IPPROTO_FRAGMENT) {
        fragment = ss_at(frame, upper_at, 1);
        if (fragment) packet->flow_protocol = *fragment;
    } else {
        ss_read_ports(frame, upper_at, packet);
    }
    if (!srh_at) return;
    srh = ss_at(frame, srh_at, sizeof(*srh));
    if (srh && (srh->tag & bpf_htons(0xff00)) == bpf_htons(SS_REPAIR_TAG)) packet->repairs = bpf_ntohs(srh->tag) & 0xff;
}

/* Parses an IPv6 packet whose header is at `offset`. Returns 0, or -1 if there is no such header. */
static __always_inline int ss_read_ipv6(ss_frame* frame, __u32 offset, struct ss_packet* packet) {
    const struct ipv6hdr* ip = ss_at(frame, offset, sizeof(*ip));

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
    ss_read_behind_ipv6(frame, offset, packet);
    return 0;
}

/* The same for IPv4. */
static __always_inline int ss_read_ipv4(const ss_frame* frame, __u32 offset, struct ss_packet* packet) {
    const struct iphdr* ip = ss_at(frame, offset, sizeof(*ip));
    __u32 header;

    if (!ip || ip->version != 4 || ip->ihl < 5) return -1;
    header = 4 * (__u32)ip->ihl;
    packet->family = SS_IPV4;
    packet->flow = bpf_htonl((__u32)ip->tos << 20);
    packet->length = bpf_ntohs(ip->tot_len);
    packet->protocol = packet->upper = packet->flow_protocol = ip->protocol;
    packet->hop_limit = ip->ttl;
    packet->repairs = 0;
    packet->port[0] = packet->port[1] = 0;
    packet->srh_at = 0;
    packet->upper_at = (__u16)(offset + header);
    if (packet->length < header) return -1;
    ss_map_v4(packet->source, ip->saddr);
    ss_map_v4(packet->destination, ip->daddr);
    if (!(ip->frag_off & bpf_htons(0x3fff))) ss_read_ports(frame, offset + header, packet);
    return 0;
}

/* True if the packet goes to the probe port, after whatever headers. Other nodes' probes are left to the kernel and
 * never repaired: a neighbor's probe must find its link dead when it is dead. */
static __always_inline int ss_is_probe(const struct ss_packet* packet) {
    return packet->upper == IPPROTO_UDP && packet->port[1] == bpf_htons(SS_PROBE_PORT);
}

static __always_inline int ss_is_bfd(const struct ss_packet* packet) {
    return packet->upper == IPPROTO_UDP && packet->port[1] == bpf_htons(SS_BFD_PORT);
}

/* True if it is BFD that may have passed routers and tunnels: multihop, or from a reflector of S-BFD. */
static __always_inline int ss_is_routed_bfd(const struct ss_packet* packet) {
    if (packet->upper != IPPROTO_UDP || ss_is_bfd(packet)) return 0;
    return packet->port[1] == bpf_htons(SS_BFD_MULTIHOP_PORT) || packet->port[0] == bpf_htons(SS_SBFD_PORT);
}

/* True if the packet has an SRH or is a tunnel, so that it may be addressed to a SID of this node. */
static __always_inline int ss_may_visit(const struct ss_packet* packet) {
    return packet->srh_at || packet->upper == SS_NEXT_IPV6 || packet->upper == SS_NEXT_IPV4;
}

#endif
