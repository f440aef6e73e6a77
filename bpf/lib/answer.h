/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What an answered probe leaves behind: the window of answers and the round-trip times. Pure. */
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

    /* floor(log2(microseconds)), by halves */
    if (microseconds >> 16) bucket += 16, microseconds >>= 16;
    if (microseconds >> 8) bucket += 8, microseconds >>= 8;
    if (microseconds >> 4) bucket += 4, microseconds >>= 4;
    if (microseconds >> 2) bucket += 2, microseconds >>= 2;
    if (microseconds >> 1) bucket += 1;
    rx->rtt_histogram[bucket & (SS_RTT_BUCKETS - 1)]++;
}

/*
 * Records the answer to probe `sequence`. Returns 0, or the reason why it counts for nothing, plus 1.
 *
 * Ages are counted back from the last probe sent, unsigned: the newest answer may be older than half the sequence space
 * when a link comes back after weeks, and must not look as if it lay ahead.
 */
SS_INLINE __u32 ss_record_answer(struct ss_session_rx* rx, __u32 last_sent, __u32 sequence, __u64 now, __u64 sent_ns) {
    __u32 age = last_sent - sequence;
    __u32 newest_age = last_sent - rx->newest;

    if (ss_sequence_diff(last_sent, sequence) < 0) return SS_REJECT_NOT_SENT + 1;
    if (age < newest_age) {
        __u32 ahead = newest_age - age;

        rx->window = ahead < SS_WINDOW_BITS ? rx->window << ahead | 1 : 1;
        SS_WRITE(rx->newest, sequence);
    } else if (age - newest_age >= SS_WINDOW_BITS) {
        return SS_REJECT_TOO_OLD + 1;
    } else {
        __u64 bit = 1ULL << ((age - newest_age) & (SS_WINDOW_BITS - 1));

        if (rx->window & bit) return SS_REJECT_REPLAYED + 1;
        rx->window |= bit;
    }
    ss_record_rtt(rx, now > sent_ns ? now - sent_ns : 0);
    rx->last_answer_ns = now;
    rx->answered++;
    return 0;
}

/*
 * Records that a neighbor's probe passed: it meets every expectation of a passive session so far. Two expectations may
 * fall between two probes whose spacing wavers, so one that was skipped is no loss.
 */
SS_INLINE void ss_record_passing(struct ss_session* session, __u64 now) {
    struct ss_session_rx* rx = &session->rx;
    __u32 expected = SS_READ(session->tx.sequence);
    __u32 ahead = expected - rx->newest;

    if (ahead == 2) {
        rx->window = rx->window << 2 | 3;
    } else if (ahead) {
        rx->window = ahead < SS_WINDOW_BITS ? rx->window << ahead | 1 : 1;
    }
    SS_WRITE(rx->newest, expected);
    rx->last_answer_ns = now;
    rx->answered++;
}

#endif
