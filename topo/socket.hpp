// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Opens all sockets that send through labs. All are IPv6 sockets, and use IPv4 by IPv4-mapped addresses. A socket
// belongs to the namespace that it was opened in, so call these functions inside NetNs::run().
#pragma once

#include <netinet/in.h>

#include <chrono>
#include <cstdint>
#include <optional>

#include "common/address.hpp"
#include "common/error.hpp"
#include "common/fd.hpp"

namespace sidestep::topo {

sockaddr_in6 socket_address(const Address& address, std::uint16_t port = 0);

/// A socket of `type` (SOCK_DGRAM, SOCK_STREAM), bound; port 0 is any. `reuse`: SO_REUSEADDR or SO_REUSEPORT.
Result<Fd> open_bound(int type, const Address& address, std::uint16_t port = 0,
                      std::optional<int> reuse = std::nullopt);
/// The port that a socket is bound to.
std::uint16_t port_of(const Fd& socket);
Result<void> connect_to(const Fd& socket, const Address& destination, std::uint16_t port = 0);
/// The time limit of connect, accept, send and receive.
void set_patience(const Fd& socket, std::chrono::microseconds patience);

}  // namespace sidestep::topo
