/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is read of a packet (bpf/lib/parse.h), and the first bytes of an SRH. */
#ifndef SIDESTEP_PACKET_H
#define SIDESTEP_PACKET_H

#include <linux/types.h>

#include "bpf/abi/sidestep.h"

/* First 8 bytes of a Segment Routing Header (RFC 8754, 2). */
struct ss_srh {
    __u8 next_header;
    __u8 length; /* in 8 bytes, the first 8 not counted */
    __u8 type;
    __u8 segments_left;
    __u8 last_entry;
    __u8 flags;
    __be16 tag;
};

/* What of a packet decides where it goes. Addresses of IPv4 in IPv4-mapped form. */
struct ss_packet {
    __u64 source[2];
    __u64 destination[2];
    __u32 family; /* SS_IPV6 or SS_IPV4 */
    __u32 length; /* of the IP packet by its own header */
    __be32 flow;  /* IPv6: version, class and label; IPv4: class in the same place */
    __be16 port[2];
    __u8 protocol; /* next header */
    __u8 hop_limit;
    __u16 repairs; /* that it carries already, one in another */
};

#endif
