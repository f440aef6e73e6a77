/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A session's word and the gate that counts closed words. Both sides of the ABI change them through these functions
 * only.
 *
 * The gate is raised before a word is lowered and lowered after a word was raised, so at every moment it counts at
 * least the gating words that are not up: a repair is never missed, at worst a packet is looked at for nothing.
 */
#ifndef SIDESTEP_WORD_H
#define SIDESTEP_WORD_H

#include "bpf/lib/portable.h"

/* Lowers the word to `rank` unless it is there already or below. Returns 1 if it was lowered. */
SS_INLINE int ss_word_lower(struct ss_word* word, struct ss_gate* gate, __u32 rank) {
    __u32 gates = SS_READ(word->gates);
    __u32 current = SS_READ(word->rank);
    int lowered = 0;
    int attempt;

    if (current <= rank) return 0;
    __sync_fetch_and_add(&gate->closed, 1);
    for (attempt = 0; attempt < 4 && !lowered && current > rank; attempt++) {
        __u32 seen = __sync_val_compare_and_swap(&word->rank, current, rank);

        lowered = seen == current;
        if (!lowered) current = seen;
    }
    /* Only the step away from SS_UP closes the gate, and only for a word that gates; it may have begun to meanwhile. */
    gates |= SS_READ(word->gates);
    if (!lowered || current != SS_UP || !gates) __sync_fetch_and_add(&gate->closed, (__u32)-1);
    return lowered;
}

/* Raises the word to `rank` if it is still `from`. Returns 1 if it was raised. For the detector alone. */
SS_INLINE int ss_word_raise(struct ss_word* word, struct ss_gate* gate, __u32 from, __u32 rank) {
    if (__sync_val_compare_and_swap(&word->rank, from, rank) != from) return 0;
    if (word->gates && rank == SS_UP && from != SS_UP) __sync_fetch_and_add(&gate->closed, (__u32)-1);
    return 1;
}

/* Makes the word gate, or cease to. For the detector alone. Should the tick lower the word meanwhile, the gate may stay
 * too high by one until the detector counts anew. */
SS_INLINE void ss_word_set_gating(struct ss_word* word, struct ss_gate* gate, __u32 gates) {
    if (!word->gates == !gates) return;
    if (gates) __sync_fetch_and_add(&gate->closed, 1);
    SS_WRITE(word->gates, gates);
    __sync_synchronize(); /* the rank is read after the tick can see that the word gates */
    if ((SS_READ(word->rank) == SS_UP) == !!gates) __sync_fetch_and_add(&gate->closed, (__u32)-1);
}

#endif
