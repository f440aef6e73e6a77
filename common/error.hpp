// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// How every fallible operation outside the pure core reports failure: a value with a sentence for the operator.
#pragma once

#include <cerrno>
#include <cstring>
#include <expected>
#include <string>
#include <utility>

namespace sidestep {

/// What went wrong and, where it helps, what to do next: one sentence without a trailing newline.
struct Error {
    std::string message;
};

template <typename T>
using Result = std::expected<T, Error>;

/// A failed Result: `return fail("...")`.
inline std::unexpected<Error> fail(std::string message) {
    return std::unexpected(Error{std::move(message)});
}

/// A failed Result that ends in the text of `error_number` (an errno value, positive or negated).
inline std::unexpected<Error> fail_errno(std::string what, int error_number = errno) {
    what += ": ";
    what += std::strerror(error_number < 0 ? -error_number : error_number);
    return fail(std::move(what));
}

}  // namespace sidestep
