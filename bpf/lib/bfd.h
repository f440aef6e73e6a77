/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The part of BFD (RFC 5880) that must not wait for a process: which packets count, how often to send, how long a silence
 * may be, and the way down. Pure. Both timers follow from what the neighbor said last, so a change of its timers needs
 * nobody. What brings a session up, and all that this node says of itself, is the detector's (detector/core/bfd_machine).
 *
 * Silence is not the time since the last packet, but the part of it in which somebody looked: between two looks, at most
 * the time that lies between them as planned, and one tick. A clock that stood still accuses nobody (docs/bfd.md).
 */
#ifndef SIDESTEP_BFD_H
#define SIDESTEP_BFD_H

#include <bpf/bpf_endian.h>

#include "bpf/lib/judge.h"
#include "bpf/lib/portable.h"

#define SS_BFD_STATE_SHIFT 6
#define SS_BFD_NANOSECONDS 1000ULL /* per unit of the packet */

SS_INLINE __u32 ss_bfd_state_of(__u32 state_flags) {
    return state_flags >> SS_BFD_STATE_SHIFT & 3;
}

/* What the neighbor said last. */
SS_INLINE __u32 ss_bfd_remote_state(const struct ss_session* session) {
    return ss_bfd_state_of((__u32)(SS_READ(session->rx.bfd.said) >> 48));
}

SS_INLINE __u32 ss_bfd_remote_flags(const struct ss_session* session) {
    return SS_READ(session->rx.bfd.said) >> 48 & 0x3f;
}

SS_INLINE __u32 ss_bfd_remote_multiplier(const struct ss_session* session) {
    return SS_READ(session->rx.bfd.said) >> 40 & 0xff;
}

/* Whether the tick has ended what the detector calls up. */
SS_INLINE int ss_bfd_ended(const struct ss_session* session) {
    return session->tx.bfd.ended == SS_READ(session->conf.bfd.ups);
}

SS_INLINE int ss_bfd_is_up(const struct ss_session* session) {
    return ss_bfd_state_of(session->conf.bfd.packet.state_flags) == SS_BFD_UP && !ss_bfd_ended(session);
}

/*
 * The checks of RFC 5880, 6.8.6, that need no session, in its order; `available` is the length of the UDP payload.
 * Returns 0, or the reason to discard the packet, plus 1.
 */
SS_INLINE __u32 ss_bfd_check(const struct ss_bfd_packet* packet, __u32 available) {
    const __u32 least = packet->state_flags & SS_BFD_AUTHENTICATED ? sizeof(*packet) + 2 : sizeof(*packet);

    if (packet->version_diagnostic >> 5 != SS_BFD_VERSION) return SS_REJECT_BFD_VERSION + 1;
    if (packet->length < least || packet->length > available) return SS_REJECT_BFD_LENGTH + 1;
    if (!packet->multiplier) return SS_REJECT_BFD_MULTIPLIER + 1;
    if (packet->state_flags & SS_BFD_MULTIPOINT) return SS_REJECT_BFD_MULTIPOINT + 1;
    if (!packet->my_discriminator) return SS_REJECT_BFD_DISCRIMINATOR + 1;
    return 0;
}

/* What the reflector that is asked says of itself: its discriminator, and that it does not ask (RFC 7880, 7.2). */
SS_INLINE int ss_bfd_is_reflected(const struct ss_session* session, const struct ss_bfd_packet* packet) {
    return packet->my_discriminator == session->conf.bfd.packet.your_discriminator && packet->your_discriminator &&
           !(packet->state_flags & SS_BFD_DEMAND);
}

/* The source in ss_passives of a session that is known by both ends' addresses, which are two halves each. */
SS_INLINE void ss_bfd_pair(const __u64* peer, const __u64* own, __u64* pair) {
    pair[0] = peer[0] ^ own[1];
    pair[1] = peer[1] ^ own[0];
}

/* The others, for the session whose neighbor sent it. */
SS_INLINE __u32 ss_bfd_check_session(const struct ss_session* session, const struct ss_bfd_packet* packet) {
    if (packet->your_discriminator) {
        if (packet->your_discriminator != session->conf.bfd.packet.my_discriminator) return SS_REJECT_BFD_SESSION + 1;
    } else if (ss_bfd_state_of(packet->state_flags) > SS_BFD_DOWN) {
        return SS_REJECT_BFD_STATE + 1;
    }
    if (session->conf.bfd.kind == SS_BFD_SEAMLESS && !ss_bfd_is_reflected(session, packet))
        return SS_REJECT_BFD_SESSION + 1;
    return !(packet->state_flags & SS_BFD_AUTHENTICATED) == !session->conf.bfd.auth ? 0
                                                                                    : SS_REJECT_BFD_AUTHENTICATION + 1;
}

