/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the path of a packet: prefix, policy or bypass, candidate, list. Every entry point uses it. */
#ifndef SIDESTEP_STEER_H
#define SIDESTEP_STEER_H

#include "bpf/lib/fib.h"
#include "bpf/lib/flow_hash.h"
#include "bpf/lib/lookup.h"
#include "bpf/lib/maps.h"
#include "bpf/lib/parse.h"

struct ss_view {
    char none; /* the maps are global */
};

static __always_inline const struct ss_session_state* ss_view_state(const struct ss_view* view, __u32 index) {
    (void)view;
    return ss_entry(&ss_states, index);
}

static __always_inline const struct ss_candidate* ss_view_candidate(const struct ss_view* view, __u32 index) {
    (void)view;
    return ss_entry(&ss_candidates, index);
}

static __always_inline const struct ss_list* ss_view_list(const struct ss_view* view, __u32 index) {
    (void)view;
    return ss_entry(&ss_lists, index);
}

#include "bpf/lib/pick.h"

/* The hook decides what plain forwarding means. */
enum ss_hook {
    SS_TRANSIT,  /* tc ingress and XDP: the FIB's own path, which we can look up */
    SS_DEVICE,   /* policy device: to the adjacency, because the FIB led here */
    SS_ROUTE,    /* a route's own next hop */
    SS_ROUTE_IN, /* the same, for packets that the kernel has not forwarded yet */
    SS_EGRESS,   /* tc egress: the neighbor that the kernel has addressed the packet to */
};

/* A segment list to leave by, and the counters for it. */
struct ss_path {
    const struct ss_list* list;
    __u32 stats;
    __u32 forsaken; /* the adjacency is not up, and nothing is better */
    __u32 observed; /* what would leave by the list is only counted */
};

/* The policy of a packet, null if there is none, and the first of its counters. */
struct ss_match {
    const struct ss_policy* policy;
    __u32 stats;
    __u32 observed;
};

static __always_inline const struct ss_repair_state* ss_repair_state(void) {
    return ss_entry(&ss_repair_states, 0);
}

/* True while every session that protects something is up: the common case. */
static __always_inline int ss_all_well(const struct ss_repair_state* repair) {
    return SS_READ(repair->active) == 0 && repair->always == 0;
}

static __always_inline __u32 ss_session_rank(__u32 session) {
    const struct ss_session_state* state = ss_entry(&ss_states, session);

    return state ? SS_READ(state->rank) : (__u32)SS_DOWN;
}

static __always_inline int ss_link_local(const __u64* address) {
    return (address[0] & bpf_cpu_to_be64(0xffc0ULL << 48)) == bpf_cpu_to_be64(0xfe80ULL << 48);
}

static __always_inline int ss_is_multicast(const __u64* address) {
    return *(const __u8*)address == 0xff;
}

/* ::, which is nobody's address, or ::1. */
static __always_inline int ss_is_low(const __u64* address) {
    return !address[0] && !(address[1] & ~bpf_cpu_to_be64(1));
}

/* 0/8 and 127/8, which name no node on the wire; 169.254/16, which is link-local (RFC 6890, 2.2.2); multicast; and
 * 255.255.255.255. */
static __always_inline int ss_bound_v4(__u32 address) {
    __u32 first = address >> 24;

    return first == 0 || first == 127 || address >> 16 == 0xa9fe || first >> 4 == 0xe || address == ~0U;
}

/*
 * True for packets that no router forwards: to or from a link-local address, a loopback address, or a group (RFC 4291,
 * 2.5 and 2.7; RFC 1812, 5.3.7). The kernel handles them as usual, whatever is down.
 */
static __always_inline int ss_never_repaired(const struct ss_packet* packet) {
    if (packet->family == SS_IPV4) {
        return ss_bound_v4(bpf_ntohl(ss_unmap_v4(packet->source))) ||
               ss_bound_v4(bpf_ntohl(ss_unmap_v4(packet->destination)));
    }
    return ss_link_local(packet->destination) || ss_link_local(packet->source) ||
           ss_is_multicast(packet->destination) || ss_is_multicast(packet->source) || ss_is_low(packet->destination) ||
           ss_is_low(packet->source);
}

/* True while routes with `encap bpf` have nothing to look up. */
static __always_inline int ss_routes_rest(const struct ss_node* node) {
    const struct ss_repair_state* repair = ss_repair_state();

    return !node || !repair || (ss_all_well(repair) && !node->always_routes);
}

/* The cell of the longest prefix that matches the packet's destination, or SS_NO_CELL. The families are constants,
 * because verifiers before 6.2 lose the bounds of a number that went through the stack. */
