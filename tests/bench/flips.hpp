// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// How long it takes from a session's state being lowered until packets leave by the backup. The benchmark lowers the
// state itself, in the memory that the data plane reads: the moment is exact, and detection is not in the figure.
#pragma once

#include <vector>

#include "bpf/abi/sidestep.h"
#include "detector/kernel/shared_array.hpp"
#include "tests/bench/generator.hpp"
#include "tests/bench/rig.hpp"

namespace sidestep::bench {

class Flips {
  public:
    /// Of the first session of A's sidestepd, which runs and is up; what is watched is `destination` of the generator,
    /// which depends on it. Both must outlive this. Throws std::runtime_error, here and below.
    Flips(Rig& rig, Generator& generator, std::size_t destination);

    /// So many flips there and back, in microseconds each.
    std::vector<double> run(int times);

  private:
    std::vector<double> run_here(int times);
    double flip();

    Rig& rig_;
    Generator& generator_;
    std::size_t destination_;
    SharedArray<ss_session_state> words_;
    SharedArray<ss_repair_state> repair_states_;
};

}  // namespace sidestep::bench
