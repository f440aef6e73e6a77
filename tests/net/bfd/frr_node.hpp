// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Daemons of the distribution's FRR in a node of a lab, with files and sockets of their own.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/error.hpp"
#include "topo/lab.hpp"
#include "topo/process.hpp"

namespace sidestep::topo {

class FrrNode {
  public:
    /// Why FRR cannot run here; empty if it can.
    static std::string missing();

    /// `speaks`: bfdd speaks BFD itself. One that listens for a data plane hears no packets.
    FrrNode(const Lab& lab, std::string node, bool speaks = false);
    ~FrrNode();
    FrrNode(const FrrNode&) = delete;
    FrrNode& operator=(const FrrNode&) = delete;

    /// Where bfdd listens for its data plane.
    [[nodiscard]] std::string dplane() const { return directory_ / "dplane.sock"; }
    /// Starts zebra, bfdd, isisd... with this configuration; it logs to log_file(daemon), with microseconds.
    Result<void> start(const std::string& daemon, const std::string& config);
    void kill(const std::string& daemon);
    /// Starts a daemon again that was killed, with the configuration that it had.
    Result<void> start_again(const std::string& daemon);
    [[nodiscard]] std::string log_file(const std::string& daemon) const { return directory_ / (daemon + ".log"); }
    [[nodiscard]] std::string log(const std::string& daemon) const;
    /// What vtysh prints for these commands, one after the other.
    [[nodiscard]] std::string vtysh(const std::string& daemon, const std::vector<std::string>& commands) const;
    [[nodiscard]] std::string vtysh(const std::string& daemon, const std::string& command) const {
        return vtysh(daemon, std::vector{command});
    }
    [[nodiscard]] nlohmann::json vtysh_json(const std::string& daemon, const std::string& command) const;

  private:
    Result<void> launch(const std::string& daemon);

    const Lab& lab_;
    std::string node_;
    bool speaks_;
    std::filesystem::path directory_;  ///< FRR's user owns it
    std::map<std::string, Process> daemons_;
};

}  // namespace sidestep::topo
