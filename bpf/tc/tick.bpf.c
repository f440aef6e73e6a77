// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The tick: one step of the probe clock. It visits the sessions that are due. It judges each, writes the next probe
// into the packet that the program runs on, and sends a clone of that out of the session's interface. It does not
// depend on who drives it: the detector by BPF_PROG_RUN, or a packet that circles through a veth pair and a TBF qdisc.
//
// Sessions of one interval form a class and are visited in turn, evenly over the interval: a tick walks only the
// sessions that are due, and phases are spread without being stored. A session that is one unanswered probe from being
// dead is a suspect: every tick looks at it, so that the verdict does not wait for the session's next turn.
#include "bpf/lib/bfd_signature.h"
#include "bpf/lib/judge.h"
#include "bpf/lib/maps.h"
#include "bpf/lib/parse.h"
#include "bpf/lib/portable.h"
#include "bpf/lib/probe.h"
#include "bpf/lib/session_state.h"

char _license[] SEC("license") = "Dual BSD/GPL";

#define SS_XMIT_CN 2          /* NET_XMIT_CN of the kernel's netdevice.h */
#define SS_PRIORITY_CONTROL 7 /* TC_PRIO_CONTROL: the first band, so that a full queue of data drops no probes */
#define SS_STANDSTILL_TICKS 3
/* At most this many probes per tick, over all classes. More at once would overrun queues on the path; on a veth link,
 * even the receive queue that the tick itself travels by. The rest follows in the next ticks. */
#define SS_BURST 256

#define SS_GAP_TICKS 64 /* ticks that make up one of the two periods of recent_gap_ns */

struct tick {
    struct __sk_buff* skb;
    struct ss_clock* clock;
    const struct ss_plan* plan;
    const struct ss_secret* secret;
    __u64 now;
    __u64 tick_ns;    /* as planned */
    __u32 standstill; /* the clock was so late that answers may wait after this tick; the verdict waits for them */
    __u32 first;      /* of the present class, in plan->order */
    __u32 count;
    __u32 next;   /* position in the class of the next session that is due */
    __u32 word;   /* of clock->suspect that is being looked at */
    __u32 budget; /* probes that this tick may still send */
};

static __always_inline void report(const struct ss_clock* clock, const struct ss_session* session, __u32 index,
                                   __u32 type, __u64 accused, __u64 now) {
    struct ss_event* event = bpf_ringbuf_reserve(&ss_events, sizeof(*event), 0);

    if (!event) return; /* the detector finds the verdict in tx when it looks next */
    event->type = type;
    event->session = index;
    event->epoch = session->tx.epoch;
    event->last_sent = session->tx.sequence;
    event->last_answered = session->rx.newest;
    event->accused = accused;
    event->time_ns = now;
    event->last_answer_ns = session->rx.last_answer_ns;
    event->accused_sent_ns = type == SS_EVENT_DEAD ? ss_sent_at(session, accused) : 0;
    event->clock_gap_ns = clock->recent_gap_ns;
    event->quality = session->tx.quality;
    event->lost = ss_lost(session);
    event->unsent = session->tx.unsent;
    bpf_ringbuf_submit(event, 0);
}

static __always_inline void lower(const struct ss_session* session, __u32 index, __u32 rank) {
    struct ss_session_state* state = ss_entry(&ss_states, index);
    struct ss_repair_state* repair = ss_entry(&ss_repair_states, 0);

    if (session->conf.flags & SS_SESSION_VERIFIES) return;
    if (state && repair) ss_state_lower(state, repair, rank);
}

// After a standstill, answers may be queued after this tick: a death found in this tick waits for the next one.
static __always_inline int in_doubt(const struct tick* tick, struct ss_session_tx* tx) {
    __u32 this_tick = (__u32)tick->clock->ticks | 1U << 31; /* never 0, which means no doubt */

    if (!tx->doubted && tick->standstill) tx->doubted = this_tick;
    return tx->doubted == this_tick;
}

static __always_inline int is_bfd(const struct ss_session* session) {
    return session->conf.flags & SS_SESSION_BFD;
}

// The number from which on probes prove something, or packets of a BFD neighbor.
static __always_inline __u64 proof_from(const struct ss_session* session) {
    return (is_bfd(session) ? SS_READ(session->rx.answered) : session->tx.sequence) + 1;
}

