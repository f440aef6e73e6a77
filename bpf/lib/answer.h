/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Records an answered probe: the window of answers and the round-trip times. Pure. */
#ifndef SIDESTEP_ANSWER_H
#define SIDESTEP_ANSWER_H

#include "bpf/lib/portable.h"

#define SS_WINDOW_BITS 64

/* RFC 6298, 2: smoothed with gain 1/8, variation with gain 1/4. */
SS_INLINE void ss_record_rtt(struct ss_session_rx* rx, __u64 rtt) {
    __u64 microseconds = rtt / 1000;
    __u32 bucket = 0;
    __u64 off;

    rx->rtt_ns = rtt;
    if (rx->answered == 0) {
        rx->smoothed_rtt_ns = rtt;
        rx->rtt_variation_ns = rtt / 2;
    } else {
        off = rtt > rx->smoothed_rtt_ns ? rtt - rx->smoothed_rtt_ns : rx->smoothed_rtt_ns - rtt;
        rx->rtt_variation_ns += off / 4 - rx->rtt_variation_ns / 4;
        rx->smoothed_rtt_ns += rtt / 8 - rx->smoothed_rtt_ns / 8;
    }
    SS_WRITE(rx->allowance_ns, rx->smoothed_rtt_ns + 4 * rx->rtt_variation_ns);

    /* floor(log2(microseconds)) by bisection */
    if (microseconds >> 16) bucket += 16, microseconds >>= 16;
    if (microseconds >> 8) bucket += 8, microseconds >>= 8;
    if (microseconds >> 4) bucket += 4, microseconds >>= 4;
    if (microseconds >> 2) bucket += 2, microseconds >>= 2;
    if (microseconds >> 1) bucket += 1;
    rx->rtt_histogram[bucket & (SS_RTT_BUCKETS - 1)]++;
}

/*
 * Which probes were answered. Each word of `seen` is a block of SS_SEEN_BITS probes: the block's number (sequence /
 * SS_SEEN_BITS), then one bit per probe, the last probe lowest. A block replaces the one SS_SEEN_WORDS before it, and a
 * word changes as a whole: answers on several CPUs at once neither lose each other nor bring an old block back.
 */
SS_INLINE __u64 ss_seen_bits(const struct ss_session_rx* rx, __u64 block) {
    __u64 word = SS_READ(rx->seen[block & (SS_SEEN_WORDS - 1)]);

    return word >> SS_SEEN_BITS == block ? word & ((1U << SS_SEEN_BITS) - 1) : 0;
}

/* The 64 probes up to `newest`. Bit i is set if probe newest - i was answered. */
SS_INLINE __u64 ss_window(const struct ss_session_rx* rx, __u64 newest) {
    __u64 block = newest / SS_SEEN_BITS;
    __u32 place = newest % SS_SEEN_BITS;

    return ss_seen_bits(rx, block) >> (SS_SEEN_BITS - 1 - place) | ss_seen_bits(rx, block - 1) << (place + 1) |
           ss_seen_bits(rx, block - 2) << (place + 17) | ss_seen_bits(rx, block - 3) << (place + 33) |
           ss_seen_bits(rx, block - 4) << (place + 48) << 1;
}

/* Marks a probe as answered. Returns 0, or the reason to ignore the answer, plus 1. Other CPUs can change the word in
 * between at most as often as it has bits. */
SS_INLINE __u32 ss_mark_answered(struct ss_session_rx* rx, __u64 sequence) {
    __u64 block = sequence / SS_SEEN_BITS;
    __u64 bit = 1ULL << (SS_SEEN_BITS - 1 - sequence % SS_SEEN_BITS);
    __u64* word = &rx->seen[block & (SS_SEEN_WORDS - 1)];
    __u64 was = SS_READ(*word);
    __u32 attempt;

    for (attempt = 0; attempt <= SS_SEEN_BITS; attempt++) {
        __u64 wanted = (was >> SS_SEEN_BITS == block ? was : block << SS_SEEN_BITS) | bit;
        __u64 found;

        SS_KEEP(attempt);
        if (was >> SS_SEEN_BITS > block) break;
        if (was == wanted) return SS_REJECT_REPLAYED + 1;
        found = __sync_val_compare_and_swap(word, was, wanted);
        if (found == was) return 0;
        was = found;
    }
    return SS_REJECT_TOO_OLD + 1;
}

/* Moves `newest` up to this probe, unless another CPU has moved it further. The probe's bit is set first. */
SS_INLINE void ss_raise_newest(struct ss_session_rx* rx, __u64 sequence) {
    __u64 was = SS_READ(rx->newest);
    __u32 attempt;

    for (attempt = 0; attempt <= SS_SEEN_BITS && was < sequence; attempt++) {
        __u64 found = __sync_val_compare_and_swap(&rx->newest, was, sequence);

        SS_KEEP(attempt);
        if (found == was) break;
        was = found;
    }
}

/* The full number of the probe that carries these low bits, or 0 if none was sent within the last 2^31 probes. */
SS_INLINE __u64 ss_whole_sequence(__u64 last_sent, __u32 carried) {
    __u32 age = (__u32)last_sent - carried;

    return age < 1U << 31 && age < last_sent ? last_sent - age : 0;
}

/* True if the probe left 2^32 probes before the one that it seems to be. Each of those took an interval. */
SS_INLINE int ss_is_lapped(const struct ss_session* session, __u64 now, __u64 sent_ns) {
    return now > sent_ns && (now - sent_ns) >> 31 > session->conf.interval_ns;
}

/*
 * Records the answer to the probe that carries the number `carried` and the time `sent_ns`. Returns 0, or the reason to
 * ignore the answer, plus 1.
 */
SS_INLINE __u32 ss_record_answer(struct ss_session* session, __u32 carried, __u64 now, __u64 sent_ns) {
    struct ss_session_rx* rx = &session->rx;
    __u64 sequence = ss_whole_sequence(SS_READ(session->tx.sequence), carried);
    __u32 reason;

    if (!sequence) return SS_REJECT_NOT_SENT + 1;
    if (sequence + SS_WINDOW_BITS <= SS_READ(rx->newest)) return SS_REJECT_TOO_OLD + 1;
    if (ss_is_lapped(session, now, sent_ns)) return SS_REJECT_TOO_OLD + 1;
    reason = ss_mark_answered(rx, sequence);
    if (reason) return reason;
    ss_raise_newest(rx, sequence);
    ss_record_rtt(rx, now > sent_ns ? now - sent_ns : 0);
    rx->last_answer_ns = now;
    rx->answered++;
    return 0;
}

/*
 * Records that a neighbor's probe passed: it meets all expectations of a passive session so far. Two expectations may
 * fall between two probes whose spacing varies, so a skipped one is no loss.
 */
SS_INLINE void ss_record_passing(struct ss_session* session, __u64 now) {
    struct ss_session_rx* rx = &session->rx;
    __u64 expected = SS_READ(session->tx.sequence);

    if (expected == SS_READ(rx->newest) + 2) ss_mark_answered(rx, expected - 1);
    ss_mark_answered(rx, expected);
    ss_raise_newest(rx, expected);
    rx->last_answer_ns = now;
    rx->answered++;
}

#endif
