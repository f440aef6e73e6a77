// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// tc ingress of every interface that traffic enters by: probes that come back go to the sink; while a session that
// protects something is not up, packets are steered; everything else takes the kernel's ordinary path untouched.
#include "bpf/lib/push.h"
#include "bpf/lib/sink.h"
#include "bpf/lib/steer.h"

char _license[] SEC("license") = "Dual BSD/GPL";

#define PACKET_HOST 0       /* <linux/if_packet.h> clashes with the BPF headers */
#define SS_LINEAR_BYTES 256 /* a probe with its SRH; some drivers leave less than that in the linear part */

// Makes the headers readable where a driver left them in fragments.
static __always_inline void pull(struct __sk_buff* skb) {
    __u32 wanted = skb->len < SS_LINEAR_BYTES ? skb->len : SS_LINEAR_BYTES;

    if ((void*)(long)skb->data + wanted > (void*)(long)skb->data_end) bpf_skb_pull_data(skb, wanted);
}

SEC("tc")
int ss_ingress(struct __sk_buff* skb) {
    const struct ss_candidate* candidate;
    struct ipv6hdr* ip;
    struct udphdr* udp;

    if (skb->pkt_type != PACKET_HOST || skb->protocol != bpf_htons(ETH_P_IPV6)) return SS_PASS;
    pull(skb);
    ip = ss_ipv6(skb);
    if (!ip || ip->version != 6) return SS_PASS;
    udp = ss_udp(skb, ip);
    if (udp && udp->dest == bpf_htons(SS_PROBE_PORT)) return ss_sink(skb, ip, udp); /* others' are never repaired */

    if (ss_all_well()) return SS_PASS;
    if (ip->hop_limit <= 1) {
        ss_count(SS_REJECT_COUNT + SS_OUTCOME_HOP_LIMIT);
        return SS_PASS;
    }
    candidate = ss_steer(&ip->daddr, skb->len);
    return candidate ? ss_push_tc(skb, candidate) : SS_PASS;
}
