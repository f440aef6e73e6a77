// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// End.BPF endpoint (seg6local): a neighbor's probes pass through this SID on their way back to it, and prove that its
// packets reach us. So one stream of probes gives liveness to both ends.
//
//     ip -6 route add SID encap seg6local action End.BPF endpoint pinned .../ss_endpoint dev DEVICE
//
// The neighbor's MAC cannot be checked here, its key is its own: who may send to SIDs of this node has to be filtered
// at the edge of the SR domain (RFC 8754, 5.1). Wrong interface and wrong source count for nothing.
#include "bpf/lib/answer.h"
#include "bpf/lib/maps.h"
#include "bpf/lib/parse.h"

char _license[] SEC("license") = "Dual BSD/GPL";

// True if the packet, which begins with its IPv6 header, is a probe behind an SRH.
static __always_inline int is_probe(const struct __sk_buff* skb, struct ipv6hdr* ip) {
    const struct udphdr* udp = ip->nexthdr == SS_NEXT_ROUTING ? ss_udp(skb, ip) : 0;

    return udp && udp->dest == bpf_htons(SS_PROBE_PORT);
}

SEC("lwt_seg6local")
int ss_endpoint(struct __sk_buff* skb) {
    struct ipv6hdr* ip = (void*)(long)skb->data;
    struct ss_passive_key key = {};
    struct ss_session* session;
    __u32* index;

    if ((void*)(ip + 1) > (void*)(long)skb->data_end || !is_probe(skb, ip)) return BPF_OK;
    key.ifindex = skb->ingress_ifindex;
    __builtin_memcpy(key.source, &ip->saddr, sizeof(key.source));
    index = bpf_map_lookup_elem(&ss_passives, &key);
    if (!index) return BPF_OK;
    session = ss_entry(&ss_sessions, *index);
    if (session && session->conf.flags & SS_SESSION_PASSIVE) ss_record_passing(session, bpf_ktime_get_ns());
    return BPF_OK;
}
