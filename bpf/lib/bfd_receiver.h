/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Takes the BFD packets of this node's own sessions (RFC 5880, 6.8.6; RFC 5881, 5883 and 7881). A packet that none of
 * them expects is left to the kernel: another BFD daemon may be there.
 */
#ifndef SIDESTEP_BFD_RECEIVER_H
#define SIDESTEP_BFD_RECEIVER_H

#include "bpf/lib/bfd_signature.h"
#include "bpf/lib/bucket.h"
#include "bpf/lib/maps.h"
#include "bpf/lib/parse.h"

#define SS_BFD_TOLD_PER_SECOND 1000 /* events; what is not told is found within 100 ms */
#define SS_BFD_TOLD_BURST 1000

struct ss_bfd_datagram {
    struct udphdr udp;
    struct ss_bfd_signed said;
};

#define SS_BFD_UNSIGNED (sizeof(struct udphdr) + sizeof(struct ss_bfd_packet))

static __always_inline struct ss_session* ss_bfd_session_at(__u32 index) {
    struct ss_session* session = ss_entry(&ss_sessions, index);

    return session && session->conf.flags & SS_SESSION_BFD ? session : 0;
}

static __always_inline struct ss_session* ss_bfd_session_of(const struct ss_passive_key* key) {
    const __u32* index = bpf_map_lookup_elem(&ss_passives, key);

    return index ? ss_bfd_session_at(*index) : 0;
}

/* The session that is meant: by its discriminator, or by who sent the packet. */
static __always_inline struct ss_session* ss_bfd_session(const struct ss_packet* packet, __u32 ifindex, __be32 your) {
    struct ss_passive_key key = {.ifindex = SS_BFD_BY_DISCRIMINATOR};
    struct ss_session* session;
    __u64 pair[2];

    if (your) {
        session = ss_bfd_session_at(bpf_ntohl(your) & (SS_MAX_SESSIONS - 1));
        if (session && session->conf.bfd.packet.my_discriminator == your) return session;
        __builtin_memcpy(key.source, &your, sizeof(your));
        session = ss_bfd_session_of(&key);
        if (session && session->conf.bfd.packet.my_discriminator == your) return session;
    }
    if (ss_is_bfd(packet)) {
        key.ifindex = ifindex | SS_BFD_KEY;
        __builtin_memcpy(key.source, packet->source, sizeof(key.source));
    } else {
        key.ifindex = SS_BFD_BY_PAIR;
        ss_bfd_pair(packet->source, packet->destination, pair);
        __builtin_memcpy(key.source, pair, sizeof(key.source));
    }
    return ss_bfd_session_of(&key);
}

/*
 * True if the packet is of the kind that the session speaks, by its port: a discriminator alone could be guessed. Who is not
 * on the link is also known by the address.
 */
static __always_inline int ss_bfd_fits(const struct ss_session* session, const struct ss_packet* packet) {
    const __u32 kind = session->conf.bfd.kind;

    if (!ss_same_address(packet->destination, session->conf.return_address)) return 0;
    if (kind == SS_BFD_LINK) return ss_is_bfd(packet);
    if (!ss_same_address(packet->source, session->conf.peer)) return 0;
    return kind == SS_BFD_MULTIHOP ? packet->port[1] == bpf_htons(SS_BFD_MULTIHOP_PORT)
                                   : packet->port[0] == bpf_htons(SS_SBFD_PORT);
}

/* The way that the packet came by (RFC 5881, 5; RFC 5082). Returns 0, or the reason to discard it, plus 1. */
static __always_inline __u32 ss_bfd_check_way(const struct ss_session* session, const struct ss_packet* packet,
                                              __u32 ifindex) {
    const __u32 wanted = session->conf.return_ifindex;

    if (ifindex != wanted && (wanted || session->conf.bfd.kind == SS_BFD_LINK)) return SS_REJECT_WRONG_INTERFACE + 1;
    return packet->hop_limit + session->conf.bfd.hops < SS_BFD_HOP_LIMIT ? SS_REJECT_BFD_HOP_LIMIT + 1 : 0;
}

static __always_inline int ss_bfd_refuse(struct ss_session* session, __u32 reason) {
    session->rx.bfd.refused++;
    session->rx.bfd.reason = reason;
    ss_count(reason);
    return SS_SHOT;
}

static __always_inline void ss_bfd_tell(const struct ss_session* session) {
    struct ss_event* event;

    if (!ss_take_token(SS_BUCKET_BFD_TOLD, SS_BFD_TOLD_PER_SECOND, SS_BFD_TOLD_BURST)) return;
    event = bpf_ringbuf_reserve(&ss_events, sizeof(*event), 0);
    if (!event) return;
    __builtin_memset(event, 0, sizeof(*event));
    event->type = SS_EVENT_BFD;
    event->session = session->conf.bfd.index;
    event->time_ns = session->rx.last_answer_ns;
    bpf_ringbuf_submit(event, 0);
}

#ifdef SS_AT_XDP
#define ss_receive_bfd ss_receive_bfd_xdp
#endif

/* Consumes the packet if it is for one of our sessions, else returns SS_PASS. */
SS_VERIFIED_ONCE int ss_receive_bfd(ss_frame* frame, const struct ss_packet* packet) {
    struct ss_bfd_datagram datagram = {};
    struct ss_session* session;
    __u32 reason, ifindex, length;
    int whole;

    if (!packet) return SS_PASS; /* for the verifier */
    ifindex = ss_ifindex(frame);
    whole = !ss_load(frame, packet->upper_at & SS_MOST_AT, &datagram, SS_BFD_UNSIGNED);
    session = ss_bfd_session(packet, ifindex, whole ? datagram.said.packet.your_discriminator : 0);
    if (!session || !ss_bfd_fits(session, packet)) return SS_PASS;
    if (!whole) return ss_bfd_refuse(session, SS_REJECT_TRUNCATED);
    reason = ss_bfd_check_way(session, packet, ifindex);
    if (reason) return ss_bfd_refuse(session, reason - 1);
    length = bpf_ntohs(datagram.udp.len);
    reason =
        ss_bfd_check(&datagram.said.packet, length < sizeof(struct udphdr) ? 0 : length - (__u32)sizeof(struct udphdr));
    if (!reason) reason = ss_bfd_check_session(session, &datagram.said.packet);
    if (!reason && session->conf.bfd.auth) {
        if (ss_load(frame, (packet->upper_at & SS_MOST_AT) + SS_BFD_UNSIGNED, &datagram.said.signature,
                    sizeof(datagram.said.signature)))
            return ss_bfd_refuse(session, SS_REJECT_TRUNCATED);
        reason = ss_bfd_check_signature(session, &datagram.said, bpf_ktime_get_ns());
    }
    if (reason) return ss_bfd_refuse(session, reason - 1);
    if (ss_bfd_record(session, &datagram.said.packet, bpf_ktime_get_ns())) ss_bfd_tell(session);
    return SS_CONSUMED;
}

#endif
