/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A part of bpf/abi/sidestep.h, which others include: what is shared about sessions, their probes, the clock and events. */
#ifndef SIDESTEP_ABI_SESSIONS_H
#define SIDESTEP_ABI_SESSIONS_H

#include <linux/types.h>

#include "bpf/abi/bfd.h"
#include "bpf/abi/limits.h"

/* --- session states ---------------------------------------------------------------------------------------------- */

/* The state of a session as path selection uses it; a higher value is better. */
enum ss_rank {
    SS_DOWN = 0,
    SS_UNSTABLE = 1, /* as waiting, but it failed again while it waited */
    SS_WAITING = 2,  /* failed lately, answers again, and waits to be restored */
    SS_DEGRADED = 3, /* alive, but lossy or slow */
    SS_UP = 4,
};

struct ss_session_state {
    __u32 rank;                /* enum ss_rank */
    __u32 protects;            /* non-zero: while the session is not SS_UP, the repair programs look at packets */
} __attribute__((aligned(8))); /* changed as one 64-bit word, bpf/lib/session_state.h */

/* Tells whether anything needs repair. While nothing does, every packet takes the kernel's ordinary path. */
struct ss_repair_state {
    __u32 active;      /* protecting sessions that are not SS_UP; briefly too high (needless work), never too low */
    __u32 always;      /* non-zero: look at every packet, because a policy encapsulates even when all sessions are up */
    __u32 hash_policy; /* bit per family: fib_multipath_hash_policy is not 0 */
    __be16 reflects[2]; /* UDP ports that reflectors answer at, by enum ss_reflector_kind; 0: off */
};

/* --- probes ------------------------------------------------------------------------------------------------------ */

/*
 * The probe's UDP payload: an RFC 8972 Session-Sender packet (RFC 8762 base, unauthenticated) with one TLV of the
 * private range. The TLV carries a SipHash-2-4 of the first 16 bytes. All fields are in network order; the MAC is raw
 * bytes.
 */
struct ss_stamp {
    __be32 sequence;
    __be32 seconds; /* CLOCK_MONOTONIC in PTPv2 truncated form */
    __be32 nanoseconds;
    __be16 error_estimate;
    __be16 ssid; /* index of the session */
    __u8 mbz[28];
    __u8 tlv_flags;
    __u8 tlv_type;
    __be16 tlv_length;
    __u8 mac[8];
};

#define SS_STAMP_SIGNED 16             /* bytes of ss_stamp that the MAC covers */
#define SS_STAMP_ERROR_ESTIMATE 0x4001 /* S=0: not synchronized, Z=1: PTPv2 format, multiplier 1 (RFC 8762, 4.2.1) */
#define SS_STAMP_TLV_FLAGS 0x80        /* U, as a sender sets it (RFC 8972, 4) */
#define SS_STAMP_TLV_TYPE 252          /* private use */

/* Ethernet, outer IPv6 and SRH with SS_MAX_SEGMENTS, inner IPv6, UDP, STAMP, rounded up. */
#define SS_TEMPLATE_MAX 448

struct ss_secret {
    __u64 key[2]; /* SipHash key, random at each start */
};

#define SS_SESSION_ACTIVE 1U
#define SS_SESSION_PASSIVE 2U  /* sends nothing: expects a neighbor's probes to pass the End.BPF endpoint */
#define SS_SESSION_BFD 4U      /* speaks BFD with the neighbor; conf.interval_ns is the time between two looks */
#define SS_SESSION_VERIFIES 8U /* a backup: its verdicts are reported, and the detector decides what they mean */
#define SS_NO_LOSS_LIMIT 64U

#define SS_NAME_MAX 64 /* with the terminating zero */

/* The state that the detector needs again after a restart; nobody else reads it. */
struct ss_saved_state {
    char name[SS_NAME_MAX];
    __u8 neighbor[16]; /* a session of this name to another neighbor is another session */
    __u32 state;
    __u32 reason;
    __u64 downs;
    __u64 wait_until_ns;
    __u64 penalty_ns; /* when the flap penalty was computed */
    __u32 penalty;
    __u32 suppressed;
};

/* Written by the detector. */
struct ss_session_conf {
    __u32 flags;          /* SS_SESSION_* */
    __u32 ifindex;        /* probes leave by this interface */
    __u32 return_ifindex; /* and return by this one; 0: by any */
    __u32 epoch;          /* raised to ask for fresh proof: the session is unproven until up_count new answers */
    __u16 template_length;
    __u16 length;     /* of the probe; the bytes after the template are zeros */
    __u16 udp_offset; /* of the UDP header in the template; struct ss_stamp follows it */
    __u16 multiplier;
    __u16 up_count;
    __u32 checksum;   /* one's complement sum of everything that the UDP checksum covers except the fields that vary */
    __u32 loss_limit; /* the session is degraded if more of the last 64 probes are lost; SS_NO_LOSS_LIMIT: no limit */
    __u64 interval_ns;
    __u64 allowance_ns; /* least time that a probe gets to return */
    __u64 rtt_limit_ns; /* degraded if the average round trip is longer; 0: no limit */

