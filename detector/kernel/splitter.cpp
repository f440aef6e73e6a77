// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/kernel/splitter.hpp"

#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
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

/// A request about an interface, by its name.
bool ask_of(const char* interface, unsigned long what, ifreq& request) {
    const Fd socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    std::ranges::copy(std::string_view(interface), request.ifr_name);
    return socket && ::ioctl(socket.get(), what, &request) == 0;
}

/// Sets an offload, or reads it into `value`.
bool offload(const char* interface, ethtool_value& value) {
    ifreq request{};
    request.ifr_data = reinterpret_cast<char*>(&value);
    return ask_of(interface, SIOCETHTOOL, request);
}

Result<void> switch_off(const char* interface, std::uint32_t command) {
    ethtool_value value{.cmd = command, .data = 0};
    if (offload(interface, value)) return {};
    return fail_errno(fmt::format("cannot switch an offload of {} off", interface));
}

bool is_on(const char* interface, std::uint32_t command) {
    ethtool_value value{.cmd = command, .data = 0};
    return offload(interface, value) && value.data != 0;
}

std::string fault_of_end(const char* interface) {
    ifreq request{};
    if (!ask_of(interface, SIOCGIFFLAGS, request)) return fmt::format("{} is gone", interface);
    return (request.ifr_flags & IFF_UP) != 0 ? "" : fmt::format("{} is down", interface);
}

/// How many segments it takes at a time; 0: not known.
std::uint32_t segments_taken(Rtnl& rtnl, const char* interface) {
    ifinfomsg info{};
    info.ifi_index = static_cast<int>(::if_nametoindex(interface));
    std::uint32_t segments = 0;
    (void)rtnl.ask(rtnl_message(RTM_GETLINK, 0, info), [&](nlmsghdr* answer) {
        auto* attribute = nlmsg_find_attr(answer, sizeof info, IFLA_GSO_MAX_SEGS);
        if (attribute != nullptr) segments = nla_get_u32(attribute);
    });
    return segments;
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
    return splitter_entry();
}

unsigned splitter_entry() {
    return ::if_nametoindex(kWhole);
}

int splitter_exit() {
    return static_cast<int>(::if_nametoindex(kSplit));
}

std::string splitter_fault(Rtnl& rtnl) {
    for (const auto* end : {kWhole, kSplit}) {
        if (auto fault = fault_of_end(end); !fault.empty()) return fault;
    }
    if (segments_taken(rtnl, kWhole) > 1 || is_on(kWhole, ETHTOOL_GTSO))
        return fmt::format("{} takes more than single segments", kWhole);
    if (is_on(kSplit, ETHTOOL_GGRO)) return fmt::format("{} joins segments again", kSplit);
    return {};
}

void remove_splitter() {
    remove_veth_pair(kWhole);
}

}  // namespace sidestep
