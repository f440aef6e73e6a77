// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Our program at the ingress of every interface that traffic enters by, and of those that probes come back by: at tc,
// or at XDP where that was asked for and can be. Both, where XDP cannot do all of it: what it leaves alone, tc does.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "detector/app/session_table.hpp"
#include "detector/core/config.hpp"
#include "detector/io/dataplane.hpp"
#include "detector/io/netlink.hpp"
#include "detector/io/tc_hook.hpp"
#include "detector/io/xdp_exits.hpp"

namespace sidestep {

/// An interface that packets enter by, and what of ours is there.
struct Entrance {
    std::string name;
    int ifindex = 0;  ///< 0: gone
    bool xdp_asked = false;
    bool xdp = false;
    std::optional<TcHook> tc;
    std::string because;  ///< why not XDP alone, where it was asked for
};

class Attachments {
  public:
    Attachments(const Config& config, Dataplane& dataplane, TcKind kind)
        : config_(config), dataplane_(dataplane), kind_(kind) {}

    /// An interface is there, or gone. One that was deleted and made again has lost our program and gets it anew.
    void on_link(const LinkChange& change);
    /// Attaches to all of them, and detaches from those that only a predecessor used. `added`: bytes that the longest
    /// list adds to a packet.
    Result<void> attach(const std::vector<Session>& sessions, std::uint32_t added);
    /// XDP or tc, as things are now: drivers change what they can do, and new lists may be longer.
    void review(std::uint32_t added);
    void detach();

    [[nodiscard]] const std::vector<Entrance>& entrances() const { return entrances_; }

  private:
    struct Interface {
        int ifindex = 0;  ///< 0: gone
        std::optional<MacAddress> mac;
        bool veth = false;
    };
    /// Empty if XDP does all that tc would do.
    [[nodiscard]] std::string why_not_alone() const;
    Result<void> learn_exits();
    Result<void> write_port(const std::string& name);
    /// Empty if an interface can have a program at XDP.
    [[nodiscard]] std::string why_not_at(const Entrance& entrance) const;
    Result<void> place(Entrance& entrance, const std::string& not_at_all, const std::string& not_alone);
    Result<void> place_all();
    void detach_leftovers() const;

    const Config& config_;
    Dataplane& dataplane_;
    TcKind kind_;
    std::map<std::string, Interface> interfaces_;
    std::vector<Entrance> entrances_;
    std::optional<XdpExits> xdp_exits_;
    std::set<int> exits_;           ///< take frames of XDP
    std::map<int, ss_port> ports_;  ///< as written
    std::uint32_t added_ = 0;
    std::string problem_;  ///< as logged
};

}  // namespace sidestep
