// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads the kernel's IPsec policies (xfrm), and hears that some have changed. A kernel without them has none.
#pragma once

#include <optional>

#include "common/error.hpp"
#include "common/fd.hpp"
#include "detector/core/ipsec_plan.hpp"

struct nlmsghdr;

namespace sidestep {

/// None if the message is about no policy for packets that are sent or forwarded: those of one socket are not.
std::optional<IpsecPolicy> read_ipsec_policy(nlmsghdr* header);
/// What happens to packets that no policy matches, from an XFRM_MSG_GETDEFAULT; what the message does not say stays.
void read_ipsec_defaults(nlmsghdr* header, IpsecPolicies& policies);

class IpsecWatch {
  public:
    /// In the network namespace of the calling thread. nullopt: this kernel has no IPsec.
    static std::optional<IpsecWatch> open();

    /// True if policies have changed since the last call, or may have.
    bool heard();
    /// Dumps them.
    [[nodiscard]] static Result<IpsecPolicies> read();

  private:
    explicit IpsecWatch(Fd socket) : socket_(std::move(socket)) {}

    Fd socket_;
};

}  // namespace sidestep
