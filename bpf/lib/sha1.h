/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * SHA-1 (FIPS 180-4, 6.1) of a message that fits one block: with its padding, 64 bytes. Pure. In use because RFC 5880, 6.7.4,
 * wants it: with a key in front of nobody's choice of bytes, its collisions do not matter there.
 */
#ifndef SIDESTEP_SHA1_H
#define SIDESTEP_SHA1_H

#include <linux/types.h>

#include "bpf/lib/portable.h"

#define SS_SHA1_WORDS 16
#define SS_SHA1_HASH_WORDS 5

SS_INLINE __u32 ss_sha1_rotate(__u32 value, __u32 bits) {
    return value << bits | value >> (32 - bits);
}

/* f and K of round t (FIPS 180-4, 4.1.1 and 4.2.1). */
SS_INLINE __u32 ss_sha1_mix(__u32 t, __u32 b, __u32 c, __u32 d) {
    if (t < 20) return (d ^ (b & (c ^ d))) + 0x5a827999U;
    if (t < 40) return (b ^ c ^ d) + 0x6ed9eba1U;
    if (t < 60) return ((b & c) | (d & (b | c))) + 0x8f1bbcdcU;
    return (b ^ c ^ d) + 0xca62c1d6U;
}

/*
 * Where a hash is made: stacks have no room for it. What is received may interrupt what is sent on the same CPU, if a process
 * is the clock.
 */
enum ss_sha1_place {
    SS_SHA1_SENT,
    SS_SHA1_RECEIVED,
    SS_SHA1_PLACES,
};

struct ss_sha1 {
    __u32 words[SS_SHA1_WORDS]; /* of the padded block, as numbers; they are overwritten */
    __u32 hash[SS_SHA1_HASH_WORDS];
};

/* Of the words. */
SS_INLINE void ss_sha1_make(struct ss_sha1* sha1) {
    __u32 a = 0x67452301U, b = 0xefcdab89U, c = 0x98badcfeU, d = 0x10325476U, e = 0xc3d2e1f0U;
    __u32 t;

    for (t = 0; t < 80; t++) {
        __u32* word = &sha1->words[t & 15];
        __u32 next = *word;

        if (t >= SS_SHA1_WORDS) {
            next ^= sha1->words[(t + 13) & 15] ^ sha1->words[(t + 8) & 15] ^ sha1->words[(t + 2) & 15];
            next = ss_sha1_rotate(next, 1);
            *word = next;
        }
        next += ss_sha1_rotate(a, 5) + ss_sha1_mix(t, b, c, d) + e;
        e = d;
        d = c;
        c = ss_sha1_rotate(b, 30);
        b = a;
        a = next;
    }
    sha1->hash[0] = a + 0x67452301U;
    sha1->hash[1] = b + 0xefcdab89U;
    sha1->hash[2] = c + 0x98badcfeU;
    sha1->hash[3] = d + 0x10325476U;
    sha1->hash[4] = e + 0xc3d2e1f0U;
}

#endif
