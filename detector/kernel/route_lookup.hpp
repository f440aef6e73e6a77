// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Asks the kernel which way a packet would take, as `ip route get` does.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/address.hpp"
#include "common/error.hpp"

namespace sidestep {

struct FibAnswer {
    std::string type = "unicast";  ///< or local, blackhole, unreachable, prohibit ...
    std::string interface {};      ///< empty: none
    int ifindex = 0;
    std::optional<Address> gateway{};
    std::uint32_t table = 0;
    unsigned protocol = 0;  ///< who made the route (rtnetlink(7))
};

/// In the network namespace of this thread. An error says why there is no route.
Result<FibAnswer> look_up_route(const Address& destination);

}  // namespace sidestep
