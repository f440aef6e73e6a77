// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The program at tc egress of the interfaces of adjacencies with a bypass.
#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

#include "detector/app/attachments.hpp"

namespace sidestep {

void Attachments::set_exits(const std::set<std::string>& wanted) {
    std::erase_if(exits_, [&](const Exit& exit) {
        if (wanted.contains(exit.name)) return false;
        if (exit.tc) exit.tc->detach();
        return true;
    });
    for (const auto& name : wanted) {
        if (std::ranges::find(exits_, name, &Exit::name) != exits_.end()) continue;
        exits_.push_back({.name = name, .ifindex = interface(name).ifindex});
    }
}

/// Called for each change of an interface; a new one, or one under a new name, has nothing of ours.
void Attachments::follow_exit(const std::string& name, int ifindex) {
    const auto exit = std::ranges::find(exits_, name, &Exit::name);
    if (exit == exits_.end() || exit->ifindex == ifindex) return;
    if (exit->tc && exit->ifindex != 0 && ifindex == 0) exit->tc->detach();  // renamed
    *exit = {.name = name, .ifindex = ifindex};
    place_exits();
}

void Attachments::place_exits() {
    for (auto& exit : exits_) {
        if (exit.ifindex == 0 || exit.tc || !interface(exit.name).ethernet) continue;
        auto hook = TcHook::attach(exit.name, exit.ifindex, dataplane_.egress_program(), kind_, TcSide::egress);
        exit.problem = hook ? "" : hook.error().message;
        if (hook) exit.tc = std::move(*hook);
    }
}

}  // namespace sidestep
