// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Keeps computed policies current. A thread looks at the network, waits for it to calm down (RFC 8405), decides what
// should be in force while it converges (RFC 8333), computes, and delivers complete sets to the daemon's loop.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <nlohmann/json.hpp>

#include "common/duration.hpp"
#include "detector/core/config.hpp"
#include "detector/core/policy_set.hpp"
#include "detector/feed/graph_source.hpp"
#include "detector/feed/lsp_watch.hpp"
#include "routing/core/convergence.hpp"
#include "routing/core/graph_size.hpp"
#include "routing/core/spf_backoff.hpp"

namespace sidestep {

struct RoutingFeedTimes {
    Nanoseconds poll_isis = std::chrono::milliseconds(500);
    Nanoseconds poll_file = std::chrono::seconds(1);
    Nanoseconds hurry = std::chrono::milliseconds(100);  ///< between polls while a change is expected
    Nanoseconds hurry_for = std::chrono::seconds(3);     ///< how long one is expected after a session changed
    Nanoseconds hurry_lsp = std::chrono::seconds(1);     ///< after an LSP came: others follow, and isisd takes it up
    Nanoseconds longest_wait = std::chrono::seconds(5);  ///< between polls of a source that cannot be read
    std::chrono::milliseconds patience{2000};            ///< for one answer of vtysh
    /// For IS-IS; a file takes effect at once. RFC 8405 suggests 5 s for the longest delay. By then micro-loops have
    /// formed that lists could have avoided, and computing takes only milliseconds.
    routing::SpfBackoffTimes backoff{.long_delay = std::chrono::milliseconds(500)};
};

/// To be created, used and destroyed by the thread that runs `context`, or while nobody runs it. The destructor waits
/// for the thread, at most `patience`.
class RoutingFeed {
  public:
    using Deliver = std::function<void(const PolicySet&)>;

    /// `config.routing` must be set. The loop calls `deliver`, never before start() and never after destruction.
    RoutingFeed(boost::asio::io_context& context, Config config, Deliver deliver, const RoutingFeedTimes& times = {});
    RoutingFeed(const RoutingFeed&) = delete;
    RoutingFeed& operator=(const RoutingFeed&) = delete;
    ~RoutingFeed();

    void start();
    /// To be called by the thread that runs `context`. Nothing is delivered any more. The destructor may then be called by
    /// another thread, which has to wait.
    void cancel();
    /// A session of an adjacency changed. The network will change soon, so it is polled more often for a while.
    void on_session(const std::string& adjacency, bool up);

    /// Why the last look at the network failed; empty: it did not.
    [[nodiscard]] std::string problem() const;
    /// The status object that docs/api.md describes.
    [[nodiscard]] nlohmann::json status() const;

  private:
    struct Receiver {
        Deliver deliver;
        std::atomic<bool> alive = true;
    };
    struct Counts {
        std::size_t policies = 0;
        std::size_t bypasses = 0;
        std::size_t sids = 0;
    };
    /// Written by the thread and read by status(), under mutex_.
    struct Report {
        std::string problem;
        std::optional<Nanoseconds> refreshed;  ///< last good look
        std::optional<Nanoseconds> changed;    ///< last new network
        routing::GraphSize size;
        std::string plr;
        Counts counts;
        Nanoseconds computing{};  ///< how long the last computation took
        std::uint64_t deliveries = 0;
        routing::SpfBackoff::State backoff = routing::SpfBackoff::State::quiet;
        routing::Convergence::State convergence = routing::Convergence::State::settled;
        std::optional<Nanoseconds> hold_until;
        std::vector<std::string> warnings;
    };

    void listen_for_lsps();
    void wait_for_lsps();
    void hurry(Nanoseconds how_long);
    void run(const std::stop_token& stop);
    void poll(Nanoseconds now);
    [[nodiscard]] Nanoseconds wait_after(unsigned failures) const;
    void follow(Nanoseconds now);
    void publish(Nanoseconds now);
    void note_problem(const std::string& problem);
    void log_new(const std::vector<std::string>& warnings);
    [[nodiscard]] Nanoseconds next_wakeup() const;
    [[nodiscard]] bool reads_file() const { return !config_.routing->topology.empty(); }

    boost::asio::io_context& context_;
    const Config config_;
    const RoutingFeedTimes times_;
    std::shared_ptr<Receiver> receiver_;
    std::optional<LspWatch> lsps_;  ///< none: the database is looked at now and then
    boost::asio::posix::stream_descriptor lsp_came_;

    // Used only by the thread.
    std::unique_ptr<GraphSource> source_;
    routing::SpfBackoff backoff_;
    routing::Convergence convergence_;
    std::optional<Network> newest_;
    std::vector<std::string> network_warnings_;  ///< of the newest network
    std::set<std::string> logged_;
    Nanoseconds next_poll_{};
    unsigned failures_ = 0;  ///< looks at the network that failed, one after the other

    mutable std::mutex mutex_;
    std::condition_variable_any wake_;
    bool woken_ = false;         ///< under mutex_
    Nanoseconds hurry_until_{};  ///< under mutex_
    Report report_;              ///< under mutex_
    std::jthread thread_;
};

}  // namespace sidestep
