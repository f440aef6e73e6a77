/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The ABI between the BPF programs and user space: the keys and values of all maps, and all lists of reasons.
 * Both sides compile it; the sizes are asserted at the end. Raise SS_ABI_VERSION with any change of layout.
 *
 * Every field has one writer. The structures are split by writer, each part on cache lines of its own:
 *   conf    the detector         what is allowed
 *   tx      the tick program     what was sent, and the verdict on it
 *   rx      the probe receiver   what came back
 *   state   lowered by tick and detector, raised by the detector only; read by the data plane for every packet
 */
#ifndef SIDESTEP_ABI_H
#define SIDESTEP_ABI_H

#include <linux/types.h>

#define SS_ABI_VERSION 8

#define SS_MAX_SESSIONS 4096 /* a power of two */
#define SS_MAX_CLASSES 16    /* distinct probe intervals on one node */
#define SS_MAX_SEGMENTS 16
#define SS_MAX_CANDIDATES 6    /* per policy */
#define SS_MAX_LISTS 4         /* per candidate path */
#define SS_MAX_LIST_SESSIONS 8 /* sessions that one segment list depends on */
#define SS_MAX_LENGTHS 64      /* different prefix lengths per family */
#define SS_MAX_REACH 128       /* a prefix lies at most this many cells from its home */
#define SS_MAX_DOMAIN 16       /* prefixes in the SR domain */
#define SS_SENT_RING 64        /* send times kept per session, a power of two */
#define SS_RTT_BUCKETS 32      /* bucket i counts round trips of [2^i, 2^(i+1)) microseconds; the last one is open */

#define SS_PROBE_PORT 862 /* RFC 8762, 4.1 */

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
    __u32 pad;
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
#define SS_SESSION_PASSIVE 2U /* sends nothing: expects a neighbor's probes to pass the End.BPF endpoint */
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
    __u32 return_ifindex; /* and return by this one */
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

    __u8 return_address[16];
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
} __attribute__((aligned(64)));

/* Identifies the probes that count as answers of a passive session; the value is the session's index. */
struct ss_passive_key {
    __u32 ifindex;
    __u8 source[16];
};

struct ss_session {
    struct ss_session_conf conf;
    struct ss_session_tx tx;
    struct ss_session_rx rx;
};

/* Why the probe receiver refused a packet; each reason has a counter. */
#define SS_REJECTS(X)                                                    \
    X(TRUNCATED, "truncated")             /* too short */                \
    X(WRONG_INTERFACE, "wrong-interface") /* not its link */             \
    X(BAD_MAC, "bad-mac")                 /* forged */                   \
    X(NOT_SENT, "not-sent")               /* sequence number is ahead */ \
    X(REPLAYED, "replayed")               /* seen before */              \
    X(TOO_OLD, "too-old")                 /* behind the window */

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
    SS_EVENT_DEAD = 1,    /* the verdict became dead and the state was lowered */
    SS_EVENT_ALIVE = 2,   /* enough consecutive answers for this epoch */
    SS_EVENT_QUALITY = 3, /* the quality changed; if it got worse, the state was lowered */
    SS_EVENT_TOO_BIG = 4, /* a struct ss_too_big_event */
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

/* A Packet Too Big for our source address: about a packet that was encapsulated here, if the detector finds its list. */
struct ss_too_big_event {
    __u32 type; /* SS_EVENT_TOO_BIG */
    __u32 mtu;
    __u8 quoted[SS_QUOTED_BYTES]; /* the beginning of the packet that was too big */
};

/* --- policies ----------------------------------------------------------------------------------------------------
 *
 * prefix -> policy -> candidate paths -> segment lists (RFC 9256, 2). Policies, candidates and lists may be shared.
 * There are two prefix tables, one per bank. ss_node.bank says which one is in force, so one store changes the whole
 * set. A slot is what a policy of the detector keeps from one set to the next: its counters, and the entry by which
 * its bypass is found.
 */

