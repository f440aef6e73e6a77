/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The one place that picks a candidate path: the best rank wins, the earlier one among equals. The includer says how a
 * word and a candidate are looked up (in the kernel: the maps; in user space: their memory) by defining, before this
 * file, `struct ss_view` and
     const struct ss_word* ss_view_word(const struct ss_view* view, __u32 index);
     const struct ss_candidate* ss_view_candidate(const struct ss_view* view, __u32 index);
 * which return null for what does not exist.
 */
#ifndef SIDESTEP_PICK_H
#define SIDESTEP_PICK_H

#include "bpf/lib/portable.h"

/* A usable candidate is as good as the worst of its sessions; without sessions it is up. */
SS_INLINE __u32 ss_candidate_rank(const struct ss_view* view, const struct ss_candidate* candidate) {
    __u32 rank = candidate->mode == SS_MODE_UNUSABLE ? (__u32)SS_DOWN : (__u32)SS_UP;
    __u32 i;

    for (i = 0; i < SS_MAX_CANDIDATE_SESSIONS && i < candidate->sessions; i++) {
        const struct ss_word* word = ss_view_word(view, candidate->session[i]);
        __u32 own = word ? SS_READ(word->rank) : (__u32)SS_DOWN;

        if (own < rank) rank = own;
    }
    return rank;
}

/* The candidate that packets of this policy take now, or null when all are down; its index goes to *chosen. */
SS_INLINE const struct ss_candidate* ss_pick(const struct ss_view* view, const struct ss_policy* policy,
                                             __u32* chosen) {
    const struct ss_candidate* best = 0;
    __u32 best_rank = SS_DOWN;
    __u32 i;

    for (i = 0; i < SS_MAX_CANDIDATES && i < policy->count; i++) {
        const struct ss_candidate* candidate = ss_view_candidate(view, policy->candidate[i]);
        __u32 rank;

        if (!candidate) continue;
        rank = ss_candidate_rank(view, candidate);
        if (rank <= best_rank) continue;
        best = candidate;
        best_rank = rank;
        *chosen = policy->candidate[i];
        if (rank == SS_UP) break;
    }
    return best;
}

#endif
