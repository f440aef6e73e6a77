/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tells a sender that its packet does not fit together with the header of a repair: ICMPv6 Packet Too Big (RFC 4443,
 * 3.2) or ICMPv4 Fragmentation Needed (RFC 1191, 4). The packet itself is turned into the answer and leaves by the
 * interface that it came in by.
 */
#ifndef SIDESTEP_TOO_BIG_H
#define SIDESTEP_TOO_BIG_H

#include "bpf/lib/bucket.h"
#include "bpf/lib/flow_hash.h"
#include "bpf/lib/lookup.h"
#include "bpf/lib/maps.h"
#include "bpf/lib/parse.h"

/* To the flows of one hash: enough for a sender that missed the first. To all: no more than one in a hundred packets. */
#define SS_TOLD_PER_SECOND 10
#define SS_TOLD_BURST 3
#define SS_TOLD_ALL_PER_SECOND 1000
#define SS_TOLD_ALL_BURST 1000
#define SS_HOP_LIMIT 64
#define SS_LEAST_MTU_V6 1280

/* A quarter of the quoted bytes. The RFCs set the total (RFC 4443, 2.4 c; RFC 1812, 4.3.2.3); the checksum helper takes
 * at most 512 bytes at once. */
#define SS_QUOTED_QUARTER_V6 308
#define SS_QUOTED_QUARTER_V4 136

/* <linux/icmp.h> clashes with the BPF headers. */
#define SS_ICMPV6_TOO_BIG 2
#define SS_ICMPV6_PARAMETER_PROBLEM 4 /* the last kind of error */
#define SS_ICMPV4_UNREACHABLE 3
#define SS_ICMPV4_FRAG_NEEDED 4

struct ss_icmp {
    __u8 type;
    __u8 code;
    __sum16 checksum;
    __be32 mtu;
};

struct ss_told_v6 {
    struct ethhdr eth;
    struct ipv6hdr ip;
    struct ss_icmp icmp;
} __attribute__((packed));

struct ss_told_v4 {
    struct ethhdr eth;
    struct iphdr ip;
    struct ss_icmp icmp;
} __attribute__((packed));

/* True if another message may be sent. Each flow has a share of its own, so that one of many flows hears of it, too. */
static __always_inline int ss_may_tell(const struct ss_packet* packet) {
    return ss_take_token(ss_flow_hash(packet) & (SS_TOLD_FLOWS - 1), SS_TOLD_PER_SECOND, SS_TOLD_BURST) &&
           ss_take_token(SS_BUCKET_ALL, SS_TOLD_ALL_PER_SECOND, SS_TOLD_ALL_BURST);
}

static __always_inline __sum16 ss_fold(__s64 sum) {
    __u64 folded = (__u64)sum;

    folded = (folded & 0xffffffff) + (folded >> 32);
    folded = (folded & 0xffff) + (folded >> 16);
    folded = (folded & 0xffff) + (folded >> 16);
    folded = (folded & 0xffff) + (folded >> 16);
    return (__sum16)~folded;
}

/* Adds four quarters, starting at `at`, to the sum. Returns -1 if the packet is shorter. */
static __always_inline __s64 ss_sum_quoted(ss_frame* frame, __u32 at, __u32 quarter, __s64 sum) {
    void* start = ss_at(frame, at, 4 * quarter);
    int i;

    if (!start) return -1;
    for (i = 0; i < 4 && sum >= 0; i++) sum = bpf_csum_diff(0, 0, start + i * quarter, quarter, (__wsum)sum);
    return sum;
}

/* Adds `grown` bytes of headers in front of the packet. *eth becomes the Ethernet header of the answer. */
static __always_inline int ss_make_answer(ss_frame* frame, struct ethhdr* eth, __u32 grown) {
    struct ethhdr came;

    if (ss_load(frame, 0, &came, sizeof(came))) return -1;
    __builtin_memcpy(eth->h_dest, came.h_source, ETH_ALEN);
    __builtin_memcpy(eth->h_source, came.h_dest, ETH_ALEN);
    eth->h_proto = came.h_proto;
    return ss_add_front(frame, grown);
}

/* Fills in the checksum of what `covered` sums up already, the ICMP header, and the quoted bytes from `at` on. */
static __always_inline int ss_close(ss_frame* frame, struct ss_icmp* icmp, __u32 at, __u32 quarter, __s64 covered) {
    __s64 sum = bpf_csum_diff(0, 0, (__be32*)icmp, sizeof(*icmp), (__wsum)covered);

    if (covered < 0 || sum < 0) return -1;
    sum = ss_sum_quoted(frame, at, quarter, sum);
    if (sum < 0) return -1;
    icmp->checksum = ss_fold(sum);
    return 0;
}

