// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// tc ingress of every interface that traffic enters by: probes that come back go to the sink; what is addressed to a
// decapsulating SID of ours is unwrapped; while a session that protects something is not up, packets are steered;
// everything else takes the kernel's ordinary path untouched.
#include "bpf/lib/decap.h"
#include "bpf/lib/leave.h"
#include "bpf/lib/sink.h"

char _license[] SEC("license") = "Dual BSD/GPL";

#define PACKET_HOST 0       /* <linux/if_packet.h> clashes with the BPF headers */
#define SS_LINEAR_BYTES 256 /* a probe with its SRH; some drivers leave less than that in the linear part */

// Makes the headers readable where a driver left them in fragments.
static __always_inline void pull(struct __sk_buff* skb) {
    __u32 wanted = skb->len < SS_LINEAR_BYTES ? skb->len : SS_LINEAR_BYTES;

    if ((void*)(long)skb->data + wanted > (void*)(long)skb->data_end) bpf_skb_pull_data(skb, wanted);
}

static __always_inline int steer(struct __sk_buff* skb, struct ss_packet* packet, const struct ss_visit* visit) {
    struct ss_way way;

    ss_steer(skb, packet, SS_TRANSIT, visit ? visit->adjacency : 0, &way);
    return way.list ? ss_leave(skb, packet, SS_TRANSIT, visit, &way) : SS_PASS;
}

// What a header of segment routing or of a tunnel follows: it may be addressed to a SID of ours.
static __always_inline int visitor(struct __sk_buff* skb, struct ss_packet* packet, int all_well) {
    struct ss_packet next;
    struct ss_visit visit;

    ss_visit(skb, packet, &visit);
    if (visit.decapsulates) {
        int result = ss_decapsulate(skb, packet, &visit);

        if (result) return result;
        // What was inside visits us, too: the kernel has no route for it.
        if (packet->family == SS_IPV6 && ss_is_sid(packet->destination))
            return bpf_redirect(skb->ifindex, BPF_F_INGRESS);
        return all_well ? SS_PASS : steer(skb, packet, 0);
    }
    if (all_well) return SS_PASS;
    if (!visit.visits) return steer(skb, packet, 0);
    next = *packet;
    __builtin_memcpy(next.destination, visit.destination, sizeof(next.destination));
    return steer(skb, &next, &visit);
}

static __always_inline int ingress_ipv6(struct __sk_buff* skb, int all_well) {
    struct ipv6hdr* ip = ss_ipv6(skb);
    struct ss_packet packet;
    struct udphdr* udp;

    if (!ip || ip->version != 6) return SS_PASS;
    udp = ss_udp(skb, ip);
    if (udp && udp->dest == bpf_htons(SS_PROBE_PORT)) return ss_sink(skb, ip, udp); /* others' are never repaired */
    if (ip->nexthdr == SS_NEXT_ROUTING || ip->nexthdr == SS_NEXT_IPV6 || ip->nexthdr == SS_NEXT_IPV4) {
        return ss_read_ipv6(skb, ETH_HLEN, &packet) ? SS_PASS : visitor(skb, &packet, all_well);
    }
    if (all_well || ss_read_ipv6(skb, ETH_HLEN, &packet)) return SS_PASS;
    return steer(skb, &packet, 0);
}

static __always_inline int ingress_ipv4(struct __sk_buff* skb, int all_well) {
    struct ss_packet packet;

    if (all_well) return SS_PASS;
    pull(skb);
    return ss_read_ipv4(skb, ETH_HLEN, &packet) ? SS_PASS : steer(skb, &packet, 0);
}

// With fib_multipath_hash_policy 1 and higher the kernel goes by a hash that the interface or the sender's socket left
// on the packet, and the FIB that we ask does not: without it, both go by the packet.
static __always_inline void forget_hash(struct __sk_buff* skb, __u32 rehash) {
    __u32 family = skb->protocol == bpf_htons(ETH_P_IP) ? SS_IPV4 : SS_IPV6;

    if (rehash >> family & 1) bpf_set_hash_invalid(skb);
}

// While all is well: packets that are, by their first bytes, neither probes nor such as a SID of ours may be meant by;
// to those of IPv4 nothing is done then. Saves most packets half of the program; what cannot be said at a glance goes
// the long way.
static __always_inline int is_ordinary(const struct __sk_buff* skb) {
    const struct {
        struct ipv6hdr ip;
        struct udphdr udp;
    }* first = ss_at(skb, ETH_HLEN, sizeof(*first));

    if (skb->protocol != bpf_htons(ETH_P_IPV6)) return 1;
    if (!first) return 0;
    return first->ip.nexthdr == IPPROTO_TCP ||
           (first->ip.nexthdr == IPPROTO_UDP && first->udp.dest != bpf_htons(SS_PROBE_PORT));
}

SEC("tc")
int ss_ingress(struct __sk_buff* skb) {
    const struct ss_gate* gate = ss_gate();

    if (!gate) return SS_PASS;
    if (ss_all_well(gate) && !gate->rehash && is_ordinary(skb)) return SS_PASS;
    if (skb->pkt_type != PACKET_HOST) return SS_PASS;
    if (gate->rehash) forget_hash(skb, gate->rehash);
    if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
        pull(skb);
        return ingress_ipv6(skb, ss_all_well(gate));
    }
    if (skb->protocol == bpf_htons(ETH_P_IP)) return ingress_ipv4(skb, ss_all_well(gate));
    return SS_PASS;
}
