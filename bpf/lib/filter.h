/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which prefixes are surely not in the table: one bit per prefix in a bitmap that stays in the cache, where the table's
 * buckets do not. Saves the lookups of all lengths but the right one (docs/decisions/0016). Both sides hash alike.
 */
#ifndef SIDESTEP_FILTER_H
#define SIDESTEP_FILTER_H

#include "bpf/lib/portable.h"

/* The low bits choose the word, the highest six the bit in it. */
SS_INLINE __u64 ss_filter_hash(const __u64* masked, __u32 length) {
    __u64 hash = (masked[0] ^ (__u64)length << 56 ^ length) * 0x9e3779b97f4a7c15ULL;

    hash ^= hash >> 32;
    hash = (hash ^ masked[1]) * 0xff51afd7ed558ccdULL;
    return hash ^ hash >> 29;
}

SS_INLINE __u32 ss_filter_bit(__u64 hash) {
    return (__u32)(hash >> 58);
}

#endif
