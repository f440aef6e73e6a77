// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Attaches a program to the tc ingress or egress of an interface: with tcx if the kernel has it, else with clsact. The
// program stays when this process dies, and can be replaced in place.
#pragma once

#include <optional>
#include <string>

#include "common/error.hpp"
#include "detector/kernel/tcx.hpp"

namespace sidestep {

/// Our place among the filters of an interface. A new program replaces our old one there atomically. The handle says who
/// made the clsact qdisc, for anyone who removes the filter: we did (1), or it was there before (2).
inline constexpr unsigned kFilterHandle = 1;
inline constexpr unsigned kFilterHandleOfGuest = 2;
inline constexpr unsigned kFilterPriority = 862;

enum class TcKind : unsigned char { clsact, tcx };

/// tcx if the kernel has it.
TcKind best_tc_kind();

/// One attachment. Destroying the object leaves the filter in place; detach() removes it.
class TcHook {
  public:
    /// Attaches, or replaces what a predecessor attached. If that was of the other kind, it goes only after the new one
    /// is in place.
    static Result<TcHook> attach(const std::string& interface, int ifindex, int program_fd,
                                 TcKind kind = TcKind::clsact, TcSide side = TcSide::ingress);

    /// Removes our filter, and our clsact qdisc if nothing else uses it. No error if the interface is gone.
    void detach() const;

    /// The attachment that a predecessor left on this interface, if there is one.
    static std::optional<TcHook> find(const std::string& interface, int ifindex, TcSide side = TcSide::ingress);

    [[nodiscard]] int ifindex() const { return ifindex_; }
    [[nodiscard]] const std::string& interface() const { return interface_; }

  private:
    TcHook(std::string interface, int ifindex, TcSide side, TcKind kind, unsigned handle = kFilterHandle)
        : interface_(std::move(interface)), ifindex_(ifindex), handle_(handle), side_(side), kind_(kind) {}
    static Result<TcHook> attach_clsact(const std::string& interface, int ifindex, int program_fd, TcSide side);
    static std::optional<TcHook> find_clsact(const std::string& interface, int ifindex, TcSide side);
    void detach_clsact() const;

    std::string interface_;
    int ifindex_;
    unsigned handle_;  ///< of clsact
    TcSide side_;
    TcKind kind_;
};

}  // namespace sidestep
