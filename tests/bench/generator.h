/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the generator program and its owner share, in mapped memory; written by the owner while it does not run. */
#pragma once

#include <linux/types.h>

#define BENCH_PORT 9 /* discard: where the packets go, by which they are known */
#define BENCH_STAMP_PORT 862
#define BENCH_HEADER 64          /* bytes that are written anew for each packet: Ethernet, IP, UDP */
#define BENCH_IPV6_DST (14 + 24) /* offsets in them */
#define BENCH_IPV4_DST (14 + 16)
#define BENCH_IPV4_CHECK (14 + 10)

struct bench_packet {
    __u32 ifindex;      /* it leaves here */
    __u32 first;        /* entry of the table */
    __u32 destinations; /* entries from there on, at least 1 */
    __u32 ipv4;         /* 0: IPv6 */
    __u32 checksum;     /* IPv4: sum of the header's words but its checksum and destination */
    __u8 header[BENCH_HEADER];
};

struct bench_destination {
    __u8 bytes[16]; /* IPv4 in IPv4-mapped form */
};
