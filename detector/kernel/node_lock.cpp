// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// An abstract Unix socket serves as the lock, because it belongs to the network namespace and dies with its process.
#include "detector/kernel/node_lock.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <iterator>
#include <string_view>

namespace sidestep {

Result<Fd> lock_namespace() {
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) return fail_errno("cannot create a socket");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    constexpr std::string_view kName("\0sidestepd", 10);
    std::copy(kName.begin(), kName.end(), std::begin(address.sun_path));
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + kName.size());
    if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0) return socket;
    if (errno == EADDRINUSE) {
        return fail("another sidestepd is running in this network namespace; stop it first (one detector per node)");
    }
    return fail_errno("cannot take the node's lock");
}

}  // namespace sidestep
