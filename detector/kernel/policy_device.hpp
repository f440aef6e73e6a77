// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The policy device: routes lead into it, and the program at its egress handles the packets. It also carries this
// node's SIDs, because `lo` cannot. Nothing is ever received from it.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/error.hpp"
#include "detector/kernel/rtnl.hpp"

namespace sidestep {

/// Link types that drop what is sent to them, best first, because a kernel may lack dummy and ifb. The peer of the veth
/// pair is up, without addresses and protocols.
inline constexpr std::array<std::string_view, 3> kDeviceKinds{"dummy", "ifb", "veth"};

/// A link of ours, recognized by its alias "sidestep NODE". Destroying the object leaves the link in place; remove()
/// deletes it.
class PolicyDevice {
  public:
    /// Creates the device, or adopts the one that a predecessor left. It is up, NOARP, with IPv6 but no address.
    /// Returns an error if a link of this name is not ours, or if the kernel has none of `kinds`.
    static Result<PolicyDevice> create(const std::string& name, const std::string& node,
                                       std::span<const std::string_view> kinds = kDeviceKinds);
    /// The device that a predecessor left; none if the link of this name is not ours.
    static std::optional<PolicyDevice> find(const std::string& name);
    /// Removes every device of ours in this network namespace, except the one called `keep`.
    static Result<void> remove_leftovers(const std::string& keep = {});
    /// Whether the node accepts packets *to itself* that carry an SRH (net.ipv6.conf.all.seg6_enabled). seg6local SIDs
    /// do not need that; an inserted SRH that ends at an address of this node does.
    static bool accepts_srh();

    /// Sets the MTU in bytes of the IP packet. Refuses less than 1280, because the kernel would remove IPv6 from the
    /// device.
    Result<void> set_mtu(unsigned bytes);
    /// What has happened to it since; empty if it is as it was made.
    [[nodiscard]] std::string fault() const;
    /// Deletes the device and its routes. No error if it is gone.
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
    int peer_ = 0;  ///< interface index of the veth peer
    bool adopted_ = false;
};

}  // namespace sidestep
