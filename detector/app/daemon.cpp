// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The loop: one thread, Boost.Asio; the ring buffer, rtnetlink, timers, signals and the API meet in the engine.
#include "detector/app/daemon.hpp"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <optional>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "bpf/lib/portable.h"
#include "common/fd.hpp"
#include "detector/app/answers.hpp"
#include "detector/app/api_server.hpp"
#include "detector/app/attachments.hpp"
#include "detector/app/detector_commands.hpp"
#include "detector/app/engine.hpp"
#include "detector/app/installation.hpp"
#include "detector/app/kernel_watch.hpp"
#include "detector/clock/clock_keeper.hpp"
#include "detector/core/encap_overhead.hpp"
#include "detector/feed/routing_feed.hpp"
#include "detector/kernel/hash_policy.hpp"
#include "detector/kernel/node_lock.hpp"
#include "detector/kernel/privilege.hpp"
#include "detector/maps/state_file.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using nlohmann::json;

constexpr Nanoseconds kReconcileEvery = 100ms;
constexpr int kSavesAtOnce = 4;  // of the state file, between two reconciliations
constexpr Nanoseconds kReviewEvery = 1s;
constexpr Nanoseconds kInstallEvery = 1s;      // while something cannot be
constexpr Nanoseconds kFirstSetPatience = 3s;  // for routing, while a predecessor's programs go on

Nanoseconds monotonic_now() {
    return std::chrono::steady_clock::now().time_since_epoch();
}

Result<ss_secret> random_secret() {
    ss_secret secret{};
    if (getrandom(&secret, sizeof secret, 0) != sizeof secret)
        return fail_errno("no random numbers for the probes' key");
    return secret;
}

class Daemon {
  public:
    Daemon(const Config& config, const DaemonOptions& options) : config_(config), options_(options) {}

    Result<void> start() {
        if (auto privileged = check_privilege(); !privileged) return privileged;
        auto lock = lock_namespace();
        if (!lock) return std::unexpected(lock.error());
        lock_ = std::move(*lock);
        std::error_code error;
        std::filesystem::create_directories(options_.run_directory, error);
        if (error) return fail(fmt::format("cannot create {}: {}", options_.run_directory, error.message()));
        auto server = ApiServer::listen(context_, fmt::format("{}/{}.sock", options_.run_directory, config_.node),
                                        [this](const json& request, ConnectionId connection) -> std::optional<json> {
                                            if (!engine_) return json{{"error", "sidestepd is starting: try again"}};
                                            return commands_.run(request, connection);
                                        });
        if (!server) return std::unexpected(server.error());
        server_ = std::move(*server);

        bpffs_ = options_.run_directory + "/bpf";
        state_path_ = fmt::format("{}/{}.state", options_.run_directory, config_.node);
        auto ready = prepare();
        const bool adopted = dataplane_ && dataplane_->adopted();
        if (!ready && !adopted) clean_up();  // a predecessor's programs go on as they were
        return ready;
    }

    void run() {
        asio::signal_set signals(context_, SIGTERM, SIGINT, SIGUSR1);
        signals.async_wait([this](const auto& error, int number) {
            if (error) return;
            leave_running_ = number == SIGUSR1;
            spdlog::info("signal {}: {}", number, leave_running_ ? "leaving all in place" : "cleaning up");
            context_.stop();
        });
        // Asio closes what it is given: it gets descriptors of its own.
        ring_.assign(dup(dataplane_->events_fd()));
        wait_for_events();
        kernel_->follow([this] {
            arm_timer();
            if (installation_->overdue(engine_->policies.all())) reinstall();
        });
        arm_reconcile();
        arm_timer();
        context_.run();
        feed_.reset();
        if (!leave_running_) clean_up();
    }

