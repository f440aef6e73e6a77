// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/kernel/address_attributes.hpp"

#include <netlink/attr.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "detector/kernel/route_words.hpp"

namespace sidestep {
namespace {

Address zero_of(int family) {
    Address zero;
    if (family == AF_INET) zero.bytes[10] = zero.bytes[11] = 0xff;
    return zero;
}

std::optional<Address> address_from(std::span<const std::uint8_t> bytes, int family) {
    const std::size_t length = family == AF_INET ? 4 : 16;
    if ((family != AF_INET && family != AF_INET6) || bytes.size() != length) return std::nullopt;
    auto address = zero_of(family);
    std::ranges::copy(bytes, address.bytes.end() - static_cast<std::ptrdiff_t>(length));
    return address;
}

std::span<const std::uint8_t> bytes_of(nlattr* attribute) {
    return {static_cast<const std::uint8_t*>(nla_data(attribute)), static_cast<std::size_t>(nla_len(attribute))};
}

}  // namespace

std::optional<Address> address_in(nlattr* attribute, int family) {
    return attribute == nullptr ? std::nullopt : address_from(bytes_of(attribute), family);
}

std::optional<Address> gateway_in(nlattr* gateway, nlattr* via, int family) {
    if (gateway != nullptr) return address_in(gateway, family);
    if (via == nullptr || nla_len(via) < static_cast<int>(sizeof(rtvia))) return std::nullopt;
    return address_from(bytes_of(via).subspan(sizeof(rtvia)), static_cast<const rtvia*>(nla_data(via))->rtvia_family);
}

Prefix destination_in(const rtmsg& route, nlattr* destination) {
    const auto length = static_cast<std::uint8_t>(route.rtm_dst_len + (route.rtm_family == AF_INET ? kMappedBits : 0));
    return Prefix::covering(address_in(destination, route.rtm_family).value_or(zero_of(route.rtm_family)), length);
}

}  // namespace sidestep
