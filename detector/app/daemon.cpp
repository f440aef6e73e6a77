// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Runs the loop: one thread with Boost.Asio. Ring buffer, rtnetlink, timers, signals and the API all feed the engine.
// How it starts is in daemon_start.cpp, how it ends in daemon_end.cpp.
#include "detector/app/daemon.hpp"

#include <algorithm>
#include <bit>
#include <csignal>
#include <utility>

#include <spdlog/spdlog.h>

#include "bpf/lib/portable.h"
#include "common/heap.hpp"
#include "common/watch_descriptor.hpp"
#include "detector/app/daemon_loop.hpp"
#include "detector/kernel/hash_policy.hpp"
#include "detector/kernel/short_slice.hpp"
#include "detector/kernel/wall_clock.hpp"
#include "detector/record/event_json.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using nlohmann::json;

constexpr Nanoseconds kReconcileEvery = 100ms;
constexpr Nanoseconds kReviewEvery = 1s;

}  // namespace

Result<std::optional<Config>> Daemon::run() {
    endings_.async_wait([this](const auto& error, int number) {
        if (error) return;
        leave_running_ = number == SIGUSR1;
        const auto* what = leave_running_ ? "leaving everything in place" : "cleaning up";
        spdlog::info("signal {}: {}", number, what);
        service_.stopping(what);
        context_.stop();
    });
    wait_for_hangup();
    give_back_free_memory();  // a large configuration takes several times its size to be read
    if (auto following = follow_kernel(); !following) {
        give_up();
        return std::unexpected(following.error());
    }
    arm_reconcile();
    arm_timer();
    arm_leases();
    follow_bfd();
    context_.run();
    if (bfd_) bfd_->leave(leave_running_ && !successor_, kernel_now());
    bfd_.reset();
    feed_.reset();
    if (!leave_running_) clean_up();
    if (failure_) return std::unexpected(*failure_);
    return std::move(successor_);
}

Result<void> Daemon::follow_kernel() {
    if (auto given = watch_descriptor(ring_, dataplane_->events_fd()); !given) return given;
    wait_for_events();
    return kernel_->follow([this] {
        arm_timer();
        install_overdue();
    });
}

void Daemon::on_event(const LoggedEvent& event) {
    const auto told = bfd_ ? bfd_->on_session(event.session, kernel_now()) : std::vector<json>();  // before all else
    if (recorder_) recorder_->note(event);
    const auto entry = to_json(event);
    history_.note(entry);
    event_file_->append(entry);
    if (server_->followed()) server_->broadcast(entry);
    hooks_.on_event(entry);
    saver_->note_change();
    if (feed_) feed_->on_session(event.session, event.state == SessionState::up);
    for (const auto& one : told) log_bfd(one);
}

void Daemon::wait_for_events() {
    ring_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const auto& error) {
        if (error) return;
        dataplane_->consume_events(
            {.verdict = [this](const ss_event& event) { engine_->on_kernel_event(event, kernel_now()); },
             .icmp_error = [this](const ss_icmp_error_event& event) { engine_->on_icmp_error(event, kernel_now()); }});
        arm_timer();
        install_overdue();
        wait_for_events();
    });
}

void Daemon::arm_timer() {
    const auto next = engine_->next_timer();
    if (!next) return;
    timer_.expires_at(at_kernel_time(*next));
    timer_.async_wait([this](const auto& error) {
        if (error) return;
        engine_->run_timers(kernel_now());
        arm_timer();
    });
}

void Daemon::note_hash_policy() {
    const auto beyond = hashes_beyond_addresses();
    auto& hash_policy = dataplane_->repair().hash_policy;
    if (hash_policy == beyond) return;
    if (beyond == 0) SS_WRITE(hash_policy, beyond);
    review_attachments(xdp_demands());
    SS_WRITE(hash_policy, beyond);
}

/// For the answers of the STAMP reflector.
void Daemon::note_wall_clock(Nanoseconds now) {
    if (!engine_->present().stamp) return;
    const auto wall = look_at_wall_clock(now);
    SS_WRITE(*reinterpret_cast<ss_word*>(&dataplane_->reflectors().wall), std::bit_cast<std::uint64_t>(wall));
}

XdpDemands Daemon::xdp_demands() const {
    return {.overhead = engine_->policies().longest_overhead(),
            .hashes_more = hashes_beyond_addresses() != 0,
            .tc_too = needs_tc(engine_->present())};
}

void Daemon::review_attachments(const XdpDemands& demands) {
    if (in_force_) attachments_->review(demands);
    next_review_ = kernel_now() + kReviewEvery;
}

void Daemon::arm_reconcile() {
    reconcile_.expires_after(kReconcileEvery);
    reconcile_.async_wait([this](const auto& error) {
        if (error) return;
        const auto now = kernel_now();
        lateness_.note(std::chrono::steady_clock::now() - reconcile_.expiry());
        kernel_->note_turn(now);
        engine_->reconcile(now);
        saver_->tick();
        if (rejects_->due(now)) rejects_->report(dataplane_->counters(), now);
        if (bfd_) bfd_->tick(now);
        if (in_force_) reconcile_kernel(now);
        service_.tick(now, [this] { return service_status(); });
        arm_timer();
        arm_reconcile();
    });
}

namespace {

/// What was made does not outlive an exception, either.
Result<std::optional<Config>> run_once(Config config, const DaemonOptions& options, ServiceManager& service) {
    Daemon daemon(std::move(config), options, service);
    try {
        if (auto started = daemon.start(); !started) return std::unexpected(started.error());
        return daemon.run();
    } catch (const std::exception& error) {
        daemon.give_up();
        return fail(error.what());
    }
}

}  // namespace

Result<void> run_daemon(Config config, const DaemonOptions& options) {
    ServiceManager service(ServiceManager::environment());
    // Packets wait for what the loop does when a link fails.
    if (const auto asked = ask_for_short_slices(); !asked) spdlog::debug("{}", asked.error().message);
    std::optional<Config> next = std::move(config);
    while (next) {
        auto ended = run_once(std::move(*next), options, service);
        if (!ended) return std::unexpected(ended.error());
        next = std::move(*ended);
    }
    return {};
}

}  // namespace sidestep
