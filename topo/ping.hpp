// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Sends one echo request, to wait until a path works and to see its length.
#pragma once

#include <chrono>

#include "common/address.hpp"
#include "common/duration.hpp"
#include "common/error.hpp"
#include "topo/netns.hpp"

namespace sidestep::topo {

struct EchoReply {
    Nanoseconds round_trip{};
    int hop_limit = 0;  ///< as it arrived; Linux sends 64
};

/// Sends one ICMPv6 echo request from inside the namespace and waits this long for its reply. `source` unspecified: the
/// kernel's choice.
Result<EchoReply> ping(const NetNs& from, const Address& destination, const Address& source = {},
                       std::chrono::milliseconds patience = std::chrono::milliseconds(200));

}  // namespace sidestep::topo
