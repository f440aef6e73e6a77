// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Where generated packets end: right behind the router that is measured, counted and taken out of the way at once, so
// that no other node's work is in the figures. All else passes, probes and neighbor discovery.
#include "tests/bench/arrivals.h"

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "tests/bench/generator.h"

struct bench_arrivals bench_arrivals[2] = {};  // by way: 0 is the link, 1 the detour

struct cursor {
    void* at;
    void* end;
};

// Steps over `length` bytes; null if they are not there.
static __always_inline void* take(struct cursor* cursor, __u32 length) {
    void* here = cursor->at;

    if (here + length > cursor->end) return 0;
    cursor->at = here + length;
    return here;
}

// Steps over an IPv6 header and an SRH behind it; the protocol of what follows.
static __always_inline int take_ipv6(struct cursor* cursor) {
    struct ipv6hdr* ip = take(cursor, sizeof(*ip));
    struct ipv6_opt_hdr* srh;

    if (!ip) return -1;
    if (ip->nexthdr != IPPROTO_ROUTING) return ip->nexthdr;
    srh = take(cursor, sizeof(*srh));
    if (!srh || !take(cursor, 6 + 8 * (__u32)srh->hdrlen)) return -1;
    return srh->nexthdr;
}

static __always_inline int take_ipv4(struct cursor* cursor) {
    struct iphdr* ip = take(cursor, sizeof(*ip));

    return ip ? ip->protocol : -1;
}

static __always_inline int count(struct __sk_buff* skb, __u32 way) {
    struct bench_arrivals* arrivals = &bench_arrivals[way];
    struct cursor cursor = {(void*)(long)skb->data + ETH_HLEN, (void*)(long)skb->data_end};
    int protocol = skb->protocol == bpf_htons(ETH_P_IPV6) ? IPPROTO_IPV6 : IPPROTO_IPIP;
    int encapsulated = 0;
    struct udphdr* udp;

    protocol = protocol == IPPROTO_IPV6 ? take_ipv6(&cursor) : take_ipv4(&cursor);
    if (protocol == IPPROTO_IPV6 || protocol == IPPROTO_IPIP) {
        encapsulated = 1;
        protocol = protocol == IPPROTO_IPV6 ? take_ipv6(&cursor) : take_ipv4(&cursor);
    }
    if (protocol != IPPROTO_UDP) return TC_ACT_UNSPEC;
    udp = take(&cursor, sizeof(*udp));
    if (!udp || udp->dest != bpf_htons(BENCH_PORT)) return TC_ACT_UNSPEC;
    if (encapsulated) {
        if (!arrivals->first_encapsulated_ns) arrivals->first_encapsulated_ns = bpf_ktime_get_ns();
        arrivals->encapsulated++;
    } else {
        arrivals->plain++;
    }
    return TC_ACT_STOLEN;
}

SEC("tc")
int count_link(struct __sk_buff* skb) {
    return count(skb, 0);
}

SEC("tc")
int count_detour(struct __sk_buff* skb) {
    return count(skb, 1);
}

// What comes back from a reflector of STAMP.
SEC("tc")
int count_answers(struct __sk_buff* skb) {
    struct cursor cursor = {(void*)(long)skb->data + ETH_HLEN, (void*)(long)skb->data_end};
    struct udphdr* udp;

    if (skb->protocol != bpf_htons(ETH_P_IPV6) || take_ipv6(&cursor) != IPPROTO_UDP) return TC_ACT_UNSPEC;
    udp = take(&cursor, sizeof(*udp));
    if (!udp || udp->source != bpf_htons(BENCH_STAMP_PORT)) return TC_ACT_UNSPEC;
    bench_arrivals[0].plain++;
    return TC_ACT_STOLEN;
}

// The same, before S makes a packet of its own of the frame.
SEC("xdp")
int count_answer_frames(struct xdp_md* frame) {
    struct cursor cursor = {(void*)(long)frame->data, (void*)(long)frame->data_end};
    struct ethhdr* eth = take(&cursor, sizeof(*eth));
    struct udphdr* udp;

    if (!eth || eth->h_proto != bpf_htons(ETH_P_IPV6) || take_ipv6(&cursor) != IPPROTO_UDP) return XDP_PASS;
    udp = take(&cursor, sizeof(*udp));
    if (!udp || udp->source != bpf_htons(BENCH_STAMP_PORT)) return XDP_PASS;
    bench_arrivals[0].plain++;
    return XDP_DROP;
}

// Costs what it costs to have any program there.
SEC("tc")
int count_nothing(struct __sk_buff* skb) {
    return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
