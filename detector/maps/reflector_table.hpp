// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the reflectors may answer (ss_reflector_sets).
#pragma once

#include <optional>

#include "detector/core/config.hpp"
#include "detector/maps/maps.hpp"

namespace sidestep {

class ReflectorTable {
  public:
    explicit ReflectorTable(Maps& maps) : maps_(maps) {}

    /// nullopt: off. Packets that come while a reflector is changed are left to the kernel.
    void set(const std::optional<ReflectorConfig>& stamp, const std::optional<ReflectorConfig>& sbfd);

  private:
    void set(ss_reflector_kind kind, const std::optional<ReflectorConfig>& wanted);

    Maps& maps_;
};

}  // namespace sidestep
