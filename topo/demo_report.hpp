// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The demo's results: one JSON document for programs, aligned lines with units for people.
#pragma once

#include <string>

#include "topo/demo_run.hpp"

namespace sidestep::topo {

std::string demo_json(const DemoResult& result, const DemoOptions& options);
std::string demo_text(const DemoResult& result, const DemoOptions& options);

}  // namespace sidestep::topo
