// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A BPF program of the lab at tc on one side of an interface. It runs before all others there.
#pragma once

#include <bpf/libbpf.h>

#include "common/error.hpp"
#include "topo/netns.hpp"

namespace sidestep::topo {

/// Removed with its owner; the clsact qdisc stays, since others may use it.
class Filter {
  public:
    Filter() = default;
    Filter(const Filter&) = delete;
    Filter& operator=(const Filter&) = delete;
    ~Filter();

    /// Call it once; the namespace must outlive the filter.
    Result<void> attach(const LinkEnd& end, bpf_tc_attach_point side, int program);

  private:
    const NetNs* netns_ = nullptr;
    bpf_tc_hook hook_{};
    bpf_tc_opts options_{};  // .sz is 0 until attached
};

}  // namespace sidestep::topo
