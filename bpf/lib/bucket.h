/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Token buckets, one per CPU and purpose (RFC 4443, 2.4 f). */
#ifndef SIDESTEP_BUCKET_H
#define SIDESTEP_BUCKET_H

#include "bpf/lib/maps.h"

/* True if one more may pass: `per_second` in the long run, `burst` at once. */
static __always_inline int ss_take_token(__u32 index, __u32 per_second, __u32 burst) {
    const __u64 per_token = 1000000000ULL / per_second;
    struct ss_bucket* bucket = ss_entry(&ss_buckets, index);
    __u64 now = bpf_ktime_get_ns();
    __u64 fresh;

    if (!bucket) return 0;
    fresh = (now - bucket->filled_ns) / per_token;
    if (fresh) {
        bucket->tokens = bucket->tokens + fresh < burst ? bucket->tokens + fresh : burst;
        bucket->filled_ns = now;
    }
    if (!bucket->tokens) return 0;
    bucket->tokens--;
    return 1;
}

#endif
