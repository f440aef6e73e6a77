/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What all reflectors have in common: whom they answer, and how a packet is turned into its answer. An answer is never
 * longer than the packet, and no answer is answered: neither a flood nor a forged sender gets more out of this node than
 * went in (docs/reflectors.md).
 */
#ifndef SIDESTEP_REFLECT_H
#define SIDESTEP_REFLECT_H

#include "bpf/lib/bucket.h"
#include "bpf/lib/fib.h"
#include "bpf/lib/lookup.h"
#include "bpf/lib/maps.h"
#include "bpf/lib/parse.h"
#include "bpf/lib/sid.h"
#include "bpf/lib/sound.h"
#include "bpf/lib/steer.h"

#define SS_REFLECTED_HOP_LIMIT 255 /* RFC 8762, 4.3; RFC 7881, 5 */
#define SS_LEAST_USER_PORT 1024

static __always_inline const struct ss_reflectors* ss_reflectors(void) {
    return ss_entry(&ss_reflector_sets, 0);
}

static __always_inline const struct ss_reflector* ss_reflector(__u32 kind) {
    const struct ss_reflectors* all = ss_reflectors();

    return all ? &all->of[kind & 1] : 0;
}

/* True if the packet goes to the port of that reflector. The reflector decides whether it is for it. */
static __always_inline int ss_is_reflected(const struct ss_packet* packet, __u32 kind) {
    const struct ss_repair_state* repair = ss_entry(&ss_repair_states, 0);

    return repair && packet->upper == IPPROTO_UDP && packet->port[1] &&
           packet->port[1] == SS_READ(repair->reflects[kind & 1]);
}

/* True if the reflector answers for this address of the node, given in its two halves. */
SS_VERIFIED_ONCE int ss_answers_at(__u64 high, __u64 low, __u32 kind) {
    const struct ss_reflector* reflector = ss_reflector(kind);
    __u32 i;

    if (!reflector) return 0;
    for (i = 0; i < SS_MAX_REFLECTED && i < reflector->addresses; i++) {
        SS_KEEP(i);
        if (reflector->address[i & (SS_MAX_REFLECTED - 1)][0] == high &&
            reflector->address[i & (SS_MAX_REFLECTED - 1)][1] == low)
            return 1;
    }
    return 0;
}

/* True if a sender with this address is answered. */
SS_VERIFIED_ONCE int ss_is_answered(__u64 high, __u64 low, __u32 kind) {
    const struct ss_reflector* reflector = ss_reflector(kind);
    __u32 i;

    if (!reflector) return 0;
    for (i = 0; i < SS_MAX_DOMAIN && i < reflector->sources; i++) {
        const __u64* mask = reflector->source[i & (SS_MAX_DOMAIN - 1)].mask;
        const __u64* wanted = reflector->source_address[i & (SS_MAX_DOMAIN - 1)];

        SS_KEEP(i);
        if ((high & mask[0]) == wanted[0] && (low & mask[1]) == wanted[1]) return 1;
    }
    return 0;
}

/* True if the source may be that of a single other node (RFC 4291, 2; RFC 1122, 3.2.1.3). */
static __always_inline int ss_is_one_node(const struct ss_packet* packet) {
    const __u8 first = packet->family == SS_IPV4 ? ((const __u8*)packet->source)[12] : *(const __u8*)packet->source;

    if (packet->family == SS_IPV4) return first && first != 127 && first < 224;
    return first != 0xff && (packet->source[0] || (bpf_be64_to_cpu(packet->source[1]) > 1));
}

/*
 * True if an answer might be answered in turn: the packet comes from the port of a service or of another reflector, or
 * claims to be from this node. So do this node's own probes, whose session is gone.
 */
static __always_inline int ss_may_loop(const struct ss_packet* packet, const struct ss_reflector* reflector,
                                       __u32 kind) {
    const __u32 from = bpf_ntohs(packet->port[0]);
    const struct ss_node* node = ss_node();

    if (from < SS_LEAST_USER_PORT || packet->port[0] == reflector->port) return 1;
    if (from == SS_SBFD_PORT || from == SS_BFD_PORT || from == SS_ECHO_PORT || from == SS_BFD_MULTIHOP_PORT) return 1;
    if (!node || ss_same_address(packet->source, node->source) || !ss_is_one_node(packet)) return 1;
    return ss_answers_at(packet->source[0], packet->source[1], kind);
}

