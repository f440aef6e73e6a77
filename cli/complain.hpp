// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Writes to standard error. It may be closed, or a full disk: that must not end a program, least of all by an exception.
#pragma once

#include <cstdio>
#include <string>

namespace sidestep {

inline void complain(const std::string& text) {
    (void)std::fputs(text.c_str(), stderr);
}

}  // namespace sidestep
