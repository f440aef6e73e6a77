// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Moves the daemon from one desired state to the next while it runs: a new computed set, a reload, or a file that needs
// larger maps.
#include <algorithm>
#include <set>
#include <utility>

#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "common/counted.hpp"
#include "common/file.hpp"
#include "detector/app/answers.hpp"
#include "detector/app/daemon_loop.hpp"
#include "detector/core/encap_overhead.hpp"
#include "detector/maps/map_sizes.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using nlohmann::json;

/// Encapsulation overhead of the longest list of these policies.
std::uint32_t overhead_of(const Desired& desired) {
    std::uint32_t longest = 0;
    for (const auto& policy : desired.policies) longest = std::max(longest, overhead_at_most(policy.config.candidates));
    return longest;
}

/// The computed set depends on more than the `routing` section: see to_policy_set().
bool same_for_routing(const Config& a, const Config& b) {
    return a.routing == b.routing && a.adjacencies == b.adjacencies && a.policies == b.policies && a.sids == b.sids &&
           a.domain == b.domain && a.source == b.source && a.device == b.device && a.node == b.node;
}

std::set<std::string> drained_sessions(const Engine& engine) {
    std::set<std::string> names;
    for (const auto& session : engine.sessions().all()) {
        if (session.fsm.state == SessionState::admin_down && !is_rehearsing(session.fsm))
            names.insert(session.config.name);
    }
    return names;
}

/// Should it come back, it comes up as if nobody had drained it.
ChangePlan with_drains(ChangePlan plan, const std::set<std::string>& drained) {
    for (auto& change : plan.sessions) {
        const bool forgotten = change.kind == ChangeKind::removed || change.starts_anew;
        const auto& name = change.before.empty() ? change.name : change.before;
        if (forgotten && drained.contains(name)) change.fields.emplace_back("was drained, which is forgotten");
    }
    return plan;
}

}  // namespace

Result<ChangePlan> Daemon::move_to(const Desired& wanted) {
    if (!wanted.policies.shares(engine_->present().policies)) {
        auto demands = xdp_demands();
        demands.overhead = std::max(demands.overhead, overhead_of(wanted));
        demands.tc_too = demands.tc_too || needs_tc(wanted);
        review_attachments(demands);  // before what XDP cannot do is in force
    }
    const auto clock_before = engine_->present().clock;
    if (in_force_ && is_hitless(wanted)) installation_->set_splitter(true);  // without it GSO packets are refused
    auto plan = engine_->apply(wanted, kernel_now());
    if (in_force_ && !plan) installation_->set_splitter(is_hitless(engine_->present()));
    if (!plan || !in_force_ || plan->empty()) return plan;
    if (!plan->entrances.empty() || !plan->only_sessions()) attachments_->apply(wanted, xdp_demands());
    if (!plan->only_sessions()) {
        if (needs_routes(wanted)) warn_of(kernel_->open_routes());
        installation_->set_splitter(is_hitless(wanted));
        installation_->set_device(wanted.device);
        install();
    }
    clock_->want(wanted.clock);
    if (wanted.clock != clock_before || clock_->tick() != Nanoseconds(dataplane_->clock_conf().tick_ns))
        warn_of(clock_->start());
    arm_timer();
    return plan;
}

void Daemon::adopt(const PolicySet& fresh) {
    auto computed = fresh;
    keep_adjacency_sids(computed, computed_);
    auto base = desired_of(config_, computed);
    if (auto moved = move_to(with_clients(base, clients_.configs())); !moved) {
        return spdlog::error("computed policies rejected, the previous ones stay: {}", moved.error().message);
    }
    base_ = std::move(base);
    computed_ = std::move(computed);
    spdlog::info("computed policies in force: {}, {}, {}", counted(computed_.policies.size(), "policy", "policies"),
                 counted(computed_.bypasses.size(), "bypass", "bypasses"), counted(computed_.sids.size(), "SID"));
    routed_ = true;
    if (in_force_) return install();
    first_set_.cancel();
    take_over_or_stop();
}

void Daemon::wait_for_hangup() {
    hangup_.async_wait([this](const auto& error, int /*number*/) {
        if (error) return;
        reload(options_.config_file, false, [](const json&) {});  // what comes of it is logged
        wait_for_hangup();
    });
}

