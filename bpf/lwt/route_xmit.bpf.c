// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The lwt_xmit program of a route: `ip -6 route add PREFIX encap bpf xmit pinned .../ss_lwt_xmit ...` applies the
// policy of their prefix to the route's packets, local ones included. If that differs from the route's own next hop,
// the packet gets an Ethernet header and goes to the policy device, which also encapsulates GSO packets.
#include "bpf/lib/parse.h"
#include "bpf/lib/steer.h"

char _license[] SEC("license") = "Dual BSD/GPL";

SEC("lwt_xmit")
int ss_lwt_xmit(struct __sk_buff* skb) {
    const struct ss_node* node = ss_node();
    struct ss_packet packet;
    struct ethhdr eth = {};
    struct ss_path path;

    if (ss_routes_rest(node) || !node->policy_device) return BPF_OK;
    if (ss_read_ipv6(skb, 0, &packet) && ss_read_ipv4(skb, 0, &packet)) return BPF_OK;
    ss_steer(skb, &packet, SS_ROUTE, 0, &path);
    if (!path.list) return BPF_OK;
    eth.h_proto = bpf_htons(packet.family == SS_IPV4 ? ETH_P_IP : ETH_P_IPV6);
    if (bpf_skb_change_head(skb, ETH_HLEN, 0) || bpf_skb_store_bytes(skb, 0, &eth, sizeof(eth), 0)) return BPF_DROP;
    return bpf_redirect(node->policy_device, 0);
}
