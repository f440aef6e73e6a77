/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The sink: checks a probe that came back and records it, before routing sees it. Nothing is touched before the MAC is
 * verified; what is refused is counted by reason. A probe that returns by another link than its own is unanswered.
 */
#ifndef SIDESTEP_SINK_H
#define SIDESTEP_SINK_H

#include "bpf/lib/maps.h"
#include "bpf/lib/parse.h"
#include "bpf/lib/portable.h"
#include "bpf/lib/probe.h"

#define SS_WINDOW_BITS 64

/* RFC 6298, 2: smoothed with gain 1/8, variation with gain 1/4. */
static __always_inline void ss_record_rtt(struct ss_session_rx* rx, __u64 rtt) {
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

/* Records the answer to probe `sequence`. Returns 0, or the reason why it counts for nothing, plus 1. */
static __always_inline __u32 ss_record_answer(struct ss_session_rx* rx, __u32 last_sent, __u32 sequence, __u64 now,
                                              __u64 sent_ns) {
    __s32 ahead = ss_sequence_diff(sequence, rx->newest);

    if (ss_sequence_diff(last_sent, sequence) < 0) return SS_REJECT_NOT_SENT + 1;
    if (ahead > 0) {
        rx->window = ahead < SS_WINDOW_BITS ? rx->window << ahead | 1 : 1;
        SS_WRITE(rx->newest, sequence);
    } else if (-ahead >= SS_WINDOW_BITS) {
        return SS_REJECT_TOO_OLD + 1;
    } else {
        __u64 bit = 1ULL << (-ahead & (SS_WINDOW_BITS - 1));

        if (rx->window & bit) return SS_REJECT_REPLAYED + 1;
        rx->window |= bit;
    }
    ss_record_rtt(rx, now > sent_ns ? now - sent_ns : 0);
    rx->last_answer_ns = now;
    rx->answered++;
    return 0;
}

static __always_inline int ss_refuse(__u32 reason) {
    ss_count(reason);
    return TC_ACT_SHOT;
}

/* Consumes the packet if it is addressed to the sink of a session of ours, else returns SS_PASS. */
static __always_inline int ss_sink(struct __sk_buff* skb, struct ipv6hdr* ip, struct udphdr* udp) {
    struct ss_stamp* stamp = (void*)(udp + 1);
    struct ss_session* session;
    struct ss_secret* secret;
    __u64 mac;
    __u32 index, reason;

    if ((void*)stamp + SS_STAMP_SIGNED > (void*)(long)skb->data_end) return SS_PASS;
    index = bpf_ntohs(stamp->ssid);
    session = ss_entry(&ss_sessions, index);
    secret = ss_entry(&ss_secrets, 0);
    if (!session || !secret) return SS_PASS;
    if (!(session->conf.flags & SS_SESSION_ACTIVE) || !ss_same_address(&ip->daddr, session->conf.sink)) return SS_PASS;

    if ((void*)(stamp + 1) > (void*)(long)skb->data_end) return ss_refuse(SS_REJECT_TRUNCATED);
    if (skb->ifindex != session->conf.ifindex) return ss_refuse(SS_REJECT_WRONG_INTERFACE);
    __builtin_memcpy(&mac, stamp->mac, sizeof(mac));
    if (mac != ss_stamp_mac(stamp, secret)) return ss_refuse(SS_REJECT_BAD_MAC);

    reason = ss_record_answer(&session->rx, SS_READ(session->tx.sequence), bpf_ntohl(stamp->sequence),
                              bpf_ktime_get_ns(), ss_stamp_time(stamp));
    if (reason) return ss_refuse(reason - 1);
    return TC_ACT_STOLEN;
}

#endif
