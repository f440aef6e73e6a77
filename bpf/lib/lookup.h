/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Longest-prefix match: one hash table whose keys carry their length, and the lengths in use, longest first. One lookup
 * per length in use beats a trie as long as those are few (docs/repair.md).
 */
#ifndef SIDESTEP_LOOKUP_H
#define SIDESTEP_LOOKUP_H

#include "bpf/lib/filter.h"
#include "bpf/lib/maps.h"
#include "bpf/lib/portable.h"

/* False if no protected prefix is this one. */
static __always_inline int ss_maybe(const struct ss_steering* steering, const __u64* masked, __u32 length) {
    __u64 hash = ss_filter_hash(masked, length);
    const __u64* word = ss_entry(&ss_filters, (__u32)hash & steering->filter_mask);

    return !word || (SS_READ(*word) >> ss_filter_bit(hash) & 1);
}

/* The entry of `map` with the longest prefix of `address`; `table` says which lengths are in use. */
static __always_inline void* ss_longest(void* map, const struct ss_steering* steering, __u32 table,
                                        const __u64* address) {
    __u32 i;

    /* Their number is read each time: while we look, the last one may move behind what was the end. */
    for (i = 0; i < SS_READ(steering->lengths[table]); i++) {
        SS_KEEP(i); /* else the way back has an increment of a pointer in it, see SS_UNROLL */
        if (i >= SS_MAX_LENGTHS) break;
        const struct ss_length* length = &steering->length[table][i];
        struct ss_prefix key;
        __u64 masked[2] = {address[0] & length->mask[0], address[1] & length->mask[1]};
        void* found;

        if (table != SS_SIDS && !ss_maybe(steering, masked, length->length)) continue;
        key.length = length->length;
        __builtin_memcpy(key.address, masked, sizeof(key.address));
        found = bpf_map_lookup_elem(map, &key);
        if (found) return found;
    }
    return 0;
}

static __always_inline const struct ss_steering* ss_steering(void) {
    return ss_entry(&ss_steerings, 0);
}

#endif
