/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A part of bpf/abi/sidestep.h, which others include: what is shared about policies, SIDs and hitless protection. */
#ifndef SIDESTEP_ABI_POLICIES_H
#define SIDESTEP_ABI_POLICIES_H

#include <linux/types.h>

#include "bpf/abi/limits.h"

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
    __u32 splitter;      /* ifindex: GSO packets that it is sent are split; 0: there is none */
    __u32 splitter_exit; /* ifindex: where their segments come in, to ss_device */
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
    __u64 sampled; /* a number whose copies are timed, plus 1, and from SS_SAMPLED_AT on the lists that were; 0: none */
    __u64 sampled_ns;
    __u64 doubted; /* an own number too far ahead to be believed before another one is near it; 0: none */
} __attribute__((aligned(64)));

#define SS_SAMPLED_AT 60

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
    __u64 last_ns;   /* when a copy came; 0: none has */
    __u64 skipped;   /* packets of the flow from before this way began: it has not missed them */
} __attribute__((aligned(64)));

#define SS_WAY_SILENT_NS (300 * 1000000000ULL) /* a way that was silent for longer begins anew */

/* What a merging SID knows of a flow. A window of fewer words uses the first ones. */
struct ss_merge {
    struct ss_copy_window window;
    struct ss_way way[SS_MAX_LISTS];
    __u64 word[SS_MAX_WINDOW_WORDS];
};

/* The last packet to a merging SID that it has no use for: its flow is not merged here, or its number has long passed.
 * Written by ingress. */
struct ss_stray {
    __u64 sid;      /* locator and function, as in the packet */
    __u64 since_ns; /* when those of this flow began to come, without a pause of SS_STRAY_PAUSE_NS */
    __u64 last_ns;
    __u64 flow;
    __u64 list;
    __u64 behind;    /* by how many numbers it is older than the newest; 0: the flow is not merged here */
    __u64 source[2]; /* who encapsulated it */
};

#define SS_STRAYS 16 /* by flow, modulo this */
#define SS_STRAY_PAUSE_NS 1000000000ULL

#endif
