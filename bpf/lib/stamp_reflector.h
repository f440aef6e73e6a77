/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The STAMP session reflector (RFC 8762, 4.3), unauthenticated: turns a sender's test packet into the answer where it
 * enters. Its two time stamps are nanoseconds apart, and no process is between them.
 */
#ifndef SIDESTEP_STAMP_REFLECTOR_H
#define SIDESTEP_STAMP_REFLECTOR_H

#include "bpf/lib/probe.h"
#include "bpf/lib/stamp_tlv.h"

#define SS_NTP_EPOCH 2208988800ULL /* of 1970, in seconds of NTP's era 0 (RFC 5905, 6) */

static __always_inline struct ss_wall_clock ss_wall_clock(void) {
    const struct ss_reflectors* all = ss_reflectors();
    struct ss_wall_clock wall = {};
    ss_word word;

    if (!all) return wall;
    word = SS_READ(*(const ss_word*)&all->wall);
    __builtin_memcpy(&wall, &word, sizeof(wall));
    return wall;
}

/* A time of CLOCK_TAI in two parts. Divisions are slow. */
struct ss_time {
    __u64 ns;
    __u64 seconds;
    __u64 rest;
};

static __always_inline void ss_read_time(struct ss_time* time) {
    time->ns = bpf_ktime_get_tai_ns();
    time->seconds = time->ns / SS_NANOSECONDS_PER_SECOND;
    time->rest = time->ns - time->seconds * SS_NANOSECONDS_PER_SECOND;
}

/* Reads the clock again, less than a second later. */
static __always_inline void ss_read_time_again(struct ss_time* time) {
    const __u64 now = bpf_ktime_get_tai_ns();

    if (now - time->ns >= SS_NANOSECONDS_PER_SECOND) { /* the clock was set */
        ss_read_time(time);
        return;
    }
    time->rest += now - time->ns;
    time->ns = now;
    if (time->rest < SS_NANOSECONDS_PER_SECOND) return;
    time->rest -= SS_NANOSECONDS_PER_SECOND;
    time->seconds++;
}

#define SS_NTP_FRACTION 18446744073ULL /* 2^64 / 10^9 */

/* The time as the answer has it: NTP's 64 bits, or PTPv2 truncated. */
static __always_inline void ss_write_time(const struct ss_time* time, const struct ss_wall_clock* wall, int ptp,
                                          __be32* field) {
    __u64 seconds = ptp ? time->seconds : time->seconds + SS_NTP_EPOCH - wall->tai_offset;

    field[0] = bpf_htonl((__u32)seconds);
    field[1] = bpf_htonl((__u32)(ptp ? time->rest : time->rest * SS_NTP_FRACTION >> 32));
}

/* What is known of the clock. PTP's time is TAI, which this node has only if the kernel knows how far it is ahead. */
static __always_inline __be16 ss_error_estimate(const struct ss_wall_clock* wall, int ptp) {
    __u32 estimate = wall->error_estimate & ~SS_STAMP_PTP;

    if (bpf_ktime_get_coarse_ns() / SS_NANOSECONDS_PER_SECOND >= wall->good_until || (ptp && !wall->tai_offset))
        estimate &= ~SS_STAMP_SYNCHRONIZED;
    if (!(estimate & 0xff)) estimate |= 1; /* a multiplier of 0 is not valid (RFC 4656, 4.1.2) */
    return bpf_htons((__u16)(ptp ? estimate | SS_STAMP_PTP : estimate));
}

/* The number of the next answer to a stateful session, whose request is at `at`; it begins with 0. */
SS_OWN_FRAME __u32 ss_next_answer(ss_frame* frame, const struct ss_packet* packet, __u32 at) {
    struct ss_reflected_key key = {.port = packet->port[0]};
    struct ss_reflected fresh = {.next = 1, .last_ns = bpf_ktime_get_ns()};
    struct ss_reflected* session;
    __u64 silent;

    if (ss_load(frame, at + __builtin_offsetof(struct ss_stamp_request, ssid), &key.ssid, sizeof(key.ssid))) return 0;
    __builtin_memcpy(key.source, packet->source, sizeof(key.source));
    __builtin_memcpy(key.destination, packet->destination, sizeof(key.destination));
    session = bpf_map_lookup_elem(&ss_reflected_sessions, &key);
    if (!session) {
        bpf_map_update_elem(&ss_reflected_sessions, &key, &fresh, BPF_ANY);
        return 0;
    }
    silent = fresh.last_ns - session->last_ns;
    session->last_ns = fresh.last_ns;
    if (silent > SS_REFLECTED_IDLE_NS && (__s64)silent > 0) {
        SS_WRITE(session->next, 1);
        return 0;
    }
    return __sync_fetch_and_add(&session->next, 1);
}

