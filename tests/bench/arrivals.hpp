// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Counts what the generator sent where it ends, and takes it away there.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "common/error.hpp"
#include "topo/lab.hpp"

namespace sidestep::bench {

/// How packets leave A.
enum class Way {
    plain,     ///< by the link, as they came
    repaired,  ///< by the detour, encapsulated
};

class Arrivals {
  public:
    /// Where it leaves A: at B and C, for as long as it lives; the lab must outlive it.
    static Result<Arrivals> attach(const topo::Lab& lab);
    /// At D, as plain.
    static Result<Arrivals> attach_at_end(const topo::Lab& lab);
    Arrivals(Arrivals&&) noexcept;
    Arrivals& operator=(Arrivals&&) noexcept;
    ~Arrivals();

    /// Hangs a program that does nothing at the ingress of A's interface to S.
    Result<void> attach_idle_program(const topo::Lab& lab);

    /// Counts answers of STAMP at S, too, as plain; at XDP, if A sends them there.
    Result<void> attach_answers(const topo::Lab& lab, bool at_xdp);

    /// So far.
    [[nodiscard]] std::uint64_t arrived(Way way) const;
    /// Watches out for the next repaired packet.
    void expect_repaired();
    /// When it came: CLOCK_MONOTONIC in nanoseconds.
    [[nodiscard]] std::optional<std::int64_t> first_repaired_ns() const;

  private:
    struct State;
    static Result<std::unique_ptr<State>> load();
    explicit Arrivals(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace sidestep::bench
