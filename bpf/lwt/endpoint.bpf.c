// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The End.BPF endpoint (seg6local): a neighbor's probes pass through this SID on their way back to it, and prove that
// its packets reach this node. So one stream of probes gives liveness to both ends.
//
//     ip -6 route add SID encap seg6local action End.BPF endpoint pinned .../ss_endpoint dev DEVICE
//
// This node cannot check the neighbor's MAC, because only the neighbor has the key. The edge of the SR domain must
// filter who may send to SIDs of this node (RFC 8754, 5.1). Probes with a wrong interface or source do not count.
#include "bpf/lib/answer.h"
#include "bpf/lib/maps.h"
#include "bpf/lib/parse.h"

char _license[] SEC("license") = "Dual BSD/GPL";

SEC("lwt_seg6local")
int ss_endpoint(struct __sk_buff* skb) {
    struct ss_passive_key key = {};
    struct ss_packet packet; /* begins with its IPv6 header */
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
