// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/app/netfilter_notice.hpp"

#include <chrono>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "detector/kernel/netfilter_chains.hpp"

namespace sidestep {
namespace {

constexpr Nanoseconds kNetfilterLookEvery = std::chrono::seconds(10);

}  // namespace

void NetfilterNotice::look(Netfilter setting, Nanoseconds now) {
    if (setting_ == setting && now < next_) return;
    next_ = now + kNetfilterLookEvery;
    setting_ = setting;
    chains_ = setting == Netfilter::warn ? forward_chains() : std::vector<std::string>();
}

ProblemTexts NetfilterNotice::problems() const {
    if (chains_.empty()) return {};
    return {
        {"netfilter",
         fmt::format("packets that are repaired at ingress do not pass its chains for forwarded packets ({}): filter "
                     "at the edge of the network; `netfilter: ignore` if that is done",
                     fmt::join(chains_, ", "))}};
}

}  // namespace sidestep