/* A SID, or a prefix of SIDs. The length is in bits; the bits beyond it are zero. */
struct ss_prefix {
    __u32 length;
    __u8 address[16];
};

#define SS_POLICY_EXEMPT 0U  /* policy and slot 0: matching packets are never repaired (this node's own addresses) */
#define SS_POLICY_NONE (~0U) /* matching packets count as in no policy, even if a shorter prefix matches */

/* The target of a prefix, or of an adjacency that is down. Written and read in one step. */
struct ss_target {
    __u32 policy; /* its index, or SS_POLICY_* */
    __u32 stats;  /* first of its entries in ss_stats: one per candidate, then one for packets that no candidate took */
} __attribute__((aligned(8)));

#define SS_ONLY_UNROUTED (1U << 31) /* in ss_target.stats: only for packets that the FIB has no route for */
#define SS_KERNEL_FIRST (1U << 30)  /* in ss_target.stats: only where the kernel has applied its IPsec policies */
#define SS_OBSERVED (1U << 29)      /* in ss_target.stats: packets are counted and not moved (`mode: observe`) */

/*
 * An entry of the prefix hash tables. IPv4 is in IPv4-mapped form; the bits beyond the length are zero. A prefix lies
 * in its home cell or, if that was taken, in one of the following. In the table in force a cell is taken only once: the
 * length is written last, and becomes SS_CELL_LEFT when the prefix goes; the address stays. A free cell leads to no
 * policy, because some processors may see its length before the rest.
 */
struct ss_cell {
    __u64 address[2];
    struct ss_target target;
    __u32 length; /* SS_CELL_FREE, SS_CELL_LEFT, or the prefix length plus 1 */
    __u32 pad;
};

#define SS_CELL_FREE 0U
#define SS_CELL_LEFT 255U /* the prefix is gone; others may follow */

/* A prefix length in use, and the mask that cuts an address to it, in the byte order of the address in memory. */
struct ss_length {
    __u32 length;
    __u32 pad;
    __u64 mask[2];
};

enum ss_family {
    SS_IPV6 = 0,
    SS_IPV4 = 1,
    SS_FAMILIES = 2,
};

/* How to look up a prefix in the table of one bank. */
struct ss_prefix_table {
    __u64 seed;                                           /* of the hash */
    __u32 first;                                          /* index of its first cell in ss_prefixes */
    __u32 homes;                                          /* number of its cells that can be a home */
    __u32 filter;                                         /* index of its first word in ss_filters */
    __u32 filter_mask;                                    /* number of those words, a power of two, minus one */
    __u32 lengths[SS_FAMILIES];                           /* entries of length[] */
    struct ss_length length[SS_FAMILIES][SS_MAX_LENGTHS]; /* longest first */
};

/* Settings of the node that apply to every packet. */
struct ss_node {
    __u32 bank;          /* 0 or 1: the one in force */
    __u32 domains;       /* entries of domain[] */
    __u32 policy_device; /* ifindex; 0: there is none */
    __be32 source_v4;    /* of ICMPv4 errors */
    __u8 source[16];     /* outer source of packets encapsulated here, and source of ICMPv6 errors */
    __u32 sid_lengths;   /* entries of sid_length[] */
    __u32 always_routes; /* non-zero: a policy of `encap bpf` routes encapsulates even when all sessions are up */
    struct ss_length domain[SS_MAX_DOMAIN];      /* prefixes of the outer sources that are admitted... */
    __u64 domain_address[SS_MAX_DOMAIN][2];      /* ... and their addresses */
    struct ss_length sid_length[SS_MAX_LENGTHS]; /* longest first */
};

struct ss_policy {
    __u32 count;
    __u32 pad;
    __u32 candidate[SS_MAX_CANDIDATES]; /* in order of preference */
};

struct ss_weighted {
    __u32 list;
    __u32 weight;
};

