/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps of the BPF programs. All programs are linked into one object; each map is declared here once and weak, so
 * that every program file may include this header. Maps that user space accesses as memory are mmapable. The loader
 * sets the numbers of entries.
 */
#ifndef SIDESTEP_MAPS_H
#define SIDESTEP_MAPS_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf/abi/sidestep.h"
#include "bpf/lib/sha1.h"

#define SS_SHARED_ARRAY(name, type_, entries) \
    struct {                                  \
        __uint(type, BPF_MAP_TYPE_ARRAY);     \
        __uint(map_flags, BPF_F_MMAPABLE);    \
        __uint(max_entries, entries);         \
        __type(key, __u32);                   \
        __type(value, type_);                 \
    } name SEC(".maps") __weak

#define SS_ARRAY(kind, name, type_, entries) \
    struct {                                 \
        __uint(type, kind);                  \
        __uint(max_entries, entries);        \
        __type(key, __u32);                  \
        __type(value, type_);                \
    } name SEC(".maps") __weak

SS_SHARED_ARRAY(ss_states, struct ss_session_state, SS_MAX_SESSIONS);
SS_SHARED_ARRAY(ss_repair_states, struct ss_repair_state, 1);
SS_SHARED_ARRAY(ss_sessions, struct ss_session, SS_MAX_SESSIONS);
SS_SHARED_ARRAY(ss_plans, struct ss_plan, 2);
SS_SHARED_ARRAY(ss_clock_confs, struct ss_clock_conf, 1);
SS_SHARED_ARRAY(ss_clocks, struct ss_clock, 1);
SS_ARRAY(BPF_MAP_TYPE_ARRAY, ss_secrets, struct ss_secret, 1);
SS_SHARED_ARRAY(ss_nodes, struct ss_node, 1);
SS_SHARED_ARRAY(ss_prefix_tables, struct ss_prefix_table, 2);
SS_SHARED_ARRAY(ss_prefixes, struct ss_cell, 2);
SS_SHARED_ARRAY(ss_filters, __u64, 2);
SS_SHARED_ARRAY(ss_slots, struct ss_target, 2); /* of slot s in bank b: [2 * s + b] */
SS_SHARED_ARRAY(ss_policies, struct ss_policy, 1);
SS_SHARED_ARRAY(ss_candidates, struct ss_candidate, 1);
SS_SHARED_ARRAY(ss_lists, struct ss_list, 1);
SS_SHARED_ARRAY(ss_reflector_sets, struct ss_reflectors, 1);
SS_ARRAY(BPF_MAP_TYPE_PERCPU_ARRAY, ss_stats, struct ss_candidate_stats, 1);
SS_ARRAY(BPF_MAP_TYPE_PERCPU_ARRAY, ss_counts, __u64, SS_COUNTERS);
SS_ARRAY(BPF_MAP_TYPE_PERCPU_ARRAY, ss_buckets, struct ss_bucket, SS_BUCKETS);
SS_ARRAY(BPF_MAP_TYPE_PERCPU_ARRAY, ss_sha1s, struct ss_sha1, SS_SHA1_PLACES);

#define SS_SPARSE_HASH(name, key_, value_)    \
    struct {                                  \
        __uint(type, BPF_MAP_TYPE_HASH);      \
        __uint(map_flags, BPF_F_NO_PREALLOC); \
        __uint(max_entries, 1);               \
        __type(key, key_);                    \
        __type(value, value_);                \
    } name SEC(".maps") __weak

SS_SPARSE_HASH(ss_sids, struct ss_prefix, struct ss_sid);
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, SS_MAX_FLOWS);
    __type(key, __u32); /* flow */
    __type(value, struct ss_merge);
} ss_merges SEC(".maps") __weak;

SS_SHARED_ARRAY(ss_senders, struct ss_sender, SS_MAX_FLOWS); /* by flow */
SS_SHARED_ARRAY(ss_strays, struct ss_stray, SS_STRAYS);
SS_SPARSE_HASH(ss_adjacencies, struct ss_hop, struct ss_adjacency);
SS_SPARSE_HASH(ss_xdp_interfaces, __u32, struct ss_xdp_interface); /* by ifindex */

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 2 * SS_MAX_SESSIONS); /* a BFD session may have two */
    __type(key, struct ss_passive_key);
    __type(value, __u32);
} ss_passives SEC(".maps") __weak;

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, SS_MAX_REFLECTED_SESSIONS);
    __type(key, struct ss_reflected_key);
    __type(value, struct ss_reflected);
} ss_reflected_sessions SEC(".maps") __weak;

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 1 << 18);
} ss_events SEC(".maps") __weak;

static __always_inline void* ss_entry(void* map, __u32 index) {
    return bpf_map_lookup_elem(map, &index);
}

static __always_inline void ss_count(__u32 counter) {
    __u64* value = ss_entry(&ss_counts, counter);

    if (value) *value += 1;
}

static __always_inline void ss_count_outcome(__u32 outcome) {
    ss_count(SS_COUNT_OUTCOMES + outcome);
}

/* Counts a packet that was not repaired, at a policy's candidate. */
static __always_inline void ss_count_drop(__u32 stats_index, __u32 drop) {
    struct ss_candidate_stats* stats = ss_entry(&ss_stats, stats_index);

    ss_count(SS_COUNT_DROPS + drop);
    if (stats && drop < SS_DROP_COUNT) stats->drops[drop]++;
}

/* Counts a packet that was repaired. */
static __always_inline void ss_count_taken(__u32 stats_index, __u32 bytes) {
    struct ss_candidate_stats* stats = ss_entry(&ss_stats, stats_index);

    ss_count_outcome(SS_OUTCOME_REPAIRED);
    if (!stats) return;
    stats->packets++;
    stats->bytes += bytes;
    stats->last_ns = bpf_ktime_get_coarse_ns();
}

#endif
