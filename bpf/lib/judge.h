/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The judge: is a session dead, alive, or not yet proven? Pure: it reads what was sent and what came back, and `now`.
 *
 * Dead is decided by unanswered probes, never by elapsed time alone. Let n be the newest probe answered. Probe
 * n + multiplier is the accused one: by the time it was sent, multiplier probes in a row had been sent without an
 * answer newer than n. The session is dead once the accused probe was really sent, and has had its time to return (the
 * allowance), and still nothing newer than n came back. A clock that stalls sends nothing, so it accuses nobody; a loss
 * of fewer than multiplier probes in a row is forgiven; docs/liveness.md has the proof.
 */
#ifndef SIDESTEP_JUDGE_H
#define SIDESTEP_JUDGE_H

#include "bpf/lib/portable.h"

struct ss_judgement {
    __u32 verdict;    /* enum ss_verdict */
    __u32 accused;    /* probe that decides, when dead or suspected */
    __u64 revisit_ns; /* suspected: dead from this time on, if nothing comes back; else 0 */
};

/* Time that a probe of this session is given to return, in nanoseconds. */
SS_INLINE __u64 ss_allowance(const struct ss_session* session) {
    __u64 measured = SS_READ(session->rx.allowance_ns);
    __u64 least = session->conf.allowance_ns;

    return measured > least ? measured : least;
}

/* When the probe `sequence` left. One older than the ring is taken for the oldest in it, which only delays a verdict.
 */
SS_INLINE __u64 ss_sent_at(const struct ss_session_tx* tx, __u32 sequence) {
    if (tx->sequence - sequence >= SS_SENT_RING) sequence = tx->sequence - (SS_SENT_RING - 1);
    return tx->sent_at_ns[sequence & (SS_SENT_RING - 1)];
}

/* True if the newest up_count probes in a row were answered, all of them sent in the present epoch, and the newest
 * answer is not older than what would accuse a live session. */
SS_INLINE int ss_proven(const struct ss_session* session, __u32 newest, __u64 window) {
    __u32 wanted = session->conf.up_count;
    __u64 run = wanted < 64 ? (1ULL << wanted) - 1 : ~0ULL;

    return (window & run) == run && ss_sequence_diff(newest, session->tx.proof_from) + 1 >= (__s32)wanted &&
           ss_sequence_diff(session->tx.sequence, newest) < session->conf.multiplier;
}

SS_INLINE struct ss_judgement ss_judge(const struct ss_session* session, __u64 now) {
    const struct ss_session_tx* tx = &session->tx;
    __u64 window = SS_READ(session->rx.window);
    __u32 newest = SS_READ(session->rx.newest);
    struct ss_judgement result = {};

    result.verdict = tx->verdict;
    if (tx->verdict == SS_ALIVE) {
        result.accused = newest + session->conf.multiplier;
        if (ss_sequence_diff(tx->sequence, result.accused) < 0) return result;
        result.revisit_ns = ss_sent_at(tx, result.accused) + ss_allowance(session);
        if (now >= result.revisit_ns) {
            result.verdict = SS_DEAD;
            result.revisit_ns = 0;
        }
        return result;
    }
    if (ss_proven(session, newest, window)) result.verdict = SS_ALIVE;
    return result;
}

#endif
