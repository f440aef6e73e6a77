// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Packets to a random destination of a table, as fast as one core can: run over live frames (BPF_PROG_RUN), each of
// which leaves by an interface. Frames are used again with what a router made of them, so the whole header is written
// each time.
#include "tests/bench/generator.h"

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct bench_packet bench_packet = {};
__u32 bench_random = 2463534242;  // of xorshift, never 0

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct bench_destination);
} bench_destinations SEC(".maps");

static __always_inline __u32 next_random(void) {
    __u32 x = bench_random;

    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    bench_random = x;
    return x;
}

static __always_inline __u16 ipv4_checksum(const __u16* destination) {
    __u32 sum = bench_packet.checksum + destination[0] + destination[1];

    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (__u16)~sum;
}

SEC("xdp")
int generate(struct xdp_md* context) {
    __u8* data = (__u8*)(long)context->data;
    __u32 index = bench_packet.first + (__u32)((__u64)next_random() * bench_packet.destinations >> 32);
    struct bench_destination* destination = bpf_map_lookup_elem(&bench_destinations, &index);

    if (!destination || data + BENCH_HEADER > (__u8*)(long)context->data_end) return XDP_ABORTED;
    __builtin_memcpy(data, bench_packet.header, BENCH_HEADER);
    if (bench_packet.ipv4) {
        __builtin_memcpy(data + BENCH_IPV4_DST, destination->bytes + 12, 4);
        *(__u16*)(data + BENCH_IPV4_CHECK) = ipv4_checksum((const __u16*)(destination->bytes + 12));
    } else {
        __builtin_memcpy(data + BENCH_IPV6_DST, destination->bytes, 16);
    }
    return bpf_redirect(bench_packet.ifindex, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
