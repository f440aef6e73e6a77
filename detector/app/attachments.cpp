// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/app/attachments.hpp"

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "detector/clock/clock.hpp"
#include "detector/kernel/own_program.hpp"
#include "detector/kernel/policy_device.hpp"
#include "detector/kernel/splitter.hpp"
#include "detector/kernel/xdp_hook.hpp"

namespace sidestep {

void detach_ours(const LinkChange& link) {
    const auto egress = TcHook::find(link.name, link.ifindex, TcSide::egress);
    if (egress && !PolicyDevice::find(link.name)) egress->detach();
    if (const auto hook = TcHook::find(link.name, link.ifindex)) hook->detach();
    if (const auto program = own_program(link.xdp_program)) xdp_detach(link.ifindex, program.get());
}

// --- start and end

void Attachments::apply(const Desired& wanted, const XdpDemands& demands) {
    demands_ = demands;
    xdp_on_virtual_ = wanted.xdp_on_virtual;
    xdp_.clear();
    neighbors_.clear();
    for (const auto& adjacency : wanted.adjacencies) neighbors_.insert(adjacency.interface);
    std::erase_if(entrances_, [&](const Entrance& entrance) {
        if (wanted.entrances.contains(entrance.name)) return false;
        leave(entrance);
        return true;
    });
    for (const auto& [name, xdp_asked] : wanted.entrances) {
        if (xdp_asked) xdp_.insert(name);
        const auto known = std::ranges::find(entrances_, name, &Entrance::name);
        if (known != entrances_.end()) {
            if (std::exchange(known->xdp_asked, xdp_asked) != xdp_asked) known->refusal.clear();
            continue;
        }
        entrances_.push_back(entrance_of(name, interface(name).ifindex, xdp_asked));
    }
    set_exits(wanted.exits);
    place_all();
    if (!std::exchange(applied_, true) && dataplane_.adopted()) detach_leftovers();
}

/// An entrance with nothing attached yet.
Entrance Attachments::entrance_of(const std::string& name, int ifindex, bool xdp_asked) {
    return {.name = name, .ifindex = ifindex, .xdp_asked = xdp_asked};
}

void Attachments::leave(const Entrance& entrance) const {
    if (entrance.tc) entrance.tc->detach();
    leave_xdp(entrance);
}

void Attachments::detach_leftovers() const {
    for (const auto& [name, interface] : interfaces_) {
        if (interface.ifindex == 0 || name.starts_with(kClockPrefix) || name.starts_with(kSplitPrefix)) continue;
        const bool entrance = std::ranges::find(entrances_, name, &Entrance::name) != entrances_.end();
        const bool exit = std::ranges::find(exits_, name, &Exit::name) != exits_.end();
        if (!entrance && !exit) detach_ours(interface);
        if (!entrance || exit || PolicyDevice::find(name)) continue;
        if (const auto hook = TcHook::find(name, interface.ifindex, TcSide::egress)) hook->detach();
    }
}

/// Egress first: who made the clsact qdisc at ingress removes it when nothing else is there.
void Attachments::detach() {
    set_exits({});
    for (const auto& entrance : entrances_) leave(entrance);
    entrances_.clear();
}

void Attachments::leave_xdp(const Entrance& entrance) const {
    if (entrance.xdp) xdp_detach(entrance.ifindex, dataplane_.xdp_program());
}

// --- where to attach

void Attachments::review(const XdpDemands& demands) {
    demands_ = demands;
    place_all();
}

void Attachments::place_all() {
    std::string not_alone;
    if (!xdp_.empty()) {
        enter_xdp();
        not_alone = why_not_alone();
    }
    for (auto& entrance : entrances_) {
        const auto placed = place(entrance, not_alone);
        entrance.problem = placed ? "" : placed.error().message;
    }
    place_exits();
}

/// Attaches at XDP wherever that is possible. Many drivers are redirect targets only once a program is attached.
void Attachments::enter_xdp() {
    ask_redirect_targets();
    bool fresh = false;
    for (auto& entrance : entrances_) {
        if (!entrance.xdp_asked || entrance.xdp || entrance.ifindex == 0) continue;
        if (!why_not_at(entrance).empty()) continue;
        const auto present = interface(entrance.name).xdp_program;
        if (auto attached = xdp_attach(entrance.ifindex, dataplane_.xdp_program(), present); attached) {
            entrance.xdp = fresh = true;
        } else {
            entrance.refusal = fmt::format("{}: {}", entrance.name, attached.error().message);
        }
    }
    if (fresh) ask_redirect_targets();
}

Result<int> Attachments::program_for(const Entrance& entrance) const {
    if (interface(entrance.name).ethernet) return dataplane_.ingress_program();
    return dataplane_.bare_ingress_program();
}

/// Attaches the new program before it detaches the old one: a packet may meet both, but never none.
Result<void> Attachments::place(Entrance& entrance, const std::string& not_alone) {
    const auto had = std::make_pair(entrance.xdp, entrance.tc.has_value());
    if (entrance.ifindex == 0) {
        entrance.because = "the interface is gone";
        return {};
    }
    const auto obstacle = entrance.xdp_asked ? why_not_at(entrance) : std::string();
    const bool stays = entrance.xdp_asked && entrance.xdp && obstacle.empty();
    entrance.because = obstacle.empty() ? not_alone : obstacle;
    if (stays && !redirect_target(entrance.ifindex))
        entrance.because = entrance.name + " is not an XDP redirect target";
    if (stays && xdp_interfaces_.at(entrance.ifindex).no_headroom != 0)
        entrance.because = entrance.name + " has too little headroom for a list";
    const bool needs_tc = !stays || !entrance.because.empty();
    if (needs_tc && !entrance.tc) {
        const auto program = program_for(entrance);
        if (!program) return std::unexpected(program.error());
        auto hook = TcHook::attach(entrance.name, entrance.ifindex, *program, kind_);
        if (!hook) return std::unexpected(hook.error());
        entrance.tc = std::move(*hook);
    }
    if (!needs_tc && entrance.tc) {
        entrance.tc->detach();
        entrance.tc.reset();
    }
    if (!stays) {
        leave_xdp(entrance);
        entrance.xdp = false;
    }
    if (!std::exchange(entrance.tidy, true)) {
        if (!entrance.tc) {
            if (const auto leftover = TcHook::find(entrance.name, entrance.ifindex)) leftover->detach();
        }
        if (!entrance.xdp) {
            if (const auto leftover = own_program(interface(entrance.name).xdp_program))
                xdp_detach(entrance.ifindex, leftover.get());
        }
    }
    if (entrance.xdp_asked && had != std::make_pair(entrance.xdp, entrance.tc.has_value())) {
        spdlog::info("{}: attached at {}{}{}", entrance.name, stays ? "XDP" : "tc", stays && needs_tc ? " and tc" : "",
                     needs_tc ? ", because " + entrance.because : "");
    }
    return {};
}

std::string Attachments::why_not_at(const Entrance& entrance) const {
    const auto& self = interface(entrance.name);
    if (!no_redirect_.empty()) return no_redirect_;
    if (!self.ethernet) return entrance.name + " has no Ethernet: XDP can send none of its packets to links that have";
    if (self.kind == "bond") return entrance.name + " is a bond: its XDP program would see the lower interfaces";
    if ((self.kind == "veth" || self.kind == "tun") && !xdp_on_virtual_)
        return entrance.name + " is virtual: its packets may lack checksums (see xdp-on-virtual)";
    for (const auto& [name, other] : interfaces_) {
        if (other.ifindex != 0 && other.kind == "vlan" && other.parent == entrance.ifindex)
            return fmt::format("{} carries VLAN {}: at XDP, its tags may be missing", entrance.name, name);
    }
    if (!xdp_interfaces_.contains(entrance.ifindex)) return entrance.name + " has no MAC address";
    return entrance.refusal;
}

std::string Attachments::why_not_alone() const {
    if (demands_.hashes_more) return "fib_multipath_hash_policy is not 0";
    if (demands_.tc_too) return "some copies of hitless policies, and counts of observed ones, are made at tc";
    for (const auto& name : neighbors_) {
        const auto ifindex = interface(name).ifindex;
        if (ifindex != 0 && !redirect_target(ifindex)) return name + " is not an XDP redirect target";
    }
    if (demands_.overhead > SS_XDP_HEADROOM)
        return fmt::format("drivers leave {} bytes of headroom; a list needs {}", SS_XDP_HEADROOM, demands_.overhead);
    return "";
}

// --- what the data plane must know of interfaces

/// If the kernel does not answer, its previous answer stays valid.
void Attachments::ask_redirect_targets() {
    if (!xdp_redirect_targets_) {
        auto opened = XdpRedirectTargets::open();
        no_redirect_ = opened ? std::string() : opened.error().message;
        if (!opened) return;
        xdp_redirect_targets_ = std::move(*opened);
    }
    if (auto exits = xdp_redirect_targets_->ask()) redirect_targets_ = std::move(*exits);
    for (const auto& entrance : entrances_) {  // what loses its program may be a target no more
        if (entrance.xdp && !entrance.xdp_asked) redirect_targets_.erase(entrance.ifindex);
    }
    for (const auto& name : xdp_) write_xdp_interface(name);
    for (const auto& name : neighbors_) write_xdp_interface(name);
}

void Attachments::write_xdp_interface(const std::string& name) {
    const auto& self = interface(name);
    if (self.ifindex == 0 || !self.mac) return;
    ss_xdp_interface port{.mac = {}, .redirect_target = 0, .no_headroom = 0};
    std::ranges::copy(*self.mac, port.mac);
    port.redirect_target = redirect_targets_.contains(self.ifindex) ? 1 : 0;
    port.no_headroom = dataplane_.has_no_headroom(self.ifindex) ? 1 : 0;
    const auto written = xdp_interfaces_.find(self.ifindex);
    if (written != xdp_interfaces_.end() && std::memcmp(&written->second, &port, sizeof port) == 0) return;
    if (auto set = dataplane_.set_xdp_interface(self.ifindex, port); set) {
        xdp_interfaces_[self.ifindex] = port;
    } else {
        xdp_interfaces_.erase(self.ifindex);
        spdlog::error("{}", set.error().message);
    }
}

bool Attachments::redirect_target(int ifindex) const {
    const auto port = xdp_interfaces_.find(ifindex);
    return port != xdp_interfaces_.end() && port->second.redirect_target != 0;
}

const LinkChange& Attachments::interface(const std::string& name) const {
    static const LinkChange kNone{};
    const auto found = interfaces_.find(name);
    return found == interfaces_.end() ? kNone : found->second;
}

}  // namespace sidestep
