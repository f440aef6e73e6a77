// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Runs the loop: one thread with Boost.Asio. Ring buffer, rtnetlink, timers, signals and the API all feed the engine.
#include "detector/app/daemon.hpp"

#include <sys/random.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "bpf/lib/portable.h"
#include "detector/app/daemon_loop.hpp"
#include "detector/app/descriptor.hpp"
#include "detector/kernel/bpffs.hpp"
#include "detector/kernel/hash_policy.hpp"
#include "detector/kernel/linkdown.hpp"
#include "detector/kernel/node_lock.hpp"
#include "detector/kernel/privilege.hpp"
#include "detector/maps/map_sizes.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using nlohmann::json;

constexpr Nanoseconds kReconcileEvery = 100ms;
constexpr Nanoseconds kReviewEvery = 1s;
constexpr auto kFirstSetPatience = 3s;  // waits for routing while a predecessor's programs run on
constexpr std::size_t kReserve = 8;     // descriptors

Result<ss_secret> random_secret() {
    ss_secret secret{};
    if (getrandom(&secret, sizeof secret, 0) != sizeof secret)
        return fail_errno("cannot get random numbers for the probes' key");
    return secret;
}

}  // namespace

Result<void> Daemon::start() {
    if (auto privileged = check_privilege(); !privileged) return privileged;
    for (std::size_t i = 0; i < kReserve; ++i) reserve_.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const RunDirectory run(options_.run_directory);
    auto paths = run.of(config_.node);
    if (!paths) return std::unexpected(paths.error());
    paths_ = std::move(*paths);
    bpffs_ = run.bpffs();
    const auto self = LockHolder::self(config_.node, options_.run_directory);
    auto lock = NamespaceLock::take(self);
    if (!lock) return std::unexpected(lock.error());
    lock_ = std::move(*lock);
    std::error_code error;
    std::filesystem::create_directories(options_.run_directory, error);
    if (error) return fail(fmt::format("cannot create {}: {}", options_.run_directory, error.message()));
    if (auto locked = lock_node(self); !locked) return locked;
    auto server = ApiServer::listen(
        context_, paths_.socket,
        [this](const json& request, ConnectionId connection) -> std::optional<json> {
            if (!in_force_) return json{{"error", "sidestepd is starting: try again"}};
            return commands_.run(request, connection);
        },
        [this](ConnectionId connection) { on_client_gone(connection); });
    if (!server) {
        node_lock_->remove();
        return std::unexpected(server.error());
    }
    server_ = std::move(*server);
    auto ready = prepare();
    if (!ready) give_up();
    return ready;
}

void Daemon::give_up() {
    const bool adopted = dataplane_ && dataplane_->adopted();
    if (server_ && !adopted) clean_up();  // a predecessor's programs go on as they were
}

/// Nodes of several network namespaces may share a run directory.
Result<void> Daemon::lock_node(const LockHolder& self) {
    auto lock = LockFile::take(paths_.lock, self);
    if (!lock) return std::unexpected(lock.error());
    if (!*lock) {
        const auto other = LockFile::holder_of(paths_.lock);
        return fail(fmt::format("another sidestepd uses {} ({}): stop it first, or use another --run-dir", paths_.lock,
                                other ? other->to_string() : "it is starting"));
    }
    node_lock_ = std::move(*lock);
    return {};
}

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

