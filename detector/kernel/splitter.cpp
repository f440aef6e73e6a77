// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/kernel/splitter.hpp"

#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

#include "common/fd.hpp"
#include "detector/kernel/rtnl.hpp"
#include "detector/kernel/veth_pair.hpp"

namespace sidestep {
namespace {

constexpr const char* kWhole = "ss-split0";
constexpr const char* kSplit = "ss-split1";

Result<void> switch_off(std::string_view interface, std::uint32_t offload) {
    const Fd socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ethtool_value value{.cmd = offload, .data = 0};
    ifreq request{};
    std::ranges::copy(interface, request.ifr_name);
    request.ifr_data = reinterpret_cast<char*>(&value);
    if (::ioctl(socket.get(), SIOCETHTOOL, &request) == 0) return {};
    return fail_errno(fmt::format("cannot switch an offload of {} off", interface));
}

/// Tells the kernel that it takes one segment at a time, of whatever protocol. It keeps scatter-gather and checksums: so
/// segments share the bytes of the whole.
Result<void> take_single_segments(const char* interface) {
    auto rtnl = Rtnl::open();
    if (!rtnl) return std::unexpected(rtnl.error());
    ifinfomsg info{};
    info.ifi_index = static_cast<int>(::if_nametoindex(interface));
    auto message = rtnl_message(RTM_NEWLINK, 0, info);
    nla_put_u32(message.get(), IFLA_GSO_MAX_SEGS, 1);
    if (auto done = rtnl->request(std::move(message)); !done)
        return fail(fmt::format("cannot limit the segments of {}: {}", interface, done.error().text));
    return {};
}

}  // namespace

Result<unsigned> make_splitter(int program, TcKind kind) {
    if (auto made = make_veth_pair(kWhole, kSplit); !made) return std::unexpected(made.error());
    if (auto limited = take_single_segments(kWhole); !limited) return std::unexpected(limited.error());
    if (auto off = switch_off(kWhole, ETHTOOL_STSO); !off) return std::unexpected(off.error());
    if (auto off = switch_off(kSplit, ETHTOOL_SGRO); !off) return std::unexpected(off.error());
    auto hook = TcHook::attach(kSplit, splitter_exit(), program, kind);
    if (!hook) return std::unexpected(hook.error());
    return ::if_nametoindex(kWhole);
}

int splitter_exit() {
    return static_cast<int>(::if_nametoindex(kSplit));
}

void remove_splitter() {
    remove_veth_pair(kWhole);
}

}  // namespace sidestep
