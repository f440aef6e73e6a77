// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Real FRR IS-IS routers in network namespaces of the test, which disappear with the object.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "common/error.hpp"

namespace sidestep::routing {

class FrrNetwork {
  public:
    /// The reason why such a network cannot run here; empty if it can.
    static std::string missing();

    FrrNetwork();
    ~FrrNetwork();
    FrrNetwork(const FrrNetwork&) = delete;
    FrrNetwork& operator=(const FrrNetwork&) = delete;

    /// Starts `routers` routers, named r1, r2, ..., with locator fd00:0:<number>::/48 on their loopback, and these
    /// links with metric 10.
    Result<void> start(int routers, const std::vector<std::pair<int, int>>& links);
    /// Sets the n-th link, counted from 0, up or down at its first end.
    Result<void> set_link(std::size_t n, bool up);
    /// The directory of a router's isisd socket.
    [[nodiscard]] std::string socket_directory(int router) const { return (directory_ / name(router)).string(); }
    /// Ends isisd of one router.
    void stop_isisd(int router);

  private:
    struct Interface {
        int router;
        std::string name;
    };

    [[nodiscard]] std::string name(int router) const { return "r" + std::to_string(router); }
    [[nodiscard]] std::string netns(int router) const;
    Result<void> add_link(std::size_t n, int a, int b);
    Result<void> start_daemons(int router);
    void stop(const std::filesystem::path& pid_file);

    std::filesystem::path directory_;
    std::vector<int> routers_;
    std::vector<Interface> interfaces_;  ///< two for each link
};

}  // namespace sidestep::routing
