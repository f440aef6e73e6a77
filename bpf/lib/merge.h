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

#ifdef SS_AT_XDP
#define ss_admit_copy ss_xdp_admit_copy /* as with ss_repair */
#endif

#define SS_COPY_NO_FLOW 3 /* next to those of enum ss_copy */

#define SS_SAMPLES_PER_RESET 1024 /* at most */

/* True if all lists that copies come by have been timed. */
static __always_inline int ss_all_timed(const struct ss_merge* merge, __u64 sampled, __u64 now) {
    __u32 missing = 0;
    __u32 i;

    SS_UNROLL
    for (i = 0; i < SS_MAX_LISTS; i++) {
        __u64 last = SS_READ(merge->way[i].last_ns);

        if (last && now - last < merge->window.reset_ns && !(sampled >> SS_SAMPLED_AT >> i & 1)) missing = 1;
    }
    return !missing;
}

/* Times the copies of one packet after another, by all lists. A copy that comes after `reset_ns` is timed no more. `now` is
 * of the coarse clock: to read the exact one takes as long as the rest of a decision. */
static __always_inline void ss_time_copy(struct ss_merge* merge, struct ss_way* way, __u64 argument, __u32 copy,
                                         __u64 now) {
    struct ss_copy_window* window = &merge->window;
    const __u64 number = argument & ((1ULL << SS_NUMBER_BITS) - 1);
    const __u64 bit = 1ULL << SS_SAMPLED_AT << (argument >> SS_NUMBER_BITS & (SS_MAX_LISTS - 1));
    __u64 sampled = SS_READ(window->sampled);
    __u64 since = SS_READ(window->sampled_ns);
    __u64 age = now > since ? now - since : 0;

    if ((sampled & ((1ULL << SS_SAMPLED_AT) - 1)) == number + 1) {
        if (sampled & bit || age > window->reset_ns) return;
        age = bpf_ktime_get_ns() - since;
        way->behind_ns += age / 8 - way->behind_ns / 8;
        SS_WRITE(window->sampled, sampled | bit);
    } else if (copy == SS_COPY_FIRST && age > window->reset_ns / SS_SAMPLES_PER_RESET &&
               (age > window->reset_ns || ss_all_timed(merge, sampled, now))) {
        way->behind_ns -= way->behind_ns / 8;
        SS_WRITE(window->sampled_ns, bpf_ktime_get_ns());
        SS_WRITE(window->sampled, (number + 1) | bit);
    }
}

/* Called once a copy is counted. What passed before a way began is nothing that it missed; what came too late it has
 * missed, for it protects nobody, and may be forged. */
static __always_inline void ss_note_arrival(struct ss_merge* merge, struct ss_way* way, __u64 now) {
    __u64 last = SS_READ(way->last_ns);
    __u64 packets = 0;
    __u32 i;

    SS_WRITE(way->last_ns, now);
    if (last && (now < last || now - last <= SS_WAY_SILENT_NS)) return;
    SS_UNROLL
    for (i = 0; i < SS_MAX_LISTS; i++) packets += SS_READ(merge->way[i].first);
    SS_WRITE(way->skipped, packets - way->first - way->later);
}

/* So that the detector can name what is refused. */
static __always_inline void ss_note_stray(ss_frame* frame, __u64 sid, __u64 argument, __u64 behind, __u64 now) {
    const __u64 flow = argument >> (64 - SS_FLOW_BITS);
    __u32 index = flow % SS_STRAYS;
    struct ss_stray* stray = bpf_map_lookup_elem(&ss_strays, &index);
    __u64 source[2] = {};

    if (!stray || ss_load(frame, ETH_HLEN + offsetof(struct ipv6hdr, saddr), source, sizeof(source))) return;
    if (SS_READ(stray->flow) != flow || now - SS_READ(stray->last_ns) > SS_STRAY_PAUSE_NS)
        SS_WRITE(stray->since_ns, now);
    SS_WRITE(stray->sid, sid);
    SS_WRITE(stray->flow, flow);
    SS_WRITE(stray->list, argument >> SS_NUMBER_BITS & (SS_MAX_LISTS - 1));
    SS_WRITE(stray->behind, behind);
    SS_WRITE(stray->source[0], source[0]);
    SS_WRITE(stray->source[1], source[1]);
    SS_WRITE(stray->last_ns, now);
}

/* Decides on a copy by the halves of the SID that it came to, and counts it. Returns enum ss_copy or SS_COPY_NO_FLOW. */
SS_VERIFIED_ONCE int ss_admit_copy(ss_frame* frame, __u64 sid, __u64 argument) {
    __u64 number = argument & ((1ULL << SS_NUMBER_BITS) - 1);
    __u32 flow = argument >> (64 - SS_FLOW_BITS);
    struct ss_merge* merge = bpf_map_lookup_elem(&ss_merges, &flow);
    struct ss_window_view view = {.merge = merge};
    __u64 now = bpf_ktime_get_coarse_ns();
    struct ss_way* way;
    __u32 copy;

    if (!merge) {
        ss_note_stray(frame, sid, argument, 0, now);
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
        __s64 ahead = ss_ahead(SS_READ(merge->window.newest), number + SS_READ(merge->window.offset), SS_NUMBER_BITS);

        if (ahead < 0) ss_note_stray(frame, sid, argument, (__u64)-ahead, now);
        __sync_fetch_and_add(&way->too_old, 1);
        ss_count_outcome(SS_OUTCOME_STALE_COPY);
    }
    ss_note_arrival(merge, way, now);
    ss_time_copy(merge, way, argument, copy, now);
    return copy;
}

#endif
