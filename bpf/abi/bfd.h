/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A part of bpf/abi/sidestep.h, which others include: a session that speaks BFD (RFC 5880) instead of probing. */
#ifndef SIDESTEP_ABI_BFD_H
#define SIDESTEP_ABI_BFD_H

#include <linux/types.h>

/* The mandatory section of a control packet (RFC 5880, 4.1), in network order. */
struct ss_bfd_packet {
    __u8 version_diagnostic; /* version 1 in the upper 3 bits */
    __u8 state_flags;        /* enum ss_bfd_state in the upper 2 bits, then SS_BFD_* */
    __u8 multiplier;
    __u8 length; /* in bytes, with the authentication section */
    __be32 my_discriminator;
    __be32 your_discriminator;
    __be32 desired_tx_us;
    __be32 required_rx_us;
    __be32 required_echo_us;
};

enum ss_bfd_state {
    SS_BFD_ADMIN_DOWN = 0,
    SS_BFD_DOWN = 1,
    SS_BFD_INIT = 2,
    SS_BFD_UP = 3,
};

#define SS_BFD_POLL 0x20U
#define SS_BFD_FINAL 0x10U
#define SS_BFD_INDEPENDENT 0x08U /* C: of the control plane */
#define SS_BFD_AUTHENTICATED 0x04U
#define SS_BFD_DEMAND 0x02U
#define SS_BFD_MULTIPOINT 0x01U

#define SS_BFD_VERSION 1U
#define SS_BFD_EXPIRED 1U  /* diagnostic: nothing was heard for the detection time */
#define SS_BFD_SIGNALED 3U /* diagnostic: the neighbor said that it is down */
#define SS_BFD_HOP_LIMIT 255U
#define SS_BFD_HASH 20
#define SS_BFD_KEYS 2
#define SS_BFD_SEQUENCE_KNOWN (1ULL << 32)
#define SS_BFD_SLOW_US 1000000U /* as long as a session is not up, it is not faster (RFC 5880, 6.8.3) */
#define SS_BFD_LOOKS 4U         /* times that a session is looked at in its interval */

/* Of SHA-1 with a key (RFC 5880, 4.4), in network order; it follows the mandatory section. */
struct ss_bfd_signature {
    __u8 type; /* enum ss_bfd_auth */
    __u8 length;
    __u8 key_id;
    __u8 reserved;
    __be32 sequence;
    __u8 hash[SS_BFD_HASH];
};

/* How far away the other end is. */
enum ss_bfd_kind {
    SS_BFD_LINK = 0,     /* at the other end of a link (RFC 5881) */
    SS_BFD_MULTIHOP = 1, /* anywhere (RFC 5883) */
    SS_BFD_SEAMLESS = 2, /* anywhere, and a reflector of S-BFD, which this end asks (RFC 7880) */
};

/* RFC 5880, 4.1. */
enum ss_bfd_auth {
    SS_BFD_AUTH_NONE = 0,
    SS_BFD_AUTH_SHA1 = 4,
    SS_BFD_AUTH_METICULOUS_SHA1 = 5,
};

struct ss_bfd_key {
    __u8 secret[SS_BFD_HASH]; /* filled up with zeros */
    __u8 id;
    __u8 pad[3];
};

/* Part of ss_session_conf. */
struct ss_bfd_conf {
    struct ss_bfd_packet packet; /* what to send, until the tick finds the session dead */
    __u32 tx_us;                 /* least time between two packets now; 0: the session is passive, and waits */
    __u32 rx_us;                 /* the same for the neighbor's, as it counts for the detection time */
    __u32 ups;                   /* how often the detector has brought the session up */
    __u32 index;                 /* of the session */
    __u8 auth;                   /* enum ss_bfd_auth */
    __u8 keys;                   /* how many there are: the first one signs, and all are accepted */
    __u8 kind;                   /* enum ss_bfd_kind */
    __u8 hops;                   /* routers that a packet of the other end may have passed */
    __u8 pad[4];
    struct ss_bfd_key key[SS_BFD_KEYS];
};

/* Part of ss_session_tx. */
struct ss_bfd_tx {
    __u64 due_ns;     /* when the next packet leaves if nothing changes before */
    __u64 looked_ns;  /* when the session was last looked at */
    __u64 silent_ns;  /* how long the neighbor has been silent, not counting time in which nobody looked */
    __u64 heard;      /* rx.answered at the last look */
    __u64 polls;      /* rx.bfd.polls that were answered */
    __u32 ended;      /* the conf.bfd.ups that the tick has ended: it sends Down from then on */
    __u32 diagnostic; /* why */
    __u32 said;       /* state, diagnostic and flags last sent: a change is sent at once */
    __u32 sequence;   /* of the last signed packet */
    __u32 pad[2];
};

/* Part of ss_session_rx: the neighbor's last packet. What belongs together is written in one step. */
struct ss_bfd_rx {
    __u64 said;     /* its first four bytes, then its discriminator */
    __u64 timers;   /* the desired transmit interval, then the required receive interval; microseconds */
    __u64 polls;    /* packets with P */
    __u64 finals;   /* packets with F */
    __u64 refused;  /* packets that came for this session and were not good */
    __u32 reason;   /* of the last one, enum ss_reject */
    __u32 echo_us;  /* required echo interval */
    __u64 sequence; /* of the last signed packet, with SS_BFD_SEQUENCE_KNOWN */
    __u64 pad;
};

#endif
