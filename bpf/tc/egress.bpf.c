// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The tc egress program of the interfaces of adjacencies with a bypass: packets that the kernel sends to an adjacency that
// is not up take its bypass. Here the kernel has answered what tc ingress can only ask: this node's own packets, those of
// routes that encapsulate, and those whose choice among equal ways the lookup does not get right are seen as well. While
// every session is up, this costs one load. What has no neighbor any more does not come here: carrier lost, or shut down.
#include "bpf/lib/received.h"
#include "bpf/lib/transmit.h"

char _license[] SEC("license") = "Dual BSD/GPL";

#define SS_MOST_HOPS 255

// True for what belongs to the link, and must fail with it: packets of this node to the neighbor's own addresses, such as
// those of BFD and of routing protocols, and neighbor discovery (RFC 4861, 7.1: hop limit 255).
static __always_inline int is_of_the_link(const struct __sk_buff* skb, const struct ss_packet* packet) {
    if (skb->ingress_ifindex) return 0;
    return (packet->upper == IPPROTO_ICMPV6 && packet->hop_limit == SS_MOST_HOPS) || ss_is_for_neighbor(skb, packet);
}

static __always_inline int leave(struct __sk_buff* skb, const struct ss_adjacency* ahead) {
    struct ss_packet packet;
    struct ss_path path;

    ss_pull(skb, SS_LINEAR_BYTES);
    if (skb->protocol == bpf_htons(ETH_P_IPV6)
            ? ss_read_ipv6(skb, ETH_HLEN, &packet)
            : skb->protocol != bpf_htons(ETH_P_IP) || ss_read_ipv4(skb, ETH_HLEN, &packet)) {
        return SS_PASS;
    }
    if (ss_is_probe(&packet) || ss_never_repaired(&packet) || is_of_the_link(skb, &packet)) return SS_PASS;
    ss_steer(skb, &packet, SS_EGRESS, ahead, &path);
    return path.list ? ss_transmit(skb, &packet, SS_EGRESS, 0, &path) : SS_PASS;
}

SEC("tc")
int ss_egress(struct __sk_buff* skb) {
    const struct ss_repair_state* repair = ss_repair_state();
    const struct ss_adjacency* ahead;

    if (!repair || !SS_READ(repair->active)) return SS_PASS;
    if (ss_is_settled(skb) || skb->vlan_present) return SS_PASS;
    ahead = ss_adjacency_ahead(skb);
    if (!ahead || ss_session_rank(ahead->session) == SS_UP) return SS_PASS;
    return leave(skb, ahead);
}
