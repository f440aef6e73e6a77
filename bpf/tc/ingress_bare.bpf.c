// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The tc ingress program of interfaces whose packets have no Ethernet header (WireGuard, tun, PPP, IP tunnels). A packet
// that has to be looked at gets one, so that the rest is the same as elsewhere (bpf/lib/ingress.h). The kernel takes it off
// again with the rest of the link header if the packet is passed on.
#include "bpf/lib/ingress.h"
#include "bpf/lib/received.h"

char _license[] SEC("license") = "Dual BSD/GPL";

#define SS_COMPARED 20 /* an IPv4 header; of IPv6, with half of the source address */

// True if nothing precedes the IP header. Some tunnels leave their own outer header before it.
static __always_inline int is_bare(struct __sk_buff* skb) {
    __u32 start[SS_COMPARED / 4], network[SS_COMPARED / 4];
    int i;

    if (bpf_skb_load_bytes(skb, 0, start, sizeof(start))) return 0;
    if (bpf_skb_load_bytes_relative(skb, 0, network, sizeof(network), BPF_HDR_START_NET)) return 0;
    SS_UNROLL
    for (i = 0; i < SS_COMPARED / 4; i++) {
        if (start[i] != network[i]) return 0;
    }
    return 1;
}

SEC("tc")
int ss_ingress_bare(struct __sk_buff* skb) {
    const struct ss_repair_state* repair = ss_repair_state();
    struct ethhdr eth = {.h_proto = (__be16)skb->protocol};

    if (!repair) return SS_PASS;
    if (ss_all_well(repair) && !repair->hash_policy && ss_ordinary(skb, 0, repair)) return SS_PASS;
    if (!ss_for_this_interface(skb)) return SS_PASS;
    ss_unsettle(skb);
    if (repair->hash_policy) ss_forget_hash(skb, repair->hash_policy);
    if (eth.h_proto != bpf_htons(ETH_P_IPV6) && eth.h_proto != bpf_htons(ETH_P_IP)) return SS_PASS;
    if (!is_bare(skb) || bpf_skb_change_head(skb, ETH_HLEN, 0)) return SS_PASS;
    if (ss_store(skb, 0, &eth, sizeof(eth))) return SS_PASS;
    return ss_ingress_any(skb, ss_all_well(repair));
}
