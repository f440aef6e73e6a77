// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// RFC 8405, section 5: three states, three timers.
#include "routing/core/spf_backoff.hpp"

#include <algorithm>

namespace sidestep::routing {
namespace {

bool expired(const std::optional<Nanoseconds>& timer, Nanoseconds now) {
    return timer && *timer <= now;
}

}  // namespace

void SpfBackoff::event(Nanoseconds now) {
    Nanoseconds delay = times_.long_delay;
    switch (state_) {
        case State::quiet:
            // Transition 1: QUIET, IGP event -> SHORT_WAIT.
            state_ = State::short_wait;
            learn_ = now + times_.time_to_learn;
            delay = times_.initial_delay;
            break;
        case State::short_wait:
            // Transition 2: SHORT_WAIT, IGP event.
            delay = times_.short_delay;
            break;
        case State::long_wait:
            // Transition 3: LONG_WAIT, IGP event.
            break;
    }
    holddown_ = now + times_.holddown;
    if (!spf_) spf_ = now + delay;
}

bool SpfBackoff::advance(Nanoseconds now) {
    // Transition 4: LEARN_TIMER expires -> LONG_WAIT.
    if (expired(learn_, now)) {
        learn_.reset();
        state_ = State::long_wait;
    }
    // Transitions 5 and 6: HOLDDOWN_TIMER expires -> QUIET.
    if (expired(holddown_, now)) {
        holddown_.reset();
        learn_.reset();
        state_ = State::quiet;
    }
    if (!expired(spf_, now)) return false;
    spf_.reset();
    return true;
}

std::optional<Nanoseconds> SpfBackoff::deadline() const {
    std::optional<Nanoseconds> first;
    for (const auto& timer : {spf_, learn_, holddown_}) {
        if (timer) first = first ? std::min(*first, *timer) : *timer;
    }
    return first;
}

}  // namespace sidestep::routing
