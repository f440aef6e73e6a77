// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/app/attachments.hpp"

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "bpf/lib/portable.h"
#include "detector/io/clock.hpp"
#include "detector/io/xdp_hook.hpp"

namespace sidestep {

void Attachments::on_link(const LinkChange& change) {
    auto& interface = interfaces_[change.name];
    const auto before =
        std::exchange(interface, {.ifindex = change.gone ? 0 : change.ifindex, .mac = change.mac, .veth = change.veth});
    const auto ours = std::ranges::find(entrances_, change.name, &Entrance::name);
    if (ours == entrances_.end()) return;
    if (ours->ifindex != interface.ifindex) {
        ours->ifindex = interface.ifindex;
        ours->xdp = false;
        ours->tc.reset();
    } else if (before.mac == interface.mac) {
        return;
    }
    review(added_);
}

Result<void> Attachments::attach(const std::vector<Session>& sessions, std::uint32_t added) {
    added_ = added;
    std::set<std::string> names(config_.ingress.begin(), config_.ingress.end());
    names.insert(config_.xdp.begin(), config_.xdp.end());
    for (const auto& session : sessions) names.insert(session.config.returns_on);
    for (const auto& name : names) {
        const auto ifindex = interfaces_[name].ifindex;
        if (ifindex == 0) return fail("no interface " + name);
        Entrance entrance{.name = name, .ifindex = ifindex, .tc = {}, .because = {}};
        entrance.xdp_asked = std::ranges::find(config_.xdp, name) != config_.xdp.end();
        entrances_.push_back(std::move(entrance));
    }
    if (auto placed = place_all(); !placed) return placed;
    if (dataplane_.adopted()) detach_leftovers();
    return {};
}

void Attachments::review(std::uint32_t added) {
    added_ = added;
    const auto placed = place_all();
    const auto problem = placed ? std::string() : placed.error().message;
    if (problem != std::exchange(problem_, problem) && !problem.empty()) spdlog::error("{}", problem);
}

void Attachments::detach() {
    for (const auto& entrance : entrances_) {
        if (entrance.tc) entrance.tc->detach();
        if (entrance.xdp) xdp_detach(entrance.ifindex);
    }
    entrances_.clear();
}

Result<void> Attachments::place_all() {
    std::string not_at_all;
    std::string not_alone;
    if (!config_.xdp.empty()) {
        if (auto learned = learn_exits(); !learned) not_at_all = learned.error().message;
        not_alone = why_not_alone();
    }
    Result<void> result;
    for (auto& entrance : entrances_) {
        if (entrance.ifindex == 0) continue;
        if (auto placed = place(entrance, not_at_all, not_alone); !placed) result = placed;
    }
    return result;
}

/// What comes is attached before what goes is detached: a packet may meet both, but never none.
Result<void> Attachments::place(Entrance& entrance, const std::string& not_at_all, const std::string& not_alone) {
    const bool fresh = !entrance.xdp && !entrance.tc;
    const auto had = std::make_pair(entrance.xdp, entrance.tc.has_value());
    auto obstacle = not_at_all.empty() ? why_not_at(entrance) : not_at_all;
    const bool xdp = entrance.xdp_asked && obstacle.empty();
    if (xdp && !entrance.xdp) {
        if (auto attached = xdp_attach(entrance.ifindex, dataplane_.xdp_program()); attached) {
            entrance.xdp = true;
        } else {
            obstacle = fmt::format("{}: {}", entrance.name, attached.error().message);
        }
    }
    const bool tc = !entrance.xdp || !obstacle.empty() || !not_alone.empty();
    if (tc && !entrance.tc) {
        auto hook =
            TcHook::attach(entrance.name, entrance.ifindex, dataplane_.ingress_program(), kind_, dataplane_.adopted());
        if (!hook) return std::unexpected(hook.error());
        entrance.tc = std::move(*hook);
    }
    if (!tc && (entrance.tc || fresh)) {
        if (const auto hook = TcHook::find(entrance.name, entrance.ifindex)) hook->detach();
        entrance.tc.reset();
    }
    if (!xdp && (entrance.xdp || fresh)) {
        xdp_detach(entrance.ifindex);
        entrance.xdp = false;
    }
    if (!entrance.xdp_asked) return {};
    entrance.because = obstacle.empty() ? not_alone : obstacle;
    if (had != std::make_pair(entrance.xdp, entrance.tc.has_value())) {
        spdlog::info("{}: attached by {}{}{}", entrance.name, entrance.xdp ? "XDP" : "tc",
                     entrance.xdp && tc ? " and tc" : "", tc ? ", because " + entrance.because : "");
    }
    return {};
}

std::string Attachments::why_not_at(const Entrance& entrance) const {
    if (!entrance.xdp_asked) return "";
    const auto found = interfaces_.find(entrance.name);
    if (found != interfaces_.end() && found->second.veth && !config_.xdp_on_veth)
        return entrance.name + " is a veth device, whose packets may have no checksums yet (see xdp-on-veth)";
    if (!exits_.contains(entrance.ifindex)) return entrance.name + " does not take frames of XDP";
    return "";
}

std::string Attachments::why_not_alone() const {
    if (SS_READ(dataplane_.gate().rehash) != 0) return "fib_multipath_hash_policy is not 0";
    for (const auto& adjacency : config_.adjacencies) {
        const auto found = interfaces_.find(adjacency.interface);
        if (found == interfaces_.end() || found->second.ifindex == 0) continue;
        if (!exits_.contains(found->second.ifindex)) return adjacency.interface + " does not take frames of XDP";
    }
    if (added_ > SS_FRAME_ROOM)
        return fmt::format("drivers leave room for {} bytes, and a list adds {}", SS_FRAME_ROOM, added_);
    return "";
}

Result<void> Attachments::learn_exits() {
    if (!xdp_exits_) {
        auto opened = XdpExits::open();
        if (!opened) return std::unexpected(opened.error());
        xdp_exits_ = std::move(*opened);
    }
    auto exits = xdp_exits_->ask();
    if (!exits) return std::unexpected(exits.error());
    exits_ = std::move(*exits);
    std::set<std::string> names(config_.xdp.begin(), config_.xdp.end());
    for (const auto& adjacency : config_.adjacencies) names.insert(adjacency.interface);
    for (const auto& name : names) {
        if (auto written = write_port(name); !written) return written;
    }
    return {};
}

Result<void> Attachments::write_port(const std::string& name) {
    const auto& [ifindex, mac, veth] = interfaces_[name];
    if (ifindex == 0 || !mac) return {};
    ss_port port{.mac = {}, .takes_frames = exits_.contains(ifindex) ? std::uint8_t{1} : std::uint8_t{0}, .pad = 0};
    std::ranges::copy(*mac, port.mac);
    auto [written, fresh] = ports_.try_emplace(ifindex);
    if (!fresh && std::memcmp(&written->second, &port, sizeof port) == 0) return {};
    written->second = port;
    return dataplane_.set_port(ifindex, port);
}

void Attachments::detach_leftovers() const {
    for (const auto& [name, interface] : interfaces_) {
        if (interface.ifindex == 0 || name.starts_with(kClockPrefix)) continue;
        if (std::ranges::find(entrances_, name, &Entrance::name) != entrances_.end()) continue;
        if (const auto leftover = TcHook::find(name, interface.ifindex)) leftover->detach();
        xdp_detach(interface.ifindex);
    }
}

}  // namespace sidestep
