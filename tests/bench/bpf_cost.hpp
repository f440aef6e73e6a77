// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What a node's Sidestep costs: the run time of its BPF programs and the memory of its maps as the kernel counts them,
// and its daemon's processor time.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "topo/lab.hpp"

namespace sidestep::bench {

/// Processor time of a process so far, in nanoseconds.
Result<std::int64_t> process_cpu_ns(pid_t pid);

/// The program of ours at the ingress of a node's interface.
Result<Fd> ingress_program(const topo::Lab& lab, const std::string& node, const std::string& interface);

/// Kernel memory, in bytes, of a map that the program at the ingress of a node's interface uses.
Result<std::uint64_t> map_bytes(const topo::Lab& lab, const std::string& node, const std::string& interface,
                                const std::string& map);

/// The tick and the ingress program of one node, found by where they are attached. While it lives the kernel counts
/// run times (kernel.bpf_stats_enabled), for the programs of everybody.
class BpfCost {
  public:
    struct Program {
        std::string name;
        std::uint64_t run_ns = 0;
        std::uint64_t runs = 0;
    };

    static Result<BpfCost> open(const topo::Lab& lab, const std::string& node, const std::string& interface);
    /// Since it was opened.
    [[nodiscard]] Result<std::vector<Program>> read() const;

  private:
    BpfCost() = default;
    [[nodiscard]] Result<std::vector<Program>> totals() const;

    std::vector<Fd> programs_;
    Fd statistics_;
    std::vector<Program> begin_;
};

}  // namespace sidestep::bench
