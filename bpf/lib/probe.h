/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The varying part of a probe: sequence, time and MAC. The tick program writes it; the probe receiver reads it back. All
 * else of it, its hop limit for instance, the detector writes (detector/core/headers.cpp).
 */
#ifndef SIDESTEP_PROBE_H
#define SIDESTEP_PROBE_H

#include <bpf/bpf_endian.h>

#include "bpf/lib/siphash.h"

#define SS_NANOSECONDS_PER_SECOND 1000000000ULL

/* The MAC over the first SS_STAMP_SIGNED bytes. */
static __always_inline __u64 ss_stamp_mac(const struct ss_stamp* stamp, const struct ss_secret* secret) {
    __u64 low, high;

    __builtin_memcpy(&low, stamp, 8);
    __builtin_memcpy(&high, (const __u8*)stamp + 8, 8);
    return ss_siphash16(secret, low, high);
}

/* The UDP checksum that belongs to a one's complement sum, which does not depend on byte order (RFC 1071). */
static __always_inline __sum16 ss_fold_checksum(__u64 sum) {
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = ~sum & 0xffff;
    return sum ? (__sum16)sum : 0xffff; /* zero would mean that there is no checksum (RFC 8200, 8.1) */
}

/*
 * Fills in a probe whose template is already in the packet. `checksum` is the sum over all constant fields
 * (ss_session_conf); this function adds the varying ones.
 */
static __always_inline __sum16 ss_stamp_fill(struct ss_stamp* stamp, const struct ss_secret* secret, __u32 sequence,
                                             __u64 now, __u64 checksum) {
    __u64 mac;

    stamp->sequence = bpf_htonl(sequence);
    stamp->seconds = bpf_htonl((__u32)(now / SS_NANOSECONDS_PER_SECOND));
    stamp->nanoseconds = bpf_htonl((__u32)(now % SS_NANOSECONDS_PER_SECOND));
    mac = ss_stamp_mac(stamp, secret);
    __builtin_memcpy(stamp->mac, &mac, sizeof(mac));

    return ss_fold_checksum(checksum + stamp->sequence + stamp->seconds + stamp->nanoseconds + (__u32)mac +
                            (mac >> 32));
}

static __always_inline __u64 ss_stamp_time(const struct ss_stamp* stamp) {
    return bpf_ntohl(stamp->seconds) * SS_NANOSECONDS_PER_SECOND + bpf_ntohl(stamp->nanoseconds);
}

#endif
