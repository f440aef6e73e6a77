// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Follows what the kernel says of links: an interface that appears late, changes, is renamed or goes.
#include <algorithm>
#include <utility>

#include "detector/app/attachments.hpp"
#include "detector/kernel/own_program.hpp"

namespace sidestep {

void Attachments::on_link(const LinkChange& change) {
    const auto known = names_.find(change.ifindex);
    const bool renamed = known != names_.end() && known->second != change.name;
    if (renamed) forget(change.ifindex, known->second);
    if (change.gone) {
        names_.erase(change.ifindex);
    } else {
        names_[change.ifindex] = change.name;
    }
    auto now = change;
    if (change.gone) now.ifindex = 0;
    const auto before = std::exchange(interfaces_[change.name], now);
    if (before.ifindex != now.ifindex) forget_xdp_interface(before.ifindex);
    follow_exit(change.name, now.ifindex);
    const auto ours = std::ranges::find(entrances_, change.name, &Entrance::name);
    const bool changed = ours != entrances_.end() && follow(*ours, before, now);
    if (changed || (renamed && !entrances_.empty())) review(demands_);
}

/// Handles a renamed interface: under its old name it is gone, and has nothing of ours.
void Attachments::forget(int ifindex, const std::string& name) {
    interfaces_[name].ifindex = 0;
    follow_exit(name, 0);
    forget_xdp_interface(ifindex);
    const auto ours = std::ranges::find(entrances_, name, &Entrance::name);
    if (ours == entrances_.end() || ours->ifindex != ifindex) return;
    leave(*ours);
    *ours = entrance_of(name, 0, ours->xdp_asked);
}

void Attachments::forget_xdp_interface(int ifindex) {
    if (xdp_interfaces_.erase(ifindex) != 0) dataplane_.remove_xdp_interface(ifindex);
}

/// Returns true if another program may have to be attached.
bool Attachments::follow(Entrance& entrance, const LinkChange& before, const LinkChange& now) {
    entrance.refusal.clear();
    if (entrance.ifindex != now.ifindex) {
        entrance = entrance_of(now.name, now.ifindex, entrance.xdp_asked);
        return true;
    }
    if (entrance.xdp && now.xdp_program != program_id(dataplane_.xdp_program())) {
        entrance.xdp = false;  // somebody else detached it
        return true;
    }
    return entrance.xdp_asked && before.mac != now.mac;
}

}  // namespace sidestep
