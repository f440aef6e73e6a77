// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the API says of a session that speaks BFD.
#pragma once

#include <nlohmann/json.hpp>

#include "bpf/abi/sidestep.h"
#include "detector/maps/session_table.hpp"

namespace sidestep {

/// null for a session that probes.
nlohmann::json answer_bfd(const Session& session, const ss_session& shared);

/// The session as an entry of `bfd-peers`.
nlohmann::json answer_bfd_peer(const Session& session, const ss_session& shared, bool of_client, Nanoseconds now);

}  // namespace sidestep
