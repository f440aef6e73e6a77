/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* SipHash-2-4 (Aumasson and Bernstein, 2012) of exactly 16 bytes, the part of a probe that its MAC covers. */
#ifndef SIDESTEP_SIPHASH_H
#define SIDESTEP_SIPHASH_H

#include "bpf/lib/portable.h"

SS_INLINE __u64 ss_rotate_left(__u64 value, int bits) {
    return (value << bits) | (value >> (64 - bits));
}

struct ss_sip_state {
    __u64 v0, v1, v2, v3;
};

SS_INLINE void ss_sip_round(struct ss_sip_state* s) {
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = ss_rotate_left(s->v1, 13) ^ s->v0;
    s->v3 = ss_rotate_left(s->v3, 16) ^ s->v2;
    s->v0 = ss_rotate_left(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = ss_rotate_left(s->v1, 17) ^ s->v2;
    s->v3 = ss_rotate_left(s->v3, 21) ^ s->v0;
    s->v2 = ss_rotate_left(s->v2, 32);
}

SS_INLINE void ss_sip_absorb(struct ss_sip_state* s, __u64 word) {
    s->v3 ^= word;
    ss_sip_round(s);
    ss_sip_round(s);
    s->v0 ^= word;
}

/* The hash of the 16 bytes low, high, each read as little-endian. */
SS_INLINE __u64 ss_siphash16(const struct ss_secret* secret, __u64 low, __u64 high) {
    struct ss_sip_state s = {
        secret->key[0] ^ 0x736f6d6570736575ULL,
        secret->key[1] ^ 0x646f72616e646f6dULL,
        secret->key[0] ^ 0x6c7967656e657261ULL,
        secret->key[1] ^ 0x7465646279746573ULL,
    };

    ss_sip_absorb(&s, low);
    ss_sip_absorb(&s, high);
    ss_sip_absorb(&s, 16ULL << 56); /* the length; no bytes are left over */
    s.v2 ^= 0xff;
    ss_sip_round(&s);
    ss_sip_round(&s);
    ss_sip_round(&s);
    ss_sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

#endif
