// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Attaches our program to the ingress of every interface by which traffic enters or probes return: at tc, or at XDP if
// the configuration says so and it is possible. If XDP cannot do everything, the program is attached at both, and tc
// handles what XDP passes on. Attaches another one to the egress of the interfaces of adjacencies with a bypass.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "detector/core/desired.hpp"
#include "detector/core/problems.hpp"
#include "detector/core/upkeep.hpp"
#include "detector/kernel/dataplane.hpp"
#include "detector/kernel/netlink.hpp"
#include "detector/kernel/rtnl.hpp"
#include "detector/kernel/tc_hook.hpp"
#include "detector/kernel/xdp_redirect.hpp"

namespace sidestep {

/// An interface by which packets enter, and what we attached there.
struct Entrance {
    std::string name;
    int ifindex = 0;  ///< 0: gone
    bool xdp_asked = false;
    bool xdp = false;
    std::optional<TcHook> tc{};
    std::string because{};  ///< why XDP alone is not enough, if XDP is configured
    std::string refusal{};  ///< error of the XDP attachment; valid until the interface changes
    std::string problem{};  ///< why nothing, or not all, is attached
    bool tidy = false;      ///< a predecessor's attachments have been removed
};

/// An interface that packets leave by, and what we attached there: the program of bypasses at tc egress.
struct Exit {
    std::string name;
    int ifindex = 0;  ///< 0: gone
    std::optional<TcHook> tc{};
    std::string problem{};
};

/// What decides, in addition to the interfaces, whether XDP can do everything.
struct XdpDemands {
    std::uint32_t overhead = 0;  ///< encapsulation overhead of the longest list
    bool hashes_more = false;    ///< the kernel may use a hash that is already on the packet
    bool tc_too = false;         ///< needs_tc()
};

/// Detaches whatever a process of ours attached to an interface; what the policy device has at egress goes with it.
void detach_ours(const LinkChange& link);

class Attachments {
  public:
    Attachments(Dataplane& dataplane, TcKind kind) : dataplane_(dataplane), kind_(kind) {}

    /// An interface appeared, changed or is gone. An interface that was deleted and created again gets our program
    /// again.
    void on_link(const LinkChange& change);
    /// Attaches to the entrances of `wanted`, and detaches from others: those of the last call, or a predecessor's. An
    /// interface that does not exist gets its program when it appears. What cannot be attached is a problem, and is tried
    /// again by review().
    void apply(const Desired& wanted, const XdpDemands& demands);
    /// Chooses again between XDP and tc, because drivers change what they can do, and new lists may be longer.
    void review(const XdpDemands& demands);
    void detach();

    /// How our programs are now, since others may detach them, or attach theirs before them.
    [[nodiscard]] std::vector<Finding> look();
    /// Attaches again what look() found. False: the thing is not one of these.
    std::optional<Result<void>> mend(const std::string& thing);
    /// What could not be attached, by interface.
    [[nodiscard]] ProblemTexts problems() const;

    [[nodiscard]] const std::vector<Entrance>& entrances() const { return entrances_; }

  private:
    static Entrance entrance_of(const std::string& name, int ifindex, bool xdp_asked);
    void leave(const Entrance& entrance) const;
    void forget(int ifindex, const std::string& name);
    void forget_xdp_interface(int ifindex);
    bool follow(Entrance& entrance, const LinkChange& before, const LinkChange& now);
    void place_all();
    Result<void> place(Entrance& entrance, const std::string& not_alone);
    /// The one for its kind of interface.
    [[nodiscard]] Result<int> program_for(const Entrance& entrance) const;
    void enter_xdp();
    void ask_redirect_targets();
    void write_xdp_interface(const std::string& name);
    void leave_xdp(const Entrance& entrance) const;
    void set_exits(const std::set<std::string>& wanted);
    void follow_exit(const std::string& name, int ifindex);
    void place_exits();
    void detach_leftovers() const;
    /// Empty if the interface can have an XDP program.
    [[nodiscard]] std::string why_not_at(const Entrance& entrance) const;
    /// Empty if XDP does everything that tc would do, on all interfaces where it is attached.
    [[nodiscard]] std::string why_not_alone() const;
    [[nodiscard]] bool redirect_target(int ifindex) const;
    [[nodiscard]] const LinkChange& interface(const std::string& name) const;

    Dataplane& dataplane_;
    TcKind kind_;
    std::set<std::string> xdp_;        ///< interfaces where XDP is configured
    std::set<std::string> neighbors_;  ///< interfaces of adjacencies
    std::vector<Exit> exits_;          ///< those of adjacencies with a bypass
    bool xdp_on_virtual_ = false;
    bool applied_ = false;
    std::optional<Rtnl> rtnl_;  ///< for look()
    XdpDemands demands_;
    std::map<std::string, LinkChange> interfaces_;  ///< as last reported; index 0: gone
    std::map<int, std::string> names_;
    std::vector<Entrance> entrances_;
    std::optional<XdpRedirectTargets> xdp_redirect_targets_;
    std::string no_redirect_;                         ///< why the kernel does not report redirect targets
    std::set<int> redirect_targets_;                  ///< interfaces that are XDP redirect targets
    std::map<int, ss_xdp_interface> xdp_interfaces_;  ///< as last written
};

}  // namespace sidestep
