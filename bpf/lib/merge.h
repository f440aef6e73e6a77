/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A merging SID: finds the window of a copy's flow, and counts per list what came first, later and too late. */
#ifndef SIDESTEP_MERGE_H
#define SIDESTEP_MERGE_H

#include "bpf/lib/maps.h"
#include "bpf/lib/portable.h"

struct ss_window_view {
    struct ss_merge* merge;
};

static __always_inline __u64* ss_window_word(const struct ss_window_view* view, __u32 index) {
    SS_KEEP(index);
    return &view->merge->word[index & (SS_MAX_WINDOW_WORDS - 1)];
}

#include "bpf/lib/sequence_window.h"

#define SS_COPY_NO_FLOW 3 /* next to those of enum ss_copy */

/* Times the copies of one packet after another. */
static __always_inline void ss_time_copy(struct ss_merge* merge, struct ss_way* way, __u32 copy, __u64 number,
                                         __u64 now) {
    struct ss_copy_window* window = &merge->window;
    __u64 sampled = SS_READ(window->sampled);
    __u64 since = SS_READ(window->sampled_ns);

    if (copy == SS_COPY_FIRST && (!sampled || now - since > window->reset_ns)) {
        SS_WRITE(window->sampled_ns, now);
        SS_WRITE(window->sampled, number + 1);
    } else if (copy == SS_COPY_LATER && sampled == number + 1 && now > since) {
        way->behind_ns += (now - since) / 8 - way->behind_ns / 8;
        SS_WRITE(window->sampled, 0);
    }
}

/* Decides on a copy by the argument of the SID that it came to, and counts it. Returns enum ss_copy or SS_COPY_NO_FLOW. */
SS_VERIFIED_ONCE int ss_merge(__u64 argument) {
    __u64 number = argument & ((1ULL << SS_NUMBER_BITS) - 1);
    __u32 flow = argument >> (64 - SS_FLOW_BITS);
    struct ss_merge* merge = bpf_map_lookup_elem(&ss_merges, &flow);
    struct ss_window_view view = {.merge = merge};
    __u64 now = bpf_ktime_get_ns();
    struct ss_way* way;
    __u32 copy;

    if (!merge) {
        ss_count_outcome(SS_OUTCOME_NO_FLOW);
        return SS_COPY_NO_FLOW;
    }
    way = &merge->way[argument >> SS_NUMBER_BITS & (SS_MAX_LISTS - 1)];
    copy = ss_pass_once(&view, &merge->window, number, now);
    if (copy == SS_COPY_FIRST) {
        __sync_fetch_and_add(&way->first, 1);
    } else if (copy == SS_COPY_LATER) {
        __sync_fetch_and_add(&way->later, 1);
        ss_count_outcome(SS_OUTCOME_LATER_COPY);
    } else {
        __sync_fetch_and_add(&way->too_old, 1);
        ss_count_outcome(SS_OUTCOME_STALE_COPY);
    }
    ss_time_copy(merge, way, copy, number, now);
    return copy;
}

#endif
