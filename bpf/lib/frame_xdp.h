/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Packets at XDP (bpf/lib/frame.h): single frames, just as the driver received them. They can leave only by interfaces
 * that take such frames, and can grow only into the headroom that the driver left.
 */
#ifndef SIDESTEP_FRAME_XDP_H
#define SIDESTEP_FRAME_XDP_H

#include "bpf/lib/flow_hash.h"
#include "bpf/lib/maps.h"

#define SS_PASS XDP_PASS
#define SS_SHOT XDP_DROP
#define SS_TC_FOLLOWS 1 /* what is passed on is looked at by tc ingress, too */
#define SS_CONSUMED XDP_DROP
#define SS_AGAIN (XDP_REDIRECT + 1) /* for the entry program only; not an XDP result */

static __always_inline __u32 ss_ifindex(const ss_frame* frame) {
    return frame->ingress_ifindex;
}

static __always_inline __u32 ss_bytes(const ss_frame* frame) {
    return frame->data_end - frame->data;
}

static __always_inline __be16 ss_protocol(const ss_frame* frame) {
    const struct ethhdr* eth = ss_at(frame, 0, sizeof(*eth));

    return eth ? eth->h_proto : 0;
}

static __always_inline __u32 ss_gso_size(const ss_frame* frame) {
    (void)frame;
    return 0;
}

static __always_inline int ss_pull(ss_frame* frame, __u32 bytes) {
    (void)frame, (void)bytes;
    return 0;
}

static __always_inline int ss_load(ss_frame* frame, __u32 at, void* to, __u32 bytes) {
    return bpf_xdp_load_bytes(frame, at, to, bytes) ? -1 : 0;
}

static __always_inline int ss_store(ss_frame* frame, __u32 at, const void* from, __u32 bytes) {
    return bpf_xdp_store_bytes(frame, at, (void*)from, bytes) ? -1 : 0;
}

/*
 * The interfaces that frames can leave by, each with ss_exit_xdp() as the program behind the redirect. All frames leave
 * this way: a driver's queue takes the program of its first frame for all that follow in a burst, and a copy without it
 * would keep the header of another list.
 */
struct {
    __uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
    __uint(max_entries, 1);
    __uint(key_size, sizeof(__u32)); /* ifindex */
    __uint(value_size, sizeof(struct bpf_devmap_val));
} ss_exits SEC(".maps") __weak;

/* The driver gives us no hash. */
static __always_inline __u32 ss_hash(ss_frame* frame, const struct ss_packet* packet) {
    (void)frame;
    return ss_flow_hash(packet);
}

static __always_inline int ss_is_redirect_target(__u32 ifindex) {
    const struct ss_xdp_interface* port = bpf_map_lookup_elem(&ss_xdp_interfaces, &ifindex);

    return port && port->redirect_target;
}

/* Tries the headroom, because nothing tells how much a driver left, and after the first change it is too late to pass
 * the packet on. */
static __always_inline int ss_can_grow(ss_frame* frame, __u32 bytes) {
    const __u32 came_by = frame->ingress_ifindex;
    struct ss_xdp_interface* port;

    if (!bpf_xdp_adjust_head(frame, -(__s32)bytes)) return !bpf_xdp_adjust_head(frame, (__s32)bytes);
    port = bpf_map_lookup_elem(&ss_xdp_interfaces, &came_by);
    if (port) SS_WRITE(port->no_headroom, 1);
    return 0;
}

static __always_inline int ss_can_send(ss_frame* frame, __u32 ifindex, __u32 bytes) {
    return ss_is_redirect_target(ifindex) && (!bytes || ss_can_grow(frame, bytes));
}

/* Frames that XDP sends do not pass tc egress; those that it passes on are looked at by tc ingress, too. */
static __always_inline void ss_settle(ss_frame* frame) {
    (void)frame;
}

static __always_inline int ss_can_bounce(const ss_frame* frame) {
    return ss_is_redirect_target(frame->ingress_ifindex);
}

static __always_inline int ss_send(const ss_frame* frame, __u32 ifindex) {
    (void)frame;
    return (int)bpf_redirect_map(&ss_exits, ifindex, XDP_DROP);
}

/* Not XDP_TX: a veth device whose peer polls without a program never completes that. */
static __always_inline int ss_bounce(const ss_frame* frame) {
    return ss_send(frame, frame->ingress_ifindex);
}

static __always_inline int ss_again(const ss_frame* frame) {
    (void)frame;
    return SS_AGAIN;
}

static __always_inline int ss_add_outer(ss_frame* frame, __u32 bytes) {
    return bpf_xdp_adjust_head(frame, -(__s32)bytes) ? -1 : 0; /* the list's header contains Ethernet */
}

static __always_inline int ss_resize_outer(ss_frame* frame, __u32 from, __u32 to) {
    return bpf_xdp_adjust_head(frame, (__s32)from - (__s32)to) ? -1 : 0;
}

/* `family` is that of the inner packet. */
static __always_inline int ss_remove_outer(ss_frame* frame, __u32 bytes, __u32 family) {
    struct ethhdr eth;

    if (ss_load(frame, 0, &eth, sizeof(eth)) || bpf_xdp_adjust_head(frame, (int)bytes)) return -1;
    eth.h_proto = family == SS_IPV4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
    return ss_store(frame, 0, &eth, sizeof(eth));
}

/* Moves Ethernet and the IPv6 header. Adds `bytes` after them; removes bytes if negative. */
SS_OWN_FRAME int ss_move_head(ss_frame* frame, __s32 bytes) {
    __u8 head[ETH_HLEN + sizeof(struct ipv6hdr)];

    if (ss_load(frame, 0, head, sizeof(head)) || bpf_xdp_adjust_head(frame, -bytes)) return -1;
    return ss_store(frame, 0, head, sizeof(head));
}

static __always_inline int ss_add_srh(ss_frame* frame, __u32 bytes) {
    return ss_move_head(frame, (__s32)bytes);
}

static __always_inline int ss_remove_srh(ss_frame* frame, __u32 bytes) {
    return ss_move_head(frame, -(__s32)bytes);
}

/* Only the first `bytes` after Ethernet stay. */
static __always_inline int ss_cut(ss_frame* frame, __u32 bytes) {
    __u32 present = ss_bytes(frame);
    __s32 surplus;

    SS_KEEP(present); /* no arithmetic on the two pointers before their difference is taken */
    surplus = (__s32)(present - ETH_HLEN - bytes);
    return surplus < 0 || bpf_xdp_adjust_tail(frame, -surplus) ? -1 : 0;
}

/* Adds a difference to the UDP checksum at `at`. None stays none. */
static __always_inline int ss_change_checksum(ss_frame* frame, __u32 at, __u32 difference) {
    __u64 sum = difference;
    __u16 checksum;

    if (ss_load(frame, at, &checksum, sizeof(checksum))) return -1;
    if (!checksum) return 0;
    sum += (__u16)~checksum;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    checksum = (__u16)~sum;
    if (!checksum) checksum = 0xffff;
    return ss_store(frame, at, &checksum, sizeof(checksum));
}

static __always_inline int ss_add_front(ss_frame* frame, __u32 room) {
    return bpf_xdp_adjust_head(frame, -(__s32)room) ? -1 : 0;
}

#endif
