/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The ABI between the BPF programs and user space: the keys and values of all maps, and all lists of reasons.
 * Both sides compile it; the sizes are asserted at the end. Raise SS_ABI_VERSION with any change of layout.
 *
 * Every field has one writer. The structures are split by writer, each part on cache lines of its own:
 *   conf    the detector         what is allowed
 *   tx      the tick program     what was sent, and the verdict on it
 *   rx      the probe receiver   what came back
 *   state   lowered by tick and detector, raised by the detector only; read by the data plane for every packet
 */
#ifndef SIDESTEP_ABI_H
#define SIDESTEP_ABI_H

#include "bpf/abi/bfd.h"
#include "bpf/abi/counters.h"
#include "bpf/abi/limits.h"
#include "bpf/abi/policies.h"
#include "bpf/abi/reflectors.h"
#include "bpf/abi/sessions.h"

#define SS_ABI_VERSION 12

/* --- layout ------------------------------------------------------------------------------------------------------ */

#ifdef __cplusplus
#define SS_ASSERT(condition) static_assert(condition, #condition)
#else
#define SS_ASSERT(condition) _Static_assert(condition, #condition)
#endif

SS_ASSERT(sizeof(struct ss_session_state) == 8);
SS_ASSERT(sizeof(struct ss_repair_state) == 16);
SS_ASSERT(sizeof(struct ss_stamp) == 56);
SS_ASSERT(sizeof(struct ss_bfd_packet) == 24);
SS_ASSERT(sizeof(struct ss_bfd_signature) == 28);
SS_ASSERT(sizeof(struct ss_bfd_conf) == 96);
SS_ASSERT(sizeof(struct ss_bfd_tx) == 64);
SS_ASSERT(sizeof(struct ss_bfd_rx) == 64);
SS_ASSERT(sizeof(struct ss_reflector) == 32 + SS_MAX_REFLECTED * 20 + SS_MAX_DOMAIN * 40);
SS_ASSERT(sizeof(struct ss_wall_clock) == 8);
SS_ASSERT(sizeof(struct ss_reflected_key) == 36);
SS_ASSERT(sizeof(struct ss_stamp_request) == 44);
SS_ASSERT(sizeof(struct ss_stamp_answer) == 44);
SS_ASSERT(sizeof(struct ss_session_conf) == 768);
SS_ASSERT(sizeof(struct ss_session_tx) == 128 + 8 * SS_SENT_RING);
SS_ASSERT(sizeof(struct ss_session_rx) == 192 + 8 * SS_RTT_BUCKETS);
SS_ASSERT(sizeof(struct ss_event) == 80);
SS_ASSERT(sizeof(struct ss_icmp_error_event) == 28 + SS_QUOTED_BYTES);
SS_ASSERT(sizeof(struct ss_prefix) == 20);
SS_ASSERT(sizeof(struct ss_passive_key) == 20);
SS_ASSERT(sizeof(struct ss_target) == 8);
SS_ASSERT(sizeof(struct ss_cell) == 32);
SS_ASSERT(sizeof(struct ss_policy) == 32);
SS_ASSERT(sizeof(struct ss_candidate) == 40);
SS_ASSERT(sizeof(struct ss_list) == 40 + SS_HEADER_MAX + 2);
SS_ASSERT(sizeof(struct ss_hop) == 20);
SS_ASSERT(sizeof(struct ss_xdp_interface) == 8);
SS_ASSERT(sizeof(struct ss_sid) == 12);
SS_ASSERT(sizeof(struct ss_copy_window) == 64);
SS_ASSERT(sizeof(struct ss_merge) == 64 * (1 + SS_MAX_LISTS) + 8 * SS_MAX_WINDOW_WORDS);
SS_ASSERT(SS_MAX_LISTS <= 1 << SS_COPY_BITS);
SS_ASSERT(SS_FLOW_BITS + SS_COPY_BITS + SS_NUMBER_BITS == 64);
SS_ASSERT(sizeof(struct ss_node) % 8 == 0);
SS_ASSERT(sizeof(struct ss_prefix_table) == 32 + sizeof(struct ss_length) * SS_FAMILIES * SS_MAX_LENGTHS);
SS_ASSERT((SS_MAX_SESSIONS & (SS_MAX_SESSIONS - 1)) == 0);
SS_ASSERT((SS_SENT_RING & (SS_SENT_RING - 1)) == 0);

#endif