/* Records a good packet. Returns true if the detector must hear of it. */
SS_INLINE int ss_bfd_record(struct ss_session* session, const struct ss_bfd_packet* packet, __u64 now) {
    struct ss_bfd_rx* rx = &session->rx.bfd;
    __u64 said = (__u64)packet->version_diagnostic << 56 | (__u64)packet->state_flags << 48 |
                 (__u64)packet->multiplier << 40 | (__u64)packet->length << 32 | bpf_ntohl(packet->my_discriminator);
    __u64 changed = said ^ SS_READ(rx->said);

    SS_WRITE(rx->timers, (__u64)bpf_ntohl(packet->desired_tx_us) << 32 | bpf_ntohl(packet->required_rx_us));
    SS_WRITE(rx->said, said);
    SS_WRITE(rx->echo_us, bpf_ntohl(packet->required_echo_us));
    if (packet->state_flags & SS_BFD_POLL) __sync_fetch_and_add(&rx->polls, 1);
    if (packet->state_flags & SS_BFD_FINAL) __sync_fetch_and_add(&rx->finals, 1);
    SS_WRITE(session->rx.last_answer_ns, now);
    SS_WRITE(session->rx.answered, session->rx.answered + 1);
    changed &= 0x1fULL << 56 | 0xc0ULL << 48 | 0xffffffffULL; /* diagnostic, state, discriminator */
    return changed || packet->state_flags & SS_BFD_FINAL;
}

/*
 * The time that the neighbor may be silent (RFC 5880, 6.8.4), in nanoseconds. A reflector says our own interval, and speaks
 * when it is spoken to, which is not faster than it allows.
 */
SS_INLINE __u64 ss_bfd_detection_ns(const struct ss_session* session) {
    __u64 timers = SS_READ(session->rx.bfd.timers);
    __u32 theirs = (__u32)(timers >> 32);
    __u32 ours = SS_READ(session->conf.bfd.rx_us);

    if (session->conf.bfd.kind == SS_BFD_SEAMLESS && (__u32)timers > theirs) theirs = (__u32)timers;
    return ss_bfd_remote_multiplier(session) * SS_BFD_NANOSECONDS * (theirs > ours ? theirs : ours);
}

/* The time between two of our packets, without jitter; 0: none are sent but those that answer (RFC 5880, 6.8.7). */
SS_INLINE __u64 ss_bfd_period_ns(const struct ss_session* session) {
    __u32 theirs = session->rx.answered ? (__u32)SS_READ(session->rx.bfd.timers) : 1;
    __u32 ours = SS_READ(session->conf.bfd.tx_us);

    if (!theirs || !ours) return 0;
    if (ss_bfd_is_up(session)) {
        if (ss_bfd_remote_flags(session) & SS_BFD_DEMAND && ss_bfd_remote_state(session) == SS_BFD_UP &&
            !(session->conf.bfd.packet.state_flags & SS_BFD_POLL))
            return 0;
    } else if (ours < SS_BFD_SLOW_US) {
        ours = SS_BFD_SLOW_US;
    }
    return SS_BFD_NANOSECONDS * (theirs > ours ? theirs : ours);
}

/* The same with jitter: a random part of a quarter less, and with multiplier 1 at least a tenth (RFC 5880, 6.8.7). */
SS_INLINE __u64 ss_bfd_jittered(__u64 period, __u32 multiplier, __u32 random) {
    __u64 most = multiplier == 1 ? period - period / 10 : period;
    __u64 least = period - period / 4;

    return most - ((most - least) >> 8) * (random >> 24);
}

/* Notes that somebody looks at the session; `most` is the longest time that a look may account for. */
SS_INLINE void ss_bfd_look(struct ss_session* session, __u64 now, __u64 most) {
    struct ss_bfd_tx* tx = &session->tx.bfd;
    __u64 heard = SS_READ(session->rx.answered);
    __u64 passed = now - tx->looked_ns;
    __u64 last = SS_READ(session->rx.last_answer_ns);

    if (passed > most) passed = most;
    tx->looked_ns = now;
    if (heard == tx->heard) {
        tx->silent_ns += passed;
        return;
    }
    tx->heard = heard;
    tx->silent_ns = last < now ? now - last : 0;
    if (tx->silent_ns > passed) tx->silent_ns = passed;
}

