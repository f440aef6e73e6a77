// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Keeps what was put into the kernel as it is wanted: looks when something is told of it, and every few seconds. What is
// decided is in detector/core/upkeep.hpp.
#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include <spdlog/spdlog.h>

#include "common/neighbor_table.hpp"
#include "detector/app/daemon_loop.hpp"
#include "detector/app/stray_copies.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds kLookEvery = 2s;
constexpr Nanoseconds kRouteLookEvery = 60s;  // the kernel walks all tables
constexpr Nanoseconds kShadowLookEvery = 10s;
constexpr Nanoseconds kInstallPause = 1s;  // while something cannot be installed; doubled each time
constexpr Nanoseconds kLongestInstallPause = 60s;
constexpr auto kConfiguration = "configuration";
constexpr auto kRouting = "routing";
constexpr auto kEvents = "the kept events";
constexpr auto kState = "the saved state";
// Whoever met them has logged them.
constexpr std::array<std::string_view, 4> kLoggedWhereMet{kConfiguration, kRouting, kEvents, kState};

}  // namespace

void Daemon::reconcile_kernel(Nanoseconds now) {
    clock_->watch(now);
    ipsec_->look(*engine_, engine_->present().ipsec, now);
    if (!engine_->policies().all().empty()) netfilter_.look(engine_->present().netfilter, now);
    note_hash_policy();
    note_wall_clock(now);
    if (now >= next_review_) review_attachments(xdp_demands());
    const bool links = kernel_->links_changed();
    const auto heard = object_watch_ ? object_watch_->heard() : ObjectWatch::Heard{};
    if (links || heard.tc || now >= next_look_) look_after(now);  // first: routes need the device
    if (links) {
        install_pause_ = kInstallPause;
        install();
    } else if (installation_->overdue(engine_->policies())) {  // a candidate has been proven
        install();
    } else if (!installation_->problems().empty() && now >= next_install_) {
        install_pause_ = std::min<Nanoseconds>(2 * install_pause_, kLongestInstallPause);
        install();
    }
    if (heard.routes || !routes_seen_.fault.empty() || now >= next_route_look_) look_after_routes(now);
    if (now >= next_shadow_look_) look_for_shadows(now);
    note_problems(now);
}

void Daemon::install() {
    const bool complete = !config_.routing || routed_;
    installation_->apply(engine_->policies(), engine_->sids().all(), complete);
    next_install_ = kernel_now() + install_pause_;
    next_shadow_look_ = {};  // what is installed is not yet used
}

void Daemon::install_overdue() {
    if (in_force_ && installation_->overdue(engine_->policies())) install();
}

void Daemon::look_for_shadows(Nanoseconds now) {
    next_shadow_look_ = now + kShadowLookEvery;
    auto found = installation_->look_for_shadows(engine_->policies(), engine_->sids().all());
    if (!found.empty() && found != shadowed_) next_route_look_ = now;  // maybe one is gone, not shadowed
    shadowed_ = std::move(found);
}

void Daemon::look_after(Nanoseconds now) {
    next_look_ = now + kLookEvery;
    auto found = attachments_->look();
    for (auto& finding : installation_->look()) found.push_back(std::move(finding));
    for (const auto& thing : upkeep_.plan(found, now)) upkeep_.note(thing, mend(thing));
    neighbor_table_ = overflow(look_at_neighbor_table(), engine_->present().adjacencies.size());
}

void Daemon::look_after_routes(Nanoseconds now) {
    next_route_look_ = now + kRouteLookEvery;
    routes_seen_ = installation_->look_at_routes(engine_->policies(), engine_->sids().all());
    for (const auto& thing : route_upkeep_.plan({routes_seen_}, now)) {
        install();
        const auto& problems = installation_->problems();
        const auto failed = problems.find(thing);
        route_upkeep_.note(thing, failed == problems.end() ? std::nullopt : std::optional(failed->second));
    }
}

/// Why it could not be done; nullopt: it was.
std::optional<std::string> Daemon::mend(const std::string& thing) {
    auto mended = attachments_->mend(thing);
    if (!mended) mended = installation_->mend(thing);
    if (mended && !*mended) return mended->error().message;
    return std::nullopt;
}

void Daemon::note_problems(Nanoseconds now) {
    auto present = attachments_->problems();
    present.merge(upkeep_.problems());
    present.merge(route_upkeep_.problems());
    present.merge(ProblemTexts(installation_->problems()));
    present.merge(ProblemTexts(shadowed_));
    present.merge(clock_->problems());
    present.merge(ipsec_->problems(*engine_));
    if (!engine_->policies().all().empty()) present.merge(netfilter_.problems());
    if (bfd_) present.merge(bfd_->problems());
    present.merge(stray_problems(dataplane_->strays, engine_->present().sids, now));
    if (!neighbor_table_.empty()) present.emplace("the neighbor table", neighbor_table_);
    if (recorder_ && !recorder_->trouble().empty()) present.emplace("the recording", recorder_->trouble());
    if (!refused_reload_.empty()) present.emplace(kConfiguration, "the last reload was refused: " + refused_reload_);
    if (feed_) {
        if (auto problem = feed_->problem(); !problem.empty()) present.emplace(kRouting, std::move(problem));
    }
    const auto not_kept = [&](const char* about, const std::string& trouble) {
        if (!trouble.empty()) present.emplace(about, "the next process will not have them: " + trouble);
    };
    if (event_file_) not_kept(kEvents, event_file_->trouble());
    if (saver_) not_kept(kState, saver_->trouble());
    for (const auto& [about, text] : problems_.update(present, now)) {
        if (std::ranges::find(kLoggedWhereMet, about) != kLoggedWhereMet.end()) continue;
        if (text.empty()) {
            spdlog::info("{}: no problem any more", about);
        } else {
            spdlog::warn("{}: {}", about, text);
        }
    }
}

}  // namespace sidestep
