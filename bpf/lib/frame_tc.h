/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Packets at tc and in routes (bpf/lib/frame.h). The kernel must be told which tunnels GSO packets are in. */
#ifndef SIDESTEP_FRAME_TC_H
#define SIDESTEP_FRAME_TC_H

#include <linux/pkt_cls.h>

#define SS_PASS TC_ACT_UNSPEC /* other filters still see it */
#define SS_SHOT TC_ACT_SHOT
#define SS_TC_FOLLOWS 0

/* tcx does not know TC_ACT_STOLEN; there it is TC_ACT_SHOT. */
const volatile int ss_consumed __weak = TC_ACT_STOLEN;
#define SS_CONSUMED ss_consumed

#define SS_ENOTSUPP 524 /* from the kernel's linux/errno.h */
#define SS_EALREADY 114

/* linux/bpf.h defines them since 6.3. */
#define SS_DECAP_L3_IPV4 (1ULL << 7)
#define SS_DECAP_L3_IPV6 (1ULL << 8)

static __always_inline __u32 ss_ifindex(const ss_frame* frame) {
    return frame->ifindex;
}

static __always_inline __u32 ss_bytes(const ss_frame* frame) {
    return frame->len;
}

static __always_inline __be16 ss_protocol(const ss_frame* frame) {
    return (__be16)frame->protocol;
}

static __always_inline __u32 ss_gso_size(const ss_frame* frame) {
    return frame->gso_size;
}

/* Some drivers leave most of a packet in fragments. */
static __always_inline int ss_pull(ss_frame* frame, __u32 bytes) {
    __u32 wanted = frame->len < bytes ? frame->len : bytes;

    if ((void*)(long)frame->data + wanted <= (void*)(long)frame->data_end) return 0;
    return bpf_skb_pull_data(frame, wanted) ? -1 : 0;
}

static __always_inline int ss_load(const ss_frame* frame, __u32 at, void* to, __u32 bytes) {
    return bpf_skb_load_bytes(frame, at, to, bytes) ? -1 : 0;
}

static __always_inline int ss_store(ss_frame* frame, __u32 at, const void* from, __u32 bytes) {
    return bpf_skb_store_bytes(frame, at, from, bytes, 0) ? -1 : 0;
}

static __always_inline __u32 ss_hash(ss_frame* frame, const struct ss_packet* packet) {
    (void)packet;
    return bpf_get_hash_recalc(frame);
}

static __always_inline int ss_can_send(ss_frame* frame, __u32 ifindex, __u32 bytes) {
    (void)frame, (void)ifindex, (void)bytes;
    return 1;
}

static __always_inline int ss_can_bounce(const ss_frame* frame) {
    (void)frame;
    return 1;
}

/* tc_index survives forwarding and redirects. The number differs between nodes, since it also survives a veth. */
const volatile __u16 ss_settled __weak = 1;

/* In assembly, because the verifier refuses the code if clang computes the field's address separately. */
static __always_inline void ss_set_tc_index(ss_frame* frame, __u32 value) {
    asm volatile("*(u32 *)(%0 + %1) = %2"
                 :
                 : "r"(frame), "i"(__builtin_offsetof(ss_frame, tc_index)), "r"(value)
                 : "memory");
}

static __always_inline void ss_settle(ss_frame* frame) {
    ss_set_tc_index(frame, ss_settled);
}

static __always_inline void ss_unsettle(ss_frame* frame) {
    ss_set_tc_index(frame, 0);
}

static __always_inline int ss_is_settled(const ss_frame* frame) {
    return frame->tc_index == ss_settled;
}

static __always_inline int ss_send(ss_frame* frame, __u32 ifindex) {
    ss_settle(frame);
    return (int)bpf_redirect(ifindex, 0);
}

static __always_inline int ss_bounce(const ss_frame* frame) {
    return (int)bpf_redirect(frame->ifindex, 0);
}

static __always_inline int ss_again(const ss_frame* frame) {
    return (int)bpf_redirect(frame->ifindex, BPF_F_INGRESS);
}

/* TCP segments of a GSO packet may shrink; datagrams may not (RFC 8085 leaves their size to the sender). */
static __always_inline int ss_make_room(ss_frame* frame, __u32 bytes, __u32 mode, __u64 flags) {
    long result = bpf_skb_adjust_room(frame, (__s32)bytes, mode, flags | BPF_F_ADJ_ROOM_NO_CSUM_RESET);

    if (result == -SS_ENOTSUPP) {
        flags |= BPF_F_ADJ_ROOM_FIXED_GSO;
        result = bpf_skb_adjust_room(frame, (__s32)bytes, mode, flags | BPF_F_ADJ_ROOM_NO_CSUM_RESET);
    }
    if (result == -SS_EALREADY) { /* already in a tunnel: the kernel keeps offsets and GSO types of only one */
        flags &= ~(__u64)BPF_F_ADJ_ROOM_ENCAP_L3_IPV6;
        result = bpf_skb_adjust_room(frame, (__s32)bytes, mode, flags | BPF_F_ADJ_ROOM_NO_CSUM_RESET);
    }
    return result ? -1 : 0;
}

