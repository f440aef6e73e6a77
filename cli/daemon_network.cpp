// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/daemon_network.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>

#include "cli/daemon_options.hpp"
#include "common/fd.hpp"
#include "common/network_namespace.hpp"

namespace sidestep {

void enter_network_of(const nlohmann::json& status, ExitCode code) {
    const auto theirs = status.value("network_namespace", std::uint64_t{0});
    if (theirs != 0 && theirs == network_namespace()) return;
    const auto path = fmt::format("/proc/{}/ns/net", status.value("pid", 0));
    const Fd network(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (network && ::setns(network.get(), CLONE_NEWNET) == 0 && (theirs == 0 || theirs == network_namespace())) return;
    give_up(
        code,
        fmt::format("the daemon is in another network namespace: run this as root, or there (nsenter --net={})", path));
}

}  // namespace sidestep
