// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The tc egress program of the policy device: packets that the kernel routes into it, forwarded or local, leave by
// their policy. There is no ordinary path from here, so a packet that no candidate takes is dropped. It also runs behind
// the splitter, where GSO packets of hitless policies come to in segments.
#include "bpf/lib/transmit.h"

char _license[] SEC("license") = "Dual BSD/GPL";

SEC("tc")
int ss_device(struct __sk_buff* skb) {
    struct ss_packet packet;
    struct ss_path path;
    int result;

    if (skb->protocol == bpf_htons(ETH_P_IPV6)
            ? ss_read_ipv6(skb, ETH_HLEN, &packet)
            : skb->protocol != bpf_htons(ETH_P_IP) || ss_read_ipv4(skb, ETH_HLEN, &packet)) {
        return TC_ACT_SHOT; /* neighbor discovery and similar */
    }
    ss_steer(skb, &packet, SS_DEVICE, 0, &path);
    if (!path.list) return TC_ACT_SHOT;
    result = ss_transmit(skb, &packet, SS_DEVICE, 0, &path);
    return result == SS_PASS ? TC_ACT_SHOT : result;
}
