// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The BFD daemons that can run here, as the liveness benchmark measures them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/bench/bfd_peer.hpp"
#include "tests/bench/liveness_rows.hpp"
#include "tests/bench/load.hpp"

namespace sidestep::bench {

class Peers {
  public:
    /// Their values go beside ours in `rows`.
    Peers(const Effort& effort, Rows& rows);

    /// All of them, running.
    [[nodiscard]] std::vector<std::unique_ptr<BfdPeer>> start() const;
    /// What we went through, without us: all peers of an interval beside each other.
    void measure(const std::string& interval, const std::vector<Load>& loads);
    /// Processor time of their processes; what the kernel does for them is not in it.
    void measure_costs();

  private:
    /// A BFD daemon that can run here, and how to start it.
    struct Kind {
        BfdSpec spec;
        std::unique_ptr<BfdPeer> (*start)(const BfdSpec&);
    };

    static std::vector<Kind> kinds_here();

    const Effort& effort_;
    Rows& rows_;
    std::vector<Kind> kinds_;
};

}  // namespace sidestep::bench
