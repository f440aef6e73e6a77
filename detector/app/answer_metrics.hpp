// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The answer to `metrics`: what the exporter needs of each session and policy, as rows of bare numbers. `sessions` says
// it all by name, and takes thirty times as long.
#pragma once

#include "detector/app/answer_merging.hpp"
#include "detector/app/api.hpp"
#include "detector/app/session_history.hpp"
#include "detector/engine/engine.hpp"

namespace sidestep {

/// Engine and history must outlive what is returned.
ApiPortions answer_metrics(const Engine& engine, const SessionHistory& history, MergeOf merge_of);

}  // namespace sidestep
