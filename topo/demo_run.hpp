// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The demo's experiment: healthy traffic, silent cuts with Sidestep, the same cut without it; and the results.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "topo/flow.hpp"

namespace sidestep::topo {

struct DemoOptions {
    int cuts = 5;
    std::chrono::milliseconds healthy{10'000};  ///< of traffic before the first cut
    std::chrono::milliseconds cut_length{600};
    double rate = 10'000;  ///< packets per second in each direction
    std::string interval = "1ms";
    int multiplier = 3;
    std::string log_folder;  ///< where the daemons' logs are kept if something fails
    std::function<bool()> interrupted = [] { return false; };
    std::function<void(const std::string&)> progress = [](const std::string&) {};
};

/// One direction of one cut, seen by the router before the link: A for S -> D (0), B for D -> S (1). Times are
/// CLOCK_MONOTONIC in nanoseconds; none if it did not happen.
struct DirectionOfCut {
    std::optional<std::int64_t> first_drop_ns;
    std::optional<std::int64_t> last_echo_ns;
    std::optional<std::int64_t> verdict_ns;
    std::optional<std::int64_t> session_up_ns;  ///< after the restore
    std::optional<LossWindow> loss;             ///< its end is the first rerouted packet; none: nothing was lost
};

struct CutOfDemo {
    std::int64_t cut_ns = 0;
    std::int64_t restore_ns = 0;
    std::array<DirectionOfCut, 2> directions;

    /// Whether packets got through again while the link was still cut.
    [[nodiscard]] bool recovered(std::size_t direction) const {
        const auto& loss = directions[direction].loss;
        return !loss || (loss->end_ns && *loss->end_ns < restore_ns);
    }
};

/// Traffic in both directions and the cuts meanwhile.
struct Phase {
    std::array<FlowReport, 2> flows;
    std::vector<CutOfDemo> cuts;

    [[nodiscard]] std::uint64_t sent() const { return flows[0].sent + flows[1].sent; }
    [[nodiscard]] std::uint64_t lost() const { return flows[0].lost.size() + flows[1].lost.size(); }
    [[nodiscard]] bool recovered() const;
    /// Packets lost outside of the cuts: must be none.
    [[nodiscard]] std::uint64_t lost_outside_cuts() const;
};

struct DemoResult {
    Phase healthy;
    Phase with_sidestep;
    Phase without_sidestep;
};

/// Runs all of it on the topology in this file. An error is one sentence, and a second one if logs were kept.
Result<DemoResult> run_demo(const std::string& topology_path, const DemoOptions& options);

}  // namespace sidestep::topo
