// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The lwt_in program of a route: `ip -6 route add PREFIX encap bpf in pinned .../ss_lwt_in ...` applies the policy of
// their prefix to packets that the route forwards. The kernel then looks up the first segment itself.
#include "bpf/lib/push.h"
#include "bpf/lib/steer.h"

char _license[] SEC("license") = "Dual BSD/GPL";

#define SS_ENCAP_IP_MAX 256 /* LWT_BPF_MAX_HEADROOM of the kernel's lwtunnel.h */

// The kernel's own H.Encaps; it takes IPv6 only.
static __always_inline int encaps_seg6(struct __sk_buff* skb, const struct ss_list* list) {
    __u32 at = list->srh_offset;
    __u32 length = (__u32)list->header_length - at;

    if (at != ETH_HLEN + sizeof(struct ipv6hdr)) return BPF_DROP;
    if (!SS_WITHIN(length, sizeof(struct ss_srh), SS_HEADER_MAX - ETH_HLEN - sizeof(struct ipv6hdr))) return BPF_DROP;
    at = ETH_HLEN + sizeof(struct ipv6hdr);
    return bpf_lwt_push_encap(skb, BPF_LWT_ENCAP_SEG6, (void*)list->header + at, length) ? BPF_DROP : BPF_OK;
}

// H.Encaps of IPv4, or with a reduced SRH: the kernel has no helper for these.
static __always_inline int encaps_ip(struct __sk_buff* skb, const struct ss_packet* packet,
                                     const struct ss_list* list) {
    __u32 length = (__u32)list->header_length - ETH_HLEN;
    __u8 bytes[SS_ENCAP_IP_MAX];

    if (!SS_WITHIN(length, sizeof(struct ipv6hdr), sizeof(bytes))) return BPF_DROP;
    __builtin_memset(bytes, 0, sizeof(bytes));
    if (bpf_probe_read_kernel(bytes, length, list->header + ETH_HLEN)) return BPF_DROP;
    ss_fill_outer((void*)bytes, packet, list, length, packet->hop_limit, bpf_get_hash_recalc(skb));
    if (list->srh_offset) {
        ss_fill_srh((void*)bytes + sizeof(struct ipv6hdr), packet, ss_inside(packet));
    }
    return bpf_lwt_push_encap(skb, BPF_LWT_ENCAP_IP, bytes, length) ? BPF_DROP : BPF_LWT_REROUTE;
}

static __always_inline int insert(struct __sk_buff* skb, const struct ss_list* list) {
    __u32 length = (__u32)list->header_length - ETH_HLEN;

    if (!SS_WITHIN(length, sizeof(struct ss_srh), SS_HEADER_MAX - ETH_HLEN)) return BPF_DROP;
    return bpf_lwt_push_encap(skb, BPF_LWT_ENCAP_SEG6_INLINE, (void*)list->header + ETH_HLEN, length) ? BPF_DROP
                                                                                                      : BPF_OK;
}

// Length of the packet on the wire; for GSO packets, that of one segment.
static __always_inline __u32 wire_length(const struct __sk_buff* skb, const struct ss_packet* packet) {
    __u32 at = packet->family == SS_IPV4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
    const __u8* offset;

    if (!skb->gso_size) return packet->length;
    offset = packet->protocol == IPPROTO_TCP ? ss_at(skb, at + 12, 1) : 0;
    return at + (offset ? *offset >> 4 << 2 : (__u32)sizeof(struct udphdr)) + skb->gso_size;
}

SEC("lwt_in")
int ss_lwt_in(struct __sk_buff* skb) {
    struct ss_packet packet; /* LWT packets begin with the network header */
    struct ss_path path;
    int result;

    if (ss_routes_rest(ss_node())) return BPF_OK;
    if (ss_read_ipv6(skb, 0, &packet) && ss_read_ipv4(skb, 0, &packet)) return BPF_OK;
    ss_steer(skb, &packet, SS_ROUTE_IN, 0, &path);
    if (!path.list || path.list->mode == SS_MODE_FORWARD || path.list->flow) return BPF_OK;
    if (path.observed) {
        ss_count_drop(path.stats, SS_DROP_OBSERVED);
        return BPF_OK;
    }
    // The route's MTU leaves room for the longest header, so the kernel tells the sender, not this program.
    if (wire_length(skb, &packet) + (__u32)path.list->header_length - ETH_HLEN > path.list->mtu) {
        ss_count_drop(path.stats, SS_DROP_TOO_BIG);
        return BPF_OK;
    }
    if (path.list->mode == SS_MODE_INSERT) {
        // The kernel would put the SRH before hop-by-hop options, which must come first.
        if (packet.family != SS_IPV6 || packet.protocol == IPPROTO_HOPOPTS) {
            ss_count_drop(path.stats, SS_DROP_CANNOT_INSERT);
            return BPF_OK;
        }
        result = insert(skb, path.list);
    } else if (packet.family == SS_IPV6 && !ss_reduced(path.list)) {
        result = encaps_seg6(skb, path.list);
    } else {
        result = encaps_ip(skb, &packet, path.list);
    }
    if (result == BPF_DROP) {
        ss_count_drop(path.stats, SS_DROP_PUSH_FAILED);
    } else {
        ss_count_taken(path.stats, packet.length);
    }
    return result;
}
