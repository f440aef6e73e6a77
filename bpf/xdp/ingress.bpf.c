// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The XDP program of the interfaces that `xdp` names: it does what tc ingress does (bpf/lib/ingress.h), before the
// kernel builds an skb. Packets that it cannot handle go on to tc ingress, which is attached there, too.
#define SS_AT_XDP
#include "bpf/lib/ingress.h"

char _license[] SEC("license") = "Dual BSD/GPL";

#define SS_MAX_ROUNDS 4 /* for a packet whose inner packets are again and again addressed to a SID of ours */

// True if the frame's destination MAC is that of this interface.
static __always_inline int is_ours(const struct xdp_md* frame) {
    const __u32 ifindex = frame->ingress_ifindex;
    const struct ss_xdp_interface* port = bpf_map_lookup_elem(&ss_xdp_interfaces, &ifindex);
    const struct ethhdr* eth = ss_at(frame, 0, sizeof(*eth));
    int i;

    if (!port || !eth) return 0;
    for (i = 0; i < ETH_ALEN; i++) {
        if (eth->h_dest[i] != port->mac[i]) return 0;
    }
    return 1;
}

SS_VERIFIED_ONCE int ss_xdp_round(struct xdp_md* frame) {
    const struct ss_repair_state* repair = ss_repair_state();

    return repair ? ss_ingress_any(frame, ss_all_well(repair)) : SS_PASS;
}

SEC("xdp")
int ss_ingress_xdp(struct xdp_md* frame) {
    const struct ss_repair_state* repair = ss_repair_state();
    int i;

    if (!repair || repair->hash_policy) return SS_PASS; /* the hash that the kernel will use cannot be removed here */
    if (ss_all_well(repair) && ss_ordinary(frame, ETH_HLEN, repair)) return SS_PASS;
    if (!is_ours(frame)) return SS_PASS;
    for (i = 0; i < SS_MAX_ROUNDS; i++) {
        const int result = ss_xdp_round(frame);

        SS_KEEP(i);
        if (result != SS_AGAIN) return result;
    }
    ss_count_outcome(SS_OUTCOME_SID_FAILED);
    return SS_SHOT;
}

// Runs on every frame that we send, in the driver of the interface that it leaves by.
SEC("xdp/devmap")
int ss_exit_xdp(struct xdp_md* frame) {
    const struct ss_copy_note* found = ss_note_of(frame);
    struct ss_copy_note note;

    if (!found || found->instance != ss_instance) return XDP_PASS;
    note = *found;
    return ss_finish_copy(frame, &note);
}
