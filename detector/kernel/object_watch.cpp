// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/kernel/object_watch.hpp"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "detector/kernel/route_message.hpp"

namespace sidestep {
namespace {

/// Keeps what is told of tc, and of removed routes with the protocol of ours. Messages are in host order; the filter's loads
/// are in network order.
bool filter_messages(int socket) {
    constexpr unsigned kType = offsetof(nlmsghdr, nlmsg_type);
    constexpr unsigned kProtocol = NLMSG_HDRLEN + offsetof(rtmsg, rtm_protocol);
    std::array<sock_filter, 10> code{{
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, kType),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELROUTE), 4, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWQDISC), 5, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELQDISC), 4, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWTFILTER), 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELTFILTER), 2, 3),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kProtocol),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kRouteProtocol, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0xffff),
        BPF_STMT(BPF_RET | BPF_K, 0),
    }};
    const sock_fprog program{.len = code.size(), .filter = code.data()};
    return ::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

}  // namespace

Result<ObjectWatch> ObjectWatch::open() {
    Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
    if (!socket || !filter_messages(socket.get())) return fail_errno("rtnetlink, for qdiscs and routes");
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return fail_errno("rtnetlink, for qdiscs and routes");
    for (const int group : {RTNLGRP_TC, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE}) {
        if (::setsockopt(socket.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0)
            return fail_errno("rtnetlink groups of qdiscs and routes");
    }
    return ObjectWatch(std::move(socket));
}

ObjectWatch::Heard ObjectWatch::heard() {
    constexpr int kAtOnce = 4096;  // what is left is heard next time
    Heard heard;
    nlmsghdr header{};  // the rest is of no interest
    for (int i = 0; i < kAtOnce; ++i) {
        const auto got = ::recv(socket_.get(), &header, sizeof header, MSG_DONTWAIT);
        if (got < 0 && errno == ENOBUFS) return {.tc = true, .routes = true};
        if (got < static_cast<ssize_t>(sizeof header)) break;
        (header.nlmsg_type == RTM_DELROUTE ? heard.routes : heard.tc) = true;
    }
    return heard;
}

}  // namespace sidestep
