// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "topo/delay_queue.hpp"

#include <algorithm>
#include <limits>

namespace sidestep::topo {

DelayQueue::DelayQueue(const DelaySpec& spec, std::size_t most) : spec_(spec), most_(most), random_(spec.seed) {}

bool DelayQueue::leaves_later(const Waiting& one, const Waiting& other) {
    return one.due_ns != other.due_ns ? one.due_ns > other.due_ns : one.number > other.number;
}

/// Not by std::uniform_int_distribution: what that draws is left to the library.
std::int64_t DelayQueue::draw_ns() {
    const auto jitter = static_cast<std::uint64_t>(spec_.jitter.count());
    const auto drawn = static_cast<std::int64_t>(random_() % (2 * jitter + 1)) - spec_.jitter.count();
    return std::max<std::int64_t>(0, spec_.delay.count() + drawn);
}

void DelayQueue::push(Frame frame, std::int64_t now_ns) {
    if (waiting_.size() >= most_) {
        ++dropped_;
        return;
    }
    auto due_ns = now_ns + draw_ns();
    if (!spec_.reorder) due_ns = std::max(due_ns, last_due_ns_);
    last_due_ns_ = due_ns;
    waiting_.push_back({.due_ns = due_ns, .number = pushed_++, .frame = std::move(frame)});
    std::push_heap(waiting_.begin(), waiting_.end(), leaves_later);
}

std::optional<std::int64_t> DelayQueue::next_due_ns() const {
    if (waiting_.empty()) return std::nullopt;
    return released_ ? std::numeric_limits<std::int64_t>::min() : waiting_.front().due_ns;
}

std::optional<DelayQueue::Frame> DelayQueue::pop(std::int64_t now_ns) {
    const auto due_ns = next_due_ns();
    if (!due_ns || *due_ns > now_ns) return std::nullopt;
    if (!released_) latest_ = std::max(latest_, Nanoseconds(now_ns - *due_ns));
    std::pop_heap(waiting_.begin(), waiting_.end(), leaves_later);
    auto frame = std::move(waiting_.back().frame);
    waiting_.pop_back();
    return frame;
}

}  // namespace sidestep::topo