/* A candidate path. */
struct ss_candidate {
    __u32 lists;
    __u32 weight; /* sum over all lists */
    struct ss_weighted list[SS_MAX_LISTS];
};

enum ss_mode {
    SS_MODE_PLAIN = 0,    /* the kernel forwards; where it cannot be asked (policy device), as SS_MODE_FORWARD */
    SS_MODE_UNUSABLE = 1, /* cannot be used yet: the neighbor's MAC address is not known */
    SS_MODE_FORWARD = 2,  /* to the neighbor, unchanged */
    SS_MODE_ENCAPS = 3,   /* H.Encaps, H.Encaps.Red (RFC 8986, 5.1 and 5.2) */
    SS_MODE_INSERT = 4,   /* H.Insert (draft-filsfils-spring-srv6-net-pgm-insertion, 4.1) */
};

/* The tag of SRHs that Sidestep pushes (RFC 8754, 2): its low byte counts the nested repairs of a packet. */
#define SS_REPAIR_TAG 0x5d00U
#define SS_MAX_REPAIRS 2U

/* Ethernet, IPv6, SRH. */
#define SS_HEADER_MAX (14 + 40 + 8 + 16 * SS_MAX_SEGMENTS)

/* A segment list and its next hop: the header that is copied in front of the packet. */
struct ss_list {
    __u16 mode; /* enum ss_mode */
    __u16 sessions;
    __u16 session[SS_MAX_LIST_SESSIONS]; /* the list is as good as the worst of them */
    __u32 ifindex;                       /* outgoing interface */
    __u32 mtu;                           /* largest IP packet that may leave, including all headers */
    __u16 header_length;                 /* length of header[], including Ethernet */
    __u16 srh_offset;                    /* of the SRH in header[]; 0: there is none */
    __u32 flow;                     /* non-zero: hitless; packets leave by every list of the candidate that is up */
    __u32 candidate;                /* hitless: its index. The MTUs of its lists leave a packet the same room */
    __u8 header[SS_HEADER_MAX + 2]; /* lengths, inner protocol, traffic class, flow label, hop limit and tag are
                                            filled in per packet; of H.Insert: Ethernet and SRH */
};

/* A next hop of the FIB that may be one of this node's adjacencies, or the neighbor that a packet is addressed to. */
struct ss_hop {
    __u32 ifindex;
    __u8 gateway[16]; /* IPv4 in IPv4-mapped form; zero: any, because the interface leads to only one neighbor; ones and
                         a MAC address at SS_HOP_MAC_AT: the neighbor with that address, whatever the gateway */
};

#define SS_HOP_MAC_AT 10

struct ss_adjacency {
    __u32 session;
    __u32 slot; /* of its bypass; SS_POLICY_EXEMPT: none */
};

/* --- XDP ---------------------------------------------------------------------------------------------------------- */

/* An interface as the XDP programs need to know it: at XDP, nothing has checked the packet's destination MAC. */
struct ss_xdp_interface {
    __u8 mac[6];          /* its own address */
    __u8 redirect_target; /* 1: XDP can send frames out of it */
    __u8 no_headroom;     /* 1: a frame that came in here had too little headroom for a list; written by the program */
};

/* By how many bytes a frame at XDP can grow with most drivers: they leave 192, of which the kernel takes 40. */
#define SS_XDP_HEADROOM 152

/* --- SIDs of this node ------------------------------------------------------------------------------------------- */

enum ss_behavior {
    SS_END = 0,
    SS_END_X = 1,
    SS_END_DT4 = 2,
    SS_END_DT6 = 3,
    SS_END_DT46 = 4,
};

#define SS_FLAVOR_PSP 1U       /* RFC 8986, 4.16.1 */
#define SS_FLAVOR_NEXT_CSID 2U /* RFC 9800, 4.1 */
#define SS_FLAVOR_USP 4U       /* RFC 8986, 4.16.2 */
#define SS_FLAVOR_USD 8U       /* RFC 8986, 4.16.3; of SS_END */
#define SS_FLAVOR_MERGE 16U    /* of a decapsulating SID: only first copies go on */

