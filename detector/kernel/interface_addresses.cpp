// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/kernel/interface_addresses.hpp"

#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

#include <ifaddrs.h>

namespace sidestep {
namespace {

constexpr std::size_t kMostOwnAddresses = 8;

Address address_of(const sockaddr& address) {
    if (address.sa_family == AF_INET6) return Address::from(reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
    Address result{.bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}};
    std::memcpy(&result.bytes[12], &reinterpret_cast<const sockaddr_in&>(address).sin_addr, sizeof(in_addr));
    return result;
}

}  // namespace

std::optional<MacAddress> mac_of_interface(int socket, int ifindex) {
    ifreq request{};
    MacAddress mac{};
    if (::if_indextoname(static_cast<unsigned>(ifindex), request.ifr_name) == nullptr) return std::nullopt;
    if (::ioctl(socket, SIOCGIFHWADDR, &request) != 0) return std::nullopt;
    if (request.ifr_hwaddr.sa_family != ARPHRD_ETHER) return std::nullopt;
    std::memcpy(mac.data(), request.ifr_hwaddr.sa_data, mac.size());
    return mac;
}

std::vector<Address> addresses_of_interface(int ifindex, int family) {
    std::vector<Address> found;
    std::array<char, IF_NAMESIZE> name{};
    ifaddrs* all = nullptr;
    if (::if_indextoname(static_cast<unsigned>(ifindex), name.data()) == nullptr) return found;
    if (::getifaddrs(&all) != 0) return found;
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(all, ::freeifaddrs);
    for (const auto* one = all; one != nullptr && found.size() < kMostOwnAddresses; one = one->ifa_next) {
        if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != family ||
            std::string_view(one->ifa_name) != name.data())
            continue;
        found.push_back(address_of(*one->ifa_addr));
    }
    return found;
}

}  // namespace sidestep