SS_VERIFIED_ONCE __u32 ss_cell_for(const struct ss_packet* packet, __u32 bank) {
    const struct ss_prefix_table* table = ss_entry(&ss_prefix_tables, bank);

    if (!packet || !table) return SS_NO_CELL;
    return packet->family == SS_IPV4 ? ss_longest_prefix(table, SS_IPV4, packet->destination)
                                     : ss_longest_prefix(table, SS_IPV6, packet->destination);
}

/* The target as it was at one moment; SS_POLICY_NONE if there is none. */
static __always_inline struct ss_target ss_read_target(const struct ss_target* at) {
    struct ss_target target = {.policy = SS_POLICY_NONE};
    __u64 both;

    if (!at) return target;
    both = SS_READ(*(const __u64*)at);
    __builtin_memcpy(&target, &both, sizeof(target));
    return target;
}

/* The target of the packet's destination. */
static __always_inline struct ss_target ss_target_of(const struct ss_packet* packet, __u32 bank) {
    const struct ss_cell* cell = ss_entry(&ss_prefixes, ss_cell_for(packet, bank));

    return ss_read_target(cell ? &cell->target : 0);
}

static __always_inline struct ss_match ss_match_of(struct ss_target target) {
    struct ss_match match = {.policy = ss_entry(&ss_policies, target.policy),
                             .stats = target.stats & ~SS_OBSERVED,
                             .observed = target.stats & SS_OBSERVED};

    if (match.policy && !match.policy->count) match.policy = 0;
    return match;
}

/* Counts a packet that no candidate could take. */
static __always_inline void ss_count_no_candidate(const struct ss_match* match) {
    ss_count_drop(match->stats + match->policy->count, SS_DROP_NO_CANDIDATE);
}

/* Sets the path to the list that the flow takes at the picked position of the policy. */
static __always_inline void ss_take(const struct ss_packet* packet, const struct ss_match* match,
                                    const struct ss_picked* picked, struct ss_path* path) {
    const struct ss_candidate* candidate;
    __u32 position = picked->position;

    if (position >= SS_MAX_CANDIDATES) return;
    candidate = ss_entry(&ss_candidates, match->policy->candidate[position]);
    if (!candidate) return;
    path->stats = match->stats + position;
    path->observed = match->observed;
    path->list =
        ss_entry(&ss_lists, ss_draw(0, candidate, picked->rank, candidate->lists > 1 ? ss_flow_hash(packet) : 0));
}

/* Takes the bypass of an adjacency that is not up, if the bypass is better. `forsaken` is a policy that has no path left,
 * or null. */
static __always_inline void ss_bypass(__u32 bank, const struct ss_packet* packet, const struct ss_adjacency* adjacency,
                                      const struct ss_match* forsaken, struct ss_path* path) {
    struct ss_match match = ss_match_of(ss_read_target(ss_entry(&ss_slots, 2 * adjacency->slot + bank)));
    __u32 own = ss_session_rank(adjacency->session);
    struct ss_picked picked;

    path->list = 0;
    path->forsaken = 1;
    if (!match.policy && forsaken) {
        ss_count_no_candidate(forsaken);
        return;
    }
    if (!match.policy) {
        ss_count_outcome(SS_OUTCOME_NO_POLICY);
        return;
    }
    picked = ss_pick(0, match.policy, 0);
    if (picked.rank > own) {
        path->forsaken = 0;
        ss_take(packet, &match, &picked, path);
    } else if (own != SS_DOWN) { /* nothing better than the adjacency itself */
        ss_count_outcome(SS_OUTCOME_PLAIN);
    } else {
        ss_count_no_candidate(&match);
    }
}

/* The path of a packet whose adjacency is not up: another candidate of its policy, or the bypass. */
static __always_inline void ss_avoid(__u32 bank, const struct ss_packet* packet, const struct ss_adjacency* adjacency,
                                     const struct ss_match* match, int has_policy, const struct ss_picked* plain,
                                     struct ss_path* path) {
    const __u32 rank = ss_session_rank(adjacency->session);
    const int forsaken = has_policy && !path->list;

    if (path->list) { /* of several equal ways the flow has one that is down: the policy's go before the bypass */
        struct ss_picked other;

        if (plain->rank > rank && path->list->header_length) return; /* to the adjacency that it names */
        other = ss_pick(0, match->policy, plain->position + 1);
        if (other.rank > rank) {
            ss_take(packet, match, &other, path);
            return;
        }
    }
    ss_bypass(bank, packet, adjacency, forsaken ? match : 0, path);
}

/* Looks up the FIB for a packet that no policy moves: `match` has no policy, or one that chose plain forwarding (`plain` is
 * its choice, and path its plain list), or one that has no path left (path has none). Or it is, if `stale`, the bypass of a
 * route that is gone, for packets that the FIB has no route for. */
