// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The running daemon: its parts and how they are connected. daemon.cpp starts, runs and ends it, daemon_reload.cpp
// moves it from one desired state to the next, daemon_upkeep.cpp keeps the kernel's state as it is wanted,
// daemon_clients.cpp adds the sessions of clients, daemon_bfd.cpp those of FRR's bfdd, and daemon_api.cpp answers requests.
#pragma once

#include <csignal>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include "common/fd.hpp"
#include "common/run_directory.hpp"
#include "detector/app/api_server.hpp"
#include "detector/app/attachments.hpp"
#include "detector/app/bfd_speaker.hpp"
#include "detector/app/config_loader.hpp"
#include "detector/app/daemon.hpp"
#include "detector/app/detector_commands.hpp"
#include "detector/app/event_file.hpp"
#include "detector/app/hook_runner.hpp"
#include "detector/app/installation.hpp"
#include "detector/app/ipsec_guard.hpp"
#include "detector/app/kernel_watch.hpp"
#include "detector/app/netfilter_notice.hpp"
#include "detector/app/problem_log.hpp"
#include "detector/app/reject_report.hpp"
#include "detector/app/session_history.hpp"
#include "detector/app/start_order.hpp"
#include "detector/app/state_saver.hpp"
#include "detector/clock/clock_keeper.hpp"
#include "detector/core/client_sessions.hpp"
#include "detector/core/lateness.hpp"
#include "detector/core/problems.hpp"
#include "detector/core/upkeep.hpp"
#include "detector/engine/engine.hpp"
#include "detector/feed/routing_feed.hpp"
#include "detector/kernel/kernel_time.hpp"
#include "detector/kernel/node_lock.hpp"
#include "detector/kernel/object_watch.hpp"
#include "detector/kernel/tc_hook.hpp"
#include "detector/record/recorder.hpp"
#include "detector/service/service_manager.hpp"

namespace sidestep {

/// True if something depends on the routes that an interface had.
bool needs_routes(const Desired& desired);

class Daemon : private StartParts {
  public:
    Daemon(Config config, DaemonOptions options, ServiceManager& service)
        : config_(std::move(config)), options_(std::move(options)), service_(service) {}

    /// Takes the node and loads; run() does the rest.
    Result<void> start();
    /// Runs until a signal. Returns the configuration to continue with, if it needs larger maps.
    Result<std::optional<Config>> run();
    /// After a failure: removes what was made, unless it belongs to a predecessor.
    void give_up();

  private:
    using json = nlohmann::json;

    // The steps of the start.

    Result<void> take(StartStep step) override;
    void undo(StartStep step) override;
    Result<void> check_process();
    Result<void> lock_namespace();
    Result<void> lock_node();
    Result<void> listen();
    [[nodiscard]] Result<void> open_sockets() const;
    Result<void> load();
    Result<void> start_recording(const SavedSessions& saved);
    Result<void> fill_tables();
    Result<void> open_kernel();
    void attach();
    void install_first();
    Result<void> start_clock();
    void remove_files() const;
    /// All steps that traffic does not see, and the others if they need not wait for routing.
    Result<void> prepare();
    /// From here on the loop delivers what the kernel tells.
    Result<void> follow_kernel();
    void start_feed();
    /// Puts our programs at the hooks and our routes into the tables.
    Result<void> take_over();
    void take_over_or_stop();
    void clean_up();
    void on_event(const LoggedEvent& event);
    void wait_for_events();
    /// Sets the timer for the sessions: wait-to-restore and similar.
    void arm_timer();
    void arm_reconcile();
    /// Makes our FIB lookups choose as the kernel does. An operator may change the hash policy at any time. XDP
    /// programs then pass everything on, which they may do only once the programs at tc are attached.
    void note_hash_policy();
    void note_wall_clock(Nanoseconds now);
    [[nodiscard]] XdpDemands xdp_demands() const;
    void review_attachments(const XdpDemands& demands);

    // daemon_upkeep.cpp

    /// Compares what we put into the kernel with what is there now.
    void reconcile_kernel(Nanoseconds now);
    /// Writes routes for the present policies, SIDs and steering into the kernel's tables.
    void install();
    /// Installs the routes that waited for a candidate, if one has been proven.
    void install_overdue();
    void look_after(Nanoseconds now);
    void look_after_routes(Nanoseconds now);
    void look_for_shadows(Nanoseconds now);
    std::optional<std::string> mend(const std::string& thing);
    /// Gathers what is wrong, and logs what is news.
    void note_problems(Nanoseconds now);

    // daemon_reload.cpp

    /// Moves to `wanted`: tables first, then hooks, routes and clock. On failure everything stays as it was.
    Result<ChangePlan> move_to(const Desired& wanted);
    template <typename T>
    static void warn_of(const Result<T>& result) {
        if (!result) spdlog::error("{}", result.error().message);
    }
    /// Replaces the last computed set by a new one, completely or not at all.
    void adopt(const PolicySet& fresh);
    void wait_for_hangup();
    /// Reads a file and moves to it, or lists what would change. `done` gets the answer for the client.
    void reload(const std::string& file, bool dry_run, const std::function<void(const json&)>& done);
    json refuse(const Complaints& complaints, bool dry_run);
    void note_refusal(const std::vector<std::string>& reasons);
    json take(Config config, bool dry_run);
    void note_reload();
    /// Continues with a successor in this process: maps cannot grow, so it creates larger ones and adopts the sessions,
    /// as after a restart.
    json restart_with(Config config);
    /// Starts a new feed: results of the old one are for another configuration. Another thread waits for the old one to
    /// end.
    void replace_feed();

