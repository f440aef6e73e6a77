/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Longest-prefix match with hash tables: entries carry their length, and the lengths in use are tried longest first.
 * While few lengths are in use, this is faster than a trie (docs/repair.md).
 */
#ifndef SIDESTEP_LOOKUP_H
#define SIDESTEP_LOOKUP_H

#include "bpf/lib/maps.h"
#include "bpf/lib/portable.h"
#include "bpf/lib/prefix_hash.h"

#define SS_NO_CELL (~0U)

static __always_inline const struct ss_node* ss_node(void) {
    return ss_entry(&ss_nodes, 0);
}

/* The cell of a prefix whose home is `home`, or SS_NO_CELL. */
SS_VERIFIED_ONCE __u32 ss_cell_from(__u32 home, __u64 high, __u64 low, __u32 length) {
    __u32 i;

    for (i = 0; i < SS_MAX_REACH; i++) {
        const struct ss_cell* cell = ss_entry(&ss_prefixes, home + i);
        __u32 taken;

        SS_KEEP(i);
        if (!cell) break;
        taken = SS_READ(cell->length);
        if (taken == SS_CELL_FREE) break;
        if (taken == length + 1 && cell->address[0] == high && cell->address[1] == low) return home + i;
    }
    return SS_NO_CELL;
}

/* The cell of this prefix in the table, or SS_NO_CELL. */
static __always_inline __u32 ss_cell_of(const struct ss_prefix_table* table, __u64 high, __u64 low, __u32 length) {
    __u64 hash = ss_prefix_hash(high, low, length, table->seed);
    const __u64* word = ss_entry(&ss_filters, ss_filter_word(table, hash));

    if (!word || !(SS_READ(*word) >> ss_filter_bit(hash) & 1)) return SS_NO_CELL;
    return ss_cell_from(ss_home(table, hash), high, low, length);
}

/* The cell of the longest prefix of `address`, or SS_NO_CELL. */
static __always_inline __u32 ss_longest_prefix(const struct ss_prefix_table* table, enum ss_family family,
                                               const __u64* address) {
    __u32 i;

    for (i = 0; i < table->lengths[family]; i++) {
        const struct ss_length* length;
        __u32 cell;

        SS_KEEP(i); /* otherwise the loop's back edge contains a pointer increment, see SS_UNROLL */
        if (i >= SS_MAX_LENGTHS) break;
        length = &table->length[family][i];
        cell = ss_cell_of(table, address[0] & length->mask[0], address[1] & length->mask[1], length->length);
        if (cell != SS_NO_CELL) return cell;
    }
    return SS_NO_CELL;
}

/* True if an address, in its two halves, belongs to a SID of this node, which is copied to *sid. */
SS_VERIFIED_ONCE int ss_find_sid(__u64 high, __u64 low, struct ss_sid* sid) {
    const struct ss_node* node = ss_node();
    __u32 i;

    if (!node || !sid) return 0;
    /* The number is read each time: during the loop, the last length may move past the former end. */
    for (i = 0; i < SS_READ(node->sid_lengths); i++) {
        const struct ss_length* length;
        const struct ss_sid* found;
        struct ss_prefix key;
        __u64 masked[2];

        SS_KEEP(i);
        if (i >= SS_MAX_LENGTHS) break;
        length = &node->sid_length[i];
        masked[0] = high & length->mask[0];
        masked[1] = low & length->mask[1];
        key.length = length->length;
        __builtin_memcpy(key.address, masked, sizeof(key.address));
        found = bpf_map_lookup_elem(&ss_sids, &key);
        if (!found) continue;
        *sid = *found;
        return 1;
    }
    return 0;
}

#endif