static __always_inline void ss_follow_fib(ss_frame* frame, __u32 bank, const struct ss_packet* packet,
                                          const struct ss_match* match, int stale, const struct ss_picked* plain,
                                          struct ss_path* path) {
    int unrouted = 0;
    const struct ss_adjacency* adjacency = ss_ask_fib(frame, packet, &unrouted);
    int has_policy = match->policy && !stale;

    if (unrouted && stale && match->policy) {
        struct ss_picked bypass = ss_pick(0, match->policy, 0);

        ss_take(packet, match, &bypass, path);
        if (!path->list) ss_count_no_candidate(match);
        return;
    }
    if (unrouted && has_policy && path->list && path->list->header_length) return; /* to the adjacency that it names */
    if (adjacency && ss_session_rank(adjacency->session) != SS_UP) {
        ss_avoid(bank, packet, adjacency, match, has_policy, plain, path);
    } else if (has_policy && !path->list) {
        ss_count_no_candidate(match);
    } else {
        path->list = 0;
        ss_count_outcome(adjacency || has_policy ? SS_OUTCOME_PLAIN : SS_OUTCOME_NO_POLICY);
    }
}

/* A packet that is repaired there passes no IPsec policy of the kernel's. */
static __always_inline int ss_precedes_ipsec(enum ss_hook hook) {
    return hook == SS_TRANSIT || hook == SS_ROUTE_IN;
}

/*
 * The path that a packet has to take now; path->list is null to leave it to the kernel. Counts the outcome. `known` is
 * the adjacency that an End.X SID of ours prescribes, or null; at egress, the one that the packet is about to leave by,
 * which is not up.
 */
static __always_inline void ss_steer(ss_frame* frame, const struct ss_packet* packet, enum ss_hook hook,
                                     const struct ss_adjacency* known, struct ss_path* path) {
    const struct ss_node* node = ss_node();
    struct ss_target target;
    struct ss_picked picked = {.position = SS_MAX_CANDIDATES, .rank = SS_DOWN};
    struct ss_match match;
    int only_unrouted;
    __u32 bank;

    path->list = 0;
    path->stats = 0;
    path->forsaken = 0;
    path->observed = 0;
    if (!node) return;
    bank = SS_READ(node->bank) & 1;
    if (ss_never_repaired(packet)) {
        ss_count_outcome(SS_OUTCOME_EXEMPT);
        return;
    }
    if (known && hook == SS_TRANSIT && ss_session_rank(known->session) == SS_UP) {
        ss_count_outcome(SS_OUTCOME_PLAIN);
        return;
    }
    target = ss_target_of(packet, bank);
    if (target.stats & SS_KERNEL_FIRST && ss_precedes_ipsec(hook)) {
        ss_count_outcome(SS_OUTCOME_EXEMPT);
        return;
    }
    if (known && hook == SS_TRANSIT) {
        ss_bypass(bank, packet, known, 0, path);
        return;
    }
    if (target.policy == SS_POLICY_EXEMPT) {
        ss_count_outcome(SS_OUTCOME_EXEMPT);
        return;
    }
    only_unrouted = target.policy != SS_POLICY_NONE && target.stats & SS_ONLY_UNROUTED;
    target.stats &= ~(SS_ONLY_UNROUTED | SS_KERNEL_FIRST);
    match = ss_match_of(target);
    if (match.policy && !only_unrouted) {
        picked = ss_pick(0, match.policy, 0);
        ss_take(packet, &match, &picked, path);
    }
    if (hook == SS_TRANSIT) {
        if (!path->list || path->list->mode == SS_MODE_PLAIN)
            ss_follow_fib(frame, bank, packet, &match, only_unrouted, &picked, path);
        return;
    }
    if (hook == SS_EGRESS) {
        if (known && (!path->list || path->list->mode == SS_MODE_PLAIN))
            ss_avoid(bank, packet, known, &match, match.policy && !only_unrouted, &picked, path);
        return;
    }
    if (!match.policy || only_unrouted) {
        ss_count_outcome(SS_OUTCOME_NO_POLICY);
        return;
    }
    /* On the policy device, plain forwarding needs the neighbor's MAC address. */
    if (path->list && path->list->mode == SS_MODE_PLAIN && hook == SS_DEVICE && !path->list->header_length)
        path->list = 0;
    if (!path->list) {
        ss_count_no_candidate(&match);
    } else if (path->list->mode == SS_MODE_PLAIN && (hook == SS_ROUTE || hook == SS_ROUTE_IN)) {
        path->list = 0;
        ss_count_outcome(SS_OUTCOME_PLAIN);
    }
}

#endif
