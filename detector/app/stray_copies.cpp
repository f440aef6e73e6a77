// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/app/stray_copies.hpp"

#include <algorithm>
#include <array>
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

/// Copies that were on their way when their sender began anew are no problem: those that matter go on.
constexpr Nanoseconds kLasts{SS_STRAY_PAUSE_NS};
/// Numbers of one second of the sender's clock. No window has as many.
constexpr std::uint64_t kEpoch = 1ULL << (SS_NUMBER_BITS - SS_EPOCH_BITS);

/// Why copies of a flow that is merged here are behind its window.
std::string why_behind(const ss_stray& stray, const SidConfig& sid) {
    const std::array<__u64, 2> halves{SS_READ(stray.source[0]), SS_READ(stray.source[1])};
    Address source{};
    std::memcpy(source.bytes.data(), halves.data(), sizeof halves);
    const auto behind = SS_READ(stray.behind);
    const auto which = fmt::format("copies by list {} from {} are {} numbers behind the newest one and are dropped",
                                   SS_READ(stray.list), source.to_string(), behind);
    if (behind >= kEpoch) {
        return which +
               ": another node sends the same flow, or the clock of this one went back, or somebody forged numbers. "
               "Give each sender a flow of its own";
    }
    return which + fmt::format(
                       ": too late for `window: {}`, so this list protects nothing. Enlarge it ({} at most), or choose "
                       "ways whose delays differ less",
                       sid.window, SS_MAX_WINDOW_WORDS * SS_BLOCK_BITS);
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
        const auto merging =
            std::ranges::find_if(sids, [&](const auto& one) { return std::ranges::count(one.flows, flow) != 0; });
        if (merging != sids.end()) {  // whichever SID it is; the flow may have been added since
            if (SS_READ(stray.behind) != 0 && Nanoseconds(last - SS_READ(stray.since_ns)) >= kLasts)
                problems.emplace(fmt::format("flow {}", flow), why_behind(stray, *merging));
            continue;
        }
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
