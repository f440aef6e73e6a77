// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The metrics of sessions, of which there are thousands: from the rows of `metrics` (docs/api.md) to text. Pure.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "exporter/text_page.hpp"

namespace sidestep::exporter {

/// `answer`: the answer to `metrics`; `node_label`: what all samples have. Rows that are none, and cells of another type,
/// are left out.
void add_sessions(TextPage& page, const nlohmann::json& answer, const std::string& node_label);

}  // namespace sidestep::exporter
