/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A session's state, and the number of protecting sessions that are not up. Both sides of the ABI change them through
 * these functions only.
 *
 * The count is raised before a state is lowered, and lowered after a state was raised. So it is never below the number
 * of protecting sessions that are not up: a repair is never missed, at worst a packet is looked at for nothing.
 */
#ifndef SIDESTEP_SESSION_STATE_H
#define SIDESTEP_SESSION_STATE_H

#include "bpf/lib/portable.h"

/* Lowers the state to `rank` unless it is there already or below. Returns 1 if it was lowered. */
SS_INLINE int ss_state_lower(struct ss_session_state* state, struct ss_repair_state* repair, __u32 rank) {
    __u32 protects = SS_READ(state->protects);
    __u32 current = SS_READ(state->rank);
    int lowered = 0;
    int attempt;

    if (current <= rank) return 0;
    __sync_fetch_and_add(&repair->active, 1);
    for (attempt = 0; attempt < 4 && !lowered && current > rank; attempt++) {
        __u32 seen = __sync_val_compare_and_swap(&state->rank, current, rank);

        lowered = seen == current;
        if (!lowered) current = seen;
    }
    /* Only the step away from SS_UP counts, and only of a protecting session; it may have begun to protect meanwhile.
     */
    protects |= SS_READ(state->protects);
    if (!lowered || current != SS_UP || !protects) __sync_fetch_and_add(&repair->active, (__u32)-1);
    return lowered;
}

/* Raises the state to `rank` if it is still `from`. Returns 1 if it was raised. For the detector alone. */
SS_INLINE int ss_state_raise(struct ss_session_state* state, struct ss_repair_state* repair, __u32 from, __u32 rank) {
    if (__sync_val_compare_and_swap(&state->rank, from, rank) != from) return 0;
    if (state->protects && rank == SS_UP && from != SS_UP) __sync_fetch_and_add(&repair->active, (__u32)-1);
    return 1;
}

/* Makes the session protect something, or cease to. For the detector alone. Should the tick lower the state meanwhile,
 * the count may stay too high by one until the detector counts again. */
SS_INLINE void ss_state_set_protects(struct ss_session_state* state, struct ss_repair_state* repair, __u32 protects) {
    if (!state->protects == !protects) return;
    if (protects) __sync_fetch_and_add(&repair->active, 1);
    SS_WRITE(state->protects, protects);
    __sync_synchronize(); /* the rank is read after the tick can see that the session protects */
    if ((SS_READ(state->rank) == SS_UP) == !!protects) __sync_fetch_and_add(&repair->active, (__u32)-1);
}

#endif
