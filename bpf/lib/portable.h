/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Lets the pure parts of this folder compile for BPF, for C++ and in unit tests. */
#ifndef SIDESTEP_PORTABLE_H
#define SIDESTEP_PORTABLE_H

#include "bpf/abi/sidestep.h"

#define SS_INLINE static inline __attribute__((always_inline, unused))

/* For functions that are called in a loop or contain nested loops: the kernel verifies a global function once, not at
 * every call. */
#ifdef __bpf__
#define SS_VERIFIED_ONCE __attribute__((noinline, weak))
#else
#define SS_VERIFIED_ONCE SS_INLINE
#endif

/* Verifiers before 6.2 accept a loop only if its back edge is a jump, which depends on the compiler. */
#ifdef __bpf__
#define SS_UNROLL _Pragma("clang loop unroll(full)")
#else
#define SS_UNROLL
#endif

/* A stack frame of its own. All frames of a call chain share 512 bytes. */
#define SS_OWN_FRAME static __attribute__((noinline, unused))

/* Hides a value from the compiler's analysis. */
#define SS_KEEP(value) asm volatile("" : "+r"(value))

/* A structure of 8 bytes, read and changed in one step. */
typedef __u64 __attribute__((may_alias)) ss_word;

/* Single, untorn accesses to fields that another CPU writes. */
#define SS_READ(lvalue) (*(const volatile __typeof__(lvalue)*)&(lvalue))
#define SS_WRITE(lvalue, value) (*(volatile __typeof__(lvalue)*)&(lvalue) = (value))

/*
 * How far numbers reach before a comparison of two of them could be wrong:
 *   sequence numbers of probes   64 bits, never reused: 2^52 of them (ss_session_rx.seen) last 7,000 years at 50 us
 *   those that a probe carries   32 bits: taken for the last one sent with these bits, up to 2^31 probes ago
 *                                (ss_whole_sequence); the time in the probe exposes older ones with the same bits
 *   times                        64 bits of nanoseconds since boot: 584 years
 *   times that a probe carries   32 bits of seconds: 136 years
 */

#endif
