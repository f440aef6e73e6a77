/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The parsed form of a packet (bpf/lib/parse.h), and the first bytes of an SRH. */
#ifndef SIDESTEP_PACKET_H
#define SIDESTEP_PACKET_H

#include <linux/types.h>

#include "bpf/abi/sidestep.h"
#include "bpf/lib/portable.h"

/* First 8 bytes of a Segment Routing Header (RFC 8754, 2). */
struct ss_srh {
    __u8 next_header;
    __u8 length; /* in units of 8 bytes, without the first 8 */
    __u8 type;
    __u8 segments_left;
    __u8 last_entry;
    __u8 flags;
    __be16 tag;
};

/* The fields of a packet that decide where it goes. IPv4 addresses are in IPv4-mapped form. */
struct ss_packet {
    __u64 source[2];
    __u64 destination[2];
    __u32 length;       /* of the IP packet, by its own header */
    __be32 flow;        /* IPv6: version, class and label; IPv4: class in the same place */
    __be16 port[2];     /* what the kernel hashes as ports: those of UDP and similar, the SPI of ESP and AH; else 0 */
    __u16 srh_at;       /* offset of its first SRH from the start of the frame; 0: it has none */
    __u16 upper_at;     /* offset of `upper` */
    __u8 family;        /* SS_IPV6 or SS_IPV4 */
    __u8 protocol;      /* next header of the IP header */
    __u8 upper;         /* next header after the extension headers (bpf/lib/parse.h) */
    __u8 flow_protocol; /* what the kernel hashes: `upper`, or for fragments the protocol of the whole */
    __u8 hop_limit;
    __u8 repairs; /* number of nested repairs that it already carries */
};

SS_INLINE void ss_map_v4(__u64* address, __be32 v4) {
    __u8 bytes[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

    __builtin_memcpy(bytes + 12, &v4, sizeof(v4));
    __builtin_memcpy(address, bytes, sizeof(bytes));
}

/* The IPv4 address in an IPv4-mapped one. */
SS_INLINE __be32 ss_unmap_v4(const __u64* address) {
    __be32 v4;

    __builtin_memcpy(&v4, (const __u8*)address + 12, sizeof(v4));
    return v4;
}

#endif
