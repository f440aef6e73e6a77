/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Computes the home of a prefix in its table, and its bit in the table's bitmap; kernel and user space hash alike. The
 * bitmap is small enough to stay in the cache and tells which prefixes are certainly not in the table. That saves the
 * lookups of all lengths except the right one (docs/decisions/0024).
 */
#ifndef SIDESTEP_PREFIX_HASH_H
#define SIDESTEP_PREFIX_HASH_H

#include <bpf/bpf_endian.h>

#include "bpf/lib/portable.h"

/* The low bits select the bitmap's word, the highest six the bit in it, the high half the home. */
SS_INLINE __u64 ss_prefix_hash(__u64 high, __u64 low, __u32 length, __u64 seed) {
    __u64 hash = (high ^ (__u64)length << 56 ^ length ^ seed) * 0x9e3779b97f4a7c15ULL;

    hash ^= hash >> 32;
    hash = (hash ^ bpf_be64_to_cpu(low)) * 0xff51afd7ed558ccdULL; /* hosts differ at the end of their addresses */
    return hash ^ hash >> 29;
}

/* Index of the bitmap's word in ss_filters. */
SS_INLINE __u32 ss_filter_word(const struct ss_prefix_table* table, __u64 hash) {
    return table->filter + ((__u32)hash & table->filter_mask);
}

SS_INLINE __u32 ss_filter_bit(__u64 hash) {
    return (__u32)(hash >> 58);
}

/* Index of the home cell in ss_prefixes. */
SS_INLINE __u32 ss_home(const struct ss_prefix_table* table, __u64 hash) {
    return table->first + (__u32)((hash >> 32) * table->homes >> 32);
}

#endif
