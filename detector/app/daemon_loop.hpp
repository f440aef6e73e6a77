// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The running daemon: the parts and how they are tied together. daemon.cpp starts, runs and ends it, daemon_reload.cpp moves
// it from one desired state to the next, daemon_api.cpp answers for it.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <nlohmann/json.hpp>

#include "common/fd.hpp"
#include "detector/app/api_server.hpp"
#include "detector/app/attachments.hpp"
#include "detector/app/config_loader.hpp"
#include "detector/app/daemon.hpp"
#include "detector/app/detector_commands.hpp"
#include "detector/app/installation.hpp"
#include "detector/app/kernel_watch.hpp"
#include "detector/app/reject_report.hpp"
#include "detector/app/state_saver.hpp"
#include "detector/clock/clock_keeper.hpp"
#include "detector/engine/engine.hpp"
#include "detector/feed/routing_feed.hpp"
#include "detector/kernel/tc_hook.hpp"

namespace sidestep {

/// CLOCK_MONOTONIC.
inline Nanoseconds monotonic_now() {
    return std::chrono::steady_clock::now().time_since_epoch();
}

/// True if something goes by the routes that an interface had.
bool needs_routes(const Desired& desired);

class Daemon {
  public:
    Daemon(Config config, DaemonOptions options) : config_(std::move(config)), options_(std::move(options)) {}

    /// Takes the node and loads; the rest goes on in run().
    Result<void> start();
    /// Until a signal. The configuration to go on with, if it needs larger maps than there are.
    Result<std::optional<Config>> run();

  private:
    using json = nlohmann::json;

    /// Everything from loading on: what it makes, clean_up() removes.
    Result<void> prepare();
    void start_feed();
    /// From here on our programs are at the hooks, and our routes in the tables.
    Result<void> take_over();
    void take_over_or_stop();
    void clean_up();
    void on_event(const LoggedEvent& event);
    void wait_for_events();
    /// For the sessions' timers: wait-to-restore and the like.
    void arm_timer();
    void arm_reconcile();
    /// So that the FIB, when it is asked, chooses as the kernel will. An operator may change it at any time.
    /// Programs at XDP step aside with that, and only when others are at tc may they.
    void note_hash_policy();
    [[nodiscard]] XdpDemands xdp_demands() const;
    void review_attachments(const XdpDemands& demands);
    /// Compares what we put into the kernel with what is there.
    void reconcile_kernel(Nanoseconds now);
    /// Policies, SIDs and steering as they are now, in the kernel's tables.
    Result<void> install();
    /// Interfaces or policies changed: routes by them do too.
    void reinstall();

    // daemon_reload.cpp

    /// Moves to `wanted`: tables first, then hooks, routes and clock. On failure everything stays as it was.
    Result<ChangePlan> move_to(const Desired& wanted);
    static void warn_of(const Result<void>& result);
    /// The newest computed set takes the place of the one before, all of it or nothing.
    void adopt(const PolicySet& fresh);
    void wait_for_hangup();
    /// Reads a file and moves to it, or says what would change; `done` gets the answer for whoever asked.
    void reload(const std::string& file, bool dry_run, const std::function<void(const json&)>& done);
    json refuse(const Complaints& complaints, bool dry_run);
    json take(Config config, bool dry_run);
    /// The maps cannot grow: a successor in this process makes larger ones and adopts the sessions, as after a restart.
    json restart_with(Config config);
    /// What the old one was about to deliver is not for this configuration. Waiting for its thread is left to another.
    void replace_feed();

    // daemon_api.cpp

    /// The work behind the API's commands.
    DetectorActions actions();
    json status();
    json admin(const std::string& name, bool up);

    Config config_;
    DaemonOptions options_;
    const TcKind kind_ = options_.attach.value_or(best_tc_kind());
    const Nanoseconds started_ = monotonic_now();
    Nanoseconds longest_lateness_{};
    std::string bpffs_;
    std::string state_path_;
    PolicySizes sizes_;
    PolicySet computed_;  ///< by routing, as last taken
    bool leave_running_ = false;
    std::optional<Error> failure_;     ///< why it ended
    std::optional<Config> successor_;  ///< to go on with
    std::string install_problem_;      ///< as logged
    Nanoseconds next_install_{};       ///< while there is one
    Nanoseconds next_review_{};        ///< of how the programs are attached
    bool in_force_ = false;            ///< our programs are at the hooks
    bool routed_ = false;              ///< what routing computed is in force
    Fd lock_;
    boost::asio::io_context context_{1};
    boost::asio::posix::stream_descriptor ring_{context_};
    boost::asio::steady_timer timer_{context_};
    boost::asio::steady_timer reconcile_{context_};
    boost::asio::steady_timer first_set_{context_};
    boost::asio::signal_set hangup_{context_, SIGHUP};
    ConfigLoader loader_{context_};
    const ApiCommands commands_ = detector_commands(actions());
    std::unique_ptr<ApiServer> server_;
    std::unique_ptr<Dataplane> dataplane_;
    std::optional<StateSaver> saver_;
    std::optional<RejectReport> rejects_;
    std::unique_ptr<Engine> engine_;
    std::unique_ptr<Attachments> attachments_;
    std::unique_ptr<KernelWatch> kernel_;
    std::unique_ptr<Installation> installation_;
    std::unique_ptr<ClockKeeper> clock_;
    std::unique_ptr<RoutingFeed> feed_;
    std::vector<std::future<void>> old_feeds_;
};

}  // namespace sidestep
