// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the kernel's grades (enum ss_quality) mean to a session.
#pragma once

#include <cstdint>

#include "bpf/abi/sidestep.h"
#include "detector/core/session_fsm.hpp"

namespace sidestep {

inline SessionEvent meaning_of_quality(std::uint32_t quality) {
    if (quality == SS_LOSSY) return SessionEvent::lossy;
    return quality == SS_SLOW ? SessionEvent::slow : SessionEvent::sound;
}

inline Reason poor_reason(std::uint32_t quality) {
    if (quality == SS_LOSSY) return Reason::lossy;
    return quality == SS_SLOW ? Reason::slow : Reason::none;
}

}  // namespace sidestep