    __u8 return_address[16]; /* of BFD: this node's address */
    __u8 peer[16];           /* of BFD that is not with the neighbor on the link: who answers */
    struct ss_bfd_conf bfd;
    __u8 template_bytes[SS_TEMPLATE_MAX]; /* starts with the Ethernet header */
    struct ss_saved_state saved;
} __attribute__((aligned(64)));

enum ss_verdict {
    SS_UNPROVEN = 0, /* not enough answers yet: the session is neither alive nor dead */
    SS_ALIVE = 1,
    SS_DEAD = 2,
};

/* The quality of a session that is alive. */
enum ss_quality {
    SS_GOOD = 0,
    SS_LOSSY = 1,
    SS_SLOW = 2,
};

/* Written by the tick program. */
struct ss_session_tx {
    __u64 sequence;   /* of the last probe sent; the first is 1. A probe carries the low 32 bits */
    __u64 proof_from; /* answers to earlier probes prove nothing */
    __u32 verdict;    /* enum ss_verdict */
    __u32 epoch;      /* the conf.epoch that the verdict belongs to */
    __u64 sent;
    __u64 send_errors;
    __u64 verdict_ns; /* when the verdict last changed */
    __u32 quality;    /* enum ss_quality */
    __u32 unsent;     /* probes in a row that the device refused */
    __u32 doubted; /* number of the tick, after a standstill, that first found the session dead: a later tick decides */
    __u32 pad;
    __u64 sent_at_ns[SS_SENT_RING]; /* by sequence modulo SS_SENT_RING */
    struct ss_bfd_tx bfd;
} __attribute__((aligned(64)));

#define SS_SEEN_WORDS 8 /* a power of two */
#define SS_SEEN_BITS 16 /* probes per word */

/* Written by the probe receiver, on several CPUs at once if answers of one session arrive on several queues. */
struct ss_session_rx {
    __u64 newest;              /* highest sequence answered; only grows */
    __u64 seen[SS_SEEN_WORDS]; /* which of the last 128 probes were answered, bpf/lib/answer.h */
    __u64 answered;
    __u64 last_answer_ns;
    __u64 rtt_ns;          /* of the last answer */
    __u64 smoothed_rtt_ns; /* RFC 6298, with its gains */
    __u64 rtt_variation_ns;
    __u64 allowance_ns; /* smoothed + 4 x variation, as measured, without the minimum in conf */
    __u64 pad;
    __u64 rtt_histogram[SS_RTT_BUCKETS];
    struct ss_bfd_rx bfd;
} __attribute__((aligned(64)));

/* Identifies the probes that count as answers of a passive session, and the neighbor of a BFD session; the value is the
 * session's index. */
#define SS_BFD_KEY (1U << 31)
#define SS_BFD_BY_DISCRIMINATOR 0xffffffffU /* as ifindex: the source begins with the session's own discriminator */
#define SS_BFD_BY_PAIR 0xfffffffeU          /* as ifindex: the source is ss_bfd_pair() of both ends' addresses */
struct ss_passive_key {
    __u32 ifindex; /* for BFD, with SS_BFD_KEY, or SS_BFD_BY_DISCRIMINATOR */
    __u8 source[16];
};

struct ss_session {
    struct ss_session_conf conf;
    struct ss_session_tx tx;
    struct ss_session_rx rx;
};

/* Why the probe receiver refused a packet; each reason has a counter. */
#define SS_REJECTS(X)                                                                                           \
    X(TRUNCATED, "truncated")             /* too short */                                                       \
    X(WRONG_INTERFACE, "wrong-interface") /* not its link */                                                    \
    X(BAD_MAC, "bad-mac")                 /* forged */                                                          \
    X(NOT_SENT, "not-sent")               /* sequence number is ahead */                                        \
    X(REPLAYED, "replayed")               /* seen before */                                                     \
    X(TOO_OLD, "too-old")                 /* behind the window */                                               \
    X(BFD_HOP_LIMIT, "bfd-hop-limit")     /* from beyond the link (RFC 5881, 5) */                              \
    X(BFD_VERSION, "bfd-version")         /* this one, and those below: RFC 5880, 6.8.6 */                      \
    X(BFD_LENGTH, "bfd-length")                                                                                 \
    X(BFD_MULTIPLIER, "bfd-multiplier") /* zero */                                                              \
    X(BFD_MULTIPOINT, "bfd-multipoint")                                                                         \
    X(BFD_DISCRIMINATOR, "bfd-discriminator")   /* the sender's is zero */                                      \
    X(BFD_SESSION, "bfd-session")               /* meant for another session of ours, perhaps an earlier one */ \
    X(BFD_STATE, "bfd-state")                   /* names no session, though it needs one */                     \
    X(BFD_AUTHENTICATION, "bfd-authentication") /* has one, and none is expected */                             \
    X(REFLECT_SOURCE, "reflect-source")         /* a reflector may not answer this sender */                    \
    X(REFLECT_LOOP, "reflect-loop")             /* a reflector must not answer an answer */                     \
    X(REFLECT_RATE, "reflect-rate")             /* a reflector has answered too many */                         \
    X(REFLECT_UNWANTED, "reflect-unwanted")     /* asks for no answer, or for one of another node */            \
    X(REFLECT_SESSION, "reflect-session")       /* S-BFD to no discriminator of this node */

