/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A part of bpf/lib/replicate.h: copies at XDP. A frame gets the header of the first list that is up. The kernel then
 * copies it to the interface of each list, and ss_exit_xdp(), which runs behind that, gives the other copies theirs.
 */
#ifndef SIDESTEP_COPIES_XDP_H
#define SIDESTEP_COPIES_XDP_H

/* By candidate: the interface of each of its lists. No entry: its copies are made at tc. */
struct ss_copy_exits {
    __uint(type, BPF_MAP_TYPE_DEVMAP);
    __uint(max_entries, SS_MAX_LISTS);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, sizeof(struct bpf_devmap_val));
};
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 1);
    __type(key, __u32);
    __array(values, struct ss_copy_exits);
} ss_copies SEC(".maps") __weak;

/* A number of this load of the programs: what another process's programs note is not for ours. */
const volatile __u32 ss_instance __weak = 1;

/* What ss_exit_xdp() has to know, as metadata of the frame: older kernels take 32 bytes. */
struct ss_copy_note {
    __u64 number;
    __u32 instance;
    __u32 hash;
    __u32 candidate;
    __be32 flow;
    __u16 length;
    __u16 worn;
    __u8 family;
    __u8 hop_limit;
    __u8 repairs;
    __u8 up;
};

/* True if the frame has room for each list and the note, and each interface takes frames. */
SS_VERIFIED_ONCE int ss_can_copy(ss_frame* frame, __u32 index) {
    const struct ss_candidate* candidate = ss_entry(&ss_candidates, index);
    const int room = sizeof(struct ss_copy_note);
    __u32 longest = ETH_HLEN;
    __u32 i;

    if (!candidate || !bpf_map_lookup_elem(&ss_copies, &index)) return 0;
    for (i = 0; i < SS_MAX_LISTS && i < candidate->lists; i++) {
        const struct ss_list* list = ss_entry(&ss_lists, candidate->list[i].list);

        SS_KEEP(i);
        if (!list || list->mode != SS_MODE_ENCAPS) continue;
        if (!ss_is_redirect_target(list->ifindex)) return 0;
        if (list->header_length > longest) longest = list->header_length;
    }
    if (!ss_can_grow(frame, longest - ETH_HLEN + room)) return 0;
    return !bpf_xdp_adjust_meta(frame, -room) && !bpf_xdp_adjust_meta(frame, room);
}

/* At XDP there are no GSO packets. */
static __always_inline __u32 ss_splitter_for(const ss_frame* frame) {
    (void)frame;
    return 0;
}

static __always_inline struct ss_copy_note* ss_note_of(const ss_frame* frame) {
    struct ss_copy_note* note = SS_CONTEXT_POINTER(frame, data_meta);

    return (void*)(note + 1) > SS_CONTEXT_POINTER(frame, data) ? 0 : note;
}

static __always_inline int ss_send_copies(ss_frame* frame, const struct ss_packet* packet, struct ss_copying* copying,
                                          __u32 stats) {
    struct ss_copy_note* note;
    __u32 first = 0;
    __u32 ifindex;
    void* exits;

    while (first < SS_MAX_LISTS - 1 && !(copying->up >> first & 1)) {
        SS_KEEP(first);
        first++;
    }
    ifindex = ss_wrap_copy(frame, packet, copying, first);
    if (!ifindex) goto failed;
    ss_count_taken(stats, packet->length);
    exits = bpf_map_lookup_elem(&ss_copies, &copying->candidate);
    if (copying->up == 1U << (first & 31) || !exits) return ss_send(frame, ifindex);
    if (bpf_xdp_adjust_meta(frame, -(int)sizeof(*note))) goto failed;
    note = ss_note_of(frame);
    if (!note) goto failed;
    note->number = copying->number;
    note->instance = ss_instance;
    note->hash = copying->hash;
    note->candidate = copying->candidate;
    note->flow = packet->flow;
    note->length = (__u16)packet->length;
    note->worn = (__u16)copying->worn;
    note->family = packet->family;
    note->hop_limit = packet->hop_limit;
    note->repairs = packet->repairs;
    note->up = (__u8)copying->up;
    return (int)bpf_redirect_map(exits, 0, BPF_F_BROADCAST);

failed:
    ss_count_drop(stats, SS_DROP_PUSH_FAILED);
    return SS_SHOT;
}

/* Behind the redirect: gives a copy the header of the list whose interface it is about to leave by. The first one has it. */
static __always_inline int ss_finish_copy(ss_frame* frame, const struct ss_copy_note* note) {
    const struct ss_candidate* candidate = ss_entry(&ss_candidates, note->candidate);
    const struct ss_packet packet = {.length = note->length,
                                     .flow = note->flow,
                                     .family = note->family,
                                     .hop_limit = note->hop_limit,
                                     .repairs = note->repairs};
    struct ss_copying copying = {
        .number = note->number, .hash = note->hash, .candidate = note->candidate, .worn = note->worn};
    __u32 first = 1;
    __u32 i;

    if (!candidate || bpf_xdp_adjust_meta(frame, sizeof(*note))) return XDP_DROP;
    for (i = 0; i < SS_MAX_LISTS; i++) {
        const struct ss_list* list = ss_entry(&ss_lists, candidate->list[i & (SS_MAX_LISTS - 1)].list);

        SS_KEEP(i);
        if (!(note->up >> (i & 31) & 1)) continue;
        if (list && list->ifindex == frame->egress_ifindex)
            return first || ss_wrap_copy(frame, &packet, &copying, i) ? XDP_PASS : XDP_DROP;
        first = 0;
    }
    return XDP_DROP; /* of a list that is down */
}

#endif