  private:
    /// Everything from loading on: what it makes, clean_up() removes.
    Result<void> prepare() {
        if (auto mounted = mount_bpffs(bpffs_); !mounted) return mounted;
        auto dataplane =
            Dataplane::load(fmt::format("{}/{}", bpffs_, config_.node), PolicyTable::sizes(config_), kind_);
        if (!dataplane) return std::unexpected(dataplane.error());
        dataplane_ = std::move(*dataplane);
        rejects_seen_ = dataplane_->counters();  // a predecessor's are reported already
        if (!dataplane_->adopted()) {
            auto secret = random_secret();
            if (!secret) return std::unexpected(secret.error());
            if (auto set = dataplane_->set_secret(*secret); !set) return set;
        }
        attachments_ = std::make_unique<Attachments>(config_, *dataplane_, kind_);
        engine_ = std::make_unique<Engine>(*dataplane_, config_, load_state(state_path_));
        installation_ = std::make_unique<Installation>(config_, *dataplane_, engine_->sessions, kind_);
        kernel_ = std::make_unique<KernelWatch>(context_, *engine_, *attachments_);
        engine_->resolve = [this](int ifindex, const Address& neighbor) { kernel_->resolve(ifindex, neighbor); };
        clock_ = std::make_unique<ClockKeeper>(*dataplane_, config_.clock, started_);
        engine_->log.on_event = [this](const LoggedEvent& event) {
            if (server_->followed()) server_->broadcast(to_json(event));
            state_changed_ = true;
            if (saves_left_ > 0) save_changes();
            if (feed_) feed_->on_session(event.session, event.state == SessionState::up);
        };
        if (auto started = engine_->start(); !started) return started;
        if (auto opened = kernel_->open(config_); !opened) return opened;
        start_feed();
        if (auto attached = attachments_->attach(engine_->sessions.all(), xdp_demands()); !attached) return attached;
        attached_ = true;
        note_hash_policy();  // by what stood in for it till now, a predecessor's programs went on
        if (auto started = installation_->start(); !started) return started;
        if (auto installed = install(); !installed) {
            if (!routed_) return installed;  // what the file asks for
            install_problem_ = installed.error().message;
            spdlog::warn("{}", install_problem_);
        }
        installed_ = true;
        (void)kernel_->links_changed();  // what came before
        if (auto ticking = clock_->start(); !ticking) return ticking;
        dataplane_->unpin_other_layouts();
        spdlog::info("node {}: {} sessions, {} policies, clock {}{}", config_.node, engine_->sessions.all().size(),
                     config_.policies.size(), clock_->kind(), dataplane_->adopted() ? ", running state adopted" : "");
        return {};
    }

    /// A predecessor's programs and routes have computed policies and SIDs: they are replaced when ours are there, too.
    void start_feed() {
        if (!config_.routing) return;
        feed_ = std::make_unique<RoutingFeed>(context_, config_, [this](const PolicySet& set) { adopt(set); });
        feed_->start();
        if (!dataplane_->adopted()) return;
        const auto deadline = monotonic_now() + kFirstSetPatience;
        while (!routed_ && !feed_->in_trouble() && monotonic_now() < deadline) context_.run_one_for(20ms);
        context_.restart();
        if (!routed_) spdlog::warn("no computed policies yet: what the process before computed does not go on");
    }

    /// What the loop does when interfaces have changed: steering and SIDs go by them.
    Result<void> install() {
        const bool complete = !config_.routing || routed_;
        return installation_->apply(engine_->policies.all(), engine_->sids.all(), complete);
    }

    void clean_up() {
        if (clock_) clock_->stop();
        if (installation_) installation_->remove();
        if (attachments_) attachments_->detach();
        if (dataplane_) dataplane_->unpin();
        unmount_bpffs(bpffs_);
        std::error_code ignored;
        std::filesystem::remove(state_path_, ignored);
        server_.reset();
    }

