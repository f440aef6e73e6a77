// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The peers of FRR's bfdd, and those of this node's own BFD, as `show bfd peers` of FRR prints them, so that people and
// scripts read the same. Pure.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace sidestep {

/// What the list of peers does not show: nobody asks for any. Empty if bfdd is connected, or not configured.
std::string lack_of_bfdd(const nlohmann::json& answer);
/// `answer` is that of `bfd-peers`. All that FRR prints, but for what its data plane protocol does not tell (the kind of
/// peer), and which session answers for each peer.
std::string report_bfd_peers(const nlohmann::json& answer);
/// As `show bfd peers brief`.
std::string report_bfd_brief(const nlohmann::json& answer);
/// As `show bfd peers counters`; control packets are probes, where these answer.
std::string report_bfd_counters(const nlohmann::json& answer);
/// As `show bfd peers json`: FRR's keys, times in ms, in FRR's order.
nlohmann::ordered_json bfd_peers_json(const nlohmann::json& answer);

}  // namespace sidestep
