/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The probe receiver: checks a probe that came back and records it before the kernel routes it. Nothing changes before
 * the MAC is verified, and every refusal is counted by reason. A probe that returns by another link than its own stays
 * unanswered.
 */
#ifndef SIDESTEP_RECEIVER_H
#define SIDESTEP_RECEIVER_H

#include "bpf/lib/answer.h"
#include "bpf/lib/maps.h"
#include "bpf/lib/parse.h"
#include "bpf/lib/portable.h"
#include "bpf/lib/probe.h"

static __always_inline int ss_refuse(__u32 reason) {
    ss_count(reason);
    return SS_SHOT;
}

/* Consumes a probe if it is addressed to the return address of one of our sessions, else returns SS_PASS. */
static __always_inline int ss_receive_probe(ss_frame* frame, const struct ss_packet* packet) {
    __u32 at = (packet->upper_at & SS_MOST_AT) + sizeof(struct udphdr);
    struct ss_stamp* stamp = ss_at(frame, at, SS_STAMP_SIGNED);
    struct ss_session* session;
    struct ss_secret* secret;
    __u64 mac;
    __u32 index, reason;

    if (!stamp) return SS_PASS;
    index = bpf_ntohs(stamp->ssid);
    session = ss_entry(&ss_sessions, index);
    secret = ss_entry(&ss_secrets, 0);
    if (!session || !secret) return SS_PASS;
    if (!(session->conf.flags & SS_SESSION_ACTIVE) ||
        !ss_same_address(packet->destination, session->conf.return_address))
        return SS_PASS;

    stamp = ss_at(frame, at, sizeof(*stamp));
    if (!stamp) return ss_refuse(SS_REJECT_TRUNCATED);
    if (session->conf.return_ifindex && ss_ifindex(frame) != session->conf.return_ifindex)
        return ss_refuse(SS_REJECT_WRONG_INTERFACE);
    __builtin_memcpy(&mac, stamp->mac, sizeof(mac));
    if (mac != ss_stamp_mac(stamp, secret)) return ss_refuse(SS_REJECT_BAD_MAC);

    reason = ss_record_answer(session, bpf_ntohl(stamp->sequence), bpf_ktime_get_ns(), ss_stamp_time(stamp));
    if (reason) return ss_refuse(reason - 1);
    return SS_CONSUMED;
}

#endif