    void wait_for_events() {
        ring_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const auto& error) {
            if (error) return;
            dataplane_->consume_events(
                [this](const ss_event& event) { engine_->on_kernel_event(event, monotonic_now()); });
            arm_timer();
            wait_for_events();
        });
    }

    /// For the sessions' timers: wait-to-restore and the like.
    void arm_timer() {
        const auto next = engine_->next_timer();
        if (!next) return;
        timer_.expires_at(std::chrono::steady_clock::time_point(*next));
        timer_.async_wait([this](const auto& error) {
            if (error) return;
            engine_->run_timers(monotonic_now());
            arm_timer();
        });
    }

    /// So that the FIB, when it is asked, chooses as the kernel will. An operator may change it at any time.
    /// Programs at XDP step aside with that, and only when others are at tc may they.
    void note_hash_policy() {
        const auto beyond = hashes_beyond_addresses();
        auto& rehash = dataplane_->repair().hash_policy;
        if (rehash == beyond) return;
        if (beyond == 0) SS_WRITE(rehash, beyond);
        review_attachments(xdp_demands());
        SS_WRITE(rehash, beyond);
    }

    [[nodiscard]] XdpDemands xdp_demands() const {
        return {.overhead = engine_->policies.longest_overhead(), .hashes_more = hashes_beyond_addresses() != 0};
    }

    void review_attachments(const XdpDemands& demands) {
        if (attached_) attachments_->review(demands);
        next_review_ = monotonic_now() + kReviewEvery;
    }

    void arm_reconcile() {
        reconcile_.expires_after(kReconcileEvery);
        reconcile_.async_wait([this](const auto& error) {
            if (error) return;
            const auto now = monotonic_now();
            longest_lateness_ = std::max<Nanoseconds>(longest_lateness_, now - reconcile_.expiry().time_since_epoch());
            engine_->reconcile(now);
            clock_->watch(now);
            saves_left_ = kSavesAtOnce;
            save_changes();
            report_rejects(now);
            note_hash_policy();
            if (now >= next_review_) review_attachments(xdp_demands());
            const bool again = !install_problem_.empty() && now >= next_install_;
            if (kernel_->links_changed() || again) reinstall();
            arm_timer();
            arm_reconcile();
        });
    }

    /// What routing computed takes the place of what it computed before, all of it or nothing.
    void adopt(const PolicySet& computed) {
        auto demands = xdp_demands();
        for (const auto& policy : computed.policies)
            demands.overhead = std::max(demands.overhead, overhead_at_most(policy.candidates));
        for (const auto& [adjacency, bypass] : computed.bypasses)
            demands.overhead = std::max(demands.overhead, overhead_at_most(bypass));
        review_attachments(demands);  // before there is a list that is too long for XDP
        if (auto replaced = engine_->replace(computed); !replaced) {
            return spdlog::error("computed policies not taken, the last ones stay: {}", replaced.error().message);
        }
        spdlog::info("computed policies in force: {} policies, {} bypasses, {} SIDs", computed.policies.size(),
                     computed.bypasses.size(), computed.sids.size());
        routed_ = true;
        review_attachments(xdp_demands());
        if (installed_) reinstall();
    }

    /// An interface came, went or changed: routes by it do too.
    void reinstall() {
        const auto installed = install();
        const auto problem = installed ? std::string() : installed.error().message;
        next_install_ = monotonic_now() + kInstallEvery;
        if (problem != std::exchange(install_problem_, problem) && !problem.empty()) spdlog::warn("{}", problem);
    }

    DetectorActions actions() {
        return {.status = [this] { return answer_status(*engine_, *dataplane_, health(), monotonic_now()); },
                .sessions = [this] { return answer_sessions(*engine_, monotonic_now()); },
                .policies = [this] { return answer_policies(*engine_, *dataplane_); },
                .events = [this] { return answer_events(engine_->log); },
                .routing =
                    [this] {
                        return feed_ ? feed_->status() : json{{"error", "no `routing` in the configuration"}};
                    },
                .admin = [this](const std::string& session, bool up) { return admin(session, up); }};
    }

    [[nodiscard]] DetectorHealth health() const {
        return {.node = config_.node,
                .clock = clock_->kind(),
                .attached = kind_ == TcKind::tcx ? "tcx" : "clsact",
                .started = started_,
                .longest_lateness = longest_lateness_,
                .clock_restarts = clock_->restarts(),
                .entrances = attachments_->entrances()};
    }

    json admin(const std::string& name, bool up) {
        auto* session = engine_->sessions.find(name);
        if (session == nullptr) return {{"error", "no session '" + name + "'; `sidestep sessions` lists them"}};
        engine_->on_admin(*session, up, monotonic_now());
        arm_timer();
        return {{"session", name}, {"state", to_string(session->fsm.state)}};
    }

    /// At once for the first changes, otherwise with the next reconciliation: thousands may change together.
    void save_changes() {
        if (!std::exchange(state_changed_, false)) return;
        save_state(state_path_, engine_->remember());
        --saves_left_;
    }

    /// Refused probes are named in the log, at most once a second.
    void report_rejects(Nanoseconds now) {
        if (now < next_reject_report_) return;
        next_reject_report_ = now + 1s;
        const auto counts = dataplane_->counters();
        for (std::size_t i = 0; i < SS_REJECT_COUNT; ++i) {
            const auto fresh = counts.at(i) - rejects_seen_.at(i);
            if (fresh != 0) spdlog::warn("{} probes refused: {}", fresh, counter_name(i));
        }
        rejects_seen_ = counts;
    }

    const Config& config_;
    const DaemonOptions& options_;
    const TcKind kind_ = options_.attach.value_or(best_tc_kind());
    const Nanoseconds started_ = monotonic_now();
    Nanoseconds longest_lateness_{};
    Nanoseconds next_reject_report_{};
    std::array<std::uint64_t, SS_COUNTERS> rejects_seen_{};
    std::string bpffs_;
    std::string state_path_;
    bool state_changed_ = false;  ///< since state_path_ was written
    int saves_left_ = kSavesAtOnce;
    bool leave_running_ = false;
    std::string install_problem_;  ///< as logged
    Nanoseconds next_install_{};   ///< while there is one
    Nanoseconds next_review_{};    ///< of how the programs are attached
    bool attached_ = false;        ///< for the first time
    bool installed_ = false;       ///< routes, for the first time
    bool routed_ = false;          ///< what routing computed is in force
    Fd lock_;
    asio::io_context context_{1};
    asio::posix::stream_descriptor ring_{context_};
    asio::steady_timer timer_{context_};
    asio::steady_timer reconcile_{context_};
    const ApiCommands commands_ = detector_commands(actions());
    std::unique_ptr<ApiServer> server_;
    std::unique_ptr<Dataplane> dataplane_;
    std::unique_ptr<Engine> engine_;
    std::unique_ptr<Attachments> attachments_;
    std::unique_ptr<KernelWatch> kernel_;
    std::unique_ptr<Installation> installation_;
    std::unique_ptr<ClockKeeper> clock_;
    std::unique_ptr<RoutingFeed> feed_;
};

}  // namespace

Result<void> run_daemon(const Config& config, const DaemonOptions& options) {
    Daemon daemon(config, options);
    if (auto started = daemon.start(); !started) return started;
    daemon.run();
    return {};
}

}  // namespace sidestep