static __always_inline int ss_add_outer(ss_frame* frame, __u32 bytes) {
    return ss_make_room(frame, bytes, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_ENCAP_L3_IPV6);
}

/* The tunnel header that ss_add_outer() made gets another length. Taking it off instead, and adding one once more, would
 * leave the packet's protocol that of what is inside. */
static __always_inline int ss_resize_outer(ss_frame* frame, __u32 from, __u32 to) {
    return bpf_skb_adjust_room(frame, (__s32)to - (__s32)from, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_NO_CSUM_RESET) ? -1 : 0;
}

static __always_inline int ss_add_srh(ss_frame* frame, __u32 bytes) {
    return ss_make_room(frame, bytes, BPF_ADJ_ROOM_NET, 0);
}

static __always_inline int ss_remove_srh(ss_frame* frame, __u32 bytes) {
    return bpf_skb_adjust_room(frame, -(__s32)bytes, BPF_ADJ_ROOM_NET, BPF_F_ADJ_ROOM_NO_CSUM_RESET) ? -1 : 0;
}

static __always_inline int ss_strip_v6(ss_frame* frame, __u32 outer) {
    if (!bpf_skb_adjust_room(frame, -(__s32)outer, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_NO_CSUM_RESET | SS_DECAP_L3_IPV6)) {
        return 0;
    }
    return bpf_skb_adjust_room(frame, -(__s32)outer, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_NO_CSUM_RESET) ? -1 : 0;
}

/* Before 6.3, only bpf_skb_change_proto() turns an IPv6 packet into IPv4; it removes 20 bytes. */
static __always_inline int ss_strip_v4(ss_frame* frame, __u32 outer) {
    const __be16 protocol = bpf_htons(ETH_P_IP);
    const __u32 by_change = sizeof(struct ipv6hdr) - sizeof(struct iphdr);

    if (bpf_skb_adjust_room(frame, -(__s32)outer, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_NO_CSUM_RESET | SS_DECAP_L3_IPV4)) {
        if (bpf_skb_change_proto(frame, protocol, 0)) return -1;
        if (bpf_skb_adjust_room(frame, -(__s32)(outer - by_change), BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_NO_CSUM_RESET))
            return -1;
    }
    return ss_store(frame, 2 * ETH_ALEN, &protocol, sizeof(protocol));
}

/* `family` is that of the inner packet. */
static __always_inline int ss_remove_outer(ss_frame* frame, __u32 bytes, __u32 family) {
    return family == SS_IPV4 ? ss_strip_v4(frame, bytes) : ss_strip_v6(frame, bytes);
}

#define SS_FRONT 80 /* Ethernet does not count; a checksum that is left to the device begins within these bytes */
#define SS_MOST_SURPLUS 4000 /* bpf_skb_adjust_room() removes no more than 4,095 bytes */

/*
 * A packet of a local sender, or of a virtual machine, may leave its checksum to the device, which would write it into
 * whatever the packet has become. The kernel forgets that once the place where that checksum begins is removed. `surplus`
 * bytes behind the front go with it.
 */
SS_OWN_FRAME int ss_forget_checksum(ss_frame* frame, __u32 surplus) {
    __u8 front[SS_FRONT];

    if (surplus > SS_MOST_SURPLUS || ss_load(frame, ETH_HLEN, front, sizeof(front))) return -1;
    SS_KEEP(surplus);
    if (bpf_skb_adjust_room(frame, -(__s32)(SS_FRONT + surplus), BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_NO_CSUM_RESET))
        return -1;
    if (bpf_skb_adjust_room(frame, SS_FRONT, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_NO_CSUM_RESET)) return -1;
    return ss_store(frame, ETH_HLEN, front, sizeof(front));
}

/*
 * Only the first `bytes` after Ethernet stay. A GSO packet becomes an ordinary one. The kernel does not cut a packet that
 * it has encapsulated itself, even if the tunnel is gone again (bpf_skb_change_tail in net/core/filter.c); of such a packet
 * bytes behind the headers go, and the end stays: who hears of it knows it by its headers.
 */
static __always_inline int ss_cut(ss_frame* frame, __u32 bytes) {
    if (!bpf_skb_change_tail(frame, ETH_HLEN + bytes, 0)) return ss_forget_checksum(frame, 0);
    return frame->len > ETH_HLEN + bytes ? ss_forget_checksum(frame, frame->len - ETH_HLEN - bytes) : -1;
}

/* Adds a difference to the UDP checksum at `at`. One that is left to the device stays so; none stays none. */
static __always_inline int ss_change_checksum(ss_frame* frame, __u32 at, __u32 difference) {
    return bpf_l4_csum_replace(frame, at, 0, difference, BPF_F_MARK_MANGLED_0) ? -1 : 0;
}

static __always_inline int ss_add_front(ss_frame* frame, __u32 room) {
    if (bpf_skb_adjust_room(frame, (__s32)room, BPF_ADJ_ROOM_MAC, 0)) return -1;
    return bpf_skb_pull_data(frame, frame->len) ? -1 : 0;
}

#endif