/* True if nothing but at most an SRH with no segments left is before UDP, and the packet is whole and not fragmented. */
static __always_inline int ss_is_plain_datagram(ss_frame* frame, const struct ss_packet* packet) {
    struct ss_srh srh;

    if (ss_gso_size(frame) || !ss_is_sound(frame, packet)) return 0;
    if (packet->family == SS_IPV4) return packet->upper_at == ETH_HLEN + sizeof(struct iphdr);
    if (!packet->srh_at) return packet->upper_at == SS_SRH_AT;
    if (packet->srh_at != SS_SRH_AT || ss_load(frame, SS_SRH_AT, &srh, sizeof(srh))) return 0;
    return !srh.segments_left && packet->upper_at == SS_SRH_AT + ss_srh_bytes(&srh);
}

#define SS_NOT_OURS (-1)

/* 0: the packet is to be answered; SS_NOT_OURS: it is for nobody here; else the reason to drop it, plus 1. */
static __always_inline int ss_admit(ss_frame* frame, const struct ss_packet* packet, __u32 kind) {
    const struct ss_reflector* reflector = ss_reflector(kind);

    if (!reflector || !ss_answers_at(packet->destination[0], packet->destination[1], kind)) return SS_NOT_OURS;
    if (!ss_is_plain_datagram(frame, packet)) return SS_NOT_OURS;
    if (ss_may_loop(packet, reflector, kind)) return SS_REJECT_REFLECT_LOOP + 1;
    if (!ss_is_answered(packet->source[0], packet->source[1], kind)) return SS_REJECT_REFLECT_SOURCE + 1;
    return 0;
}

/* To be asked last, because it counts. */
static __always_inline int ss_may_answer(__u32 kind) {
    const struct ss_reflector* reflector = ss_reflector(kind);

    if (!reflector || !reflector->per_second) return 0;
    return ss_take_token(SS_BUCKET_REFLECTORS + (kind & 1), reflector->per_second, reflector->burst);
}

/* How an answer leaves. */
struct ss_way_back {
    struct ethhdr eth;
    __u16 pad;
    __u32 ifindex;
};

/* To where the packet came from. */
static __always_inline int ss_bounce_back(ss_frame* frame, struct ss_way_back* way) {
    struct ethhdr came;

    if (ss_load(frame, 0, &came, sizeof(came))) return -1;
    __builtin_memcpy(way->eth.h_dest, came.h_source, ETH_ALEN);
    __builtin_memcpy(way->eth.h_source, came.h_dest, ETH_ALEN);
    way->eth.h_proto = came.h_proto;
    way->ifindex = ss_ifindex(frame);
    return 0;
}

/*
 * The way back as the FIB has it, or else to where the packet came from, which is also right where this node does not
 * forward. Returns 0; -1 if this hook cannot send there, or not to both; 1 if the FIB forbids it.
 */
SS_OWN_FRAME int ss_find_way_back(ss_frame* frame, const struct ss_packet* packet, struct ss_way_back* way) {
    struct bpf_fib_lookup fib = {};
    long result;

    if (!ss_can_bounce(frame) || ss_bounce_back(frame, way)) return -1;
    if (packet->family == SS_IPV6 && ss_link_local(packet->source)) return 0;
    fib.ifindex = way->ifindex;
    fib.l4_protocol = IPPROTO_UDP;
    fib.sport = packet->port[1];
    fib.dport = packet->port[0];
    if (packet->family == SS_IPV4) {
        fib.family = SS_AF_INET;
        fib.ipv4_src = ss_unmap_v4(packet->destination);
        fib.ipv4_dst = ss_unmap_v4(packet->source);
    } else {
        fib.family = SS_AF_INET6;
        __builtin_memcpy(fib.ipv6_src, packet->destination, sizeof(fib.ipv6_src));
        __builtin_memcpy(fib.ipv6_dst, packet->source, sizeof(fib.ipv6_dst));
    }
    result = bpf_fib_lookup(frame, &fib, sizeof(fib), 0);
    if (result == BPF_FIB_LKUP_RET_BLACKHOLE || result == BPF_FIB_LKUP_RET_UNREACHABLE ||
        result == BPF_FIB_LKUP_RET_PROHIBIT)
        return 1;
    if (result != BPF_FIB_LKUP_RET_SUCCESS) return 0;
    __builtin_memcpy(way->eth.h_dest, fib.dmac, ETH_ALEN);
    __builtin_memcpy(way->eth.h_source, fib.smac, ETH_ALEN);
    way->ifindex = fib.ifindex;
    return ss_can_send(frame, way->ifindex, 0) ? 0 : -1;
}

