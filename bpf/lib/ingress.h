/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Handles a packet where traffic enters, at tc or at XDP. Probes that come back go to the probe receiver, BFD to its own,
 * those of other nodes' measurements to the reflectors. Packets to a decapsulating SID of this node are unwrapped. While a
 * session that protects something is not up, packets are steered. Everything else takes the kernel's ordinary path
 * untouched.
 */
#ifndef SIDESTEP_INGRESS_H
#define SIDESTEP_INGRESS_H

#include "bpf/lib/bfd_receiver.h"
#include "bpf/lib/decap.h"
#include "bpf/lib/hear_icmp_error.h"
#include "bpf/lib/receiver.h"
#include "bpf/lib/sbfd_reflector.h"
#include "bpf/lib/stamp_reflector.h"
#include "bpf/lib/transmit.h"

#ifdef SS_AT_XDP
#define ss_repair ss_xdp_repair /* the programs are linked into one object, and these two take different frames */
#endif

/* Steers the packet to the destination that `visit`, or null, gives it. */
SS_VERIFIED_ONCE int ss_repair(ss_frame* frame, struct ss_packet* packet, const struct ss_visit* visit) {
    struct ss_path path;

    if (!packet) return SS_PASS; /* for the verifier */
    if (visit) __builtin_memcpy(packet->destination, visit->destination, sizeof(packet->destination));
    ss_steer(frame, packet, SS_TRANSIT, visit && visit->crosses ? &visit->adjacency : 0, &path);
    if (path.list) return ss_transmit(frame, packet, SS_TRANSIT, visit, &path);
    if (path.forsaken) ss_settle(frame);
    return SS_PASS;
}

/* Answers what other nodes measure with. */
static __always_inline int ss_ingress_reflected(ss_frame* frame, const struct ss_packet* packet) {
    if (ss_is_reflected(packet, SS_REFLECTOR_STAMP)) return ss_reflect_stamp(frame, packet);
    return ss_is_reflected(packet, SS_REFLECTOR_SBFD) ? ss_reflect_sbfd(frame, packet) : SS_PASS;
}

/*
 * What measures paths: our own probes that come back, those of others, and BFD from beyond the link, which like them may have
 * come in a tunnel. Returns SS_PASS if it is for nobody here.
 */
static __always_inline int ss_ingress_measuring(ss_frame* frame, const struct ss_packet* packet) {
    int result = ss_is_probe(packet) ? ss_receive_probe(frame, packet) : SS_PASS;

    if (result == SS_PASS) result = ss_ingress_reflected(frame, packet);
    return result == SS_PASS && ss_is_routed_bfd(packet) ? ss_receive_bfd(frame, packet) : result;
}

/* The inner packet of a tunnel to this node: handled like any other packet from here on. */
static __always_inline int ss_ingress_unwrapped(ss_frame* frame, struct ss_packet* packet, int all_well) {
    int result = ss_ingress_measuring(frame, packet);

    if (result != SS_PASS || ss_is_probe(packet)) return result;
    if (packet->family == SS_IPV6) {
        /* It is for another SID of this node, and the kernel has no route for that. */
        if (ss_is_sid(packet->destination)) return ss_again(frame);
    }
    return all_well ? SS_PASS : ss_repair(frame, packet, 0);
}

static __always_inline int ss_ingress_visitor(ss_frame* frame, struct ss_packet* packet, int all_well) {
    struct ss_visit visit;

    ss_visit(frame, packet, &visit);
    if (visit.decapsulates) {
        int result = ss_decapsulate(frame, packet, &visit);

        return result ? result : ss_ingress_unwrapped(frame, packet, all_well);
    }
    if (visit.visits && ss_is_outsider(frame, packet)) {
        ss_count_outcome(SS_OUTCOME_NOT_IN_DOMAIN);
        return SS_SHOT;
    }
    if (visit.visits && visit.ends) {
        if (!ss_apply_visit(frame, packet, &visit)) return SS_PASS;
        ss_count_outcome(SS_OUTCOME_SID_FAILED);
        return SS_SHOT;
    }
    if (all_well) return SS_PASS;
    return ss_repair(frame, packet, visit.visits ? &visit : 0);
}

