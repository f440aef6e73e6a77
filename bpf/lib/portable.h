/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the pure parts in this folder need to compile for BPF, for C++ and in unit tests alike. */
#ifndef SIDESTEP_PORTABLE_H
#define SIDESTEP_PORTABLE_H

#include "bpf/abi/sidestep.h"

#define SS_INLINE static inline __attribute__((always_inline, unused))

/* For what is called in a loop, or has loops in loops: in the kernel, a global function is verified once and not at
 * every call. */
#ifdef __bpf__
#define SS_VERIFIED_ONCE __attribute__((noinline, weak))
#else
#define SS_VERIFIED_ONCE SS_INLINE
#endif

/* Verifiers before 6.2 know loops only where the way back is a jump, which is the compiler's choice. */
#ifdef __bpf__
#define SS_UNROLL _Pragma("clang loop unroll(full)")
#else
#define SS_UNROLL
#endif

/* A frame of its own: all frames of a call chain together have 512 bytes. */
#define SS_OWN_FRAME static __attribute__((noinline, unused))

/* Keeps the compiler from knowing a value. */
#define SS_KEEP(value) asm volatile("" : "+r"(value))

/* A structure of 8 bytes, read and changed as one. */
typedef __u64 __attribute__((may_alias)) ss_word;

/* Single untorn accesses to fields that another CPU writes. */
#define SS_READ(lvalue) (*(const volatile __typeof__(lvalue)*)&(lvalue))
#define SS_WRITE(lvalue, value) (*(volatile __typeof__(lvalue)*)&(lvalue) = (value))

/*
 * How far numbers reach before a comparison of two of them could be wrong:
 *   sequence numbers of probes   64 bits, never reused: 2^52 of them (ss_session_rx.seen) are 7,000 years at 50 us
 *   those that a probe carries   32 bits: read as the last one sent with these bits, up to 2^31 probes ago
 *                                (ss_whole_sequence); older probes with the same bits are told by their time
 *   times                        64 bits of nanoseconds since the start of the machine: 584 years
 *   times that a probe carries   32 bits of seconds: 136 years
 */

#endif
