// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A silent cut: at egress of both ends, packets vanish while their direction's bit is set. And the entry of a slow link:
// those that do not vanish go into a delay line while there is one. Frames that an XDP program sends over the link do not
// pass here.
#include "topo/cut.h"

#include <linux/bpf.h>
#include <linux/errno.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

// The whole cut is one store into this word: bit d cuts direction d.
volatile __u32 topo_cut = 0;
// While uncut: one packet in this many vanishes; 0: none.
volatile __u32 topo_cut_every = 0;
// While uncut: the share of packets that vanishes in a direction, in parts of 2^32; which ones depends on the seed alone.
volatile __u32 topo_cut_share[2] = {};
volatile __u32 topo_cut_seed = 0;
// While uncut: packets of a direction that are longer than this many bytes, Ethernet header included, vanish; 0: none.
volatile __u32 topo_cut_above[2] = {};
// What is left of a direction goes to this interface instead, the TAP device of its delay line; 0: none.
volatile __u32 topo_cut_line[2] = {};
__u32 topo_cut_passed[2] = {};
struct topo_cut_direction topo_cut_directions[2] = {};

// Spreads neighboring numbers over all of 32 bits (the end of MurmurHash3).
static __always_inline __u32 scattered(__u32 number) {
    number = (number ^ (number >> 16)) * 0x85ebca6bU;
    number = (number ^ (number >> 13)) * 0xc2b2ae35U;
    return number ^ (number >> 16);
}

static __always_inline int is_unlucky(__u32 direction) {
    __u32 every = topo_cut_every;
    __u32 share = topo_cut_share[direction];
    __u32 number;

    if (!every && !share) return 0;
    number = __sync_fetch_and_add(&topo_cut_passed[direction], 1);
    if (every && number % every == 0) return 1;
    return scattered(number + topo_cut_seed) < share;
}

static __always_inline int is_too_long(const struct __sk_buff* skb, __u32 direction) {
    __u32 most = topo_cut_above[direction];

    return most && skb->len > most;
}

// Frames pass if the line's device is gone (EINVAL), as when its owner was killed. A plain redirect would lose them.
static __always_inline int pass(struct __sk_buff* skb, __u32 direction) {
    __u32 line = topo_cut_line[direction];

    if (!line || bpf_clone_redirect(skb, line, 0) == -EINVAL) return TC_ACT_UNSPEC;
    return TC_ACT_STOLEN;
}

static __always_inline int judge(struct __sk_buff* skb, __u32 direction) {
    struct topo_cut_direction* seen = &topo_cut_directions[direction];

    if (!(topo_cut & (1U << direction)) && !is_unlucky(direction) && !is_too_long(skb, direction))
        return pass(skb, direction);
    if (!seen->first_drop_ns) __sync_val_compare_and_swap(&seen->first_drop_ns, 0, bpf_ktime_get_ns());
    __sync_fetch_and_add(&seen->dropped, 1);
    // STOLEN, not SHOT: the sender must not see an error; a dead fiber gives none.
    return TC_ACT_STOLEN;
}

SEC("tc")
int cut_forward(struct __sk_buff* skb) {
    return judge(skb, 0);
}

SEC("tc")
int cut_backward(struct __sk_buff* skb) {
    return judge(skb, 1);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
