/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A part of bpf/abi/sidestep.h, which others include: the reflectors, which answer packets of other nodes' measurements.
 * STAMP (RFC 8762, RFC 8972) and S-BFD (RFC 7880, RFC 7881) have the same settings; each uses some of them.
 */
#ifndef SIDESTEP_ABI_REFLECTORS_H
#define SIDESTEP_ABI_REFLECTORS_H

#include <linux/types.h>

#include "bpf/abi/limits.h"
#include "bpf/abi/policies.h"

enum ss_reflector_kind {
    SS_REFLECTOR_STAMP = 0,
    SS_REFLECTOR_SBFD = 1,
    SS_REFLECTOR_KINDS = 2,
};

#define SS_REFLECTOR_STATEFUL 1U   /* STAMP: answers have numbers of their own (RFC 8762, 4.2) */
#define SS_REFLECTOR_PTP 2U        /* STAMP: time stamps are PTPv2 truncated (RFC 8186), not NTP */
#define SS_REFLECTOR_ADMIN_DOWN 4U /* S-BFD: says that it is administratively down (RFC 7880, 7.2.2) */

/* Written by the detector, while ss_repair_state.reflects keeps packets away. */
struct ss_reflector {
    __be16 port;      /* 0: off */
    __u16 flags;      /* SS_REFLECTOR_* */
    __u32 per_second; /* answers, per CPU */
    __u32 burst;
    __u32 receive_us; /* S-BFD: required receive interval */
    __u32 addresses;  /* entries of address[] */
    __u32 sources;    /* entries of source[] */
    __u32 discriminators;
    __u32 pad;
    __u64 address[SS_MAX_REFLECTED][2];     /* of this node; IPv4 in IPv4-mapped form, as everywhere below */
    struct ss_length source[SS_MAX_DOMAIN]; /* prefixes of those that are answered... */
    __u64 source_address[SS_MAX_DOMAIN][2]; /* ... and their addresses */
    __be32 discriminator[SS_MAX_REFLECTED]; /* S-BFD: of this node */
};

/* What the detector says about the clock that time stamps are read from (CLOCK_TAI). Changed as one word. */
struct ss_wall_clock {
    __u16 tai_offset;     /* seconds that CLOCK_TAI is ahead of UTC; 0: the kernel was not told */
    __u16 error_estimate; /* scale and multiplier of RFC 4656, 4.1.2; SS_STAMP_SYNCHRONIZED: by an external source */
    __u32 good_until;     /* in seconds of CLOCK_MONOTONIC; after that nobody is known to be synchronized */
} __attribute__((aligned(8)));

#define SS_STAMP_SYNCHRONIZED 0x8000U /* S of the error estimate */
#define SS_STAMP_PTP 0x4000U          /* Z */

struct ss_reflectors {
    struct ss_wall_clock wall;
    struct ss_reflector of[SS_REFLECTOR_KINDS];
};

/* A test session of a stateful STAMP reflector (RFC 8972, 3). */
struct ss_reflected_key {
    __u8 source[16];
    __u8 destination[16];
    __be16 port;
    __be16 ssid;
};

struct ss_reflected {
    __u32 next; /* number of its next answer */
    __u32 pad;
    __u64 last_ns;
};

#define SS_MAX_REFLECTED_SESSIONS 4096
#define SS_REFLECTED_IDLE_NS \
    (900 * 1000000000ULL) /* a session that was silent this long begins anew (RFC 5357, REFWAIT) */

/* Unauthenticated packets of RFC 8762, 4.2.1 and 4.3.1, with the session identifier of RFC 8972, 3; TLVs follow. */
struct ss_stamp_request {
    __be32 sequence;
    __be32 time[2];
    __be16 error_estimate;
    __be16 ssid;
    __be32 mbz[7];
};

struct ss_stamp_answer {
    __be32 sequence;
    __be32 time[2];
    __be16 error_estimate;
    __be16 ssid;
    __be32 received[2];
    __be32 their_sequence;
    __be32 their_time[2];
    __be16 their_error_estimate;
    __be16 mbz;
    __u8 their_hop_limit;
    __u8 mbz_last[3];
};

/* Of a TLV (RFC 8972, 4), and of a sub-TLV (RFC 9503, 4.1). */
struct ss_stamp_tlv {
    __u8 flags;
    __u8 type;
    __be16 length;
};

#define SS_TLV_UNRECOGNIZED 0x80U
#define SS_TLV_MALFORMED 0x40U

#define SS_TLV_EXTRA_PADDING 1U /* RFC 8972, 4.1 */
#define SS_TLV_DESTINATION 9U   /* RFC 9503, 3: Destination Node Address */
#define SS_TLV_RETURN_PATH 10U  /* RFC 9503, 4 */
#define SS_SUBTLV_CONTROL 1U    /* RFC 9503, 4.1.1: Return Path Control Code */
#define SS_CONTROL_SAME_LINK 1U /* flag of the control code: answer by the link that the packet came by */
#define SS_MAX_TLVS 16          /* TLVs and sub-TLVs that are looked at */

#endif
