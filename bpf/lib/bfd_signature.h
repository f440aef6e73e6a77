/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Keyed SHA-1 and meticulous keyed SHA-1 of BFD (RFC 5880, 4.4 and 6.7.4). The hash covers the packet with the key in the
 * place of the hash: 52 bytes, which are one block. A number of each packet keeps recorded ones from being accepted.
 */
#ifndef SIDESTEP_BFD_SIGNATURE_H
#define SIDESTEP_BFD_SIGNATURE_H

#include <bpf/bpf_endian.h>

#include "bpf/lib/bfd.h"
#include "bpf/lib/sha1.h"

#define SS_BFD_SEQUENCE_WINDOW 3 /* times the multiplier: how far ahead a number may be (RFC 5880, 6.7.4) */

struct ss_bfd_signed {
    struct ss_bfd_packet packet;
    struct ss_bfd_signature signature;
};

#define SS_BFD_HASH_AT ((sizeof(struct ss_bfd_signed) - SS_BFD_HASH) / 4) /* in words */

#ifdef __bpf__
#include "bpf/lib/maps.h"
#endif

typedef __be32 __attribute__((may_alias)) ss_bfd_word;

/*
 * The hash of a packet with this key, compared with that of its signature, which is replaced by it. Returns 0 if they are
 * the same. `place` is SS_SHA1_*.
 */
SS_VERIFIED_ONCE int ss_bfd_hash(struct ss_bfd_signed* packet, const struct ss_bfd_key* key, __u32 place) {
#ifdef __bpf__
    struct ss_sha1* sha1 = ss_entry(&ss_sha1s, place);
#else
    struct ss_sha1 own[SS_SHA1_PLACES];
    struct ss_sha1* sha1 = &own[place];
#endif
    ss_bfd_word* words = (ss_bfd_word*)packet;
    __u32 difference = 0;
    __u32 i;

    if (!packet || !key || !sha1) return -1; /* for the verifier */
    for (i = 0; i < SS_BFD_HASH_AT; i++) sha1->words[i] = bpf_ntohl(words[i]);
    for (i = 0; i < SS_SHA1_HASH_WORDS; i++)
        sha1->words[SS_BFD_HASH_AT + i] = bpf_ntohl(((const ss_bfd_word*)key->secret)[i]);
    sha1->words[13] = 1U << 31; /* padding, then the length in bits */
    sha1->words[14] = 0;
    sha1->words[15] = 8 * sizeof(*packet);
    ss_sha1_make(sha1);
    for (i = 0; i < SS_SHA1_HASH_WORDS; i++) {
        difference |= words[SS_BFD_HASH_AT + i] ^ bpf_htonl(sha1->hash[i]);
        words[SS_BFD_HASH_AT + i] = bpf_htonl(sha1->hash[i]);
    }
    return difference != 0;
}

/* Writes the signature of a packet that is about to be sent. */
SS_INLINE void ss_bfd_sign(struct ss_session* session, struct ss_bfd_signed* packet) {
    __u32 sequence = session->tx.bfd.sequence + 1;

    session->tx.bfd.sequence = sequence;
    packet->signature.type = session->conf.bfd.auth;
    packet->signature.length = sizeof(packet->signature);
    packet->signature.key_id = session->conf.bfd.key[0].id;
    packet->signature.reserved = 0;
    packet->signature.sequence = bpf_htonl(sequence);
    ss_bfd_hash(packet, &session->conf.bfd.key[0], SS_SHA1_SENT);
}

/* Whether the number is one that may come now. After a silence of twice the detection time, any may. */
SS_INLINE int ss_bfd_in_sequence(const struct ss_session* session, __u32 sequence, __u64 now) {
    __u64 last = SS_READ(session->rx.bfd.sequence);
    __u32 ahead = sequence - (__u32)last;
    __u32 least = session->conf.bfd.auth == SS_BFD_AUTH_METICULOUS_SHA1;

    if (!(last & SS_BFD_SEQUENCE_KNOWN)) return 1;
    if (now - SS_READ(session->rx.last_answer_ns) >= 2 * ss_bfd_detection_ns(session)) return 1;
    return ahead >= least && ahead <= SS_BFD_SEQUENCE_WINDOW * session->conf.bfd.packet.multiplier;
}

/* Returns 0 and takes note of the number if the neighbor has signed the packet; else the reason to discard it, plus 1. */
SS_INLINE __u32 ss_bfd_check_signature(struct ss_session* session, struct ss_bfd_signed* packet, __u64 now) {
    const struct ss_bfd_signature* signature = &packet->signature;
    const struct ss_bfd_conf* conf = &session->conf.bfd;
    const struct ss_bfd_key* key = &conf->key[0];
    __u32 sequence = bpf_ntohl(signature->sequence);

    if (packet->packet.length != sizeof(*packet) || signature->type != conf->auth ||
        signature->length != sizeof(*signature))
        return SS_REJECT_BFD_AUTHENTICATION + 1;
    if (conf->keys > 1 && signature->key_id == conf->key[1].id) key = &conf->key[1];
    if (!conf->keys || signature->key_id != key->id || !ss_bfd_in_sequence(session, sequence, now))
        return SS_REJECT_BFD_AUTHENTICATION + 1;
    if (ss_bfd_hash(packet, key, SS_SHA1_RECEIVED)) return SS_REJECT_BFD_AUTHENTICATION + 1;
    SS_WRITE(session->rx.bfd.sequence, SS_BFD_SEQUENCE_KNOWN | sequence);
    return 0;
}

/* The one's complement sum of a packet; that of a signature which is not there is zero. */
SS_INLINE __u64 ss_bfd_sum(const struct ss_bfd_signed* packet) {
    __u32 words[sizeof(*packet) / 4];
    __u64 sum = 0;
    __u32 i;

    __builtin_memcpy(words, packet, sizeof(words));
    SS_UNROLL
    for (i = 0; i < sizeof(*packet) / 4; i++) sum += words[i];
    return sum;
}

#endif
