// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The steps of start_order.hpp: how each is carried out. How each is undone is in daemon_end.cpp.
#include <sys/random.h>

#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "common/counted.hpp"
#include "common/file.hpp"
#include "detector/app/api_socket.hpp"
#include "detector/app/daemon_loop.hpp"
#include "detector/kernel/bpffs.hpp"
#include "detector/kernel/linkdown.hpp"
#include "detector/kernel/node_lock.hpp"
#include "detector/kernel/privilege.hpp"
#include "detector/maps/map_sizes.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

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
    auto ready = prepare();
    if (!ready) give_up();
    return ready;
}

Result<void> Daemon::take(StartStep step) {
    switch (step) {
        case StartStep::process:
            return check_process();
        case StartStep::netns:
            return lock_namespace();
        case StartStep::node:
            return lock_node();
        case StartStep::api:
            return listen();
        case StartStep::bpffs:
            return mount_bpffs(bpffs_);
        case StartStep::programs:
            return load();
        case StartStep::engine:
            return fill_tables();
        case StartStep::kernel:
            return open_kernel();
        case StartStep::hooks:
            attach();
            break;
        case StartStep::routes:
            install_first();
            break;
        case StartStep::clock:
            return start_clock();
    }
    return {};
}

Result<void> Daemon::check_process() {
    if (auto privileged = check_privilege(); !privileged) return privileged;
    for (std::size_t i = 0; i < kReserve; ++i) reserve_.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const RunDirectory run(options_.run_directory);
    auto paths = run.of(config_.node);
    if (!paths) return std::unexpected(paths.error());
    paths_ = std::move(*paths);
    bpffs_ = run.bpffs();
    return {};
}

Result<void> Daemon::lock_namespace() {
    auto lock = NamespaceLock::take(LockHolder::self(config_.node, options_.run_directory));
    if (!lock) return std::unexpected(lock.error());
    lock_ = std::move(*lock);
    return {};
}

Result<void> Daemon::listen() {
    const auto with = [this](ApiAccess access) -> ApiHandler {
        return [this, access](const json& request, ConnectionId connection) -> std::optional<json> {
            if (!in_force_) return json{{"error", "sidestepd is starting: try again"}};
            return commands_.run(request, connection, access);
        };
    };
    auto server = ApiServer::listen(context_, paths_.socket, with(ApiAccess::control),
                                    [this](ConnectionId connection) { on_client_gone(connection); });
    if (!server) return std::unexpected(server.error());
    server_ = std::move(*server);
    if (auto more = server_->listen_for_questions(paths_.reading, with(ApiAccess::questions)); !more) return more;
    return open_sockets();
}

/// Until here, only the detector's own user may connect.
Result<void> Daemon::open_sockets() const {
    Result<void> opened;
    if (!options_.operators.empty()) opened = open_to_group(paths_.socket, options_.operators);
    if (opened && !options_.readers.empty()) opened = open_to_group(paths_.reading, options_.readers);
    return opened;
}

/// Nodes of several network namespaces may share a run directory.
Result<void> Daemon::lock_node() {
    std::error_code error;
    made_run_directory_ = std::filesystem::create_directories(options_.run_directory, error);
    if (error) return fail(fmt::format("cannot create {}: {}", options_.run_directory, error.message()));
    auto lock = LockFile::take(paths_.lock, LockHolder::self(config_.node, options_.run_directory));
    if (!lock) return std::unexpected(lock.error());
    if (!*lock) {
        const auto other = LockFile::holder_of(paths_.lock);
        return fail(fmt::format(
            "another sidestepd uses {} ({}): give this one another `node.name` or --run-dir, or stop that one first",
            paths_.lock, other ? other->to_string() : "it is starting"));
    }
    node_lock_ = std::move(*lock);
    return {};
}

Result<void> Daemon::load() {
    sizes_ = map_sizes(config_);
    auto dataplane = Dataplane::load(paths_.pins, sizes_, kind_);
    if (!dataplane) return std::unexpected(dataplane.error());
    dataplane_ = std::move(*dataplane);
    if (dataplane_->adopted()) order_.adopt();
    rejects_.emplace(dataplane_->counters());  // a predecessor has reported these already
    if (!dataplane_->adopted()) {
        auto secret = random_secret();
        if (!secret) return std::unexpected(secret.error());
        if (auto set = dataplane_->set_secret(*secret); !set) return set;
    }
    return {};
}

