// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Lists why a session is not up: the enum, the texts, the events and the counters come from this list.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace sidestep {

#define SIDESTEP_REASONS(X)                                                                 \
    X(none, "none")                                                                         \
    X(unanswered, "unanswered")    /* multiplier probes in a row */                         \
    X(carrier, "carrier-lost")     /* or the interface is down or gone */                   \
    X(neighbor, "neighbor-failed") /* neighbor discovery gave up */                         \
    X(admin, "admin-down")         /* the operator said so */                               \
    X(lossy, "lossy")              /* degraded: too many of the last 64 probes were lost */ \
    X(slow, "slow")                /* degraded: the round trip is beyond its limit */       \
    X(ip_off, "ip-off")            /* IPv6 is switched off on the interface */              \
    X(unprobed, "unprobed")        /* no probe could be sent for too long */                \
    X(unproven, "unproven")        /* it never answered, and `start` is proven */           \
    X(rehearsal, "rehearsal")      /* the operator rehearses a failure; it ends by itself */

enum class Reason : std::uint8_t {
#define SIDESTEP_ENUM(name, text) name,
    SIDESTEP_REASONS(SIDESTEP_ENUM)
#undef SIDESTEP_ENUM
};

inline constexpr std::size_t kReasons =
    std::initializer_list<int>{
#define SIDESTEP_ZERO(name, text) 0,
        SIDESTEP_REASONS(SIDESTEP_ZERO)
#undef SIDESTEP_ZERO
    }
        .size();

inline std::string_view to_string(Reason reason) {
    static constexpr std::array kTexts{
#define SIDESTEP_TEXT(name, text) std::string_view(text),
        SIDESTEP_REASONS(SIDESTEP_TEXT)
#undef SIDESTEP_TEXT
    };
    return kTexts.at(static_cast<std::size_t>(reason));
}

/// Whether a session that is down may have this reason; the others are of degraded sessions.
constexpr bool is_failure(Reason reason) {
    return reason != Reason::none && reason != Reason::lossy && reason != Reason::slow;
}

}  // namespace sidestep
