/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tells first copies of packets from later ones: vector recovery of IEEE 802.1CB, 7.4.3.4, without locks. Pure. The
 * file that includes this one defines where the words of a window are; before the #include, it defines
 * `struct ss_window_view` and
     __u64* ss_window_word(const struct ss_window_view* view, __u32 index);
 * which returns null for an index that does not exist.
 *
 * A window has numbers of its own, which never wrap and never go back: a packet's number plus an offset. When a sender
 * begins anew behind its old numbers, the offset changes so that it goes on ahead of them. So the history never has to
 * be cleared, and a processor that is late with an old packet can do no harm.
 *
 * Each word is a block of SS_BLOCK_BITS numbers: the block's own number, then one bit per packet that has passed. A
 * block replaces the one that is as many blocks older as the window has words, and a word changes as a whole. So each
 * number passes once, whatever other processors do.
 */
#ifndef SIDESTEP_SEQUENCE_WINDOW_H
#define SIDESTEP_SEQUENCE_WINDOW_H

#include "bpf/lib/sequence_number.h"

/* What becomes of a copy. */
enum ss_copy {
    SS_COPY_FIRST,   /* goes on */
    SS_COPY_LATER,   /* dropped: another one has passed */
    SS_COPY_TOO_OLD, /* dropped: behind the window, so nobody knows; or not believed */
};

/* The distance from one number to another, of those that wrap at `bits`. */
SS_INLINE __s64 ss_ahead(__u64 from, __u64 to, __u32 bits) {
    return (__s64)((to - from) << (64 - bits)) >> (64 - bits);
}

/* True if no number of the flow has passed for so many times `reset_ns`. */
SS_INLINE int ss_window_is_silent(const struct ss_copy_window* window, __u64 now, __u64 resets) {
    __u64 last = SS_READ(window->last_ns);

    return !last || (now > last && now - last > window->reset_ns * resets);
}

#define SS_KNOWN_RESETS 8

/* True if the window knows that the number has passed. */
SS_INLINE int ss_has_passed(const struct ss_window_view* view, const struct ss_copy_window* window, __u64 own) {
    const __u64* word = ss_window_word(view, (__u32)(own / SS_BLOCK_BITS) & (window->words - 1));
    __u64 was = word ? SS_READ(*word) : 0;

    return was >> SS_BLOCK_BITS == own / SS_BLOCK_BITS % (1ULL << (64 - SS_BLOCK_BITS)) &&
           was >> own % SS_BLOCK_BITS & 1;
}

/* True if a sender may have begun anew with a number that is not ahead of all others. One that has passed is rather a
 * late copy, if the silence was not much longer than `reset_ns`. */
SS_INLINE int ss_begins_anew(const struct ss_window_view* view, const struct ss_copy_window* window, __u64 own,
                             __u64 now) {
    if (!ss_window_is_silent(window, now, 1)) return 0;
    return ss_window_is_silent(window, now, SS_KNOWN_RESETS) || !ss_has_passed(view, window, own);
}

/*
 * The window's own number for a packet's `number`. After a silence, a number that is not ahead of all others is put
 * ahead of them, by a new offset. Of several processors that try, one succeeds and the others use its offset.
 */
SS_INLINE __u64 ss_own_number(const struct ss_window_view* view, struct ss_copy_window* window, __u64 number,
                              __u64 now) {
    __u64 newest = SS_READ(window->newest);
    __u64 offset = SS_READ(window->offset);
    __s64 ahead = ss_ahead(newest, number + offset, SS_NUMBER_BITS);

    if (ahead <= 0 && ss_begins_anew(view, window, newest + (__u64)ahead, now)) {
        __u64 wanted = newest + (__u64)window->words * SS_BLOCK_BITS + SS_BLOCK_BITS - number;
        __u64 found = __sync_val_compare_and_swap(&window->offset, offset, wanted);

        ahead = ss_ahead(newest, number + (found == offset ? wanted : found), SS_NUMBER_BITS);
    }
    return newest + (__u64)ahead;
}

