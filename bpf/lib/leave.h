/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The last step of a repair in tc programs: may the packet take this way, does it fit, and off it goes. */
#ifndef SIDESTEP_LEAVE_H
#define SIDESTEP_LEAVE_H

#include "bpf/lib/push.h"
#include "bpf/lib/sid.h"
#include "bpf/lib/steer.h"
#include "bpf/lib/too_big.h"

static __always_inline int ss_pass_because(__u32 stats, __u32 drop) {
    ss_count_drop(stats, drop);
    return SS_PASS;
}

/* True if this node encapsulated the packet before and it came back, or it carries as many repairs as it may. */
static __always_inline int ss_looped(const struct ss_packet* packet, enum ss_asker asker) {
    const struct ss_steering* steering = ss_steering();

    if (packet->repairs >= SS_MAX_REPAIRS) return 1;
    if (asker != SS_TRANSIT || packet->family != SS_IPV6) return 0;
    if (packet->protocol != SS_NEXT_ROUTING && packet->protocol != SS_NEXT_IPV6 && packet->protocol != SS_NEXT_IPV4)
        return 0;
    return steering && ss_same_address(packet->source, steering->source);
}

/* What the list adds to the packet. */
static __always_inline __u32 ss_overhead(const struct ss_list* list) {
    return list->mode == SS_MODE_ENCAPS || list->mode == SS_MODE_INSERT ? (__u32)list->header_length - ETH_HLEN : 0;
}

/* Sends the packet by `way`. Returns the program's result. `visit`: what SIDs of ours do to it before, or null. */
static __always_inline int ss_leave(struct __sk_buff* skb, struct ss_packet* packet, enum ss_asker asker,
                                    const struct ss_visit* visit, const struct ss_way* way) {
    const struct ss_list* list = way->list;
    __u32 hops = asker == SS_TRANSIT; /* the kernel has counted this hop of what it routed */

    if (packet->hop_limit <= hops) return ss_pass_because(way->stats, SS_DROP_HOP_LIMIT);
    if (ss_looped(packet, asker)) return ss_pass_because(way->stats, SS_DROP_LOOPED);
    if (list->mode == SS_MODE_INSERT && ss_not_insertable(packet)) {
        return ss_pass_because(way->stats, SS_DROP_NOT_POSSIBLE);
    }
    if (!skb->gso_size && packet->length + ss_overhead(list) > list->mtu) {
        ss_count_drop(way->stats, SS_DROP_TOO_BIG);
        return asker == SS_TRANSIT ? ss_tell_too_big(skb, packet, list->mtu - ss_overhead(list)) : TC_ACT_SHOT;
    }
    if (visit && visit->visits && ss_apply_visit(skb, packet, visit)) goto failed;
    if (hops && ss_decrement(skb, packet)) goto failed;
    if (ss_push(skb, packet, list, packet->hop_limit - hops)) goto failed;
    ss_count_taken(way->stats, packet->length);
    return bpf_redirect(list->ifindex, 0);

failed:
    ss_count_drop(way->stats, SS_DROP_PUSH_FAILED);
    return TC_ACT_SHOT;
}

#endif
