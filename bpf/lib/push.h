/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Puts a candidate's header before a packet. The detector wrote the bytes (detector/core/wire); here they are copied,
 * and what differs per packet is filled in: payload length, traffic class, flow label.
 */
#ifndef SIDESTEP_PUSH_H
#define SIDESTEP_PUSH_H

#include "bpf/lib/maps.h"
#include "bpf/lib/parse.h"

/* The first four bytes of an outer header: class of the inner one (RFC 2983, 3), label of its flow (RFC 6438). */
static __always_inline __be32 ss_outer_flow(__be32 inner_first_word, __u32 hash) {
    return bpf_htonl((bpf_ntohl(inner_first_word) & 0x0ff00000) | 0x60000000 | (hash & 0x000fffff));
}

/*
 * tc: encapsulates an IPv6 packet by `candidate` and sends it out. Returns the program's result. The neighbour's MAC is
 * in the header, since the session that vouches for the path proves it: nothing waits for neighbour discovery.
 */
static __always_inline int ss_push_tc(struct __sk_buff* skb, const struct ss_candidate* candidate) {
    const __u64 encap = BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 | BPF_F_ADJ_ROOM_NO_CSUM_RESET;
    __u32 length = candidate->header_length;
    struct ipv6hdr* ip = ss_ipv6(skb);
    __u32 inner_payload;
    __be32 first_word;

    if (!ip || length < ETH_HLEN + sizeof(*ip) || length > SS_HEADER_MAX) goto failed;
    first_word = *(__be32*)ip;
    inner_payload = bpf_ntohs(ip->payload_len);
    ip->hop_limit--; /* forwarded here (RFC 8986, 5.1: the encapsulated packet is decremented first) */

    if (bpf_skb_adjust_room(skb, (__s32)(length - ETH_HLEN), BPF_ADJ_ROOM_MAC, encap)) goto failed;
    if (bpf_skb_store_bytes(skb, 0, candidate->header, length, 0)) goto failed;
    ip = ss_ipv6(skb);
    if (!ip) goto failed;
    *(__be32*)ip = ss_outer_flow(first_word, bpf_get_hash_recalc(skb));
    ip->payload_len = bpf_htons((__u16)(inner_payload + length - ETH_HLEN));
    ss_count(SS_REJECT_COUNT + SS_OUTCOME_REPAIRED);
    return bpf_redirect(candidate->ifindex, 0);

failed:
    ss_count(SS_REJECT_COUNT + SS_OUTCOME_PUSH_FAILED);
    return TC_ACT_SHOT;
}

#endif
