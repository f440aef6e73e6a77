// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the merging SIDs of this node have seen of each way of each flow, in the answers to `policies` and `metrics`.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "bpf/abi/sidestep.h"
#include "detector/app/api.hpp"
#include "detector/engine/engine.hpp"

namespace sidestep {

/// Packets of a flow that came by another list and not by this one since it began: lost on its way, not sent by it, or
/// too late to protect anything.
std::uint64_t missed_by(std::span<const ss_way> ways, std::size_t list);
/// What is kept of a flow; null: nothing. A copy of all of it takes tens of kilobytes.
using MergeOf = std::function<std::unique_ptr<ss_merge>(std::uint32_t flow)>;
/// `"merging":[...]` and `tail`: one object per flow and list by which copies came. Reads a flow when its turn comes.
ApiPortions answer_merging(const Engine& engine, MergeOf merge_of, std::string tail);

}  // namespace sidestep
