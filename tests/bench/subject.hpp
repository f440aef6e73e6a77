// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What is measured: a liveness protocol on the link A-B of a lab of its own. All labs are alike (topo/demo.yaml), and
// all that counts is what A finds out.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/bench/must.hpp"
#include "topo/lab.hpp"

namespace sidestep::bench {

inline constexpr const char* kLink = "A-B";

class Subject {
  public:
    explicit Subject(std::string name);
    Subject(const Subject&) = delete;
    Subject& operator=(const Subject&) = delete;
    virtual ~Subject() = default;

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] const topo::Lab& lab() const { return lab_; }
    [[nodiscard]] topo::Cut& cut() { return cut_; }

    /// Waits until A takes the link for good and runs at full speed; false if it did not in time.
    virtual bool wait_up(std::chrono::milliseconds patience) = 0;
    /// When A declared the link down, so far: CLOCK_MONOTONIC in nanoseconds, in order.
    virtual std::vector<std::int64_t> downs() = 0;

  private:
    std::string name_;
    topo::Lab lab_;
    topo::Cut cut_;
};

}  // namespace sidestep::bench