Result<void> Daemon::prepare() {
    if (auto mounted = mount_bpffs(bpffs_); !mounted) return mounted;
    sizes_ = map_sizes(config_);
    auto dataplane = Dataplane::load(paths_.pins, sizes_, kind_);
    if (!dataplane) return std::unexpected(dataplane.error());
    dataplane_ = std::move(*dataplane);
    rejects_.emplace(dataplane_->counters());  // a predecessor has reported these already
    if (!dataplane_->adopted()) {
        auto secret = random_secret();
        if (!secret) return std::unexpected(secret.error());
        if (auto set = dataplane_->set_secret(*secret); !set) return set;
    }
    attachments_ = std::make_unique<Attachments>(*dataplane_, kind_);
    event_file_.emplace(paths_.events);
    earlier_ = event_file_->load();
    for (const auto& event : earlier_) history_.note(event);
    engine_ = std::make_unique<Engine>(
        *dataplane_,
        EngineHooks{.resolve = [this](int ifindex, const Address& to) { kernel_->resolve(ifindex, to); },
                    .on_event = [this](const LoggedEvent& event) { on_event(event); },
                    .linkdown_ignored = linkdown_ignored},
        load_state(paths_.state));
    saver_.emplace(paths_.state, [this] { return engine_->save(); });
    installation_ = std::make_unique<Installation>(config_.node, *dataplane_, engine_->sessions(), kind_);
    kernel_ = std::make_unique<KernelWatch>(context_, *engine_, *attachments_);
    if (auto watch = ObjectWatch::open(); watch) object_watch_ = std::move(*watch);
    hooks_.set(config_.hooks);
    clock_ = std::make_unique<ClockKeeper>(*dataplane_, config_.clock, started_);
    base_ = desired_of(config_);
    restore_clients();
    const auto wanted = with_clients(base_, clients_.configs());
    if (auto applied = engine_->apply(wanted, kernel_now()); !applied) return std::unexpected(applied.error());
    if (auto opened = kernel_->open(); !opened) return opened;
    if (needs_routes(wanted)) {
        if (auto opened = kernel_->open_routes(); !opened) return opened;
    }
    start_feed();
    if (!feed_ || !dataplane_->adopted()) return take_over();
    // A predecessor's programs and routes contain computed policies and SIDs; they are replaced only when ours have
    // them.
    first_set_.expires_after(kFirstSetPatience);
    first_set_.async_wait([this](const auto& error) {
        if (error || in_force_) return;
        spdlog::warn("no computed policies yet: policies computed by the previous process are dropped");
        take_over_or_stop();
    });
    return {};
}

void Daemon::start_feed() {
    if (!config_.routing) return;
    feed_ = std::make_unique<RoutingFeed>(context_, config_, [this](const PolicySet& set) { adopt(set); });
    feed_->start();
}

/// As while it runs, what cannot be put in place is a problem that `status` shows, and is tried again. Only without any
/// clock there is nothing to run for; a predecessor's may go on.
Result<void> Daemon::take_over() {
    const auto& wanted = engine_->present();
    attachments_->apply(wanted, xdp_demands());
    in_force_ = true;
    note_hash_policy();  // only now: a predecessor's programs ran with their own value until here
    installation_->set_device(wanted.device);
    install();
    (void)kernel_->links_changed();  // discards changes from before
    if (auto ticking = clock_->start(); !ticking && !dataplane_->adopted()) return ticking;
    dataplane_->unpin_other_layouts();
    spdlog::info("node {}: {} sessions, {} policies, clock {}{}", config_.node, engine_->sessions().all().size(),
                 config_.policies.size(), clock_->kind(), dataplane_->adopted() ? ", running state adopted" : "");
    note_problems(kernel_now());
    service_.ready();
    return {};
}

void Daemon::take_over_or_stop() {
    auto taken = take_over();
    if (taken) return;
    failure_ = taken.error();
    leave_running_ = dataplane_->adopted();
    context_.stop();
}

void Daemon::clean_up() {
    reserve_.clear();
    if (clock_) clock_->stop();
    if (installation_) installation_->remove();
    if (attachments_) attachments_->detach();
    if (dataplane_) dataplane_->unpin();
    unmount_bpffs(bpffs_);
    std::error_code ignored;
    std::filesystem::remove(paths_.state, ignored);
    std::filesystem::remove(paths_.clients, ignored);
    std::filesystem::remove(paths_.bfd, ignored);
    std::filesystem::remove(paths_.events, ignored);
    server_.reset();
    node_lock_->remove();
}

void Daemon::on_event(const LoggedEvent& event) {
    const auto told = bfd_ ? bfd_->on_session(event.session, kernel_now()) : std::vector<json>();  // before all else
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
             .too_big = [this](const ss_too_big_event& event) { engine_->on_too_big(event, kernel_now()); }});
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

XdpDemands Daemon::xdp_demands() const {
    return {.overhead = engine_->policies().longest_overhead(), .hashes_more = hashes_beyond_addresses() != 0};
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

Result<void> run_daemon(const Config& config, const DaemonOptions& options) {
    ServiceManager service(ServiceManager::environment());
    std::optional<Config> next = config;
    while (next) {
        auto ended = run_once(std::move(*next), options, service);
        if (!ended) return std::unexpected(ended.error());
        next = std::move(*ended);
    }
    return {};
}

}  // namespace sidestep