/*
 * The verdict. A session lives from when the detector calls it up and the neighbor agrees; it dies when the neighbor was
 * silent for the detection time, or says that it is down (RFC 5880, 6.8.4 and 6.8.6). Once dead, it stays dead until the
 * detector has brought it up once more.
 */
SS_INLINE struct ss_judgement ss_bfd_judge(const struct ss_session* session) {
    const struct ss_session_tx* tx = &session->tx;
    struct ss_judgement result = {};
    int silent = tx->bfd.silent_ns >= ss_bfd_detection_ns(session);
    int agreed = ss_bfd_is_up(session) && ss_bfd_remote_state(session) > SS_BFD_DOWN;

    result.verdict = tx->verdict;
    if (tx->verdict == SS_ALIVE) {
        if (silent || !agreed) result.verdict = SS_DEAD;
    } else if (agreed && !silent && SS_READ(session->rx.answered) >= tx->proof_from) {
        result.verdict = SS_ALIVE;
    }
    return result;
}

/* To be called when the verdict has become dead. */
SS_INLINE void ss_bfd_end(struct ss_session* session) {
    struct ss_bfd_tx* tx = &session->tx.bfd;

    if (!ss_bfd_is_up(session)) return; /* the detector has ended it */
    tx->diagnostic = tx->silent_ns >= ss_bfd_detection_ns(session) ? SS_BFD_EXPIRED : SS_BFD_SIGNALED;
    SS_WRITE(tx->ended, session->conf.bfd.ups);
}

/* What is to be said now; `final`: in answer to a poll, with no poll of our own (RFC 5880, 6.5). */
SS_INLINE void ss_bfd_compose(const struct ss_session* session, int final, struct ss_bfd_packet* packet) {
    __builtin_memcpy(packet, &session->conf.bfd.packet, sizeof(*packet));
    if (ss_bfd_state_of(packet->state_flags) == SS_BFD_UP && ss_bfd_ended(session)) {
        packet->version_diagnostic = (__u8)(SS_BFD_VERSION << 5 | session->tx.bfd.diagnostic);
        packet->state_flags =
            (__u8)((__u32)SS_BFD_DOWN << SS_BFD_STATE_SHIFT |
                   (packet->state_flags & (SS_BFD_INDEPENDENT | SS_BFD_AUTHENTICATED | SS_BFD_DEMAND)));
        if (bpf_ntohl(packet->desired_tx_us) < SS_BFD_SLOW_US) packet->desired_tx_us = bpf_htonl(SS_BFD_SLOW_US);
    }
    if (final) packet->state_flags = (__u8)((packet->state_flags & ~SS_BFD_POLL) | SS_BFD_FINAL);
}

/* State, diagnostic and flags as ss_bfd_tx.said has them. Never 0. */
SS_INLINE __u32 ss_bfd_said(const struct ss_bfd_packet* packet) {
    return (__u32)packet->version_diagnostic << 8 | (packet->state_flags & ~SS_BFD_FINAL);
}

/*
 * Whether a packet is to be sent now, which is written to *packet: because it is time, because it says something new, or in
 * answer to a poll. The time is rounded to the looks at the session.
 */
SS_INLINE int ss_bfd_due(struct ss_session* session, struct ss_bfd_packet* packet, __u64 now, __u32 random) {
    struct ss_bfd_tx* tx = &session->tx.bfd;
    __u64 polls = SS_READ(session->rx.bfd.polls);
    __u64 period = ss_bfd_period_ns(session);
    __u32 said;

    if (!session->conf.bfd.tx_us) return 0;
    ss_bfd_compose(session, polls != tx->polls, packet);
    said = ss_bfd_said(packet);
    if (polls != tx->polls) {
        tx->polls = polls;
        return 1;
    }
    if (tx->due_ns > now + period) tx->due_ns = now + period; /* the neighbor wants more than before */
    if (said == tx->said && (!period || now + session->conf.interval_ns / 2 < tx->due_ns)) return 0;
    tx->said = said;
    tx->due_ns = now + ss_bfd_jittered(period, packet->multiplier, random);
    return 1;
}

#endif
