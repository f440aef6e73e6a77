// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A benchmark has no use for half of an experiment: its failures are exceptions.
#pragma once

#include <stdexcept>
#include <type_traits>
#include <utility>

#include "common/error.hpp"

namespace sidestep::bench {

/// The value, or an exception.
template <typename T>
T must(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().message);
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace sidestep::bench
