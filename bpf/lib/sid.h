/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Packets to SIDs of this node. The kernel's own End runs after tc ingress, so a packet that may need repair on the way
 * to its next segment must be looked at here. ss_visit() computes what the packet will be after our SIDs have processed
 * it, and changes nothing. ss_apply_visit() applies that if the packet needs repair. Decapsulation (End.DT*) always
 * happens here.
 */
#ifndef SIDESTEP_SID_H
#define SIDESTEP_SID_H

#include "bpf/lib/lookup.h"
#include "bpf/lib/maps.h"
#include "bpf/lib/parse.h"
#include "bpf/lib/push.h"

#define SS_SRH_AT (ETH_HLEN + (__u32)sizeof(struct ipv6hdr))
#define SS_MAX_VISITS 4 /* SIDs of ours that one packet may visit in a row */

#define SS_FLAVORS_AT 8 /* in ss_visit.decapsulates */

/* The effect of our SIDs on a packet. */
struct ss_visit {
    __u64 destination[2];          /* the first destination that is not ours */
    struct ss_adjacency adjacency; /* of an End.X */
    __u32 crosses;                 /* 1: the packet leaves by that adjacency; 0: as the FIB says */
    __u32 visits;                  /* number of our SIDs visited; 0: an ordinary packet */
    __u32 decapsulates;            /* behavior and flavors of the last SID if it decapsulates; 0: it does not */
    __u32 pops;                    /* PSP, USP: the SRH is removed */
    __u32 ends;                    /* USP: the rest is for this node itself */
    __u32 srh_at;                  /* 0: there is none */
    struct ss_srh srh;             /* as it came, except for segments_left; type 0: there is none */
};

/* The kernel's own check (net/ipv6/seg6.c, seg6_validate_srh), reduced SRHs included. */
static __always_inline int ss_srh_sound(const struct ss_srh* srh, __s32 payload) {
    __u32 entries = srh->length / 2;

    return srh->type == SS_SRH_TYPE && (__s32)ss_srh_bytes(srh) <= payload &&
           srh->segments_left <= srh->last_entry + 1 && entries && srh->last_entry <= entries - 1;
}

static __always_inline __u64 ss_mask(__u32 bits) {
    return bits >= 64 ? ~0ULL : ~(~0ULL >> (bits & 63));
}

/* Shifts the 128 bits (high, low) left by 1 to 127. */
static __always_inline void ss_shift_left(__u64* high, __u64* low, __u32 bits) {
    if (bits >= 64) {
        *high = *low << (bits & 63);
        *low = 0;
    } else if (bits) {
        *high = *high << bits | *low >> ((64 - bits) & 63);
        *low <<= bits;
    }
}

static __always_inline void ss_shift_right(__u64* high, __u64* low, __u32 bits) {
    if (bits >= 64) {
        *low = *high >> (bits & 63);
        *high = 0;
    } else if (bits) {
        *low = *low >> bits | *high << ((64 - bits) & 63);
        *high >>= bits;
    }
}

/* NEXT-C-SID (RFC 9800, 4.1.1): moves the argument up to the end of the block. Returns 0 if there is no argument. */
static __always_inline int ss_next_csid(const struct ss_sid* sid, __u64* address) {
    __u64 high = bpf_be64_to_cpu(address[0]);
    __u64 low = bpf_be64_to_cpu(address[1]);
    __u64 block_high = high & ss_mask(sid->block_bits);
    __u64 block_low = sid->block_bits > 64 ? low & ss_mask(sid->block_bits - 64) : 0;

    ss_shift_left(&high, &low, ((__u32)sid->block_bits + sid->function_bits) & 127);
    if (!(high | low)) return 0;
    ss_shift_right(&high, &low, sid->block_bits & 127);
    address[0] = bpf_cpu_to_be64(block_high | high);
    address[1] = bpf_cpu_to_be64(block_low | low);
    return 1;
}

static __always_inline int ss_is_sid(const __u64* address) {
    struct ss_sid sid = {};

    return ss_find_sid(address[0], address[1], &sid);
}

/* The SID is the packet's last one. Without a flavor for that, the packet is left to the kernel. */
static __always_inline void ss_visit_last(const struct ss_packet* packet, const struct ss_sid* sid,
                                          struct ss_visit* visit) {
    if (sid->flavors & SS_FLAVOR_USD && (packet->upper == SS_NEXT_IPV6 || packet->upper == SS_NEXT_IPV4)) {
        visit->decapsulates = SS_END_DT46;
        visit->visits++;
    } else if (sid->flavors & SS_FLAVOR_USP && visit->srh.type) {
        visit->pops = visit->ends = 1;
        visit->visits++;
    }
}

