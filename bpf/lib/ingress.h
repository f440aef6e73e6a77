/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What happens to a packet where traffic enters, at tc or at XDP: probes that come back go to the sink; what is
 * addressed to a decapsulating SID of ours is unwrapped; while a session that protects something is not up, packets are
 * steered; everything else takes the kernel's ordinary path untouched.
 */
#ifndef SIDESTEP_INGRESS_H
#define SIDESTEP_INGRESS_H

#include "bpf/lib/decap.h"
#include "bpf/lib/receiver.h"
#include "bpf/lib/transmit.h"

#define SS_LINEAR_BYTES 512 /* a probe with all its headers; some drivers leave less than that in the linear part */

static __always_inline int ss_repair(ss_frame* frame, struct ss_packet* packet, const struct ss_visit* visit) {
    struct ss_path path;

    ss_steer(frame, packet, SS_TRANSIT, visit ? visit->adjacency : 0, &path);
    return path.list ? ss_transmit(frame, packet, SS_TRANSIT, visit, &path) : SS_PASS;
}

/* What was inside a tunnel to us: from here on like any other packet. */
static __always_inline int ss_ingress_unwrapped(ss_frame* frame, struct ss_packet* packet, int all_well) {
    if (packet->family == SS_IPV6) {
        if (ss_is_probe(packet)) return ss_receive_probe(frame, packet);
        /* It visits us, too: the kernel has no route for it. */
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
    if (all_well) return SS_PASS;
    if (!visit.visits) return ss_repair(frame, packet, 0);
    /* Steered as what our SIDs will make of it. */
    __builtin_memcpy(packet->destination, visit.destination, sizeof(packet->destination));
    return ss_repair(frame, packet, &visit);
}

static __always_inline int ss_ingress_ipv6(ss_frame* frame, struct ss_packet* packet, int all_well) {
    if (ss_read_ipv6(frame, ETH_HLEN, packet)) return SS_PASS;
    if (ss_is_probe(packet)) return ss_receive_probe(frame, packet);
    if (ss_may_visit(packet)) return ss_ingress_visitor(frame, packet, all_well);
    return all_well ? SS_PASS : ss_repair(frame, packet, 0);
}

/*
 * While all is well: packets that are, by their first bytes, neither probes nor such as a SID of ours may be meant by;
 * to those of IPv4 nothing is done then. Saves most packets half of the program; what cannot be said at a glance goes
 * the long way.
 */
static __always_inline int ss_ordinary(const ss_frame* frame) {
    const struct {
        struct ipv6hdr ip;
        struct udphdr udp;
    }* first = ss_at(frame, ETH_HLEN, sizeof(*first));

    if (ss_protocol(frame) != bpf_htons(ETH_P_IPV6)) return 1;
    if (!first) return 0;
    return first->ip.nexthdr == IPPROTO_TCP ||
           (first->ip.nexthdr == IPPROTO_UDP && first->udp.dest != bpf_htons(SS_PROBE_PORT));
}

/* A packet for this node to forward or to receive. Returns the program's result. */
static __always_inline int ss_ingress_any(ss_frame* frame, int all_well) {
    struct ss_packet packet;

    if (ss_protocol(frame) == bpf_htons(ETH_P_IPV6)) {
        ss_pull(frame, SS_LINEAR_BYTES);
        return ss_ingress_ipv6(frame, &packet, all_well);
    }
    if (all_well || ss_protocol(frame) != bpf_htons(ETH_P_IP)) return SS_PASS;
    ss_pull(frame, SS_LINEAR_BYTES);
    return ss_read_ipv4(frame, ETH_HLEN, &packet) ? SS_PASS : ss_repair(frame, &packet, 0);
}

#endif
