/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A part of bpf/lib/replicate.h: copies at tc. The packet is cloned for all of them but the last. */
#ifndef SIDESTEP_COPIES_TC_H
#define SIDESTEP_COPIES_TC_H

static __always_inline int ss_can_copy(const ss_frame* frame, __u32 candidate) {
    (void)frame, (void)candidate;
    return 1;
}

/* The interface that makes segments of a GSO packet; 0: the packet is to be handled here. Behind the splitter there are
 * none, so none can go round. */
static __always_inline __u32 ss_splitter_for(const ss_frame* frame) {
    const struct ss_node* node = ss_node();

    return node && ss_gso_size(frame) && frame->ifindex != node->splitter_exit ? node->splitter : 0;
}

static __always_inline int ss_send_copies(ss_frame* frame, const struct ss_packet* packet, struct ss_copying* copying,
                                          __u32 stats) {
    __u32 i;

    ss_settle(frame); /* the copies, too: a list is chosen here, not at egress */
    for (i = 0; i < SS_MAX_LISTS; i++) {
        __u32 ifindex;

        SS_KEEP(i);
        if (!(copying->up >> (i & 31) & 1)) continue;
        ifindex = ss_wrap_copy(frame, packet, copying, i);
        if (!ifindex) break;
        if (!(copying->up >> (i & 31) >> 1)) { /* the last one */
            ss_count_taken(stats, packet->length);
            return ss_send(frame, ifindex);
        }
        if (bpf_clone_redirect(frame, ifindex, 0) < 0) ss_count_drop(stats, SS_DROP_PUSH_FAILED);
    }
    ss_count_drop(stats, SS_DROP_PUSH_FAILED);
    return SS_SHOT;
}

#endif
