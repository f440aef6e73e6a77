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

/* Single untorn accesses to fields that another CPU writes. */
#define SS_READ(lvalue) (*(const volatile __typeof__(lvalue)*)&(lvalue))
#define SS_WRITE(lvalue, value) (*(volatile __typeof__(lvalue)*)&(lvalue) = (value))

/* Signed distance between sequence numbers (RFC 1982 arithmetic): positive when a is later than b. */
SS_INLINE __s32 ss_sequence_diff(__u32 a, __u32 b) {
    return (__s32)(a - b);
}

#endif
