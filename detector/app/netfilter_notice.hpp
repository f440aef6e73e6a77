// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Says that netfilter filters forwarded packets, since it does not see those that are repaired at ingress.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/duration.hpp"
#include "detector/core/config.hpp"
#include "detector/core/problems.hpp"

namespace sidestep {

class NetfilterNotice {
  public:
    /// Looks for its chains now and then, and when the setting has changed.
    void look(Netfilter setting, Nanoseconds now);
    [[nodiscard]] ProblemTexts problems() const;

  private:
    std::optional<Netfilter> setting_;
    Nanoseconds next_{};
    std::vector<std::string> chains_;
};

}  // namespace sidestep
