// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// sidestepd in a node of a lab: started with a configuration, asked over its Unix socket, stopped with its owner.
#pragma once

#include <chrono>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "common/error.hpp"
#include "topo/lab.hpp"
#include "topo/process.hpp"

namespace sidestep::topo {

class Daemon {
  public:
    /// The sidestepd in the folder of the running program; fails if there is none.
    static Result<std::string> executable();
    /// Starts it in the node. Its configuration, socket and log are in <lab's directory>/<node> and
    /// have the node's name.
    static Result<Daemon> start(const Lab& lab, const std::string& node, const std::string& config);

    /// One command of the JSON lines protocol ("status", "sessions", "policies", "events") and its answer.
    [[nodiscard]] Result<nlohmann::json> ask(const std::string& command) const;
    /// Waits until every session is up; fails early if the daemon ends.
    Result<void> wait_up(std::chrono::milliseconds patience);
    [[nodiscard]] const std::string& node() const { return node_; }
    [[nodiscard]] Process& process() { return process_; }
    /// Stops it as an operator would; the error says if it did not end with 0.
    Result<void> stop();

  private:
    Daemon(std::string node, std::string socket, Process process)
        : node_(std::move(node)), socket_(std::move(socket)), process_(std::move(process)) {}

    std::string node_;
    std::string socket_;
    Process process_;
};

}  // namespace sidestep::topo
