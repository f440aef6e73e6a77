// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// One lab of the repair benchmark, made for one way of forwarding: plain, with Sidestep, or with the kernel's seg6.
// All are alike (repair.yaml); what differs is what runs on A.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "tests/bench/arrivals.hpp"
#include "tests/bench/generator.hpp"
#include "topo/daemon.hpp"
#include "topo/lab.hpp"

namespace sidestep::bench {

/// Failures are exceptions: a rig is whole or not at all.
class Rig {
  public:
    Rig();

    /// Starts sidestepd on a node and waits until its sessions are up; how long that took, in seconds.
    double protect(const std::string& config, const std::string& node = "A",
                   std::chrono::milliseconds patience = std::chrono::seconds(30));
    /// A's links take frames of XDP from here on.
    void take_frames();
    /// Fails unless sidestepd's programs are at XDP alone, wherever that was asked for.
    void expect_xdp();
    /// Cuts A-B silently and waits until A has noticed.
    void fail_link();

    struct Lap {
        double kpps = 0;  ///< through A, the generator's own work included
        std::uint64_t sent = 0;
        std::uint64_t lost = 0;  ///< sent, but did not leave A this way
    };
    Lap drive(Generator& generator, Way way, std::chrono::nanoseconds length, unsigned burst);

    [[nodiscard]] const topo::Lab& lab() const { return lab_; }
    [[nodiscard]] Arrivals& arrivals() { return arrivals_; }
    /// `ip -batch` inside a node.
    void ip(const std::string& node, std::string batch) const;

  private:
    nlohmann::json ask(const std::string& command);

    topo::Lab lab_;
    Arrivals arrivals_;
    std::optional<topo::Cut> cut_;
    std::optional<topo::Daemon> daemon_;
};

}  // namespace sidestep::bench
