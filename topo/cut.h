/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Mapped memory shared by the cut program and its owner. */
#pragma once

#include <linux/types.h>

/* One direction of a link: 0 is ends[0] -> ends[1]. Times are CLOCK_MONOTONIC. Written by the program only while the
 * direction is cut, by the owner only while it is not. */
struct topo_cut_direction {
    __u64 dropped;       /* packets */
    __u64 first_drop_ns; /* 0: none yet */
};