/* A change of a byte at `offset` of what a checksum covers, added to the difference `sum`. */
static __always_inline __u32 ss_sum_byte(__u32 sum, __u32 offset, __u8 before, __u8 after) {
    __u8 old[4] = {}, new[4] = {};

    old[0] = offset & 1 ? 0 : before;
    old[1] = offset & 1 ? before : 0;
    new[0] = offset & 1 ? 0 : after;
    new[1] = offset & 1 ? after : 0;
    return (__u32)bpf_csum_diff((__be32*)old, sizeof(old), (__be32*)new, sizeof(new), sum);
}

static __always_inline void ss_turn_ports(struct udphdr* udp, const struct ss_packet* packet) {
    udp->source = packet->port[1];
    udp->dest = packet->port[0];
}

/* Writes IP header and ports of the answer. */
static __always_inline int ss_turn_ipv6(ss_frame* frame, const struct ss_packet* packet) {
    struct ipv6hdr* ip;

    if (packet->srh_at) {
        __u32 srh = packet->upper_at - SS_SRH_AT;

        if (!SS_WITHIN(srh, 8, 8 + 8 * 255) || ss_remove_srh(frame, srh)) return -1;
    }
    ip = ss_at(frame, ETH_HLEN, sizeof(*ip) + sizeof(struct udphdr));
    if (!ip) return -1;
    __builtin_memcpy(&ip->saddr, packet->destination, sizeof(ip->saddr));
    __builtin_memcpy(&ip->daddr, packet->source, sizeof(ip->daddr));
    ip->hop_limit = SS_REFLECTED_HOP_LIMIT;
    ip->nexthdr = IPPROTO_UDP;
    ip->payload_len = bpf_htons((__u16)(packet->length + ETH_HLEN - packet->upper_at));
    *(__be32*)ip &= bpf_htonl(~(3U << 20)); /* the sender's DSCP, and no ECN */
    ss_turn_ports((struct udphdr*)(ip + 1), packet);
    return 0;
}

static __always_inline int ss_turn_ipv4(ss_frame* frame, const struct ss_packet* packet) {
    struct iphdr* ip = ss_at(frame, ETH_HLEN, sizeof(*ip) + sizeof(struct udphdr));
    __s64 sum;

    if (!ip) return -1;
    ip->saddr = ss_unmap_v4(packet->destination);
    ip->daddr = ss_unmap_v4(packet->source);
    ip->ttl = SS_REFLECTED_HOP_LIMIT;
    ip->tos &= ~3;
    ip->check = 0;
    sum = bpf_csum_diff(0, 0, (__be32*)ip, sizeof(*ip), 0);
    if (sum < 0) return -1;
    ip->check = ss_fold(sum);
    ss_turn_ports((struct udphdr*)(ip + 1), packet);
    return 0;
}

/*
 * Sends the answer, whose UDP payload is written already: `changed` is what that did to the checksum. Returns the
 * program's result.
 */
SS_OWN_FRAME int ss_send_answer(ss_frame* frame, const struct ss_packet* packet, const struct ss_way_back* way,
                                __u32 changed) {
    __u32 check_at = packet->family == SS_IPV4 ? ETH_HLEN + sizeof(struct iphdr) : SS_SRH_AT;
    void* eth;

    if (packet->family == SS_IPV4 ? ss_turn_ipv4(frame, packet) : ss_turn_ipv6(frame, packet)) return SS_SHOT;
    eth = ss_at(frame, 0, sizeof(way->eth));
    if (!eth) return SS_SHOT;
    __builtin_memcpy(eth, &way->eth, sizeof(way->eth));
    check_at += __builtin_offsetof(struct udphdr, check);
    if (ss_change_checksum(frame, check_at, changed)) return SS_SHOT;
    return ss_send(frame, way->ifindex);
}

static __always_inline int ss_reflect_refuse(int reason) {
    ss_count((__u32)reason - 1);
    return SS_SHOT;
}

#endif
