/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The TLVs behind a STAMP packet (RFC 8972, 4). A reflector sends them all back, and says in the flags of each what it
 * thought of it. Recognized are those that ask for nothing, or for something that this node can do (docs/reflectors.md).
 */
#ifndef SIDESTEP_STAMP_TLV_H
#define SIDESTEP_STAMP_TLV_H

#include "bpf/lib/reflect.h"

#define SS_WISH_NO_ANSWER 1U /* the sender wants none, or from another node */
#define SS_WISH_SAME_LINK 2U /* by the link that the packet came by */

/* A walk over the TLVs of a packet. Offsets are from the start of the frame. */
struct ss_tlv_walk {
    __u32 at;
    __u32 end;
    __u32 inner_end; /* of the Return Path TLV that the walk is in; 0: it is in none */
    __u32 outer_at;  /* of that TLV */
    __u32 wishes;    /* SS_WISH_* */
    __u32 changed;   /* difference that new flags make to the checksum */
    __u32 udp_at;
    __u32 number; /* of the answer, if its session has numbers of its own */
};

static __always_inline int ss_set_tlv_flags(ss_frame* frame, struct ss_tlv_walk* walk, __u32 at, __u8 flags) {
    __u8 before;

    if (ss_load(frame, at, &before, sizeof(before))) return -1;
    if (before == flags) return 0;
    walk->changed = ss_sum_byte(walk->changed, at - walk->udp_at, before, flags);
    return ss_store(frame, at, &flags, sizeof(flags));
}

/* RFC 9503, 3: the packet is meant for the node with this address. Returns the flags of the TLV. */
static __always_inline __u8 ss_read_destination(ss_frame* frame, struct ss_tlv_walk* walk, __u32 length) {
    __u64 address[2];
    __be32 v4;

    if (length == sizeof(v4)) {
        if (ss_load(frame, walk->at + sizeof(struct ss_stamp_tlv), &v4, sizeof(v4))) return SS_TLV_MALFORMED;
        ss_map_v4(address, v4);
    } else if (length != sizeof(address) ||
               ss_load(frame, walk->at + sizeof(struct ss_stamp_tlv), address, sizeof(address))) {
        return SS_TLV_MALFORMED;
    }
    if (!ss_answers_at(address[0], address[1], SS_REFLECTOR_STAMP)) walk->wishes |= SS_WISH_NO_ANSWER;
    return 0;
}

/* RFC 9503, 4.1.1. Returns the flags of the sub-TLV. */
static __always_inline __u8 ss_read_control(ss_frame* frame, struct ss_tlv_walk* walk, __u32 length) {
    __be32 code;

    if (length != sizeof(code) || ss_load(frame, walk->at + sizeof(struct ss_stamp_tlv), &code, sizeof(code)))
        return SS_TLV_MALFORMED;
    walk->wishes |= code & bpf_htonl(SS_CONTROL_SAME_LINK) ? SS_WISH_SAME_LINK : SS_WISH_NO_ANSWER;
    return 0;
}

/* The flags that a TLV gets, or a sub-TLV; it fits into the packet. */
static __always_inline __u8 ss_judge_tlv(ss_frame* frame, struct ss_tlv_walk* walk, const struct ss_stamp_tlv* tlv) {
    const __u32 length = bpf_ntohs(tlv->length);

    if (walk->inner_end)
        return tlv->type == SS_SUBTLV_CONTROL ? ss_read_control(frame, walk, length) : SS_TLV_UNRECOGNIZED;
    switch (tlv->type) {
        case SS_TLV_EXTRA_PADDING:
            return 0;
        case SS_TLV_DESTINATION:
            return ss_read_destination(frame, walk, length);
        case SS_TLV_RETURN_PATH:
            return length < sizeof(struct ss_stamp_tlv) ? SS_TLV_MALFORMED : 0;
        default:
            return SS_TLV_UNRECOGNIZED;
    }
}

/* Looks at one TLV. Returns 1 if there is another one, 0 at the end or behind a malformed one, -1 on failure. */
static __always_inline int ss_step_tlv(ss_frame* frame, struct ss_tlv_walk* walk) {
    const __u32 limit = walk->inner_end ? walk->inner_end : walk->end;
    struct ss_stamp_tlv tlv;
    __u32 length;
    __u8 flags;

    if (walk->at >= limit) return 0;
    if (walk->at + sizeof(tlv) > limit) return ss_set_tlv_flags(frame, walk, walk->at, SS_TLV_MALFORMED);
    if (ss_load(frame, walk->at, &tlv, sizeof(tlv))) return -1;
    length = sizeof(tlv) + bpf_ntohs(tlv.length);
    flags = walk->at + length > limit ? SS_TLV_MALFORMED : ss_judge_tlv(frame, walk, &tlv);
    if (ss_set_tlv_flags(frame, walk, walk->at, flags)) return -1;
    if (walk->inner_end && flags && ss_set_tlv_flags(frame, walk, walk->outer_at, flags)) return -1;
    if (flags & SS_TLV_MALFORMED) return 0;
    if (!walk->inner_end && tlv.type == SS_TLV_RETURN_PATH) {
        walk->outer_at = walk->at;
        walk->inner_end = walk->at + length;
        walk->at += sizeof(tlv);
        return 1;
    }
    walk->at += length;
    if (walk->at == walk->inner_end) walk->inner_end = 0;
    return 1;
}

#ifdef SS_AT_XDP
#define ss_walk_tlvs ss_walk_tlvs_xdp
#endif

/* Looks at all TLVs, and writes their flags. Returns 0, or -1 on failure. */
SS_VERIFIED_ONCE int ss_walk_tlvs(ss_frame* frame, struct ss_tlv_walk* walk) {
    __u32 i;

    if (!walk) return -1; /* for the verifier */
    for (i = 0; i < SS_MAX_TLVS; i++) {
        int more = ss_step_tlv(frame, walk);

        SS_KEEP(i);
        if (more <= 0) return more;
    }
    return 0;
}

#endif
