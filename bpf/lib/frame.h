/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A packet as its hook hands it over, beginning with Ethernet, and the operations on it. The code that decides about
 * packets is written once, for tc and XDP; an XDP program defines SS_AT_XDP before it includes anything. Both hooks
 * offer the same calls:
 *
 *   SS_PASS, SS_SHOT, SS_CONSUMED    results of a program: goes on; dropped; consumed on purpose
 *   ss_ifindex, ss_bytes             the interface it came in by; its length with Ethernet, unless it is GSO
 *   ss_protocol                      its EtherType, or 0
 *   ss_gso_size                      0, or: it will be split into packets with this many bytes of payload
 *   ss_pull                          makes its first bytes readable by ss_at()
 *   ss_load, ss_store                copy bytes from and to any offset; 0 on success
 *   ss_hash                          hash of its flow, the best that the hook has
 *   ss_can_send, ss_can_bounce       whether it can leave by an interface, grown by some bytes; by its own interface
 *   ss_send, ss_bounce               sends it out of an interface; out of the one that it came in by
 *   ss_again                         lets it come in once more
 *   ss_settle                        the programs at egress leave it alone from here on
 *   ss_add_outer, ss_remove_outer    adds room for a tunnel header after Ethernet; removes the tunnel header
 *   ss_add_srh, ss_remove_srh        adds room after the IPv6 header; removes it
 *   ss_cut, ss_add_front             cuts the end off; adds room before the IP header, for an answer to the packet
 *   ss_change_checksum               adds a difference to a UDP checksum
 */
#ifndef SIDESTEP_FRAME_H
#define SIDESTEP_FRAME_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/lib/packet.h"
#include "bpf/lib/portable.h"

#define SS_LINEAR_BYTES 512 /* a probe with all its headers; some drivers leave less in the linear part */

#ifdef SS_AT_XDP
typedef struct xdp_md ss_frame;
#else
typedef struct __sk_buff ss_frame;
#endif

/* A pointer field of the context. The verifier refuses the code if clang computes the field's address separately. */
#define SS_CONTEXT_POINTER(frame, field)                                      \
    ({                                                                        \
        void* pointer_;                                                       \
        asm volatile("%0 = *(u32 *)(%1 + %2)"                                 \
                     : "=r"(pointer_)                                         \
                     : "r"(frame), "i"(__builtin_offsetof(ss_frame, field))); \
        pointer_;                                                             \
    })

/* The header at `offset`, or null if the packet is too short for it. */
static __always_inline void* ss_at(const ss_frame* frame, __u32 offset, __u32 size) {
    void* start = SS_CONTEXT_POINTER(frame, data) + offset;

    return start + size > SS_CONTEXT_POINTER(frame, data_end) ? 0 : start;
}

#ifdef SS_AT_XDP
#include "bpf/lib/frame_xdp.h"
#else
#include "bpf/lib/frame_tc.h"
#endif

#endif