    // daemon_clients.cpp

    json add_session(const json& request, ConnectionId connection);
    json remove_session(const std::string& name, bool force, ConnectionId connection);
    void on_client_gone(ConnectionId connection);
    Result<ChangePlan> follow_clients();
    void arm_leases();
    /// Restores the sessions of the previous process, in time for the first desired state.
    void restore_clients();
    /// Ends the newest sessions of clients if the configuration needs the room.
    void make_room_for(const Desired& base);

    // daemon_bfd.cpp

    /// Connects to bfdd if the configuration says so, and to another one if it says something else now.
    void follow_bfd();
    BfdHooks bfd_hooks();
    [[nodiscard]] bfd::PeerWays ways_to(const bfd::AskedSession& peer) const;
    [[nodiscard]] std::optional<bfd::SessionView> view(const std::string& session) const;
    [[nodiscard]] bfd::SessionCounters count(const std::string& session) const;
    std::map<std::string, std::string> want_for_bfd(const std::vector<bfd::SessionWish>& wishes);
    void follow_shutdowns(const std::vector<bfd::SessionWish>& wishes);
    void log_bfd(const json& event);
    json bfd_peers() const;

    // daemon_api.cpp

    /// The work behind the API's commands.
    DetectorActions actions();
    json status();
    json drain(const DrainRequest& request);
    json admin(const std::string& name, bool up, bool dry_run);
    std::string service_status();
    ApiPortions events();
    json why(const std::string& destination);

    StartOrder order_{*this};
    Config config_;
    DaemonOptions options_;
    ServiceManager& service_;
    const TcKind kind_ = options_.attach.value_or(best_tc_kind());
    const Nanoseconds started_ = kernel_now();
    Lateness lateness_;
    std::string bpffs_;
    bool made_run_directory_ = false;
    NodePaths paths_;
    PolicySizes sizes_;
    PolicySet computed_;  ///< the last set from routing that was put in force
    Desired base_;        ///< configuration and computed set; the engine has this and the clients' sessions
    ClientSessions clients_;
    ProblemLog clients_problem_;
    std::string refused_reload_;  ///< why the last one was refused; empty: it was not
    bool leave_running_ = false;
    std::optional<Error> failure_;     ///< why the daemon ended
    std::optional<Config> successor_;  ///< the configuration to continue with
    Problems problems_;
    Upkeep upkeep_;        ///< of programs and the policy device
    Upkeep route_upkeep_;  ///< looked at less often
    Finding routes_seen_;
    Nanoseconds install_pause_{std::chrono::seconds(1)};
    Nanoseconds next_install_{};  ///< next attempt, while there is a problem
    Nanoseconds next_look_{};
    Nanoseconds next_route_look_{};
    ProblemTexts shadowed_;       ///< routes of ours that are not used
    std::string neighbor_table_;  ///< what is wrong with the kernel's; empty: nothing
    Nanoseconds next_shadow_look_{};
    Nanoseconds next_review_{};  ///< of the attachments
    bool in_force_ = false;      ///< our programs are at the hooks
    bool routed_ = false;        ///< a computed set is in force
    std::optional<NamespaceLock> lock_;
    std::optional<LockFile> node_lock_;
    std::vector<Fd> reserve_;  ///< what cleaning up opens, should clients have all other descriptors
    boost::asio::io_context context_{1};
    boost::asio::posix::stream_descriptor ring_{context_};
    boost::asio::steady_timer timer_{context_};
    boost::asio::steady_timer reconcile_{context_};
    boost::asio::steady_timer first_set_{context_};
    boost::asio::steady_timer lease_{context_};
    // Signals that come during the start wait for the loop.
    boost::asio::signal_set endings_{context_, SIGTERM, SIGINT, SIGUSR1};
    boost::asio::signal_set hangup_{context_, SIGHUP};
    ConfigLoader loader_{context_};
    const ApiCommands commands_ = detector_commands(actions());
    std::unique_ptr<ApiServer> server_;
    std::unique_ptr<Dataplane> dataplane_;
    std::optional<StateSaver> saver_;
    std::optional<RejectReport> rejects_;
    std::optional<EventFile> event_file_;
    HookRunner hooks_{context_, config_.node};
    SessionHistory history_;
    std::optional<record::Recorder> recorder_;
    std::unique_ptr<Engine> engine_;
    std::unique_ptr<Attachments> attachments_;
    std::unique_ptr<KernelWatch> kernel_;
    std::optional<ObjectWatch> object_watch_;  ///< none: only the timer looks
    std::optional<IpsecGuard> ipsec_;
    NetfilterNotice netfilter_;
    std::unique_ptr<Installation> installation_;
    std::unique_ptr<ClockKeeper> clock_;
    std::unique_ptr<RoutingFeed> feed_;
    std::unique_ptr<BfdSpeaker> bfd_;
    std::set<std::string> bfd_shut_;  ///< sessions that bfdd has shut down
    std::vector<std::future<void>> old_feeds_;
};

}  // namespace sidestep
