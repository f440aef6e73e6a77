// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/kernel/veth_pair.hpp"

#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>

#include <fstream>
#include <memory>
#include <string>

namespace sidestep {
namespace {

template <typename T, void (*release)(T*)>
struct Release {
    void operator()(T* object) const { release(object); }
};
using PairSocket = std::unique_ptr<nl_sock, Release<nl_sock, nl_socket_free>>;
using PairLink = std::unique_ptr<rtnl_link, Release<rtnl_link, rtnl_link_put>>;

void delete_end(nl_sock* socket, const char* name) {
    const PairLink link(rtnl_link_alloc());
    rtnl_link_set_name(link.get(), name);
    rtnl_link_delete(socket, link.get());
}

Result<void> create_pair(nl_sock* socket, const char* end, const char* other) {
    const bool has_end = if_nametoindex(end) != 0;
    const bool has_other = if_nametoindex(other) != 0;
    if (has_end && has_other) return {};
    if (has_end) delete_end(socket, end);  // somebody has renamed or moved the other end
    if (has_other) delete_end(socket, other);
    const PairLink link(rtnl_link_veth_alloc());
    rtnl_link_set_name(link.get(), end);
    rtnl_link* peer = rtnl_link_veth_get_peer(link.get());
    rtnl_link_set_name(peer, other);
    const int error = rtnl_link_add(socket, link.get(), NLM_F_CREATE | NLM_F_EXCL);
    rtnl_link_put(peer);
    if (error < 0) return fail(std::string("cannot create the veth pair of ") + end + ": " + nl_geterror(error));
    return {};
}

Result<void> bring_up(nl_sock* socket, const char* name) {
    // Only our own packets may travel here.
    std::ofstream(std::string("/proc/sys/net/ipv6/conf/") + name + "/disable_ipv6") << "1";
    const PairLink link(rtnl_link_alloc());
    const PairLink change(rtnl_link_alloc());
    rtnl_link_set_ifindex(link.get(), static_cast<int>(if_nametoindex(name)));
    rtnl_link_set_flags(change.get(), IFF_UP | IFF_NOARP);
    if (const int error = rtnl_link_change(socket, link.get(), change.get(), 0); error < 0)
        return fail(std::string("cannot bring up the interface ") + name + ": " + nl_geterror(error));
    return {};
}

}  // namespace

Result<void> make_veth_pair(const char* end, const char* other) {
    const PairSocket socket(nl_socket_alloc());
    if (const int error = nl_connect(socket.get(), NETLINK_ROUTE); error < 0)
        return fail(std::string("cannot open rtnetlink for ") + end + ": " + nl_geterror(error));
    if (auto done = create_pair(socket.get(), end, other); !done) return done;
    for (const char* name : {end, other}) {
        if (auto done = bring_up(socket.get(), name); !done) return done;
    }
    return {};
}

void remove_veth_pair(const char* end) {
    const PairSocket socket(nl_socket_alloc());
    if (nl_connect(socket.get(), NETLINK_ROUTE) == 0) delete_end(socket.get(), end);
}

}  // namespace sidestep
