// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/app/attachments.hpp"

#include <algorithm>
#include <set>

#include <spdlog/spdlog.h>

#include "detector/io/clock.hpp"

namespace sidestep {

void Attachments::on_link(const LinkChange& change) {
    interfaces_[change.name] = change.gone ? 0 : change.ifindex;
    const auto ours = std::ranges::find(hooks_, change.name, &TcHook::interface);
    if (change.gone || ours == hooks_.end() || ours->ifindex() == change.ifindex) return;
    auto hook = TcHook::attach(change.name, change.ifindex, dataplane_.ingress_program(), kind_);
    if (!hook) return spdlog::error("{}", hook.error().message);
    *ours = std::move(*hook);
}

Result<void> Attachments::attach(const std::vector<Session>& sessions) {
    std::set<std::string> names(config_.ingress.begin(), config_.ingress.end());
    for (const auto& session : sessions) names.insert(session.config.returns_on);
    for (const auto& name : names) {
        const auto found = interfaces_.find(name);
        if (found == interfaces_.end() || found->second == 0) return fail("no interface " + name);
        auto hook = TcHook::attach(name, found->second, dataplane_.ingress_program(), kind_, dataplane_.adopted());
        if (!hook) return std::unexpected(hook.error());
        hooks_.push_back(std::move(*hook));
    }
    if (!dataplane_.adopted()) return {};
    for (const auto& [name, ifindex] : interfaces_) {
        if (names.contains(name) || name.starts_with(kClockPrefix)) continue;
        if (const auto leftover = TcHook::find(name, ifindex)) leftover->detach();
    }
    return {};
}

void Attachments::detach() {
    for (const auto& hook : hooks_) hook.detach();
    hooks_.clear();
}

}  // namespace sidestep
