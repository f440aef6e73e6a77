// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What an interface sends from, for those that ask for neighbors with packets of their own.
#pragma once

#include <optional>
#include <vector>

#include "common/address.hpp"
#include "detector/core/headers.hpp"

namespace sidestep {

/// The interface's Ethernet address, asked for by any socket; none if it has no such address.
std::optional<MacAddress> mac_of_interface(int socket, int ifindex);

/// The addresses of a family (AF_INET6, AF_INET) that an interface has, not too many; empty if there is none.
std::vector<Address> addresses_of_interface(int ifindex, int family);

}  // namespace sidestep
