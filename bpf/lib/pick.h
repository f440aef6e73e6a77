/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The one place that picks: the best candidate path of a policy, the earlier one among equals, and one of its segment
 * lists for a flow. The file that includes this one defines how session states, candidates and lists are looked up (in
 * the kernel: in the maps; in user space: in their memory). Before the #include, it defines `struct ss_view` and
     const struct ss_session_state* ss_view_state(const struct ss_view* view, __u32 index);
     const struct ss_candidate* ss_view_candidate(const struct ss_view* view, __u32 index);
     const struct ss_list* ss_view_list(const struct ss_view* view, __u32 index);
 * which return null for an index that does not exist.
 */
#ifndef SIDESTEP_PICK_H
#define SIDESTEP_PICK_H

#include "bpf/lib/portable.h"

/* The result of ss_pick(). position is SS_MAX_CANDIDATES if all candidates are down. */
struct ss_picked {
    __u32 position;
    __u32 rank;
};

/* A usable list is as good as the worst of its sessions; a list without sessions is up. */
SS_VERIFIED_ONCE __u32 ss_list_rank(const struct ss_view* view, __u32 index) {
    const struct ss_list* list = ss_view_list(view, index);
    __u32 rank = SS_UP;
    __u32 i;

    if (!list || list->mode == SS_MODE_UNUSABLE) return SS_DOWN;
    for (i = 0; i < SS_MAX_LIST_SESSIONS && i < list->sessions; i++) {
        const struct ss_session_state* state = ss_view_state(view, list->session[i]);
        __u32 own = state ? SS_READ(state->rank) : (__u32)SS_DOWN;

        if (own < rank) rank = own;
    }
    return rank;
}

/* A candidate path is as good as the best of its lists (RFC 9256, 5.1: valid with one valid list). */
SS_VERIFIED_ONCE __u32 ss_candidate_rank(const struct ss_view* view, __u32 index) {
    const struct ss_candidate* candidate = ss_view_candidate(view, index);
    __u32 best = SS_DOWN;
    __u32 i;

    if (!candidate) return SS_DOWN;
    for (i = 0; i < SS_MAX_LISTS && i < candidate->lists; i++) {
        __u32 rank = ss_list_rank(view, candidate->list[i].list);

        if (rank > best) best = rank;
    }
    return best;
}

/* The best candidate of a policy, starting at position `from`. */
SS_INLINE struct ss_picked ss_pick(const struct ss_view* view, const struct ss_policy* policy, __u32 from) {
    struct ss_picked best = {.position = SS_MAX_CANDIDATES, .rank = SS_DOWN};
    __u32 i;

    for (i = 0; i < SS_MAX_CANDIDATES; i++) {
        __u32 rank;

        if (i < from || i >= policy->count) continue;
        rank = ss_candidate_rank(view, policy->candidate[i]);
        if (rank <= best.rank) continue;
        best.position = i;
        best.rank = rank;
        if (rank == SS_UP) break;
    }
    return best;
}

/* The position of the list at `point` on the scale of weights, without the lists whose bits are set in `passed`. */
SS_INLINE __u32 ss_list_at(const struct ss_candidate* candidate, __u32 point, __u32 passed) {
    __u32 chosen = 0;
    __u32 i;

    SS_UNROLL
    for (i = 0; i < SS_MAX_LISTS; i++) {
        if (i >= candidate->lists) break;
        if (passed >> i & 1) continue;
        chosen = i;
        if (point < candidate->list[i].weight) break;
        point -= candidate->list[i].weight;
    }
    return chosen;
}

/*
 * The list of this candidate that a flow takes, among those at least as good as `rank`, the candidate's own. Each flow
 * has its own order of the lists, drawn by weight without replacement, and takes the first usable one. The order does
 * not depend on states, so a flow moves only when its list dies, and the flows of a dead list are shared out by weight.
 */
SS_VERIFIED_ONCE __u32 ss_draw(const struct ss_view* view, const struct ss_candidate* candidate, __u32 rank,
                               __u32 flow) {
    __u32 passed = 0;
    __u32 weight, i;

    if (!candidate) return 0; /* for the verifier */
    if (candidate->lists <= 1) return candidate->list[0].list;
    weight = candidate->weight;
    SS_UNROLL
    for (i = 0; i < SS_MAX_LISTS && i < candidate->lists; i++) {
        __u32 at = ss_list_at(candidate, (__u32)((__u64)flow * weight >> 32), passed);

        if (ss_list_rank(view, candidate->list[at].list) >= rank) return candidate->list[at].list;
        passed |= 1U << at;
        weight -= candidate->list[at].weight;
        flow = (flow ^ flow >> 16) * 0x85ebca6bU + 0x9e3779b9U; /* the next draw of this flow */
    }
    return candidate->list[0].list;
}

#endif
