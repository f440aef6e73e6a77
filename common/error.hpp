// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Operations that can fail, outside the pure core, return a Result: a value, or an error with a sentence for the
// operator.
#pragma once

#include <cerrno>
#include <cstring>
#include <expected>
#include <string>
#include <utility>

namespace sidestep {

/// One sentence without a trailing newline: the thing, the reason and, if known, the next step.
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