void Daemon::reload(const std::string& file, bool dry_run, const std::function<void(const json&)>& done) {
    if (loader_.busy() || !in_force_) {
        constexpr auto kBusy = "busy: a start or another reload is going on; try again when it is done";
        if (!dry_run) spdlog::warn("configuration not reloaded: {}", kBusy);
        return done({{"error", kBusy}});
    }
    if (!dry_run) service_.reloading(kernel_now());
    loader_.load(file, [this, dry_run, done](auto config, const Complaints& complaints) {
        for (const auto& warning : complaints.warnings) spdlog::warn("{}", warning.to_string());
        done(config ? take(std::move(*config), dry_run) : refuse(complaints, dry_run));
        if (!dry_run && !successor_) service_.ready();  // a successor says so itself
    });
}

json Daemon::refuse(const Complaints& complaints, bool dry_run) {
    std::vector<std::string> reasons;
    for (const auto& complaint : complaints.list) reasons.push_back(complaint.to_string());
    if (!dry_run) note_refusal(reasons);
    return {{"error", "the configuration is invalid; the present one stays\n" + complaints.to_string()}};
}

/// The next start would fail by them, too: `status` says so until a reload succeeds.
void Daemon::note_refusal(const std::vector<std::string>& reasons) {
    for (const auto& reason : reasons) spdlog::error("configuration not reloaded, the present one stays: {}", reason);
    refused_reload_ = reasons.front();
    if (reasons.size() > 1) refused_reload_ += fmt::format(" (and {} more)", reasons.size() - 1);
}

/// The file is read once more: what was parsed is not kept.
void Daemon::note_reload() {
    if (!recorder_) return;
    if (const auto text = read_file(options_.config_file)) recorder_->reconfigure(*text, kernel_now());
}

json Daemon::take(Config config, bool dry_run) {
    if (config.node != config_.node) {
        auto reason = fmt::format("node.name: cannot change from {} to {} while running; restart instead", config_.node,
                                  config.node);
        if (!dry_run) note_refusal({reason});
        return error_answer(std::move(reason));
    }
    auto base = desired_of(config, config.routing ? computed_ : PolicySet{});
    const bool fits_maps = fits(config, sizes_);
    const auto drained = drained_sessions(*engine_);
    if (dry_run)
        return answer_plan(
            with_drains(plan_changes(engine_->present(), with_clients(base, clients_.configs())), drained), !fits_maps);
    if (!fits_maps) return restart_with(std::move(config));
    make_room_for(base);
    note_reload();
    const auto moved = move_to(with_clients(base, clients_.configs()));
    if (!moved) {
        note_refusal({moved.error().message});
        return error_answer(moved.error().message);
    }
    refused_reload_.clear();
    base_ = std::move(base);
    const bool same_feed = same_for_routing(config, config_);
    config_ = std::move(config);
    hooks_.set(config_.hooks);
    if (!same_feed) replace_feed();
    follow_bfd();
    const auto plan = with_drains(*moved, drained);
    const auto lines = describe(plan);
    spdlog::info("configuration reloaded: {}", counted(lines.size(), "change"));
    for (const auto& line : lines) spdlog::info("  {}", line);
    return answer_plan(plan, false);
}

json Daemon::restart_with(Config config) {
    spdlog::info("configuration reloaded: it needs larger maps; restarting with the running state");
    const auto plan =
        with_drains(plan_changes(engine_->present(), with_clients(desired_of(config, computed_), clients_.configs())),
                    drained_sessions(*engine_));
    successor_ = std::move(config);
    leave_running_ = true;
    asio::post(context_, [this] { context_.stop(); });
    return answer_plan(plan, true);
}

void Daemon::replace_feed() {
    if (!config_.routing) {
        computed_ = {};
        routed_ = false;
    }
    if (feed_) {
        feed_->cancel();
        old_feeds_.push_back(std::async(std::launch::async, [old = std::move(feed_)]() mutable { old.reset(); }));
    }
    std::erase_if(old_feeds_, [](const auto& old) { return old.wait_for(0s) == std::future_status::ready; });
    start_feed();
}

bool needs_routes(const Desired& desired) {
    return desired.routing || std::ranges::any_of(desired.policies, [](const DesiredPolicy& policy) {
               return !policy.bypass_of.empty() || yields_to_routes(policy);
           });
}

}  // namespace sidestep