struct ss_sid {
    __u8 behavior; /* enum ss_behavior */
    __u8 flavors;  /* SS_FLAVOR_* */
    __u8 block_bits;
    __u8 function_bits;            /* NEXT-C-SID: bits that are shifted out, at most 64 */
    struct ss_adjacency adjacency; /* of End.X */
};

/* --- hitless protection (docs/hitless.md) ------------------------------------------------------------------------ */

/*
 * The argument of a merging SID, 64 bits: the flow, the segment list that the copy took, the packet's number. Numbers
 * of a flow only grow, modulo 2^46. A sender that knows no last number starts with the seconds of its clock (the
 * epoch) times 2^24, and so ahead of what it sent before it restarted.
 */
#define SS_FLOW_BITS 16
#define SS_COPY_BITS 2
#define SS_NUMBER_BITS 46
#define SS_EPOCH_BITS 22 /* the upper ones of a number */

#define SS_BLOCK_BITS 16 /* numbers per word of a window */

/* The first copies of one flow that have passed. `words` and `reset_ns` are written by the detector. */
struct ss_copy_window {
    __u64 newest;   /* of the window's own numbers, which never wrap */
    __u64 offset;   /* from a packet's number to the window's own */
    __u64 last_ns;  /* when a first copy passed */
    __u64 reset_ns; /* after this much silence, any number is the next one */
    __u32 words;    /* a power of two */
    __u32 pad;
    __u64 sampled; /* a number whose copies are timed; 0: none */
    __u64 sampled_ns;
} __attribute__((aligned(64)));

#define SS_MAX_FLOWS 1024        /* flow 0 is none */
#define SS_MAX_WINDOW_WORDS 4096 /* 65,536 numbers */

/* What the head end knows of a flow. */
struct ss_sender {
    __u64 next; /* the number of its next packet */
};

/* The copies of one flow that came by one list. Written by the merging SID. */
struct ss_way {
    __u64 first;     /* copies that went on */
    __u64 later;     /* dropped: another one was first */
    __u64 too_old;   /* dropped: behind the window */
    __u64 behind_ns; /* smoothed: how long after the first copy a later one comes by this list */
} __attribute__((aligned(64)));

/* What a merging SID knows of a flow. A window of fewer words uses the first ones. */
struct ss_merge {
    struct ss_copy_window window;
    struct ss_way way[SS_MAX_LISTS];
    __u64 word[SS_MAX_WINDOW_WORDS];
};

/* --- counters ---------------------------------------------------------------------------------------------------- */

/* Why a packet that needed repair was not repaired; counted per policy and candidate. */
#define SS_DROPS(X)                                                                                          \
    X(NO_CANDIDATE, "no-candidate")   /* all candidates are down */                                          \
    X(HOP_LIMIT, "hop-limit")         /* left to the kernel, which lets it expire */                         \
    X(LOOP, "loop")                   /* repaired here before; left to the kernel */                         \
    X(U_TURN, "u-turn")               /* without segments, back to the neighbor; left to the kernel */       \
    X(TOO_BIG, "too-big")             /* dropped; the sender is told */                                      \
    X(CANNOT_NUMBER, "cannot-number") /* dropped: a GSO packet of a hitless policy */                        \
    X(SECOND_COPY, "second-copy")     /* dropped: it was replicated before */                                \
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
#define SS_OUTCOMES(X)                                                                  \
    X(REPAIRED, "repaired")           /* left by a backup */                            \
    X(PLAIN, "plain")                 /* the kernel's path is up */                     \
    X(NO_POLICY, "no-policy")         /* in no policy and not to an adjacency */        \
    X(EXEMPT, "exempt")               /* to this node itself, never forwarded, IPsec */ \
    X(DECAPSULATED, "decapsulated")   /* by a SID of this node */                       \
    X(LATER_COPY, "later-copy")       /* dropped by a merging SID: another was first */ \
    X(STALE_COPY, "stale-copy")       /* dropped by a merging SID: behind its window */ \
    X(NO_FLOW, "no-flow")             /* dropped by a merging SID: not its flow */      \
    X(NOT_IN_DOMAIN, "not-in-domain") /* dropped: to a SID of this node from outside */ \
    X(MALFORMED, "malformed")         /* left to the kernel */                          \
    X(SID_FAILED, "sid-failed")       /* dropped: a SID of this node cannot serve it */ \
    X(PTB_SENT, "icmp-ptb-sent")      /* Packet Too Big or Fragmentation Needed sent */

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

