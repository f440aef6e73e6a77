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

SEC("lwt_seg6local")
int ss_endpoint(struct __sk_buff* skb) {
    struct ss_passive_key key = {};
    struct ss_packet packet; /* it begins with its IPv6 header */
    struct ss_session* session;
    __u32* index;

    if (ss_read_ipv6(skb, 0, &packet) || !packet.srh_at || !ss_is_probe(&packet)) return BPF_OK;
    key.ifindex = skb->ingress_ifindex;
    __builtin_memcpy(key.source, packet.source, sizeof(key.source));
    index = bpf_map_lookup_elem(&ss_passives, &key);
    if (!index) return BPF_OK;
    session = ss_entry(&ss_sessions, *index);
    if (session && session->conf.flags & SS_SESSION_PASSIVE) ss_record_passing(session, bpf_ktime_get_ns());
    return BPF_OK;
}
