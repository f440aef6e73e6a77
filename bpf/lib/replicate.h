/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sends a packet of a hitless policy once by each list of its candidate that is up (docs/hitless.md). All copies carry
 * the same number in the argument of their last SID, and each the index of its list.
 */
#ifndef SIDESTEP_REPLICATE_H
#define SIDESTEP_REPLICATE_H

#include "bpf/lib/decap.h"
#include "bpf/lib/push.h"
#include "bpf/lib/steer.h"

#define SS_ARGUMENT_AT 8 /* bytes of locator and function in a SID with an argument */

#ifdef SS_AT_XDP
/* The programs are linked into one object, and these take different frames. */
#define ss_wrap_copy ss_wrap_copy_xdp
#define ss_replicate ss_replicate_xdp
#endif

struct ss_copying {
    __u64 number; /* with the flow: the argument of list 0 */
    __u32 hash;
    __u32 candidate;
    __u32 up;   /* the lists by which copies leave, as bits */
    __u32 worn; /* bytes of the outer header that the packet has from the copy before; 0: none */
};

/* Writes the argument into the last SID of the list: the last entry of the path is the first in the SRH (RFC 8754, 2). */
static __always_inline int ss_write_argument(ss_frame* frame, const struct ss_list* list, __u64 argument) {
    const struct ss_srh* srh = (const void*)(list->header + SS_BEHIND_IPV6);
    __be64* at;

    if (list->srh_offset) {
        at = ss_at(frame, SS_BEHIND_IPV6 + sizeof(*srh) + SS_ARGUMENT_AT, sizeof(*at));
        if (!at) return -1;
        *at = bpf_cpu_to_be64(argument);
        if (srh->segments_left) return 0;
    }
    at = ss_at(frame, SS_BEHIND_IPV6 - 16 + SS_ARGUMENT_AT, sizeof(*at));
    if (!at) return -1;
    *at = bpf_cpu_to_be64(argument);
    return 0;
}

/* Gives the packet the header of the candidate's list `i`, in place of that of the copy before. Returns the interface
 * that it leaves by, or 0 if that failed and the packet is damaged. */
SS_VERIFIED_ONCE __u32 ss_wrap_copy(ss_frame* frame, const struct ss_packet* packet, struct ss_copying* copying,
                                    __u32 i) {
    const struct ss_candidate* candidate = copying ? ss_entry(&ss_candidates, copying->candidate) : 0;
    const struct ss_list* list;
    __u32 overhead;

    if (!packet || !copying || !candidate) return 0;
    i &= SS_MAX_LISTS - 1;
    list = ss_entry(&ss_lists, candidate->list[i].list);
    if (!list) return 0;
    overhead = (__u32)list->header_length - ETH_HLEN;
    if (!SS_WITHIN(overhead, (__u32)sizeof(struct ipv6hdr), SS_HEADER_MAX - ETH_HLEN)) return 0;
    if (!copying->worn && ss_add_outer(frame, overhead)) return 0;
    if (copying->worn && copying->worn != overhead && ss_resize_outer(frame, copying->worn, overhead)) return 0;
    copying->worn = overhead;
    if (ss_write_outer(frame, packet, list, packet->hop_limit, copying->hash)) return 0;
    return ss_write_argument(frame, list, copying->number | (__u64)i << SS_NUMBER_BITS) ? 0 : list->ifindex;
}

/* The lists of the candidate by which copies leave, as bits. */
SS_VERIFIED_ONCE __u32 ss_lists_up(__u32 index) {
    const struct ss_candidate* candidate = ss_entry(&ss_candidates, index);
    __u32 up = 0;
    __u32 i;

    if (!candidate) return 0;
    for (i = 0; i < SS_MAX_LISTS && i < candidate->lists; i++) {
        const struct ss_list* list = ss_entry(&ss_lists, candidate->list[i].list);

        SS_KEEP(i);
        if (!list || list->mode != SS_MODE_ENCAPS) continue;
        if (ss_list_rank(0, candidate->list[i].list) != SS_DOWN) up |= 1U << i;
    }
    return up;
}

/*
 * True for what a node of the SR domain may have encapsulated, since inside may be a copy, and copies are not replicated,
 * or a probe of another node: anything with an SRH, and any tunnel unless its outer source is known to be outside the
 * domain.
 */
static __always_inline int ss_may_be_copy(const struct ss_packet* packet) {
    const struct ss_node* node = ss_node();

    if (packet->family != SS_IPV6) return 0;
    if (packet->upper != SS_NEXT_IPV6 && packet->upper != SS_NEXT_IPV4) return packet->srh_at != 0;
    if (!node || !node->domains || ss_same_address(packet->source, node->source)) return 1;
    return ss_source_in_domain(packet);
}

#ifdef SS_AT_XDP
#include "bpf/lib/copies_xdp.h"
#else
#include "bpf/lib/copies_tc.h"
#endif

/* Sends a packet that has passed the checks of ss_transmit() by all lists of a hitless candidate. Returns the program's
 * result. */
SS_VERIFIED_ONCE int ss_replicate(ss_frame* frame, struct ss_packet* packet, __u32 index, __u32 stats) {
    const struct ss_candidate* candidate = ss_entry(&ss_candidates, index);
    const struct ss_list* list = candidate ? ss_entry(&ss_lists, candidate->list[0].list) : 0;
    struct ss_sender* sender = list ? ss_entry(&ss_senders, list->flow) : 0;
    const __u32 splitter = ss_splitter_for(frame);
    struct ss_copying copying = {.candidate = index, .up = ss_lists_up(index)};
    __u32 why_not = SS_DROP_NO_CANDIDATE;

    if (splitter) return ss_send(frame, splitter);
    if (packet && sender && copying.up) /* segments of what is not split would all have one number */
        why_not = ss_gso_size(frame) ? SS_DROP_CANNOT_NUMBER : SS_DROP_COUNT;
    if (why_not != SS_DROP_COUNT || !packet || !list || !sender) {
        ss_count_drop(stats, why_not);
        return SS_SHOT;
    }
    copying.hash = ss_flow_hash(packet); /* the kernel's costs as much as half a copy, and says no more */
    copying.number = __sync_fetch_and_add(&sender->next, 1) & ((1ULL << SS_NUMBER_BITS) - 1);
    copying.number |= (__u64)list->flow << (64 - SS_FLOW_BITS);
    return ss_send_copies(frame, packet, &copying, stats);
}

#endif
