/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The last step of a repair: checks that the packet may take the path and fits, and sends it. */
#ifndef SIDESTEP_TRANSMIT_H
#define SIDESTEP_TRANSMIT_H

#include "bpf/lib/decap.h"
#include "bpf/lib/push.h"
#include "bpf/lib/replicate.h"
#include "bpf/lib/sid.h"
#include "bpf/lib/sound.h"
#include "bpf/lib/steer.h"
#include "bpf/lib/too_big.h"

static __always_inline int ss_pass_because(ss_frame* frame, __u32 stats, __u32 drop) {
    ss_count_drop(stats, drop);
    ss_settle(frame);
    return SS_PASS;
}

#define SS_MAX_NESTED 4 /* nested tunnels that are looked into */

/* True if an inner header has our source address, or if more tunnels are nested than anybody would on purpose: repairs
 * without SRH carry no count. */
static __always_inline int ss_ours_inside(ss_frame* frame, const struct ss_packet* packet, const struct ss_node* node) {
    __u64 walked = SS_WALKED(packet->upper, packet->upper_at, 0);
    __u64 ip[3]; /* up to and including the source address */
    __u32 i;

    for (i = 0; i < SS_MAX_NESTED; i++) {
        if (ss_walked_upper(walked) != SS_NEXT_IPV6) return 0;
        if (ss_load(frame, ss_walked_upper_at(walked), ip, sizeof(ip))) return 0;
        if (ss_same_address(ip + 1, node->source)) return 1;
        walked = ss_walk(frame, ss_walked_upper_at(walked) + sizeof(struct ipv6hdr), ((const __u8*)ip)[6]);
    }
    return 1;
}

/* True if this node encapsulated the packet before and it came back, or if it carries the maximum number of repairs. */
static __always_inline int ss_is_loop(ss_frame* frame, const struct ss_packet* packet, enum ss_hook hook) {
    const struct ss_node* node = ss_node();

    if (packet->repairs >= SS_MAX_REPAIRS) return 1;
    if ((hook != SS_TRANSIT && hook != SS_EGRESS) || packet->family != SS_IPV6) return 0;
    if (!node || !ss_may_visit(packet)) return 0;
    if (hook == SS_EGRESS && !frame->ingress_ifindex) return 0; /* from this node itself, with its address inside */
    /* At egress our address may be that of the kernel's own tunnels. What came back as ours was settled at ingress. */
    if (hook == SS_TRANSIT && ss_same_address(packet->source, node->source)) return 1;
    return ss_ours_inside(frame, packet, node);
}

static __always_inline int ss_same_mac(const __u8* a, const __u8* b) {
    __u32 differ = 0;
    int i;

    SS_UNROLL
    for (i = 0; i < ETH_ALEN; i++) differ |= a[i] ^ b[i];
    return !differ;
}

/*
 * True if a list without segments would send the packet back to the neighbor that it came from. That one either expects
 * it to go on from here, or has repaired it the same way: it would come again, and again. On a LAN another neighbor is
 * fine; who sent what the kernel has routed is not known any more.
 */
static __always_inline int ss_is_u_turn(const ss_frame* frame, const struct ss_list* list, enum ss_hook hook) {
    const struct ethhdr* eth;

    if (list->mode != SS_MODE_FORWARD && (list->mode != SS_MODE_PLAIN || hook == SS_DEVICE)) return 0;
    if (frame->ingress_ifindex != list->ifindex) return 0;
    if (hook != SS_TRANSIT) return 1;
    eth = ss_at(frame, 0, sizeof(*eth));
    return !eth || ss_same_mac(eth->h_source, list->header);
}

/* Encapsulation overhead of the list. */
static __always_inline __u32 ss_overhead(const struct ss_list* list) {
    return list->mode == SS_MODE_ENCAPS || list->mode == SS_MODE_INSERT ? (__u32)list->header_length - ETH_HLEN : 0;
}

/* Length of the packets that a GSO packet will be split into; 0 if they cannot be told. */
static __always_inline __u32 ss_segment_length(const ss_frame* frame, const struct ss_packet* packet, __u32 gso_size) {
    const __u8* offset;

    if (packet->upper == IPPROTO_UDP) return packet->upper_at - ETH_HLEN + sizeof(struct udphdr) + gso_size;
    if (packet->upper != IPPROTO_TCP) return 0;
    offset = ss_at(frame, (packet->upper_at & SS_MOST_AT) + 12, 1);
    return offset ? packet->upper_at - ETH_HLEN + (*offset >> 4 << 2) + gso_size : 0;
}

