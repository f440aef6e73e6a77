// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/app/stray_copies.hpp"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "bpf/lib/portable.h"

namespace sidestep {
namespace {

constexpr Nanoseconds kStraysKept = std::chrono::minutes(1);

/// The merging SID that it came to; null: this node has it no more.
const SidConfig* sid_of(const ss_stray& stray, const std::vector<SidConfig>& sids) {
    Address address{};
    const auto upper = SS_READ(stray.sid);
    std::memcpy(address.bytes.data(), &upper, sizeof upper);
    const auto found =
        std::ranges::find_if(sids, [&](const auto& sid) { return !sid.flows.empty() && sid.sid.address == address; });
    return found == sids.end() ? nullptr : &*found;
}

std::string flows_of(const SidConfig& sid) {
    return fmt::format("flow{} {}", sid.flows.size() == 1 ? "" : "s", fmt::join(sid.flows, ", "));
}

}  // namespace

ProblemTexts stray_problems(std::span<const ss_stray> strays, const std::vector<SidConfig>& sids, Nanoseconds now) {
    ProblemTexts problems;
    for (const auto& stray : strays) {
        const auto last = SS_READ(stray.last_ns);
        const auto flow = SS_READ(stray.flow);
        const auto* sid = sid_of(stray, sids);
        if (last == 0 || now - Nanoseconds(last) > kStraysKept || sid == nullptr) continue;
        // A flow that has been added since; whichever SID merges it.
        if (std::ranges::any_of(sids, [&](const auto& one) { return std::ranges::count(one.flows, flow) != 0; }))
            continue;
        if (flow == 0) {
            problems.emplace(
                "merging SID " + sid->sid.to_string(),
                fmt::format("packets that are no copies come to it and are dropped: it takes only those of "
                            "{}. Probes and other traffic need another SID of this node",
                            flows_of(*sid)));
        } else {
            problems.emplace(
                fmt::format("flow {}", flow),
                fmt::format("its copies come to {}, which merges {}: all are dropped. Add the flow to this "
                            "SID, or correct it at the sender",
                            sid->sid.to_string(), flows_of(*sid)));
        }
    }
    return problems;
}

}  // namespace sidestep