enum ss_reject {
#define SS_ENUM(name, text) SS_REJECT_##name,
    SS_REJECTS(SS_ENUM)
#undef SS_ENUM
        SS_REJECT_COUNT
};

/* --- clock ------------------------------------------------------------------------------------------------------- */

#define SS_TICK_BYTES 128     /* length of the circling packet that drives the kernel clock */
#define SS_TICK_MARK 0x55beaU /* its skb->mark; the tick program ignores other packets */

/* Sessions of one interval: order[first .. first + count), sent evenly spread over the interval. */
struct ss_class {
    __u32 first;
    __u32 count;
    __u64 interval_ns;
};

/* The schedule of the probes. There are two plans, so that one can be written while the other runs. */
struct ss_plan {
    __u32 classes;
    __u32 generation; /* differs between successive plans */
    struct ss_class class_[SS_MAX_CLASSES];
    __u16 order[SS_MAX_SESSIONS];
};

/* Written by the detector. */
struct ss_clock_conf {
    __u32 plan;      /* index of the plan in force */
    __u32 successor; /* kernel clock: the circling packet leaves by this interface; 0: there is none */
    __u64 tick_ns;   /* intended time between two ticks */
};

/* Written by the tick program. */
struct ss_clock {
    __u32 busy;       /* a tick is running: two clocks never tick at once */
    __u32 generation; /* the plan that done[] belongs to */
    __u64 ticks;
    __u64 last_tick_ns;
    __u64 longest_gap_ns;                /* between two ticks, since the start */
    __u64 recent_gap_ns;                 /* longest of the last 64 to 128 ticks; logged with a verdict for comparison */
    __u64 current_gap_ns;                /* longest of the present 64 ticks */
    __u64 missed;                        /* probes not sent because the clock was late by more than their interval */
    __u64 suspects;                      /* sessions in suspect[] */
    __u64 done[SS_MAX_CLASSES];          /* probes due so far, by class */
    __u64 suspect[SS_MAX_SESSIONS / 64]; /* bit per session: look at it again in the next tick */
};

/* --- events ------------------------------------------------------------------------------------------------------ */

enum ss_event_type {
    SS_EVENT_DEAD = 1,       /* the verdict became dead and the state was lowered */
    SS_EVENT_ALIVE = 2,      /* enough consecutive answers for this epoch */
    SS_EVENT_QUALITY = 3,    /* the quality changed; if it got worse, the state was lowered */
    SS_EVENT_ICMP_ERROR = 4, /* a struct ss_icmp_error_event */
    SS_EVENT_BFD = 5,        /* the neighbor says something new, which is in ss_session_rx */
};

struct ss_event {
    __u32 type; /* enum ss_event_type */
    __u32 session;
    __u32 epoch;
    __u32 quality;   /* enum ss_quality */
    __u32 lost;      /* of the 64 probes up to the newest answered */
    __u32 unsent;    /* ss_session_tx.unsent; if not zero, the verdict is that nothing can be sent */
    __u64 last_sent; /* sequence numbers */
    __u64 last_answered;
    __u64 accused; /* the multiplier-th unanswered probe */
    __u64 time_ns; /* of the verdict */
    __u64 last_answer_ns;
    __u64 accused_sent_ns;
    __u64 clock_gap_ns; /* ss_clock.recent_gap_ns at that moment */
};

#define SS_QUOTED_BYTES (40 + 8 + 16 * SS_MAX_SEGMENTS) /* IPv6 and SRH */

/* An ICMPv6 error for our source address: about a packet that was encapsulated here, if the detector finds its list. */
struct ss_icmp_error_event {
    __u32 type; /* SS_EVENT_ICMP_ERROR */
    __u8 icmp_type;
    __u8 icmp_code;
    __u16 unused;
    __u32 mtu; /* of a Packet Too Big */
    __u8 from[16];
    __u8 quoted[SS_QUOTED_BYTES]; /* the beginning of the packet in question */
};

#endif