static __always_inline int ss_tell_v6(ss_frame* frame, const struct ss_packet* packet, const struct ss_node* node,
                                      __u32 mtu) {
    const __u32 quoted = 4 * SS_QUOTED_QUARTER_V6;
    struct ss_told_v6 told = {};
    struct ss_icmp icmp = {};
    __be32 pseudo[2] = {bpf_htonl(sizeof(icmp) + quoted), bpf_htonl(IPPROTO_ICMPV6)}; /* after the addresses */
    __s64 sum;
    void* start;

    if (ss_make_answer(frame, &told.eth, sizeof(told.ip) + sizeof(icmp))) return -1;
    told.ip.version = 6;
    told.ip.payload_len = bpf_htons((__u16)(sizeof(icmp) + quoted));
    told.ip.nexthdr = IPPROTO_ICMPV6;
    told.ip.hop_limit = SS_HOP_LIMIT;
    __builtin_memcpy(&told.ip.saddr, node->source, 16);
    __builtin_memcpy(&told.ip.daddr, packet->source, 16);
    icmp.type = SS_ICMPV6_TOO_BIG;
    icmp.mtu = bpf_htonl(mtu > SS_LEAST_MTU_V6 ? mtu : SS_LEAST_MTU_V6);
    sum = bpf_csum_diff(0, 0, pseudo, sizeof(pseudo), 0); /* RFC 8200, 8.1 */
    sum = bpf_csum_diff(0, 0, (__be32*)node->source, 16, (__wsum)sum);
    sum = bpf_csum_diff(0, 0, (__be32*)packet->source, 16, (__wsum)sum);
    if (ss_close(frame, &icmp, sizeof(told), SS_QUOTED_QUARTER_V6, sum)) return -1;
    told.icmp = icmp;
    start = ss_at(frame, 0, sizeof(told));
    if (!start) return -1;
    __builtin_memcpy(start, &told, sizeof(told));
    return 0;
}

static __always_inline int ss_tell_v4(ss_frame* frame, const struct ss_packet* packet, __be32 source, __u32 mtu) {
    const __u32 quoted = 4 * SS_QUOTED_QUARTER_V4;
    struct ss_told_v4 told = {};
    struct iphdr ip = {.version = 4, .ihl = 5, .ttl = SS_HOP_LIMIT, .protocol = IPPROTO_ICMP};
    struct ss_icmp icmp = {.type = SS_ICMPV4_UNREACHABLE, .code = SS_ICMPV4_FRAG_NEEDED};
    __s64 sum;
    void* start;

    if (ss_make_answer(frame, &told.eth, sizeof(ip) + sizeof(icmp))) return -1;
    ip.tot_len = bpf_htons((__u16)(sizeof(ip) + sizeof(icmp) + quoted));
    ip.saddr = source;
    ip.daddr = ss_unmap_v4(packet->source);
    sum = bpf_csum_diff(0, 0, (__be32*)&ip, sizeof(ip), 0);
    if (sum < 0) return -1;
    ip.check = ss_fold(sum);
    icmp.mtu = bpf_htonl(mtu & 0xffff);
    if (ss_close(frame, &icmp, sizeof(told), SS_QUOTED_QUARTER_V4, 0)) return -1;
    told.ip = ip;
    told.icmp = icmp;
    start = ss_at(frame, 0, sizeof(told));
    if (!start) return -1;
    __builtin_memcpy(start, &told, sizeof(told));
    return 0;
}

/* False if nobody can or may be told: the packet is shorter than its header says, it cannot be made smaller, or its
 * source is not a single node (RFC 4443, 2.4 e.6; RFC 1122, 3.2.2). */
static __always_inline int ss_may_be_told(const ss_frame* frame, const struct ss_packet* packet) {
    __u32 first;

    if (ss_bytes(frame) < ETH_HLEN + packet->length) return 0;
    if (packet->family == SS_IPV4) {
        first = bpf_ntohl(ss_unmap_v4(packet->source)) >> 24;
        return packet->length > 4 * SS_QUOTED_QUARTER_V4 && first != 0 && first < 224;
    }
    first = *(const __u8*)packet->source;
    return packet->length > SS_LEAST_MTU_V6 && first != 0xff && (packet->source[0] | packet->source[1]);
}

/* How the answer leaves. */
enum ss_answer_by {
    SS_BOUNCE, /* by the interface that the packet came in by, to the neighbor that sent it */
    SS_BACK,   /* at egress: it comes in by the interface that the packet was about to leave by, and is routed */
};

/* Turns what is left of the packet into the answer. */
SS_OWN_FRAME int ss_tell(ss_frame* frame, const struct ss_packet* packet, __u32 mtu, enum ss_answer_by way) {
    const struct ss_node* node = ss_node();
    __be32 source;

    if (!node) return -1;
    if (packet->family == SS_IPV6) return ss_tell_v6(frame, packet, node, mtu);
    /* An address of this node would not be let in. Packets to the destination leave here, so its own are expected here. */
    source = way == SS_BACK ? ss_unmap_v4(packet->destination) : node->source_v4;
    return ss_tell_v4(frame, packet, source, mtu);
}

/* Turns a packet that is too big into the answer to its sender, which can send at most `mtu` bytes. Returns the
 * program's result; the packet is gone either way. */
static __always_inline int ss_tell_too_big(ss_frame* frame, const struct ss_packet* packet, __u32 mtu,
                                           enum ss_answer_by way) {
    __u32 quoted = 4 * (packet->family == SS_IPV4 ? SS_QUOTED_QUARTER_V4 : SS_QUOTED_QUARTER_V6);

    if (!ss_may_be_told(frame, packet) || !ss_may_tell(packet)) return SS_SHOT;
    if (ss_cut(frame, quoted) || ss_tell(frame, packet, mtu, way)) return SS_SHOT;
    ss_count_outcome(SS_OUTCOME_PTB_SENT);
    return way == SS_BACK ? ss_again(frame) : ss_bounce(frame);
}

#endif
