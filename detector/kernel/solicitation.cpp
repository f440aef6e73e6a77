// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The bytes of a Neighbor Solicitation, and the socket that sends it. The kernel computes the checksum.
#include "detector/kernel/solicitation.hpp"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "detector/kernel/interface_addresses.hpp"

namespace sidestep {
namespace {

constexpr int kHopLimit = 255;  // RFC 4861, 7.1.1: others are ignored

struct SourceOption {
    nd_opt_hdr header{.nd_opt_type = ND_OPT_SOURCE_LINKADDR, .nd_opt_len = 1};
    MacAddress mac{};
};

struct Solicitation {
    nd_neighbor_solicit header{};
    SourceOption source;
};
static_assert(sizeof(Solicitation) == 32);

Solicitation solicitation_for(const Address& neighbor) {
    Solicitation packet;
    packet.header.nd_ns_hdr.icmp6_type = ND_NEIGHBOR_SOLICIT;
    packet.header.nd_ns_target = neighbor.to_in6();
    return packet;
}

/// ff02::1:ffXX:XXXX (RFC 4291, 2.7.1).
Address group_of(const Address& neighbor) {
    Address group{.bytes = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff}};
    std::copy(neighbor.bytes.begin() + 13, neighbor.bytes.end(), group.bytes.begin() + 13);
    return group;
}

/// What cannot be sent shows as no answer: it is tried again.
void send(int socket, int ifindex, const Address& to, const Address& from, const void* bytes, std::size_t size) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = to.to_in6();
    address.sin6_scope_id = static_cast<unsigned>(ifindex);
    in6_pktinfo leaves_by{};
    leaves_by.ipi6_ifindex = static_cast<unsigned>(ifindex);
    leaves_by.ipi6_addr = from.to_in6();
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof leaves_by)> control{};
    iovec part{.iov_base = const_cast<void*>(bytes), .iov_len = size};
    msghdr message{};
    message.msg_name = &address;
    message.msg_namelen = sizeof address;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    auto* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = IPPROTO_IPV6;
    header->cmsg_type = IPV6_PKTINFO;
    header->cmsg_len = CMSG_LEN(sizeof leaves_by);
    std::memcpy(CMSG_DATA(header), &leaves_by, sizeof leaves_by);
    (void)::sendmsg(socket, &message, MSG_DONTWAIT);
}

}  // namespace

Result<Solicitor> Solicitor::open() {
    Fd socket(::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6));
    if (!socket) return fail_errno("cannot make a socket for Neighbor Solicitations");
    icmp6_filter nothing{};
    ICMP6_FILTER_SETBLOCKALL(&nothing);  // the kernel hears the answers
    const bool set = ::setsockopt(socket.get(), IPPROTO_ICMPV6, ICMP6_FILTER, &nothing, sizeof nothing) == 0 &&
                     ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_UNICAST_HOPS, &kHopLimit, sizeof kHopLimit) == 0 &&
                     ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &kHopLimit, sizeof kHopLimit) == 0;
    if (!set) return fail_errno("cannot prepare a socket for Neighbor Solicitations");
    return Solicitor(std::move(socket));
}

void Solicitor::to_neighbor(int ifindex, const Address& neighbor) const {
    const auto packet = solicitation_for(neighbor);
    send(socket_.get(), ifindex, neighbor, {}, &packet.header, sizeof packet.header);
}

/// From each address of the interface: whoever has the neighbor's address then knows this interface's MAC address for all
/// of them (RFC 4861, 7.2.3). The kernel would choose one.
void Solicitor::to_group(int ifindex, const Address& neighbor) const {
    const auto mac = mac_of_interface(socket_.get(), ifindex);
    if (!mac) return;
    auto packet = solicitation_for(neighbor);
    packet.source.mac = *mac;
    auto own = addresses_of_interface(ifindex, AF_INET6);
    if (own.empty()) own.emplace_back();  // the kernel chooses
    for (const auto& from : own) send(socket_.get(), ifindex, group_of(neighbor), from, &packet, sizeof packet);
}

}  // namespace sidestep
