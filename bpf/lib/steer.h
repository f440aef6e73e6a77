/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From a packet to the candidate path that it takes now: gate, prefix, policy, pick. Every entry point asks here. */
#ifndef SIDESTEP_STEER_H
#define SIDESTEP_STEER_H

#include "bpf/lib/maps.h"
#include "bpf/lib/parse.h"

struct ss_view {
    char none; /* the maps are global */
};

static __always_inline const struct ss_word* ss_view_word(const struct ss_view* view, __u32 index) {
    (void)view;
    return ss_entry(&ss_words, index);
}

static __always_inline const struct ss_candidate* ss_view_candidate(const struct ss_view* view, __u32 index) {
    (void)view;
    return ss_entry(&ss_candidates, index);
}

#include "bpf/lib/pick.h"

/* True while every session that protects something is up: the common case. */
static __always_inline int ss_all_well(void) {
    struct ss_gate* gate = ss_entry(&ss_gates, 0);

    return !gate || (SS_READ(gate->closed) == 0 && gate->held == 0);
}

static __always_inline const void* ss_pass_because(__u32 outcome) {
    ss_count(SS_REJECT_COUNT + outcome);
    return 0;
}

/*
 * The backup that a packet for `address` (16 bytes) has to take now; null to leave it to the kernel. Counts why.
 * `bytes` go to the candidate's statistics.
 */
static __always_inline const struct ss_candidate* ss_steer(const void* address, __u32 bytes) {
    struct ss_prefix key = {.length = 128};
    const struct ss_candidate* candidate;
    struct ss_candidate_stats* stats;
    struct ss_policy* policy;
    __u32 chosen = 0;
    __u32* id;

    __builtin_memcpy(key.address, address, sizeof(key.address));
    id = bpf_map_lookup_elem(&ss_prefixes, &key);
    if (!id) return ss_pass_because(SS_OUTCOME_NO_POLICY);
    if (*id == SS_POLICY_EXEMPT) return ss_pass_because(SS_OUTCOME_EXEMPT);
    policy = ss_entry(&ss_policies, *id);
    if (!policy) return ss_pass_because(SS_OUTCOME_NO_POLICY);
    candidate = ss_pick(0, policy, &chosen);
    if (!candidate) return ss_pass_because(SS_OUTCOME_NO_CANDIDATE);
    if (candidate->mode == SS_MODE_PLAIN) return ss_pass_because(SS_OUTCOME_PLAIN);
    stats = ss_entry(&ss_stats, chosen);
    if (stats) {
        stats->packets++;
        stats->bytes += bytes;
        stats->last_ns = bpf_ktime_get_ns();
    }
    return candidate;
}

#endif
