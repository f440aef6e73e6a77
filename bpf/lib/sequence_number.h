/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where the numbers of a flow begin (docs/hitless.md). Pure; the detector uses it, too. */
#ifndef SIDESTEP_SEQUENCE_NUMBER_H
#define SIDESTEP_SEQUENCE_NUMBER_H

#include "bpf/lib/portable.h"

/* The sequence number with which a sender begins that knows no last one. `seconds` of any clock that goes on while the
 * sender is down. */
SS_INLINE __u64 ss_first_number(__u64 seconds) {
    return seconds << (SS_NUMBER_BITS - SS_EPOCH_BITS) & ((1ULL << SS_NUMBER_BITS) - 1);
}

#endif
