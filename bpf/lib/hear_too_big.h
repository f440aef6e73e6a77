/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A router on a repair's path that cannot pass on what this node encapsulated says so to the outer source, which is this
 * node. The detector is told: it knows the lists, and holds them to that size (RFC 8201; RFC 2473, 7.1). The inner sender
 * learns of it with its next packet that is too big (bpf/lib/too_big.h).
 */
#ifndef SIDESTEP_HEAR_TOO_BIG_H
#define SIDESTEP_HEAR_TOO_BIG_H

#include "bpf/lib/bucket.h"
#include "bpf/lib/lookup.h"
#include "bpf/lib/parse.h"
#include "bpf/lib/too_big.h"

#define SS_HEARD_PER_SECOND 20
#define SS_HEARD_BURST 20

/* True for ICMPv6 to our source address, as far as the parsed packet shows. */
static __always_inline int ss_may_be_about_ours(const struct ss_packet* packet) {
    const struct ss_node* node = ss_node();

    return packet->upper == IPPROTO_ICMPV6 && node && ss_same_address(packet->destination, node->source);
}

/* The kernel gets the packet, too. */
SS_OWN_FRAME int ss_hear_too_big(ss_frame* frame, const struct ss_packet* packet) {
    __u32 at = packet->upper_at & SS_MOST_AT;
    struct ss_too_big_event* event;
    struct ss_icmp icmp;

    if (ss_load(frame, at, &icmp, sizeof(icmp)) || icmp.type != SS_ICMPV6_TOO_BIG) return 0;
    if (!ss_take_token(SS_BUCKET_HEARD, SS_HEARD_PER_SECOND, SS_HEARD_BURST)) return 0;
    event = bpf_ringbuf_reserve(&ss_events, sizeof(*event), 0);
    if (!event) return 0;
    event->type = SS_EVENT_TOO_BIG;
    event->mtu = bpf_ntohl(icmp.mtu);
    if (ss_load(frame, at + sizeof(icmp), event->quoted, sizeof(event->quoted))) {
        bpf_ringbuf_discard(event, 0); /* no packet that was too big is that short */
        return 0;
    }
    bpf_ringbuf_submit(event, 0);
    return 1;
}

#endif
