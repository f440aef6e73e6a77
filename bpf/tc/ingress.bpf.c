// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The tc ingress program of every interface by which traffic enters (bpf/lib/ingress.h).
#include "bpf/lib/ingress.h"

char _license[] SEC("license") = "Dual BSD/GPL";

#define PACKET_HOST 0 /* <linux/if_packet.h> clashes with the BPF headers */

// With fib_multipath_hash_policy 1 and higher, the kernel uses a hash that the interface or the sender's socket left on
// the packet, but our FIB lookup does not. Without that hash, both compute it from the packet.
static __always_inline void forget_hash(struct __sk_buff* skb, __u32 rehash) {
    __u32 family = skb->protocol == bpf_htons(ETH_P_IP) ? SS_IPV4 : SS_IPV6;

    if (rehash >> family & 1) bpf_set_hash_invalid(skb);
}

SEC("tc")
int ss_ingress(struct __sk_buff* skb) {
    const struct ss_repair_state* repair = ss_repair_state();

    if (!repair) return SS_PASS;
    if (ss_all_well(repair) && !repair->hash_policy && ss_ordinary(skb)) return SS_PASS;
    if (skb->pkt_type != PACKET_HOST || skb->vlan_present) return SS_PASS; /* a VLAN has an interface of its own */
    if (repair->hash_policy) forget_hash(skb, repair->hash_policy);
    return ss_ingress_any(skb, ss_all_well(repair));
}
