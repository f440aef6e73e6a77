/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the counting programs and their owner share, in mapped memory. */
#pragma once

#include <linux/types.h>

/* Generated packets that came in at one place; one core counts. */
struct bench_arrivals {
    __u64 plain;
    __u64 encapsulated;
    __u64 first_encapsulated_ns; /* CLOCK_MONOTONIC; 0: none yet, the owner may set it back */
};