/* What each entry of ss_buckets limits: ICMP errors to flows of one hash, those to all, and those heard. */
#define SS_BUCKET_ALL SS_TOLD_FLOWS
#define SS_BUCKET_HEARD (SS_TOLD_FLOWS + 1)
#define SS_BUCKETS (SS_TOLD_FLOWS + 2)

/* How many may pass, per CPU. */
struct ss_bucket {
    __u64 filled_ns; /* when it was last filled */
    __u64 tokens;
};

/* --- layout ------------------------------------------------------------------------------------------------------ */

#ifdef __cplusplus
#define SS_ASSERT(condition) static_assert(condition, #condition)
#else
#define SS_ASSERT(condition) _Static_assert(condition, #condition)
#endif

SS_ASSERT(sizeof(struct ss_session_state) == 8);
SS_ASSERT(sizeof(struct ss_repair_state) == 16);
SS_ASSERT(sizeof(struct ss_stamp) == 56);
SS_ASSERT(sizeof(struct ss_session_conf) == 704);
SS_ASSERT(sizeof(struct ss_session_tx) == 64 + 8 * SS_SENT_RING);
SS_ASSERT(sizeof(struct ss_session_rx) == 128 + 8 * SS_RTT_BUCKETS);
SS_ASSERT(sizeof(struct ss_event) == 80);
SS_ASSERT(sizeof(struct ss_too_big_event) == 8 + SS_QUOTED_BYTES);
SS_ASSERT(sizeof(struct ss_prefix) == 20);
SS_ASSERT(sizeof(struct ss_passive_key) == 20);
SS_ASSERT(sizeof(struct ss_target) == 8);
SS_ASSERT(sizeof(struct ss_cell) == 32);
SS_ASSERT(sizeof(struct ss_policy) == 32);
SS_ASSERT(sizeof(struct ss_candidate) == 40);
SS_ASSERT(sizeof(struct ss_list) == 40 + SS_HEADER_MAX + 2);
SS_ASSERT(sizeof(struct ss_hop) == 20);
SS_ASSERT(sizeof(struct ss_xdp_interface) == 8);
SS_ASSERT(sizeof(struct ss_sid) == 12);
SS_ASSERT(sizeof(struct ss_copy_window) == 64);
SS_ASSERT(sizeof(struct ss_merge) == 64 * (1 + SS_MAX_LISTS) + 8 * SS_MAX_WINDOW_WORDS);
SS_ASSERT(SS_MAX_LISTS <= 1 << SS_COPY_BITS);
SS_ASSERT(SS_FLOW_BITS + SS_COPY_BITS + SS_NUMBER_BITS == 64);
SS_ASSERT(sizeof(struct ss_node) % 8 == 0);
SS_ASSERT(sizeof(struct ss_prefix_table) == 32 + sizeof(struct ss_length) * SS_FAMILIES * SS_MAX_LENGTHS);
SS_ASSERT((SS_MAX_SESSIONS & (SS_MAX_SESSIONS - 1)) == 0);
SS_ASSERT((SS_SENT_RING & (SS_SENT_RING - 1)) == 0);

#endif
