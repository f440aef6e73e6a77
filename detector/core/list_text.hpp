// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Names a segment list in sentences. It is also what `status` files the problems of a list under, and what doctor looks
// them up by.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/address.hpp"
#include "common/texts.hpp"

namespace sidestep {

/// "the list by A-C over fd00:c::, fd00:b:d6::"
inline std::string list_text(const std::string& adjacency, const std::vector<Address>& segments) {
    return fmt::format("the list by {}{}{}", adjacency, segments.empty() ? "" : " over ",
                       fmt::join(texts(segments), ", "));
}

}  // namespace sidestep