static __always_inline struct ss_judgement look_at(const struct tick* tick, struct ss_session* session, __u64 now) {
    if (!is_bfd(session)) return ss_judge(session, now);
    ss_bfd_look(session, now, session->conf.interval_ns + tick->tick_ns);
    return ss_bfd_judge(session);
}

// Judges the session and acts on the verdict. Returns true if the session must be looked at again before its next turn.
static __always_inline int judge(const struct tick* tick, struct ss_session* session, __u32 index, __u64 now) {
    struct ss_session_tx* tx = &session->tx;
    struct ss_judgement judgement;

    if (tx->epoch != SS_READ(session->conf.epoch)) {
        tx->epoch = session->conf.epoch;
        tx->verdict = SS_UNPROVEN;
        tx->verdict_ns = now;
        tx->proof_from = proof_from(session);
        tx->quality = SS_GOOD;
    }
    judgement = look_at(tick, session, now);
    if (judgement.verdict == SS_DEAD && tx->verdict == SS_ALIVE && in_doubt(tick, tx)) return 1;
    tx->doubted = 0;
    if (judgement.verdict != tx->verdict) {
        tx->verdict = judgement.verdict;
        tx->verdict_ns = now;
        if (judgement.verdict == SS_DEAD) {
            lower(session, index, SS_DOWN);
            if (is_bfd(session)) ss_bfd_end(session);
            tx->proof_from = proof_from(session);
            tx->quality = SS_GOOD;
            report(tick->clock, session, index, SS_EVENT_DEAD, judgement.accused, now);
        } else {
            report(tick->clock, session, index, SS_EVENT_ALIVE, 0, now);
        }
    } else if (tx->verdict == SS_DEAD) {
        lower(session, index, SS_DOWN); /* again, in case the detector has raised the state meanwhile */
    }
    return judgement.revisit_ns != 0;
}

// Grades a live session. A poor session has its state lowered for as long as it is poor.
static __always_inline void grade(const struct tick* tick, struct ss_session* session, __u32 index, __u64 now) {
    __u32 quality;

    if (session->tx.verdict != SS_ALIVE) return;
    quality = ss_quality(session);
    if (quality != SS_GOOD) lower(session, index, SS_DEGRADED);
    if (quality == session->tx.quality) return;
    session->tx.quality = quality;
    report(tick->clock, session, index, SS_EVENT_QUALITY, 0, now);
}

// Turns the packet into a session's probe without its varying part. The kernel zeroes only the bytes that it adds to a
// packet. So the bytes that the previous session's probe left after the template must be cut off first.
static __always_inline int write_template(struct __sk_buff* skb, const struct ss_session_conf* conf) {
    __u32 length = conf->template_length;
    __u32 padded = conf->length;

    if (length < ETH_HLEN || length > SS_TEMPLATE_MAX || padded < length) return -1;
    if (skb->len != length && bpf_skb_change_tail(skb, length, 0)) return -1;
    if (bpf_skb_store_bytes(skb, 0, conf->template_bytes, length, 0)) return -1;
    return padded > length && bpf_skb_change_tail(skb, padded, 0) ? -1 : 0;
}

static __always_inline int send(const struct tick* tick, struct ss_session* session, __u64 now) {
    const struct ss_session_conf* conf = &session->conf;
    struct __sk_buff* skb = tick->skb;
    struct ss_session_tx* tx = &session->tx;
    __u32 offset = conf->udp_offset;
    __u64 sequence = tx->sequence + 1;
    struct ss_stamp* stamp;
    struct udphdr* udp;
    long result;

    if (conf->flags & SS_SESSION_PASSIVE) { /* counts an expectation instead of sending a probe */
        tx->sent_at_ns[sequence & (SS_SENT_RING - 1)] = now;
        SS_WRITE(tx->sequence, sequence);
        tx->sent++;
        return 0;
    }
    if (offset > SS_TEMPLATE_MAX || write_template(skb, conf)) return -1;
    udp = (void*)(long)skb->data + offset;
    stamp = (void*)(udp + 1);
    if ((void*)(stamp + 1) > (void*)(long)skb->data_end) return -1;
    udp->check = ss_stamp_fill(stamp, tick->secret, (__u32)sequence, now, conf->checksum);

    /* Recorded first, because the answer may be back before the helper returns. */
    tx->sent_at_ns[sequence & (SS_SENT_RING - 1)] = now;
    SS_WRITE(tx->sequence, sequence);
    ss_settle(skb); /* a probe is never repaired */
    result = bpf_clone_redirect(skb, conf->ifindex, 0);
    /* A device without carrier also returns SS_XMIT_CN: the probe is lost, as data would be. */
    if (result && result != SS_XMIT_CN) {
        SS_WRITE(tx->sequence, sequence - 1); /* not sent, so it accuses nobody */
        return -1;
    }
    tx->sent++;
    tx->unsent = 0;
    return 0;
}

