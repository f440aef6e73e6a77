// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Bare network namespaces for tests that need no topology. They disappear with their owner, even if it is killed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "topo/netns.hpp"
#include "topo/reaper.hpp"

namespace sidestep::topo {

class ScratchNs {
  public:
    /// Needs root. Makes this many namespaces, named ss<pid>-bare<counter>-<number>, with `lo` up and without DAD.
    static Result<ScratchNs> make(std::size_t count);

    [[nodiscard]] const NetNs& operator[](std::size_t number) const { return namespaces_.at(number); }
    /// Output of a shell command in a namespace, including standard error.
    [[nodiscard]] std::string shell(const std::string& command, std::size_t number = 0) const;

  private:
    explicit ScratchNs(std::unique_ptr<Reaper> reaper) : reaper_(std::move(reaper)) {}

    std::unique_ptr<Reaper> reaper_;
    std::vector<NetNs> namespaces_;
};

}  // namespace sidestep::topo
