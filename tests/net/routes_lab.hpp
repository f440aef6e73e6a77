// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Three nodes in a row; the middle one has a policy device, and routes of ours:
//
//     0 --- 1 (sr0) --- 2
#pragma once

#include <net/if.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "detector/kernel/routes.hpp"
#include "tests/net/scratch_ns.hpp"
#include "topo/ping.hpp"
#include "topo/wait.hpp"

namespace sidestep::topo {

inline constexpr std::size_t kRouter = 1;

inline Prefix prefix(const char* text) {
    return *Prefix::parse(text);
}

inline Address address(const char* text) {
    return *Address::parse(text);
}

/// True if a route was refused because of a flavor that older kernels do not support.
bool lacks_flavor(const Result<void>& added);

class RoutesTest : public testing::Test {
  protected:
    template <typename Work>
    auto in_router(Work work) {
        return (*ns_)[kRouter].run(std::move(work));
    }
    void SetUp() override;

    std::string shell(const std::string& command, std::size_t number = kRouter) { return ns_->shell(command, number); }
    std::string tables() { return shell("ip route; ip -6 route"); }
    std::string route(const std::string& prefix) {
        const auto* family = prefix.find(':') == std::string::npos ? "" : "-6 ";
        return shell(fmt::format("ip {}route show {}", family, prefix));
    }
    int ifindex(const std::string& name) {
        return *in_router([&] { return static_cast<int>(::if_nametoindex(name.c_str())); });
    }
    /// True if a packet from node 0 reaches node 2 and comes back within a second.
    bool passes() {
        return wait_for(std::chrono::seconds(1),
                        [&] { return ping((*ns_)[0], address("fd00:2::2"), address("fd00:1::1")).has_value(); });
    }
    /// Installs the route and finds it in the output of `ip`; removes it and finds the tables as they were.
    void comes_and_goes(const RouteSpec& spec, const std::vector<std::string>& words);
    void is_refused(const RouteSpec& spec, const std::vector<std::string>& words);

    [[nodiscard]] int device() const { return device_; }
    [[nodiscard]] const std::string& before() const { return before_; }
    InstalledRoutes& routes() { return *routes_; }
    const ScratchNs& ns() { return *ns_; }

  private:
    /// The interface indices must differ: a veth pair with equal ones reports its carrier late.
    void connect(std::size_t a, const std::string& name_a, std::size_t b, const std::string& name_b,
                 const std::string& net, int index);

    std::optional<ScratchNs> ns_;
    std::optional<InstalledRoutes> routes_;
    std::string before_;
    int device_ = 0;
};

}  // namespace sidestep::topo