// Apart from send(): merged with it, its checks are beyond the verifier of Linux 6.1.
SS_OWN_FRAME int send_bfd(const struct tick* tick, struct ss_session* session, __u64 now) {
    const struct ss_session_conf* conf = &session->conf;
    struct __sk_buff* skb = tick->skb;
    struct ss_bfd_signed said = {};
    __u32 offset = conf->udp_offset;
    __u32 length = sizeof(said.packet);
    __sum16 check;
    long result;

    if (!ss_bfd_due(session, &said.packet, now, bpf_get_prandom_u32())) return 0;
    if (offset > SS_TEMPLATE_MAX || write_template(skb, conf)) return -1;
    if (conf->bfd.auth) {
        ss_bfd_sign(session, &said);
        length = sizeof(said);
    }
    check = ss_fold_checksum(conf->checksum + ss_bfd_sum(&said));
    if (bpf_skb_store_bytes(skb, offset + offsetof(struct udphdr, check), &check, sizeof(check), 0)) return -1;
    if (bpf_skb_store_bytes(skb, offset + sizeof(struct udphdr), &said, length, 0)) return -1;
    ss_settle(skb);
    result = bpf_clone_redirect(skb, conf->ifindex, 0);
    if (result && result != SS_XMIT_CN) return -1;
    session->tx.sequence++;
    session->tx.sent++;
    session->tx.unsent = 0;
    return 0;
}

static __always_inline void suspect(struct ss_clock* clock, __u32 index) {
    __u64 bit = 1ULL << (index & 63);
    __u64* word = &clock->suspect[(index & (SS_MAX_SESSIONS - 1)) >> 6];

    if (*word & bit) return;
    *word |= bit;
    clock->suspects++;
}

static long visit(__u32 i, struct tick* tick) {
    __u32 position = tick->next + i;
    struct ss_session* session;
    __u32 index;
    __u64 now;

    if (position >= tick->count) position -= tick->count;
    index = tick->plan->order[(tick->first + position) & (SS_MAX_SESSIONS - 1)];
    session = ss_entry(&ss_sessions, index);
    if (!session || !(session->conf.flags & SS_SESSION_ACTIVE)) return 0;
    now = bpf_ktime_get_ns();
    judge(tick, session, index, now);
    grade(tick, session, index, now);
    if (is_bfd(session) ? send_bfd(tick, session, now) : send(tick, session, now)) {
        session->tx.send_errors++;
        session->tx.unsent++;
    }
    if (judge(tick, session, index, now)) suspect(tick->clock, index);
    return 0;
}

static long look_again(__u32 bit, struct tick* tick) {
    __u64* word = &tick->clock->suspect[tick->word & (SS_MAX_SESSIONS / 64 - 1)];
    __u32 index = (tick->word << 6) + bit;
    struct ss_session* session;

    if (!(*word >> bit & 1)) return 0;
    session = ss_entry(&ss_sessions, index);
    if (session && session->conf.flags & SS_SESSION_ACTIVE && judge(tick, session, index, bpf_ktime_get_ns())) return 0;
    *word &= ~(1ULL << bit);
    tick->clock->suspects--;
    return 0;
}

static long look_at_word(__u32 word, struct tick* tick) {
    if (!tick->clock->suspect[word & (SS_MAX_SESSIONS / 64 - 1)]) return 0;
    tick->word = word;
    bpf_loop(64, look_again, tick, 0);
    return 0;
}

