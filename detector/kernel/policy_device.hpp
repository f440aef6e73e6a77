// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The policy device: routes lead into it, and the program at its egress takes what comes there. It also carries the
// SIDs of this node, as `lo` cannot. Nothing is ever received from it.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/error.hpp"
#include "detector/kernel/rtnl.hpp"

namespace sidestep {

/// Kinds of link that drop what is sent to them, best first: a kernel may have been built without dummy, and without
/// ifb. Of the veth pair the other end is up, without addresses and protocols.
inline constexpr std::array<std::string_view, 3> kDeviceKinds{"dummy", "ifb", "veth"};

/// A link of ours, known by its alias "sidestep NODE". Destroying the object leaves it where it is; remove() takes it
/// away.
class PolicyDevice {
  public:
    /// Creates the device, or adopts what a predecessor of ours left. It is up, NOARP, with IPv6 but no address. A link
    /// of this name that is not ours is an error, and so is a kernel that has none of `kinds`.
    static Result<PolicyDevice> create(const std::string& name, const std::string& node,
                                       std::span<const std::string_view> kinds = kDeviceKinds);
    /// The device that a process of ours left; none too if the link of this name is somebody else's.
    static std::optional<PolicyDevice> find(const std::string& name);
    /// Removes every device of ours in this network namespace, except the one called `keep`.
    static Result<void> remove_leftovers(const std::string& keep = {});
    /// Whether the node accepts packets *to itself* that carry an SRH (net.ipv6.conf.all.seg6_enabled). seg6local SIDs
    /// do not ask for it; an inserted SRH that ends at an address of this node does.
    static bool accepts_srh();

    /// In bytes, from the IP header on; under 1280 the kernel would take IPv6 off the device, so that is refused.
    Result<void> set_mtu(unsigned bytes);
    /// With its routes. No error if it is gone.
    Result<void> remove();

    [[nodiscard]] int ifindex() const { return ifindex_; }
    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] const std::string& kind() const { return kind_; }
    [[nodiscard]] bool adopted() const { return adopted_; }

  private:
    PolicyDevice(Rtnl rtnl, std::string name) : rtnl_(std::move(rtnl)), name_(std::move(name)) {}
    Result<void> make(std::span<const std::string_view> kinds);
    Result<void> configure(const std::string& node);
    Result<void> configure_peer();

    Rtnl rtnl_;
    std::string name_;
    std::string kind_;
    int ifindex_ = 0;
    int peer_ = 0;  ///< interface index of the veth pair's other end
    bool adopted_ = false;
};

}  // namespace sidestep