/// Before the engine takes anything over.
Result<void> Daemon::start_recording(const SavedSessions& saved) {
    if (options_.record.empty()) return {};
    auto recorder = record::Recorder::open(options_.record, *dataplane_);
    const auto config = read_file(options_.config_file);
    if (!recorder) return std::unexpected(recorder.error());
    if (!config) return std::unexpected(config.error());
    recorder_.emplace(std::move(*recorder));
    recorder_->start(*config, saved, kernel_now());
    return {};
}

Result<void> Daemon::fill_tables() {
    attachments_ = std::make_unique<Attachments>(*dataplane_, kind_);
    event_file_.emplace(paths_.events);
    for (const auto& event : event_file_->load()) history_.note(event);
    auto saved = load_state(paths_.state);
    if (auto recording = start_recording(saved); !recording) return recording;
    EngineHooks hooks{.resolve = [this](int ifindex, const Address& to) { kernel_->resolve(ifindex, to); },
                      .on_event = [this](const LoggedEvent& event) { on_event(event); },
                      .linkdown_ignored = linkdown_ignored};
    if (recorder_) hooks.on_input = [this](const EngineInput& input, Nanoseconds now) { recorder_->note(input, now); };
    engine_ = std::make_unique<Engine>(*dataplane_, std::move(hooks), std::move(saved));
    saver_.emplace(paths_.state, [this] { return engine_->save(); });
    installation_ = std::make_unique<Installation>(config_.node, *dataplane_, engine_->sessions(), kind_);
    kernel_ = std::make_unique<KernelWatch>(context_, *engine_, *attachments_);
    if (auto watch = ObjectWatch::open(); watch) object_watch_ = std::move(*watch);
    hooks_.set(config_.hooks);
    clock_ = std::make_unique<ClockKeeper>(*dataplane_, config_.clock, started_);
    base_ = desired_of(config_);
    ipsec_.emplace();
    ipsec_->look(*engine_, base_.ipsec, kernel_now());  // before anything is repaired
    restore_clients();
    const auto wanted = with_clients(base_, clients_.configs());
    if (auto applied = engine_->apply(wanted, kernel_now()); !applied) return std::unexpected(applied.error());
    return {};
}

Result<void> Daemon::open_kernel() {
    if (auto opened = kernel_->open(); !opened) return opened;
    return needs_routes(engine_->present()) ? kernel_->open_routes() : Result<void>();
}

Result<void> Daemon::prepare() {
    if (auto unseen = order_.advance(kLastUnseen); !unseen) return unseen;
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
    if (auto taken = order_.advance(StartStep::clock); !taken) return taken;
    dataplane_->unpin_other_layouts();
    spdlog::info("node {}: {}, {}, clock {}{}", config_.node, counted(sessions_of(config_).size(), "session"),
                 counted(config_.policies.size(), "policy", "policies"), clock_->kind(),
                 dataplane_->adopted() ? ", running state adopted" : "");
    note_problems(kernel_now());
    service_.ready();
    return {};
}

/// The splitter first: the programs at ingress hand packets of hitless policies to it.
void Daemon::attach() {
    installation_->set_splitter(is_hitless(engine_->present()));
    installation_->set_device(engine_->present().device);
    attachments_->apply(engine_->present(), xdp_demands());
    in_force_ = true;
    note_hash_policy();  // only now: a predecessor's programs ran with their own value until here
}

void Daemon::install_first() {
    install();
    (void)kernel_->links_changed();  // discards changes from before
}

Result<void> Daemon::start_clock() {
    auto ticking = clock_->start();
    return dataplane_->adopted() ? Result<void>() : ticking;
}

void Daemon::take_over_or_stop() {
    auto taken = take_over();
    if (taken) return;
    failure_ = taken.error();
    leave_running_ = dataplane_->adopted();
    context_.stop();
}

}  // namespace sidestep