static __always_inline __u64 note_gap(struct ss_clock* clock, __u64 now) {
    __u64 gap = clock->last_tick_ns ? now - clock->last_tick_ns : 0;

    clock->last_tick_ns = now;
    if (clock->ticks++ % SS_GAP_TICKS == 0) {
        clock->recent_gap_ns = clock->current_gap_ns;
        clock->current_gap_ns = 0;
    }
    if (gap > clock->current_gap_ns) clock->current_gap_ns = gap;
    if (gap > clock->recent_gap_ns) clock->recent_gap_ns = gap;
    if (gap > clock->longest_gap_ns) clock->longest_gap_ns = gap;
    return gap;
}

// Sends the probes of one class that are due: as many as the elapsed time asks for, but none twice, and no more than a
// tick may send. A stalled clock skips probes that it did not send within an interval.
static long run_class(__u32 i, struct tick* tick) {
    const struct ss_class* class = &tick->plan->class_[i & (SS_MAX_CLASSES - 1)];
    __u64* done = &tick->clock->done[i & (SS_MAX_CLASSES - 1)];
    __u64 target, due, burst;

    if (!class->count || class->count > SS_MAX_SESSIONS || !class->interval_ns) return 0;
    target = tick->now / class->interval_ns * class->count +
             tick->now % class->interval_ns * class->count / class->interval_ns;
    due = target - *done;
    if (due > class->count) {
        tick->clock->missed += due - class->count;
        due = class->count;
    }
    tick->first = class->first;
    tick->count = class->count;
    tick->next = (__u32)((target - due) % class->count);
    burst = due < tick->budget ? due : tick->budget;
    tick->budget -= (__u32)burst;
    *done = target - due + burst;
    bpf_loop((__u32)burst, visit, tick, 0);
    return 0;
}

// A new plan starts as if everything due until now had been sent.
static __always_inline void adopt_plan(struct ss_clock* clock, const struct ss_plan* plan, __u64 now) {
    __u32 i;

    clock->generation = plan->generation;
    for (i = 0; i < SS_MAX_CLASSES; i++) {
        const struct ss_class* class = &plan->class_[i];

        if (!class->interval_ns) continue;
        clock->done[i] =
            now / class->interval_ns * class->count + now % class->interval_ns * class->count / class->interval_ns;
    }
}

static __always_inline void tick(struct __sk_buff* skb, const struct ss_clock_conf* conf, struct ss_clock* clock) {
    struct tick tick = {
        .skb = skb, .clock = clock, .now = bpf_ktime_get_ns(), .tick_ns = conf->tick_ns, .budget = SS_BURST};

    tick.standstill = note_gap(clock, tick.now) > SS_STANDSTILL_TICKS * conf->tick_ns;
    tick.plan = ss_entry(&ss_plans, SS_READ(conf->plan));
    tick.secret = ss_entry(&ss_secrets, 0);
    if (!tick.plan || !tick.secret) return;
    if (tick.plan->generation != clock->generation) adopt_plan(clock, tick.plan, tick.now);
    if (clock->suspects) bpf_loop(SS_MAX_SESSIONS / 64, look_at_word, &tick, 0);
    bpf_loop(SS_MAX_CLASSES, run_class, &tick, 0);
}

SEC("tc")
int ss_tick(struct __sk_buff* skb) {
    struct ss_clock_conf* conf = ss_entry(&ss_clock_confs, 0);
    struct ss_clock* clock = ss_entry(&ss_clocks, 0);

    if (!conf || !clock || skb->mark != SS_TICK_MARK) return TC_ACT_SHOT;
    skb->mark = 0; /* probes carry no mark */
    skb->priority = SS_PRIORITY_CONTROL;
    if (!__sync_lock_test_and_set(&clock->busy, 1)) {
        tick(skb, conf, clock);
        __sync_lock_test_and_set(&clock->busy, 0);
    }
    if (!conf->successor) return TC_ACT_STOLEN;
    skb->mark = SS_TICK_MARK;
    if (skb->len != SS_TICK_BYTES && bpf_skb_change_tail(skb, SS_TICK_BYTES, 0)) return TC_ACT_SHOT;
    return bpf_redirect(conf->successor, 0);
}