/* Applies one SID of ours. Returns 1 if the packet goes on to visit->destination, 0 if the walk ends here. */
static __always_inline int ss_visit_one(ss_frame* frame, const struct ss_packet* packet, const struct ss_sid* sid,
                                        struct ss_visit* visit) {
    if (sid->behavior >= SS_END_DT4) {
        if (visit->srh.type && visit->srh.segments_left) return 0; /* an error, which the kernel answers */
        visit->decapsulates = sid->behavior | (__u32)sid->flavors << SS_FLAVORS_AT;
        visit->visits++;
        return 0;
    }
    if (!(sid->flavors & SS_FLAVOR_NEXT_CSID) || !ss_next_csid(sid, visit->destination)) {
        if (!visit->srh.type || !visit->srh.segments_left) {
            ss_visit_last(packet, sid, visit);
            return 0;
        }
        visit->srh.segments_left--;
        if (ss_load(frame, visit->srh_at + sizeof(visit->srh) + 16 * (__u32)visit->srh.segments_left,
                    visit->destination, sizeof(visit->destination))) {
            return 0;
        }
        if (!visit->srh.segments_left && sid->flavors & SS_FLAVOR_PSP) visit->pops = 1;
    }
    visit->visits++;
    if (sid->behavior == SS_END_X) {
        visit->adjacency = sid->adjacency;
        visit->crosses = 1;
        return 0;
    }
    return 1;
}

/* Follows a packet through the SIDs of this node. */
static __always_inline void ss_visit(ss_frame* frame, const struct ss_packet* packet, struct ss_visit* visit) {
    struct ss_sid sid = {};
    int ours;
    __u32 i;

    __builtin_memset(visit, 0, sizeof(*visit));
    __builtin_memcpy(visit->destination, packet->destination, sizeof(visit->destination));
    ours = ss_find_sid(visit->destination[0], visit->destination[1], &sid);
    if (!ours) return;
    if (packet->srh_at) {
        visit->srh_at = packet->srh_at;
        if (ss_load(frame, visit->srh_at, &visit->srh, sizeof(visit->srh)) ||
            !ss_srh_sound(&visit->srh, (__s32)(packet->length + ETH_HLEN - visit->srh_at))) {
            visit->srh.type = 0;
            ss_count_outcome(SS_OUTCOME_MALFORMED);
            return;
        }
    }
    for (i = 0; i < SS_MAX_VISITS && ours; i++) {
        if (!ss_visit_one(frame, packet, &sid, visit)) break;
        ours = ss_find_sid(visit->destination[0], visit->destination[1], &sid);
    }
    /* Still ours after this many, or an SRH has to be removed that follows other headers: the kernel does all of it. */
    if (i == SS_MAX_VISITS && ours) visit->visits = 0;
    if (visit->pops && visit->srh_at != SS_SRH_AT) visit->visits = 0;
}

/* Does to the packet what the visited SIDs do, except for the hop limit. Returns 0, or -1 with the packet damaged. */
static __always_inline int ss_apply_visit(ss_frame* frame, struct ss_packet* packet, const struct ss_visit* visit) {
    __u32 srh_length = ss_srh_bytes(&visit->srh);
    struct ipv6hdr* ip = ss_ipv6(frame);

    if (!ip) return -1;
    __builtin_memcpy(&ip->daddr, visit->destination, 16);
    if (!visit->srh.type) return 0; /* a NEXT-C-SID container without SRH */
    if (!visit->pops) {
        struct ss_srh srh = visit->srh;

        /* A packet may come by SIDs of ours again and again: its SRH counts the repairs, unless another node uses the
         * tag. */
        if (!srh.tag || packet->repairs) srh.tag = ss_repair_tag(packet);
        return ss_store(frame, visit->srh_at, &srh, sizeof(srh));
    }
    packet->length -= srh_length;
    packet->protocol = visit->srh.next_header;
    ip->nexthdr = visit->srh.next_header;
    ip->payload_len = bpf_htons((__u16)(packet->length - sizeof(*ip)));
    return ss_remove_srh(frame, srh_length);
}

#endif
