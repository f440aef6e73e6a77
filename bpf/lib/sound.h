/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the kernel would drop for its header alone is not repaired: at ingress, nobody has checked it yet. */
#ifndef SIDESTEP_SOUND_H
#define SIDESTEP_SOUND_H

#include "bpf/lib/parse.h"
#include "bpf/lib/too_big.h"

#define SS_MOST_IPV4 60

/* True if the packet is as long as it says, and its IPv4 header has the right checksum (RFC 1812, 5.2.2; RFC 8200, 3). */
SS_OWN_FRAME int ss_is_sound(ss_frame* frame, const struct ss_packet* packet) {
    __be32 header[SS_MOST_IPV4 / 4] = {};
    __u32 length = packet->upper_at - ETH_HLEN;
    __s64 sum;

    if (ss_gso_size(frame)) return 1; /* not from a wire, and some say a length of 0 */
    if (ss_bytes(frame) < ETH_HLEN + packet->length) return 0;
    if (packet->family != SS_IPV4) return 1;
    if (!SS_WITHIN(length, sizeof(struct iphdr), SS_MOST_IPV4)) return 0;
    if (ss_load(frame, ETH_HLEN, header, length)) return 0;
    sum = bpf_csum_diff(0, 0, header, sizeof(header), 0);
    return sum >= 0 && !ss_fold(sum);
}

#endif