static __always_inline int ss_ingress_ipv6(ss_frame* frame, struct ss_packet* packet, int all_well) {
    int result;

    if (ss_read_ipv6(frame, ETH_HLEN, packet)) return SS_PASS;
    result = ss_ingress_measuring(frame, packet);
    if (result != SS_PASS || ss_is_probe(packet)) return result;
    if (ss_is_bfd(packet)) return ss_receive_bfd(frame, packet);
    if (ss_may_visit(packet)) return ss_ingress_visitor(frame, packet, all_well);
    if (ss_may_be_about_ours(packet)) {
        ss_hear_icmp_error(frame, packet);
        return SS_PASS;
    }
    return all_well ? SS_PASS : ss_repair(frame, packet, 0);
}

/* True if a datagram's ports are none that somebody here may expect: probes, BFD, or what reflectors answer. */
static __always_inline int ss_ordinary_ports(const struct udphdr* udp, const struct ss_repair_state* repair) {
    return udp->dest != bpf_htons(SS_PROBE_PORT) && udp->dest != bpf_htons(SS_BFD_PORT) &&
           udp->dest != bpf_htons(SS_BFD_MULTIHOP_PORT) && udp->source != bpf_htons(SS_SBFD_PORT) &&
           udp->dest != SS_READ(repair->reflects[0]) && udp->dest != SS_READ(repair->reflects[1]);
}

/* True if the first bytes of an IPv4 packet show that it is of no interest; one with options is not. */
static __always_inline int ss_ordinary_v4(const ss_frame* frame, __u32 offset, const struct ss_repair_state* repair) {
    const struct {
        struct iphdr ip;
        struct udphdr udp;
    }* first = ss_at(frame, offset, sizeof(*first));

    if (!first) return ss_protocol(frame) != bpf_htons(ETH_P_IP);
    return first->ip.protocol != IPPROTO_UDP || ss_ordinary_ports(&first->udp, repair);
}

/*
 * For packets while all sessions are up: true if the first bytes show that the packet, whose IP header is at `offset`,
 * is neither a probe, BFD or for a reflector, nor possibly for a SID of this node. Other IPv4 packets need nothing then.
 * This saves most packets half of the program; the rest is parsed in full.
 */
static __always_inline int ss_ordinary(const ss_frame* frame, __u32 offset, const struct ss_repair_state* repair) {
    const struct {
        struct ipv6hdr ip;
        struct udphdr udp;
    }* first = ss_at(frame, offset, sizeof(*first));

    if (ss_protocol(frame) != bpf_htons(ETH_P_IPV6)) return ss_ordinary_v4(frame, offset, repair);
    if (!first) return 0;
    return first->ip.nexthdr == IPPROTO_TCP ||
           (first->ip.nexthdr == IPPROTO_UDP && ss_ordinary_ports(&first->udp, repair));
}

static __always_inline int ss_ingress_ipv4(ss_frame* frame, struct ss_packet* packet, int all_well) {
    const struct ss_repair_state* repair = ss_repair_state();
    int result;

    if (!repair || (all_well && ss_ordinary_v4(frame, ETH_HLEN, repair))) return SS_PASS;
    ss_pull(frame, SS_LINEAR_BYTES);
    if (ss_read_ipv4(frame, ETH_HLEN, packet)) return SS_PASS;
    result = ss_ingress_measuring(frame, packet);
    if (result != SS_PASS || ss_is_probe(packet)) return result;
    if (ss_is_bfd(packet)) return ss_receive_bfd(frame, packet);
    return all_well ? SS_PASS : ss_repair(frame, packet, 0);
}

/* Handles a packet that this node forwards or receives. Returns the program's result. */
static __always_inline int ss_ingress_any(ss_frame* frame, int all_well) {
    struct ss_packet packet;

    if (ss_protocol(frame) == bpf_htons(ETH_P_IPV6)) {
        ss_pull(frame, SS_LINEAR_BYTES);
        return ss_ingress_ipv6(frame, &packet, all_well);
    }
    return ss_protocol(frame) == bpf_htons(ETH_P_IP) ? ss_ingress_ipv4(frame, &packet, all_well) : SS_PASS;
}

#endif
