// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// lwt_in of a route: `ip -6 route add PREFIX encap bpf in pinned .../ss_lwt_in ...` puts the route's packets under the
// policy of their prefix. The kernel then looks up the first segment itself.
#include "bpf/lib/maps.h"
#include "bpf/lib/parse.h"
#include "bpf/lib/steer.h"

char _license[] SEC("license") = "Dual BSD/GPL";

SEC("lwt_in")
int ss_lwt_in(struct __sk_buff* skb) {
    struct ipv6hdr* ip = (void*)(long)skb->data; /* LWT packets begin with the network header */
    const struct ss_candidate* candidate;
    const __u32 before_srh = ETH_HLEN + sizeof(*ip);
    __u32 length;

    if ((void*)(ip + 1) > (void*)(long)skb->data_end || ip->version != 6 || ss_all_well()) return BPF_OK;
    candidate = ss_steer(&ip->daddr, skb->len);
    if (!candidate) return BPF_OK;
    length = candidate->header_length - before_srh;
    if (length < sizeof(struct ss_srh) || length > SS_HEADER_MAX - before_srh) return BPF_OK;
    if (bpf_lwt_push_encap(skb, BPF_LWT_ENCAP_SEG6, (void*)candidate->header + before_srh, length)) {
        ss_count(SS_REJECT_COUNT + SS_OUTCOME_PUSH_FAILED);
        return BPF_DROP;
    }
    ss_count(SS_REJECT_COUNT + SS_OUTCOME_REPAIRED);
    return BPF_OK;
}
