/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A session's state, and the number of protecting sessions that are not up. Kernel and user space change them through
 * these functions only.
 *
 * Rank and `protects` change as one 64-bit word, by compare-and-swap. So the one who changes it knows which step it was
 * and counts exactly that one: at rest, the count is exact, whatever changed at once. The count goes up before the
 * state changes, and down after. So it is never below the number of protecting sessions that are not up: no repair is
 * missed; at worst, a packet is looked at for nothing.
 */
#ifndef SIDESTEP_SESSION_STATE_H
#define SIDESTEP_SESSION_STATE_H

#include "bpf/lib/portable.h"

#define SS_STATE_ATTEMPTS 4

SS_INLINE int ss_state_counts(struct ss_session_state state) {
    return state.protects && state.rank != SS_UP;
}

/* Both fields as they were at one moment. */
SS_INLINE struct ss_session_state ss_state_read(const struct ss_session_state* at) {
    __u64 both = SS_READ(*(const ss_word*)at);
    struct ss_session_state state;

    __builtin_memcpy(&state, &both, sizeof(state));
    return state;
}

/*
 * Replaces *seen by `wanted` and keeps the count right. Returns 1, or 0 after setting *seen to what is there instead.
 */
SS_INLINE int ss_state_replace(struct ss_session_state* at, struct ss_repair_state* repair,
                               struct ss_session_state* seen, struct ss_session_state wanted) {
    int before = ss_state_counts(*seen);
    int after = ss_state_counts(wanted);
    __u64 old, new_, found;

    __builtin_memcpy(&old, seen, sizeof(old));
    __builtin_memcpy(&new_, &wanted, sizeof(new_));
    if (after && !before) __sync_fetch_and_add(&repair->active, 1);
    found = __sync_val_compare_and_swap((ss_word*)at, old, new_);
    if (found == old) {
        if (before && !after) __sync_fetch_and_add(&repair->active, (__u32)-1);
        return 1;
    }
    if (after && !before) __sync_fetch_and_add(&repair->active, (__u32)-1);
    __builtin_memcpy(seen, &found, sizeof(*seen));
    return 0;
}

/* Lowers the state to `rank` unless it is already as low. Returns 1 if it was lowered. Gives up if others keep changing
 * the state: the next tick lowers it. */
SS_INLINE int ss_state_lower(struct ss_session_state* state, struct ss_repair_state* repair, __u32 rank) {
    struct ss_session_state seen = ss_state_read(state);
    __u32 attempt;

    for (attempt = 0; attempt < SS_STATE_ATTEMPTS; attempt++) {
        struct ss_session_state wanted = {.rank = rank, .protects = seen.protects};

        SS_KEEP(attempt);
        if (seen.rank <= rank) return 0;
        if (ss_state_replace(state, repair, &seen, wanted)) return 1;
    }
    return 0;
}

/* Raises the state to `rank` if it is still `from`. Returns 1 if it was raised. Only the detector calls this. */
SS_INLINE int ss_state_raise(struct ss_session_state* state, struct ss_repair_state* repair, __u32 from, __u32 rank) {
    struct ss_session_state seen = ss_state_read(state);
    struct ss_session_state wanted = {.rank = rank, .protects = seen.protects};

    return seen.rank == from && ss_state_replace(state, repair, &seen, wanted);
}

/* Sets whether the session protects something. Only the detector calls this. Only the tick program can interfere, and
 * it can lower the state at most twice. */
SS_INLINE void ss_state_set_protects(struct ss_session_state* state, struct ss_repair_state* repair, __u32 protects) {
    struct ss_session_state seen = ss_state_read(state);

    while (!seen.protects != !protects) {
        struct ss_session_state wanted = {.rank = seen.rank, .protects = protects};

        if (ss_state_replace(state, repair, &seen, wanted)) return;
    }
}

#endif
