// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the merging SIDs of this node have seen of each way of each flow, in the answers to `policies` and `metrics`.
#pragma once

#include <cstdint>
#include <span>

#include <nlohmann/json.hpp>

#include "bpf/abi/sidestep.h"
#include "detector/engine/engine.hpp"
#include "detector/kernel/dataplane.hpp"

namespace sidestep {

/// Packets of a flow that came by another list and not by this one: lost on its way, or not sent by it.
std::uint64_t missed_by(std::span<const ss_way> ways, std::size_t list);
/// One object per flow and list by which copies came.
nlohmann::json answer_merging(const Engine& engine, const Dataplane& dataplane);

}  // namespace sidestep
