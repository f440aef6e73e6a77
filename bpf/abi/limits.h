/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A part of bpf/abi/sidestep.h, which others include: how many there may be of each thing. */
#ifndef SIDESTEP_ABI_LIMITS_H
#define SIDESTEP_ABI_LIMITS_H

#define SS_MAX_SESSIONS 4096 /* a power of two */
#define SS_MAX_CLASSES 16    /* distinct probe intervals on one node */
#define SS_MAX_SEGMENTS 16
#define SS_MAX_CANDIDATES 6    /* per policy */
#define SS_MAX_LISTS 4         /* per candidate path */
#define SS_MAX_LIST_SESSIONS 8 /* sessions that one segment list depends on */
#define SS_MAX_LENGTHS 64      /* different prefix lengths per family */
#define SS_MAX_REACH 128       /* a prefix lies at most this many cells from its home */
#define SS_MAX_DOMAIN 16       /* prefixes in the SR domain */
#define SS_SENT_RING 64        /* send times kept per session, a power of two */
#define SS_RTT_BUCKETS 32      /* bucket i counts round trips of [2^i, 2^(i+1)) microseconds; the last one is open */

#define SS_MAX_REFLECTED 16 /* addresses, and S-BFD discriminators, of a reflector */

#define SS_PROBE_PORT 862         /* RFC 8762, 4.1 */
#define SS_BFD_PORT 3784          /* RFC 5881, 4 */
#define SS_SBFD_PORT 7784         /* RFC 7881, 3 */
#define SS_ECHO_PORT 3785         /* RFC 5881, 4 */
#define SS_BFD_MULTIHOP_PORT 4784 /* RFC 5883, 5 */

#endif
