// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Keeps repairs from taking packets past the kernel's IPsec policies (detector/core/ipsec_plan.hpp), and says so.
#pragma once

#include <optional>

#include "common/duration.hpp"
#include "detector/core/config.hpp"
#include "detector/core/problems.hpp"
#include "detector/engine/engine.hpp"
#include "detector/kernel/ipsec_policies.hpp"

namespace sidestep {

class IpsecGuard {
  public:
    /// Reads the policies if some have changed, the setting has, or it is time for it.
    void look(Engine& engine, Ipsec setting, Nanoseconds now);
    [[nodiscard]] ProblemTexts problems(const Engine& engine) const;

  private:
    std::optional<IpsecWatch> watch_ = IpsecWatch::open();
    std::optional<Ipsec> setting_;
    Nanoseconds next_{};
    IpsecPlan plan_;
    std::string failure_;  ///< why they cannot be read
};

}  // namespace sidestep
