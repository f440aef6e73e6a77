// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The daemon's answers as metrics. Pure. Values that an answer lacks are left out, so that the exporter and the daemon
// may have different versions.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace sidestep::exporter {

/// What one node answered (docs/api.md); null: nothing.
struct NodeAnswers {
    std::string node;       ///< as its socket is named
    std::string silence{};  ///< why there is no answer; empty: there is
    nlohmann::json status{};
    nlohmann::json metrics{};
    nlohmann::json routing{};
};

/// The metrics of all nodes in Prometheus' text format: one text per family, sorted by name.
std::vector<std::string> metrics_of(const std::vector<NodeAnswers>& nodes);

}  // namespace sidestep::exporter
