/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Judges a session: is it dead, alive, or not yet proven? Pure: it reads what was sent, what came back, and `now`.
 *
 * Unanswered probes make a session dead, never elapsed time alone. Let n be the newest probe answered. Probe n +
 * multiplier is the accused one: when it was sent, multiplier probes in a row had been sent without an answer newer
 * than n. The session is dead once the accused probe was really sent, has had its time to return (the allowance), and
 * still nothing newer than n came back. A stalled clock sends nothing, so it accuses nobody; a loss of fewer than
 * multiplier probes in a row is forgiven. The proof is in docs/liveness.md.
 */
#ifndef SIDESTEP_JUDGE_H
#define SIDESTEP_JUDGE_H

#include "bpf/lib/answer.h"
#include "bpf/lib/portable.h"

/* If a device refuses this many times multiplier probes in a row, it has no carrier or is down. The factor is more than
 * one because a full queue also refuses probes; they use the highest priority band to avoid that. */
#define SS_UNSENT_FACTOR 4

struct ss_judgement {
    __u32 verdict;    /* enum ss_verdict */
    __u64 accused;    /* the probe that decides, if dead or suspected */
    __u64 revisit_ns; /* suspected: dead from this time on, unless an answer comes back; else 0 */
};

/* Time that a probe of this session gets to return, in nanoseconds. */
SS_INLINE __u64 ss_allowance(const struct ss_session* session) {
    __u64 measured = SS_READ(session->rx.allowance_ns);
    __u64 least = session->conf.allowance_ns;

    return measured > least ? measured : least;
}

/* When the probe `sequence` left. If the ring no longer holds it, it left at least one interval before each probe that
 * followed, give or take one interval of lateness. The slot after the newest may belong to a probe being sent. */
SS_INLINE __u64 ss_sent_at(const struct ss_session* session, __u64 sequence) {
    const struct ss_session_tx* tx = &session->tx;
    __u64 age = tx->sequence - sequence;
    const __u32 oldest_age = SS_SENT_RING - 2;
    __u64 oldest, before;

    if (age <= oldest_age) return tx->sent_at_ns[sequence & (SS_SENT_RING - 1)];
    oldest = tx->sent_at_ns[(tx->sequence - oldest_age) & (SS_SENT_RING - 1)];
    if (age >> 32) return 0; /* keeps the product within 64 bits: intervals are below 2^32 ns x 16 */
    before = (age - oldest_age - 1) * session->conf.interval_ns;
    return oldest > before ? oldest - before : 0;
}

/* True if the newest up_count probes in a row were answered, all of them sent in the present epoch. */
SS_INLINE int ss_proven(const struct ss_session* session, __u64 newest) {
    __u32 wanted = session->conf.up_count;
    __u64 run = wanted < 64 ? (1ULL << wanted) - 1 : ~0ULL;

    return newest + 1 >= session->tx.proof_from + wanted && (ss_window(&session->rx, newest) & run) == run;
}

SS_INLINE __u32 ss_bits(__u64 value) {
    value -= value >> 1 & 0x5555555555555555ULL;
    value = (value & 0x3333333333333333ULL) + (value >> 2 & 0x3333333333333333ULL);
    value = (value + (value >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
    return (__u32)(value * 0x0101010101010101ULL >> 56);
}

/* How many of the 64 probes up to the newest answered are unanswered; 0 until the present epoch has 64 probes. */
SS_INLINE __u32 ss_lost(const struct ss_session* session) {
    __u64 newest = SS_READ(session->rx.newest);

    if (newest < session->tx.proof_from + SS_WINDOW_BITS - 1) return 0;
    return SS_WINDOW_BITS - ss_bits(ss_window(&session->rx, newest));
}

/*
 * The quality of a live session, with hysteresis: after loss it is good again at half the limit, which takes most of a
 * new window; after long round trips, at seven eighths of the limit.
 */
SS_INLINE __u32 ss_quality(const struct ss_session* session) {
    __u32 loss_limit = session->conf.loss_limit;
    __u64 rtt_limit = session->conf.rtt_limit_ns;

    if (session->tx.quality == SS_LOSSY) loss_limit /= 2;
    if (session->tx.quality == SS_SLOW) rtt_limit -= rtt_limit / 8;
    if (session->conf.loss_limit < SS_NO_LOSS_LIMIT && ss_lost(session) > loss_limit) return SS_LOSSY;
    if (rtt_limit && SS_READ(session->rx.smoothed_rtt_ns) > rtt_limit) return SS_SLOW;
    return SS_GOOD;
}

SS_INLINE struct ss_judgement ss_judge(const struct ss_session* session, __u64 now) {
    const struct ss_session_tx* tx = &session->tx;
    __u64 newest = SS_READ(session->rx.newest);
    struct ss_judgement result = {};
    int overdue = 0;

    result.verdict = tx->verdict;
    result.accused = newest + session->conf.multiplier;
    if (tx->sequence >= result.accused) {
        result.revisit_ns = ss_sent_at(session, result.accused) + ss_allowance(session);
        overdue = now >= result.revisit_ns;
    }
    if (tx->verdict == SS_ALIVE) {
        if (tx->unsent >= SS_UNSENT_FACTOR * session->conf.multiplier) {
            result.verdict = SS_DEAD;
            result.accused = tx->sequence;
            return result;
        }
        if (overdue) result.verdict = SS_DEAD;
    } else if (!overdue && ss_proven(session, newest)) {
        result.verdict = SS_ALIVE;
    }
    if (result.verdict != SS_ALIVE) result.revisit_ns = 0;
    return result;
}

#endif
