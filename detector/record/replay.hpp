// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Feeds a recording to an engine over plain memory, and gathers the events: a failure in the field becomes a test.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/error.hpp"

namespace sidestep::record {

/// Of a recording, in bytes: some days of a quiet node.
inline constexpr std::size_t kLargestRecording = std::size_t{256} << 20U;

struct Replayed {
    std::vector<nlohmann::json> events;    ///< of this engine
    std::vector<nlohmann::json> recorded;  ///< of the one in the field
    std::size_t inputs = 0;
    bool cut_off = false;  ///< it ends, once at least, before what an input led to: that counts as recorded
};

/// Events lack the `time` of the day. Fails with the number of a line that cannot be read, and if there is no start of a
/// detector; a last line without an end is left out.
Result<Replayed> replay(const std::string& text);

/// The first event that differs, in words; empty if none does.
std::string difference(const Replayed& replayed);

}  // namespace sidestep::record
