// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The numbers are those of Linux 6.3's linux/netdev.h, because Debian 12's headers lack the "netdev" family.
#include "detector/kernel/xdp_redirect.hpp"

#include <netlink/attr.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

namespace sidestep {
namespace {

constexpr std::uint8_t kDevGet = 1;           // NETDEV_CMD_DEV_GET
constexpr std::uint8_t kFamilyVersion = 1;    // NETDEV_FAMILY_VERSION
constexpr int kIfindex = 1;                   // NETDEV_A_DEV_IFINDEX
constexpr int kXdpFeatures = 3;               // NETDEV_A_DEV_XDP_FEATURES
constexpr std::uint64_t kTransmit = 1U << 2;  // NETDEV_XDP_ACT_NDO_XMIT

int note(nl_msg* message, void* exits) {
    auto* const header = nlmsg_hdr(message);
    auto* const ifindex = nlmsg_find_attr(header, GENL_HDRLEN, kIfindex);
    auto* const features = nlmsg_find_attr(header, GENL_HDRLEN, kXdpFeatures);
    if (ifindex != nullptr && features != nullptr && (nla_get_u64(features) & kTransmit) != 0)
        static_cast<std::set<int>*>(exits)->insert(static_cast<int>(nla_get_u32(ifindex)));
    return NL_OK;
}

}  // namespace

Result<XdpRedirectTargets> XdpRedirectTargets::open() {
    std::unique_ptr<nl_sock, NlFree> socket(nl_socket_alloc());
    if (!socket) return fail("no memory for a netlink socket");
    if (const int error = genl_connect(socket.get()); error < 0)
        return fail(std::string("generic netlink: ") + nl_geterror(error));
    const int family = genl_ctrl_resolve(socket.get(), "netdev");
    if (family < 0)
        return fail("the kernel does not report which interfaces are XDP redirect targets (Linux 6.3 does)");
    return XdpRedirectTargets(std::move(socket), family);
}

Result<std::set<int>> XdpRedirectTargets::ask() const {
    std::set<int> exits;
    nl_socket_modify_cb(socket_.get(), NL_CB_VALID, NL_CB_CUSTOM, note, &exits);
    int error = genl_send_simple(socket_.get(), family_, kDevGet, kFamilyVersion, NLM_F_DUMP);
    if (error >= 0) error = nl_recvmsgs_default(socket_.get());
    if (error < 0) return fail(std::string("cannot read the XDP features of interfaces: ") + nl_geterror(error));
    return exits;
}

}  // namespace sidestep