/* True if the packet does not fit with the header of the list. Segments of TCP are made smaller by that header. */
static __always_inline int ss_is_too_big(const ss_frame* frame, const struct ss_packet* packet,
                                         const struct ss_list* list) {
    __u32 gso_size = ss_gso_size(frame);
    __u32 overhead = ss_overhead(list);

    if (!gso_size) return packet->length + overhead > list->mtu;
    if (packet->upper == IPPROTO_TCP && !list->flow) overhead = 0; /* hitless: split before they get it */
    return ss_segment_length(frame, packet, gso_size) + overhead > list->mtu;
}

/*
 * At egress: tells the sender. A tunnel that begins at this node, such as that of a route with `encap seg6`, is taken off
 * before, because nobody here would tell the sender of the packet inside.
 */
SS_OWN_FRAME int ss_tell_back(ss_frame* frame, struct ss_packet* packet, __u32 mtu) {
    __u32 outer = packet->upper_at - ETH_HLEN;
    const int v4 = packet->upper == SS_NEXT_IPV4;

    if (packet->family == SS_IPV6 && (v4 || packet->upper == SS_NEXT_IPV6) && ss_source_is_here(frame, packet)) {
        if (!SS_WITHIN(outer, sizeof(struct ipv6hdr), SS_MOST_OUTER) || mtu <= outer) return SS_SHOT;
        if (ss_remove_outer(frame, outer, v4 ? SS_IPV4 : SS_IPV6)) return SS_SHOT;
        if (v4 ? ss_read_ipv4(frame, ETH_HLEN, packet) : ss_read_ipv6(frame, ETH_HLEN, packet)) return SS_SHOT;
        mtu -= outer;
    }
    return ss_tell_too_big(frame, packet, mtu, SS_BACK);
}

/* Sends the packet by `path`. Returns the program's result. `visit` is what SIDs of ours do to it first, or null. */
static __always_inline int ss_transmit(ss_frame* frame, struct ss_packet* packet, enum ss_hook hook,
                                       const struct ss_visit* visit, const struct ss_path* path) {
    const struct ss_list* list = path->list;
    __u32 hops = hook == SS_TRANSIT; /* the kernel has already counted this hop for packets that it routed */

    if (path->observed && SS_TC_FOLLOWS) return SS_PASS;                       /* and counts it */
    if (list->flow && !ss_can_copy(frame, list->candidate)) return SS_PASS;    /* at tc it can */
    if (!ss_can_send(frame, list->ifindex, ss_overhead(list))) return SS_PASS; /* XDP cannot send it; tc can */
    if (hook == SS_TRANSIT && !ss_is_sound(frame, packet)) {
        ss_count_outcome(SS_OUTCOME_MALFORMED);
        return SS_PASS;
    }
    if (packet->hop_limit <= hops) return ss_pass_because(frame, path->stats, SS_DROP_HOP_LIMIT);
    if (ss_is_loop(frame, packet, hook)) return ss_pass_because(frame, path->stats, SS_DROP_LOOP);
    if (list->flow && ss_may_be_copy(packet)) return ss_pass_because(frame, path->stats, SS_DROP_SECOND_COPY);
    if (ss_is_u_turn(frame, list, hook)) return ss_pass_because(frame, path->stats, SS_DROP_U_TURN);
    if (list->mode == SS_MODE_INSERT && ss_insert_at(frame, packet) == SS_CANNOT_INSERT) {
        return ss_pass_because(frame, path->stats, SS_DROP_CANNOT_INSERT);
    }
    if (path->observed && hook != SS_DEVICE) return ss_pass_because(frame, path->stats, SS_DROP_OBSERVED);
    if (ss_is_too_big(frame, packet, list)) {
        if (hook == SS_TRANSIT && !ss_can_bounce(frame)) return SS_PASS;
        ss_count_drop(path->stats, SS_DROP_TOO_BIG);
        if (hook == SS_TRANSIT) return ss_tell_too_big(frame, packet, list->mtu - ss_overhead(list), SS_BOUNCE);
        return hook == SS_EGRESS ? ss_tell_back(frame, packet, list->mtu - ss_overhead(list)) : SS_SHOT;
    }
    if (visit && visit->visits && ss_apply_visit(frame, packet, visit)) goto failed;
    if (hops && ss_decrement(frame, packet)) goto failed;
    if (list->flow) {
        packet->hop_limit -= hops;
        return ss_replicate(frame, packet, list->candidate, path->stats);
    }
    if (ss_push(frame, packet, list, packet->hop_limit - hops)) goto failed;
    ss_count_taken(path->stats, packet->length);
    return ss_send(frame, list->ifindex);

failed:
    ss_count_drop(path->stats, SS_DROP_PUSH_FAILED);
    return SS_SHOT;
}

#endif
