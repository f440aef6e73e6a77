// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Hears that something happened to qdiscs, filters or our routes: a reason to look, nothing more. Programs at tcx change
// silently. Routes of routing daemons are filtered out in the kernel, since there may be very many.
#pragma once

#include "common/error.hpp"
#include "common/fd.hpp"

namespace sidestep {

class ObjectWatch {
  public:
    /// In the network namespace of the calling thread.
    static Result<ObjectWatch> open();

    struct Heard {
        bool tc = false;
        bool routes = false;
    };
    /// What has happened since the last call; all of it if messages were lost.
    Heard heard();

  private:
    explicit ObjectWatch(Fd socket) : socket_(std::move(socket)) {}

    Fd socket_;
};

}  // namespace sidestep
