// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/app/ipsec_guard.hpp"

#include <chrono>
#include <utility>

namespace sidestep {
namespace {

constexpr Nanoseconds kIpsecLookEvery = std::chrono::seconds(10);  // default actions change silently on some kernels

}  // namespace

void IpsecGuard::look(Engine& engine, Ipsec setting, Nanoseconds now) {
    if (!watch_) return;
    const bool heard = watch_->heard();
    if (!heard && setting_ == setting && now < next_) return;
    next_ = now + kIpsecLookEvery;
    setting_ = setting;
    failure_.clear();
    if (setting == Ipsec::ignore) {
        plan_ = {};
    } else if (auto policies = IpsecWatch::read(); policies) {
        plan_ = plan_ipsec(*policies);
    } else {
        failure_ = "cannot be read, so packets may be repaired in the clear: " + policies.error().message;
        return;  // what is known stays guarded
    }
    engine.guard(plan_.destinations);
}

ProblemTexts IpsecGuard::problems(const Engine& engine) const {
    const auto& policies = engine.policies();
    if (policies.all().empty()) return {};  // nothing is repaired
    auto text = failure_.empty() ? ipsec_problem(plan_, policies.unguarded()) : failure_;
    if (text.empty()) return {};
    return {{"IPsec policies", std::move(text)}};
}

}  // namespace sidestep
