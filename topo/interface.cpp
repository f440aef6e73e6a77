// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "topo/interface.hpp"

#include <linux/if_link.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>

#include <fcntl.h>
#include <ifaddrs.h>

#include "common/fd.hpp"
#include "topo/clock.hpp"

namespace sidestep::topo {
namespace {

Result<ifreq> request_for(const std::string& name) {
    ifreq request{};
    if (name.size() >= sizeof request.ifr_name) return fail(name + " is too long for an interface");
    std::memcpy(request.ifr_name, name.c_str(), name.size());
    return request;
}

}  // namespace

Result<std::int64_t> set_interface(const std::string& name, bool up) {
    const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    auto request = request_for(name);
    if (!request) return std::unexpected(request.error());
    if (!socket || ::ioctl(socket.get(), SIOCGIFFLAGS, &*request) != 0) return fail_errno(name);
    const auto flags = static_cast<unsigned>(request->ifr_flags);
    request->ifr_flags = static_cast<short>(up ? flags | IFF_UP : flags & ~static_cast<unsigned>(IFF_UP));
    const auto begin = now_ns();
    if (::ioctl(socket.get(), SIOCSIFFLAGS, &*request) != 0) return fail_errno(name);
    return begin;
}

Result<void> set_queue_length(const std::string& name, int packets) {
    const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    auto request = request_for(name);
    if (!request) return std::unexpected(request.error());
    request->ifr_qlen = packets;
    if (!socket || ::ioctl(socket.get(), SIOCSIFTXQLEN, &*request) != 0) return fail_errno(name);
    return {};
}

Result<void> write_sysctl(const std::string& path, const std::string& value) {
    const auto file = "/proc/sys/" + path;
    const Fd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd || ::write(fd.get(), value.data(), value.size()) < 0) return fail_errno(file);
    return {};
}

std::uint64_t transmit_drops(const std::string& name) {
    ifaddrs* all = nullptr;
    if (::getifaddrs(&all) != 0) return 0;
    std::uint64_t drops = 0;
    for (const auto* one = all; one != nullptr; one = one->ifa_next) {
        if (name != one->ifa_name || one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_PACKET) continue;
        rtnl_link_stats counters{};
        std::memcpy(&counters, one->ifa_data, sizeof counters);
        drops = counters.tx_dropped;
    }
    ::freeifaddrs(all);
    return drops;
}

}  // namespace sidestep::topo
