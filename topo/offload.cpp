// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "topo/offload.hpp"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "common/fd.hpp"

namespace sidestep::topo {
namespace {

Result<void> set(const std::string& interface, std::uint32_t command, bool on) {
    const Fd socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ethtool_value value{.cmd = command, .data = on ? 1U : 0U};
    ifreq request{};
    interface.copy(request.ifr_name, IFNAMSIZ - 1);
    request.ifr_data = reinterpret_cast<char*>(&value);
    if (::ioctl(socket.get(), SIOCETHTOOL, &request) != 0) return fail_errno("cannot switch offloads of " + interface);
    return {};
}

}  // namespace

Result<void> switch_gro(const std::string& interface, bool on) {
    return set(interface, ETHTOOL_SGRO, on);
}

Result<void> switch_checksums(const std::string& interface, bool on) {
    return set(interface, ETHTOOL_STXCSUM, on);
}

}  // namespace sidestep::topo
