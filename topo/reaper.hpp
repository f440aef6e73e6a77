// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Removes a lab whatever happens to the process that built it. A forked child waits for a pipe to close, then stops the
// lab's programs and deletes its namespaces and files. Destroying a lab just closes that pipe.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/fd.hpp"

namespace sidestep::topo {

class Reaper {
  public:
    /// Forks the reaper of these namespace files (which need not exist yet) and of this directory.
    static Result<Reaper> start(const std::vector<std::string>& netns_paths, const std::string& directory);

    Reaper(Reaper&&) noexcept = default;
    Reaper& operator=(Reaper&&) = delete;
    Reaper(const Reaper&) = delete;
    Reaper& operator=(const Reaper&) = delete;
    /// Lets the reaper do its work and waits for it.
    ~Reaper();

    /// A program of ours to stop at the end; call it while `pid` is our unreaped child.
    void adopt(pid_t pid) const;
    /// That program has ended; call this before its pid can be used again.
    void release(pid_t pid) const;

  private:
    Reaper(Fd pipe, pid_t pid) : pipe_(std::move(pipe)), pid_(pid) {}

    Fd pipe_;
    pid_t pid_;
};

}  // namespace sidestep::topo
