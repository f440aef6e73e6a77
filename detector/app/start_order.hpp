// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// In which order the daemon starts, and what is undone when a step fails or when it ends: a list, apart from the work
// itself, so that the order is tested without privileges.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "common/error.hpp"

namespace sidestep {

enum class StartStep : std::uint8_t {
    process,   ///< privileges, descriptors in reserve
    netns,     ///< one detector in a network namespace
    node,      ///< one detector for a node of the run directory
    api,       ///< listens; requests are told that it starts
    bpffs,     ///< mounted; files of the run directory are read from here on
    programs,  ///< loaded and pinned, or a predecessor's taken over
    engine,    ///< sessions, policies and SIDs in the tables
    kernel,    ///< hears of links, neighbors and routes
    hooks,     ///< from here on traffic is changed
    routes,
    clock,  ///< last: it probes
};

constexpr std::array kStartOrder{
    StartStep::process, StartStep::netns,  StartStep::node,  StartStep::api,    StartStep::bpffs, StartStep::programs,
    StartStep::engine,  StartStep::kernel, StartStep::hooks, StartStep::routes, StartStep::clock,
};

/// Before anything that traffic sees: here a start may wait for computed policies.
constexpr auto kLastUnseen = StartStep::kernel;

/// The work. A step may be undone that failed half-way, and one that a predecessor carried out.
class StartParts {
  public:
    virtual ~StartParts() = default;
    virtual Result<void> take(StartStep step) = 0;
    virtual void undo(StartStep step) = 0;
};

class StartOrder {
  public:
    explicit StartOrder(StartParts& parts) : parts_(parts) {}

    /// Carries out what comes next, up to and with `last`. Ends at the first failure, and leaves the undoing to undo().
    Result<void> advance(StartStep last);
    /// A predecessor carried out all steps: they are ours to undo.
    void adopt() { made_ = kStartOrder.size(); }
    /// Undoes what was carried out or begun, in reverse order, once.
    void undo();

  private:
    StartParts& parts_;
    std::size_t next_ = 0;
    std::size_t made_ = 0;
};

}  // namespace sidestep
