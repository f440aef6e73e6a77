/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The S-BFD reflector (RFC 7880, 7.2; RFC 7881): says of a discriminator of this node that the node can be reached. It keeps
 * nothing about who asks.
 */
#ifndef SIDESTEP_SBFD_REFLECTOR_H
#define SIDESTEP_SBFD_REFLECTOR_H

#include "bpf/lib/bfd.h"
#include "bpf/lib/reflect.h"

static __always_inline int ss_has_discriminator(const struct ss_reflector* reflector, __be32 wanted) {
    __u32 i;

    for (i = 0; i < SS_MAX_REFLECTED && i < reflector->discriminators; i++) {
        SS_KEEP(i);
        if (reflector->discriminator[i & (SS_MAX_REFLECTED - 1)] == wanted) return 1;
    }
    return 0;
}

/*
 * The checks of RFC 5880, 6.8.6, and RFC 7880, 7.2. Returns 0, or the reason to drop the packet, plus 1. Initiators set D
 * and reflectors do not, so that no reflector answers another one (RFC 7880, appendix A).
 */
static __always_inline __u32 ss_check_sbfd(const struct ss_reflector* reflector, const struct ss_bfd_packet* packet,
                                           __u32 available) {
    __u32 reason = ss_bfd_check(packet, available);

    if (reason) return reason;
    if (packet->state_flags & SS_BFD_AUTHENTICATED) return SS_REJECT_BFD_AUTHENTICATION + 1;
    if (!(packet->state_flags & SS_BFD_DEMAND)) return SS_REJECT_REFLECT_LOOP + 1;
    if (!packet->your_discriminator || !ss_has_discriminator(reflector, packet->your_discriminator))
        return SS_REJECT_REFLECT_SESSION + 1;
    return 0;
}

/* What is said in answer to a good packet. */
static __always_inline void ss_fill_sbfd(const struct ss_reflector* reflector, const struct ss_bfd_packet* packet,
                                         struct ss_bfd_packet* answer) {
    const __u32 state = reflector->flags & SS_REFLECTOR_ADMIN_DOWN ? SS_BFD_ADMIN_DOWN : SS_BFD_UP;

    *answer = *packet;
    answer->version_diagnostic = SS_BFD_VERSION << 5;
    answer->state_flags = (__u8)(state << SS_BFD_STATE_SHIFT | SS_BFD_INDEPENDENT);
    if (packet->state_flags & SS_BFD_POLL) answer->state_flags |= SS_BFD_FINAL;
    answer->my_discriminator = packet->your_discriminator;
    answer->your_discriminator = packet->my_discriminator;
    answer->required_rx_us = bpf_htonl(reflector->receive_us);
    answer->required_echo_us = 0;
}

/* The packet is to be answered, if it is well. Returns the program's result. */
SS_OWN_FRAME int ss_answer_sbfd(ss_frame* frame, const struct ss_packet* packet, const struct ss_reflector* reflector) {
    const __u32 udp_at = packet->upper_at & SS_MOST_AT;
    struct {
        struct udphdr udp;
        struct ss_bfd_packet packet;
    } came;
    struct ss_bfd_packet answer;
    struct ss_way_back way = {};
    __u32 length, changed;
    int reason;

    if (ss_load(frame, udp_at, &came, sizeof(came))) return ss_reflect_refuse(SS_REJECT_TRUNCATED + 1);
    length = bpf_ntohs(came.udp.len);
    if (length < sizeof(came) || udp_at + length > ETH_HLEN + packet->length)
        return ss_reflect_refuse(SS_REJECT_TRUNCATED + 1);
    reason = (int)ss_check_sbfd(reflector, &came.packet, length - (__u32)sizeof(came.udp));
    if (reason) return ss_reflect_refuse(reason);
    reason = ss_find_way_back(frame, packet, &way);
    if (reason) return reason < 0 ? SS_PASS /* to tc, which can */ : ss_reflect_refuse(SS_REJECT_REFLECT_SOURCE + 1);
    if (!ss_may_answer(SS_REFLECTOR_SBFD)) return ss_reflect_refuse(SS_REJECT_REFLECT_RATE + 1);
    ss_fill_sbfd(reflector, &came.packet, &answer);
    if (ss_store(frame, udp_at + sizeof(came.udp), &answer, sizeof(answer))) return SS_SHOT;
    changed = (__u32)bpf_csum_diff((__be32*)&came.packet, sizeof(answer), (__be32*)&answer, sizeof(answer), 0);
    ss_count_outcome(SS_OUTCOME_SBFD_ANSWERED);
    return ss_send_answer(frame, packet, &way, changed);
}

#ifdef SS_AT_XDP
#define ss_reflect_sbfd ss_reflect_sbfd_xdp
#endif

/* Answers an S-BFD packet for an address of the reflector, or drops it; others it passes. */
SS_VERIFIED_ONCE int ss_reflect_sbfd(ss_frame* frame, const struct ss_packet* packet) {
    const struct ss_reflector* reflector = ss_reflector(SS_REFLECTOR_SBFD);
    int reason;

    if (!packet || !reflector) return SS_PASS;
    reason = ss_admit(frame, packet, SS_REFLECTOR_SBFD);
    if (reason == SS_NOT_OURS) return SS_PASS;
    if (reason) return ss_reflect_refuse(reason);
    return ss_answer_sbfd(frame, packet, reflector);
}

#endif
