/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the programs at tc ingress ask of a packet as the kernel received it. */
#ifndef SIDESTEP_RECEIVED_H
#define SIDESTEP_RECEIVED_H

#include "bpf/lib/frame.h"

#define SS_PACKET_HOST 0 /* PACKET_HOST; <linux/if_packet.h> clashes with the BPF headers */

/* False for packets of other hosts, and for those of a VLAN, which has an interface of its own. */
static __always_inline int ss_for_this_interface(const struct __sk_buff* skb) {
    return skb->pkt_type == SS_PACKET_HOST && !skb->vlan_present;
}

/*
 * With fib_multipath_hash_policy 1 and higher, the kernel uses a hash that the interface or the sender's socket left on
 * the packet, but our FIB lookup does not. Without that hash, both compute it from the packet.
 */
static __always_inline void ss_forget_hash(struct __sk_buff* skb, __u32 rehash) {
    __u32 family = skb->protocol == bpf_htons(ETH_P_IP) ? SS_IPV4 : SS_IPV6;

    if (rehash >> family & 1) bpf_set_hash_invalid(skb);
}

#endif
