/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A part of bpf/abi/sidestep.h, which others include: why packets were repaired or not, and what is counted. */
#ifndef SIDESTEP_ABI_COUNTERS_H
#define SIDESTEP_ABI_COUNTERS_H

#include <linux/types.h>

#include "bpf/abi/limits.h"

/* --- counters ---------------------------------------------------------------------------------------------------- */

/* Why a packet that needed repair was not repaired; counted per policy and candidate. */
#define SS_DROPS(X)                                                                                          \
    X(NO_CANDIDATE, "no-candidate")   /* all candidates are down */                                          \
    X(HOP_LIMIT, "hop-limit")         /* left to the kernel, which lets it expire */                         \
    X(LOOP, "loop")                   /* repaired here before; left to the kernel */                         \
    X(U_TURN, "u-turn")               /* without segments, back to the neighbor; left to the kernel */       \
    X(TOO_BIG, "too-big")             /* dropped; the sender is told */                                      \
    X(CANNOT_NUMBER, "cannot-number") /* dropped: a GSO packet of a hitless policy */                        \
    X(SECOND_COPY, "second-copy")     /* left to the kernel: a tunnel that may be a copy */                  \
    X(CANNOT_INSERT, "cannot-insert") /* H.Insert of IPv4, or behind too many options; left to the kernel */ \
    X(PUSH_FAILED, "push-failed")     /* dropped: no room for the header */                                  \
    X(OBSERVED, "observed")           /* would have been repaired; left to the kernel by `mode: observe` */

enum ss_drop {
#define SS_ENUM(name, text) SS_DROP_##name,
    SS_DROPS(SS_ENUM)
#undef SS_ENUM
        SS_DROP_COUNT
};

/* Per CPU. */
struct ss_candidate_stats {
    __u64 packets;
    __u64 bytes; /* before encapsulation */
    __u64 last_ns;
    __u64 drops[SS_DROP_COUNT];
};

/* The outcomes of packets that were looked at; each has a counter. */
#define SS_OUTCOMES(X)                                                                    \
    X(REPAIRED, "repaired")             /* left by a backup */                            \
    X(PLAIN, "plain")                   /* the kernel's path is up */                     \
    X(NO_POLICY, "no-policy")           /* in no policy and not to an adjacency */        \
    X(EXEMPT, "exempt")                 /* to this node itself, never forwarded, IPsec */ \
    X(DECAPSULATED, "decapsulated")     /* by a SID of this node */                       \
    X(LATER_COPY, "later-copy")         /* dropped by a merging SID: another was first */ \
    X(STALE_COPY, "stale-copy")         /* dropped by a merging SID: behind its window */ \
    X(NO_FLOW, "no-flow")               /* dropped by a merging SID: not its flow */      \
    X(NOT_IN_DOMAIN, "not-in-domain")   /* dropped: to a SID of this node from outside */ \
    X(MALFORMED, "malformed")           /* left to the kernel */                          \
    X(SID_FAILED, "sid-failed")         /* dropped: a SID of this node cannot serve it */ \
    X(PTB_SENT, "icmp-ptb-sent")        /* Packet Too Big or Fragmentation Needed sent */ \
    X(STAMP_ANSWERED, "stamp-answered") /* by the STAMP reflector */                      \
    X(SBFD_ANSWERED, "sbfd-answered")   /* by the S-BFD reflector */

enum ss_outcome {
#define SS_ENUM(name, text) SS_OUTCOME_##name,
    SS_OUTCOMES(SS_ENUM)
#undef SS_ENUM
        SS_OUTCOME_COUNT
};

/* Per CPU: rejects first, then outcomes, then drops. */
#define SS_COUNT_OUTCOMES ((__u32)SS_REJECT_COUNT)
#define SS_COUNT_DROPS (SS_COUNT_OUTCOMES + (__u32)SS_OUTCOME_COUNT)
#define SS_COUNTERS (SS_COUNT_DROPS + (__u32)SS_DROP_COUNT)

#define SS_TOLD_FLOWS 1024U /* a power of two */

/* What each entry of ss_buckets limits: ICMP errors to flows of one hash, those to all, those heard, by kind, and events
 * about BFD. */
#define SS_BUCKET_ALL SS_TOLD_FLOWS
#define SS_BUCKET_TOO_BIG_HEARD (SS_TOLD_FLOWS + 1)
#define SS_BUCKET_OTHERS_HEARD (SS_TOLD_FLOWS + 2)
#define SS_BUCKET_BFD_TOLD (SS_TOLD_FLOWS + 3)
#define SS_BUCKET_REFLECTORS (SS_TOLD_FLOWS + 4) /* plus enum ss_reflector_kind */
#define SS_BUCKETS (SS_TOLD_FLOWS + 6)

/* How many may pass, per CPU. */
struct ss_bucket {
    __u64 filled_ns; /* when it was last filled */
    __u64 tokens;
};

#endif
