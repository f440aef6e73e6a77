// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The bytes of an ARP request, and the socket that sends it.
#include "detector/kernel/arp_request.hpp"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <netinet/if_ether.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <span>

#include "detector/kernel/interface_addresses.hpp"

namespace sidestep {
namespace {

/// `from` may be unspecified (RFC 5227, 1.1: an ARP probe), which is answered too.
ether_arp request_for(const MacAddress& mac, const Address& from, const Address& neighbor) {
    ether_arp packet{};
    packet.ea_hdr.ar_hrd = htons(ARPHRD_ETHER);
    packet.ea_hdr.ar_pro = htons(ETHERTYPE_IP);
    packet.ea_hdr.ar_hln = ETH_ALEN;
    packet.ea_hdr.ar_pln = sizeof(in_addr);
    packet.ea_hdr.ar_op = htons(ARPOP_REQUEST);
    std::ranges::copy(mac, std::begin(packet.arp_sha));
    std::ranges::copy(std::span(from.bytes).last(sizeof(in_addr)), std::begin(packet.arp_spa));
    std::ranges::copy(std::span(neighbor.bytes).last(sizeof(in_addr)), std::begin(packet.arp_tpa));
    return packet;
}

}  // namespace

Result<ArpRequester> ArpRequester::open() {
    Fd socket(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0));  // protocol 0: the kernel hears the answers, not we
    if (!socket) return fail_errno("cannot make a socket for ARP requests");
    return ArpRequester(std::move(socket));
}

void ArpRequester::ask(int ifindex, const Address& neighbor) const {
    const auto mac = mac_of_interface(socket_.get(), ifindex);
    if (!mac) return;
    sockaddr_ll everyone{};
    everyone.sll_family = AF_PACKET;
    everyone.sll_protocol = htons(ETHERTYPE_ARP);
    everyone.sll_ifindex = ifindex;
    everyone.sll_halen = ETH_ALEN;
    std::fill_n(std::begin(everyone.sll_addr), ETH_ALEN, 0xff);
    auto own = addresses_of_interface(ifindex, AF_INET);
    if (own.empty()) own.emplace_back();
    for (const auto& from : own) {
        const auto packet = request_for(*mac, from, neighbor);
        (void)::sendto(socket_.get(), &packet, sizeof packet, MSG_DONTWAIT,
                       reinterpret_cast<const sockaddr*>(&everyone), sizeof everyone);
    }
}

}  // namespace sidestep
