// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The tc ingress program of every interface by which traffic enters (bpf/lib/ingress.h).
#include "bpf/lib/ingress.h"

#include "bpf/lib/received.h"

char _license[] SEC("license") = "Dual BSD/GPL";

SEC("tc")
int ss_ingress(struct __sk_buff* skb) {
    const struct ss_repair_state* repair = ss_repair_state();

    if (!repair) return SS_PASS;
    if (ss_all_well(repair) && !repair->hash_policy && ss_ordinary(skb, ETH_HLEN, repair)) return SS_PASS;
    if (!ss_for_this_interface(skb)) return SS_PASS;
    ss_unsettle(skb);
    if (repair->hash_policy) ss_forget_hash(skb, repair->hash_policy);
    return ss_ingress_any(skb, ss_all_well(repair));
}
