// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the API says of a session that speaks BFD.
#pragma once

#include <nlohmann/json.hpp>

#include "bpf/abi/sidestep.h"
#include "detector/maps/session_table.hpp"

namespace sidestep {

/// null for a session that probes.
nlohmann::json answer_bfd(const Session& session, const ss_session& shared);

}  // namespace sidestep
