// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A step counts as made before it is carried out: a failure or an exception may leave half of it.
#include "detector/app/start_order.hpp"

#include <algorithm>

namespace sidestep {

Result<void> StartOrder::advance(StartStep last) {
    while (next_ < kStartOrder.size()) {
        const auto step = kStartOrder.at(next_);
        if (step > last) break;
        ++next_;
        made_ = std::max(made_, next_);
        if (auto taken = parts_.take(step); !taken) return taken;
    }
    return {};
}

void StartOrder::undo() {
    while (made_ > 0) parts_.undo(kStartOrder.at(--made_));
}

}  // namespace sidestep