/* Writes the answer over the request. Returns 0, or -1 if that is too short. */
SS_OWN_FRAME int ss_write_answer(ss_frame* frame, const struct ss_packet* packet, __u32 flags,
                                 struct ss_tlv_walk* walk) {
    const struct ss_wall_clock wall = ss_wall_clock();
    const int ptp = flags & SS_REFLECTOR_PTP;
    struct ss_stamp_answer answer = {};
    struct ss_stamp_answer* request =
        ss_at(frame, (walk->udp_at & SS_MOST_AT) + (__u32)sizeof(struct udphdr), sizeof(answer));
    struct ss_time time;

    if (!request) return -1;
    ss_read_time(&time);
    ss_write_time(&time, &wall, ptp, answer.received);
    __builtin_memcpy(&answer.their_sequence, request, SS_STAMP_SIGNED); /* up to the SSID */
    walk->changed = (__u32)bpf_csum_diff((__be32*)request, sizeof(answer), 0, 0, walk->changed);
    answer.ssid = answer.mbz;
    answer.mbz = 0;
    answer.sequence = answer.their_sequence;
    if (flags & SS_REFLECTOR_STATEFUL) answer.sequence = bpf_htonl(walk->number);
    answer.error_estimate = ss_error_estimate(&wall, ptp);
    answer.their_hop_limit = packet->hop_limit;
    ss_read_time_again(&time);
    ss_write_time(&time, &wall, ptp, answer.time);
    walk->changed = (__u32)bpf_csum_diff(0, 0, (__be32*)&answer, sizeof(answer), walk->changed);
    *request = answer;
    return 0;
}

/* Looks at the TLVs behind the base packet. Returns 0, or the reason not to answer, plus 1. */
static __always_inline int ss_heed_tlvs(ss_frame* frame, struct ss_tlv_walk* walk) {
    if (walk->at >= walk->end) return 0;
    if (ss_walk_tlvs(frame, walk)) return SS_REJECT_TRUNCATED + 1;
    return walk->wishes & SS_WISH_NO_ANSWER ? SS_REJECT_REFLECT_UNWANTED + 1 : 0;
}

/* Finds out where the packet's TLVs are. Returns 0, or -1 if it is too short. */
static __always_inline int ss_begin_walk(ss_frame* frame, const struct ss_packet* packet, struct ss_tlv_walk* walk) {
    struct udphdr udp;
    __u32 length;

    walk->udp_at = packet->upper_at & SS_MOST_AT;
    walk->at = walk->udp_at + sizeof(udp) + sizeof(struct ss_stamp_request);
    if (ss_load(frame, walk->udp_at, &udp, sizeof(udp))) return -1;
    length = bpf_ntohs(udp.len);
    walk->end = walk->udp_at + length;
    return walk->at <= walk->end && walk->end <= ETH_HLEN + packet->length ? 0 : -1;
}

/* The packet is to be answered, if it is well. Returns the program's result. */
static __always_inline int ss_answer_stamp(ss_frame* frame, const struct ss_packet* packet, __u32 flags) {
    const __u32 at = (packet->upper_at & SS_MOST_AT) + sizeof(struct udphdr);
    struct ss_tlv_walk walk = {};
    struct ss_way_back way = {};
    int reason;

    if (ss_begin_walk(frame, packet, &walk)) return ss_reflect_refuse(SS_REJECT_TRUNCATED + 1);
    reason = ss_find_way_back(frame, packet, &way);
    if (reason) return reason < 0 ? SS_PASS /* to tc, which can */ : ss_reflect_refuse(SS_REJECT_REFLECT_SOURCE + 1);
    if (!ss_may_answer(SS_REFLECTOR_STAMP)) return ss_reflect_refuse(SS_REJECT_REFLECT_RATE + 1);
    reason = ss_heed_tlvs(frame, &walk);
    if (reason) return ss_reflect_refuse(reason);
    if (walk.wishes & SS_WISH_SAME_LINK && ss_bounce_back(frame, &way)) return SS_SHOT;
    if (flags & SS_REFLECTOR_STATEFUL) walk.number = ss_next_answer(frame, packet, at);
    if (ss_write_answer(frame, packet, flags, &walk)) return ss_reflect_refuse(SS_REJECT_TRUNCATED + 1);
    ss_count_outcome(SS_OUTCOME_STAMP_ANSWERED);
    return ss_send_answer(frame, packet, &way, walk.changed);
}

#ifdef SS_AT_XDP
#define ss_reflect_stamp ss_reflect_stamp_xdp
#endif

/* Answers a STAMP packet for an address of the reflector, or drops it; others it passes. */
SS_VERIFIED_ONCE int ss_reflect_stamp(ss_frame* frame, const struct ss_packet* packet) {
    const struct ss_reflector* reflector = ss_reflector(SS_REFLECTOR_STAMP);
    int reason;

    if (!packet || !reflector) return SS_PASS;
    reason = ss_admit(frame, packet, SS_REFLECTOR_STAMP);
    if (reason == SS_NOT_OURS) return SS_PASS;
    if (reason) return ss_reflect_refuse(reason);
    return ss_answer_stamp(frame, packet, reflector->flags);
}

#endif
