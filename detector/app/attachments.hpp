// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Our program at the ingress of every interface that traffic enters by, and of those that probes come back by.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "detector/app/session_table.hpp"
#include "detector/core/config.hpp"
#include "detector/io/dataplane.hpp"
#include "detector/io/netlink.hpp"
#include "detector/io/tc_hook.hpp"

namespace sidestep {

class Attachments {
  public:
    Attachments(const Config& config, const Dataplane& dataplane, TcKind kind)
        : config_(config), dataplane_(dataplane), kind_(kind) {}

    /// An interface is there, or gone. One that was deleted and made again has lost our program and gets it anew.
    void on_link(const LinkChange& change);
    /// Attaches to all of them, and detaches from those that only a predecessor used.
    Result<void> attach(const std::vector<Session>& sessions);
    void detach();

  private:
    const Config& config_;
    const Dataplane& dataplane_;
    TcKind kind_;
    std::map<std::string, int> interfaces_;  ///< 0: gone
    std::vector<TcHook> hooks_;
};

}  // namespace sidestep