/* Marks a number as passed, if none of its copies has and its block is still known. Other processors can change the
 * word in between at most as often as it has bits, plus once for a newer block. */
SS_INLINE enum ss_copy ss_mark_passed(__u64* word, __u64 own) {
    __u64 block = own / SS_BLOCK_BITS << SS_BLOCK_BITS; /* as in the word */
    __u64 bit = 1ULL << own % SS_BLOCK_BITS;
    __u64 was = SS_READ(*word);
    __u32 attempt;

    for (attempt = 0; attempt <= SS_BLOCK_BITS + 1; attempt++) {
        __u64 known = was >> SS_BLOCK_BITS << SS_BLOCK_BITS;
        __u64 found;

        SS_KEEP(attempt);
        if (known == block && was & bit) return SS_COPY_LATER;
        if ((__s64)(known - block) > 0) return SS_COPY_TOO_OLD;
        found = __sync_val_compare_and_swap(word, was, (known == block ? was : block) | bit);
        if (found == was) return SS_COPY_FIRST;
        was = found;
    }
    return SS_COPY_TOO_OLD;
}

/* Moves `newest` up to this number, unless another processor has moved it further. If this many were quicker, all but
 * the last few of the window's numbers are still known. */
SS_INLINE void ss_raise_window(struct ss_copy_window* window, __u64 own) {
    __u64 was = SS_READ(window->newest);
    __u32 attempt;

    for (attempt = 0; attempt <= SS_BLOCK_BITS && was < own; attempt++) {
        __u64 found = __sync_val_compare_and_swap(&window->newest, was, own);

        SS_KEEP(attempt);
        if (found == was) break;
        was = found;
    }
}

/* True if a number is so far ahead that it would make others too old that may still come. */
SS_INLINE int ss_is_far_ahead(const struct ss_copy_window* window, __u64 own) {
    return (__s64)(own - SS_READ(window->newest)) > ((__s64)window->words - 1) * SS_BLOCK_BITS;
}

/*
 * True if such a number can be one of the flow. A single one that was forged or damaged must not be believed: another one
 * near it has to follow, such as the second copy of the same packet, before one that fits what has passed. After a
 * silence, any is the next one, and those near it are as good.
 */
SS_INLINE int ss_believes(struct ss_copy_window* window, __u64 own, __u64 now) {
    const __s64 size = (__s64)window->words * SS_BLOCK_BITS;
    const int silent = ss_window_is_silent(window, now, 1);
    const __u64 doubted = SS_READ(window->doubted);
    const __s64 apart = (__s64)(own - doubted);

    SS_WRITE(window->doubted, own);
    return silent || (doubted && apart < size && -apart < size);
}

/* Decides on a copy of the packet `number` of this window's flow. `now` in nanoseconds, never 0. */
SS_INLINE enum ss_copy ss_pass_once(const struct ss_window_view* view, struct ss_copy_window* window, __u64 number,
                                    __u64 now) {
    __u64 own = ss_own_number(view, window, number, now);
    __u64 size = (__u64)window->words * SS_BLOCK_BITS;
    enum ss_copy copy;
    __u64* word;
    int far;

    if ((__s64)(SS_READ(window->newest) - own) >= (__s64)size) return SS_COPY_TOO_OLD;
    word = ss_window_word(view, (__u32)(own / SS_BLOCK_BITS) & (window->words - 1));
    far = ss_is_far_ahead(window, own);
    if (!word || (far && !ss_believes(window, own, now))) return SS_COPY_TOO_OLD;
    copy = ss_mark_passed(word, own);
    if (copy != SS_COPY_FIRST) return copy;
    if (!far && SS_READ(window->doubted)) SS_WRITE(window->doubted, 0); /* the flow has gone on */
    SS_WRITE(window->last_ns, now); /* first: who finds this number the newest must not find the window silent */
    ss_raise_window(window, own);
    return copy;
}

#endif
