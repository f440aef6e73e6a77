// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// How many probes of a session were lost for good. Pure.
#pragma once

#include <algorithm>
#include <cstdint>

#include "bpf/abi/sidestep.h"
#include "bpf/lib/judge.h"

namespace sidestep {

/// Probes that were never answered, and cannot be any more: an answer to a probe 64 or more behind the newest answered
/// one is refused. Of those after the newest answered one, the last 64 do not count either. So it only grows.
inline std::uint64_t settled_losses(const ss_session& session) {
    if ((session.conf.flags & SS_SESSION_BFD) != 0) return 0;  // packets answer nothing there
    constexpr std::uint64_t kOpen = SS_WINDOW_BITS;
    const auto sequence = SS_READ(session.tx.sequence);
    const auto newest = SS_READ(session.rx.newest);
    const auto answered = SS_READ(session.rx.answered);
    const auto missing = kOpen - ss_bits(ss_window(&session.rx, newest));  // of the last 64 up to the newest
    const auto before = newest > answered + missing ? newest - answered - missing : 0;
    const auto after = sequence > newest + kOpen ? sequence - newest - kOpen : 0;
    return before + after;
}

}  // namespace sidestep
