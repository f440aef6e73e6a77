// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/kernel/kernel_time.hpp"

#include <cstdint>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace sidestep {
namespace {

/// A process never changes its time namespace.
Nanoseconds own_offset() {
    static const Nanoseconds offset = [] {
        std::ifstream file("/proc/self/timens_offsets");  // missing: there are no time namespaces
        return monotonic_offset(std::string(std::istreambuf_iterator<char>(file), {}));
    }();
    return offset;
}

}  // namespace

Nanoseconds monotonic_offset(std::string_view text) {
    std::istringstream lines{std::string(text)};
    std::string clock;
    std::int64_t seconds = 0;
    std::int64_t nanoseconds = 0;
    while (lines >> clock >> seconds >> nanoseconds) {
        if (clock == "monotonic") return std::chrono::seconds(seconds) + Nanoseconds(nanoseconds);
    }
    return Nanoseconds::zero();
}

Nanoseconds kernel_now() {
    return std::chrono::steady_clock::now().time_since_epoch() - own_offset();
}

std::chrono::steady_clock::time_point at_kernel_time(Nanoseconds time) {
    return std::chrono::steady_clock::time_point(time + own_offset());
}

}  // namespace sidestep
