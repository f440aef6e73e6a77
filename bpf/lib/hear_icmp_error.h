/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A router on a repair's path that cannot pass on what this node encapsulated says so to the outer source, which is this
 * node. The detector is told: it knows the lists. To a Packet Too Big it holds them (RFC 8201; RFC 2473, 7.1), and the
 * inner sender learns of it with its next packet that is too big (bpf/lib/too_big.h). Others it reports (RFC 4443, 3).
 */
#ifndef SIDESTEP_HEAR_ICMP_ERROR_H
#define SIDESTEP_HEAR_ICMP_ERROR_H

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
SS_OWN_FRAME int ss_hear_icmp_error(ss_frame* frame, const struct ss_packet* packet) {
    __u32 at = packet->upper_at & SS_MOST_AT;
    const __u32 quoted_at = at + sizeof(struct ss_icmp);
    struct ss_icmp_error_event* event;
    struct ss_icmp icmp;
    __u32 quoted;

    if (ss_load(frame, at, &icmp, sizeof(icmp))) return 0;
    if (!icmp.type || icmp.type > SS_ICMPV6_PARAMETER_PROBLEM) return 0;
    if (!ss_take_token(icmp.type == SS_ICMPV6_TOO_BIG ? SS_BUCKET_TOO_BIG_HEARD : SS_BUCKET_OTHERS_HEARD,
                       SS_HEARD_PER_SECOND, SS_HEARD_BURST))
        return 0;
    event = bpf_ringbuf_reserve(&ss_events, sizeof(*event), 0);
    if (!event) return 0;
    __builtin_memset(event, 0, sizeof(*event)); /* few packets that are not too big are as long as `quoted` */
    event->type = SS_EVENT_ICMP_ERROR;
    event->icmp_type = icmp.type;
    event->icmp_code = icmp.code;
    event->mtu = bpf_ntohl(icmp.mtu);
    __builtin_memcpy(event->from, packet->source, sizeof(event->from));
    quoted = ss_bytes(frame);
    SS_KEEP(quoted); /* no arithmetic on the two pointers before their difference is taken */
    quoted -= quoted_at;
    if (quoted > sizeof(event->quoted)) quoted = sizeof(event->quoted);
    if (!SS_WITHIN(quoted, sizeof(struct ipv6hdr), sizeof(event->quoted)) ||
        ss_load(frame, quoted_at, event->quoted, quoted)) {
        bpf_ringbuf_discard(event, 0);
        return 0;
    }
    bpf_ringbuf_submit(event, 0);
    return 1;
}

#endif
