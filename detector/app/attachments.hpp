// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Our program at the ingress of every interface that traffic enters by, and of those that probes come back by: at tc,
// or at XDP where that was asked for and can be. Both, where XDP cannot do all of it: what it leaves alone, tc does.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "detector/core/desired.hpp"
#include "detector/kernel/dataplane.hpp"
#include "detector/kernel/netlink.hpp"
#include "detector/kernel/tc_hook.hpp"
#include "detector/kernel/xdp_redirect.hpp"

namespace sidestep {

/// An interface that packets enter by, and what of ours is there.
struct Entrance {
    std::string name;
    int ifindex = 0;  ///< 0: gone
    bool xdp_asked = false;
    bool xdp = false;
    std::optional<TcHook> tc{};
    std::string because{};  ///< why not XDP alone, where it was asked for
    std::string refusal{};  ///< of a program at XDP, until the interface changes
    bool tidy = false;      ///< nothing of a predecessor is left there
};

/// What decides, beside interfaces, whether XDP can do everything.
struct XdpDemands {
    std::uint32_t overhead = 0;  ///< bytes that the longest list adds to a packet
    bool hashes_more = false;    ///< the kernel may go by a hash that is on the packet
};

/// Takes away what any process of ours attached to the ingress of an interface.
void detach_ours(const LinkChange& link);

class Attachments {
  public:
    Attachments(Dataplane& dataplane, TcKind kind) : dataplane_(dataplane), kind_(kind) {}

    /// An interface is there, or gone. One that was deleted and made again has lost our program and gets it anew.
    void on_link(const LinkChange& change);
    /// Attaches to the entrances of `wanted`, and detaches from others: those of the last time, or a predecessor's. An
    /// interface that does not exist gets its program when it appears.
    Result<void> apply(const Desired& wanted, const XdpDemands& demands);
    /// XDP or tc, as things are now: drivers change what they can do, and new lists may be longer. Tells the log.
    void review(const XdpDemands& demands);
    void detach();

    [[nodiscard]] const std::vector<Entrance>& entrances() const { return entrances_; }

  private:
    static Entrance entrance_of(const std::string& name, int ifindex, bool xdp_asked);
    void leave(const Entrance& entrance) const;
    void forget(int ifindex, const std::string& name);
    void forget_xdp_interface(int ifindex);
    bool follow(Entrance& entrance, const LinkChange& before, const LinkChange& now);
    Result<void> place_all(bool to_the_end);
    Result<void> place(Entrance& entrance, const std::string& not_alone);
    void enter_xdp();
    void ask_redirect_targets();
    void write_xdp_interface(const std::string& name);
    void leave_xdp(const Entrance& entrance) const;
    void detach_leftovers() const;
    /// Empty if the interface can have a program at XDP.
    [[nodiscard]] std::string why_not_at(const Entrance& entrance) const;
    /// Empty if XDP does all that tc would do, wherever it is.
    [[nodiscard]] std::string why_not_alone() const;
    [[nodiscard]] bool redirect_target(int ifindex) const;
    [[nodiscard]] const LinkChange& interface(const std::string& name) const;

    Dataplane& dataplane_;
    TcKind kind_;
    std::set<std::string> xdp_;    ///< interfaces where XDP is asked for
    std::set<std::string> exits_;  ///< interfaces of adjacencies
    bool xdp_on_virtual_ = false;
    bool applied_ = false;
    XdpDemands demands_;
    std::map<std::string, LinkChange> interfaces_;  ///< as last told of; index 0: gone
    std::map<int, std::string> names_;
    std::vector<Entrance> entrances_;
    std::optional<XdpRedirectTargets> xdp_redirect_targets_;
    std::string no_redirect_;                         ///< why the kernel cannot be asked for them
    std::set<int> redirect_targets_;                  ///< take frames of XDP
    std::map<int, ss_xdp_interface> xdp_interfaces_;  ///< as written
    std::string problem_;                             ///< as logged
};

}  // namespace sidestep
