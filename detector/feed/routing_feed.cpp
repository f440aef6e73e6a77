// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A loop in its own thread: look, wait, compute, deliver.
#include "detector/feed/routing_feed.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

#include "common/counted.hpp"
#include "common/watch_descriptor.hpp"
#include "detector/feed/computed_policies.hpp"

namespace sidestep {
namespace {

using nlohmann::json;

constexpr unsigned kMostDoublings = 10;
constexpr std::size_t kWarningsLogged = 20;  // of one set; the rest is in status()

Nanoseconds monotonic_now() {
    return std::chrono::steady_clock::now().time_since_epoch();
}

std::int64_t milliseconds(Nanoseconds duration) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

std::string_view name_of(routing::SpfBackoff::State state) {
    switch (state) {
        case routing::SpfBackoff::State::quiet:
            return "quiet";
        case routing::SpfBackoff::State::short_wait:
            return "short-wait";
        case routing::SpfBackoff::State::long_wait:
            return "long-wait";
    }
    return "?";
}

/// A changed file is final: no waiting for more changes.
routing::SpfBackoffTimes no_delay() {
    const Nanoseconds none{};
    return {.initial_delay = none, .short_delay = none, .long_delay = none, .time_to_learn = none, .holddown = none};
}

}  // namespace

RoutingFeed::RoutingFeed(boost::asio::io_context& context, Config config, Deliver deliver,
                         const RoutingFeedTimes& times)
    : context_(context),
      config_(std::move(config)),
      times_(times),
      receiver_(std::make_shared<Receiver>(std::move(deliver))),
      lsp_came_(context),
      source_(make_graph_source(config_, times.patience)),
      backoff_(reads_file() ? no_delay() : times.backoff),
      convergence_(protection_of(*config_.routing), config_.routing->hold) {}

RoutingFeed::~RoutingFeed() {
    cancel();
}

void RoutingFeed::cancel() {
    receiver_->alive = false;
    boost::system::error_code ignored;
    lsp_came_.close(ignored);
    lsps_.reset();
    thread_.request_stop();
}

void RoutingFeed::start() {
    if (!reads_file()) listen_for_lsps();
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void RoutingFeed::listen_for_lsps() {
    auto watch = LspWatch::open();
    if (!watch) {
        spdlog::info("routing: {}: changes are seen up to {} later", watch.error().message,
                     format_duration(times_.poll_isis));
        return;
    }
    lsps_ = std::move(*watch);
    if (!watch_descriptor(lsp_came_, lsps_->fd())) return lsps_.reset();
    wait_for_lsps();
}

void RoutingFeed::wait_for_lsps() {
    lsp_came_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                         [this, receiver = receiver_](const boost::system::error_code& error) {
                             if (error || !receiver->alive) return;
                             if (lsps_->heard()) hurry(times_.hurry_lsp);
                             wait_for_lsps();
                         });
}

void RoutingFeed::on_session(const std::string& /*adjacency*/, bool /*up*/) {
    hurry(times_.hurry_for);
}

/// A look at once, and more of them than usual for so long. Where that is the case already, the next is near.
void RoutingFeed::hurry(Nanoseconds how_long) {
    {
        const std::scoped_lock lock(mutex_);
        const auto now = monotonic_now();
        woken_ = woken_ || now >= hurry_until_;
        hurry_until_ = std::max(hurry_until_, now + how_long);
    }
    wake_.notify_one();
}

void RoutingFeed::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        if (const auto now = monotonic_now(); now >= next_poll_) poll(now);
        follow(monotonic_now());
        std::unique_lock lock(mutex_);
        report_.backoff = backoff_.state();
        report_.convergence = convergence_.state();
        report_.hold_until = convergence_.deadline();
        const std::chrono::steady_clock::time_point until(next_wakeup());
        if (wake_.wait_until(lock, stop, until, [this] { return woken_; })) next_poll_ = Nanoseconds::zero();
        woken_ = false;
    }
}

/// Looks at the network. A problem leaves everything unchanged.
void RoutingFeed::poll(Nanoseconds now) {
    auto network = source_->poll();
    note_problem(network ? "" : network.error().message);
    const auto done = monotonic_now();
    const std::scoped_lock lock(mutex_);
    const auto usual = reads_file() ? times_.poll_file : times_.poll_isis;
    const auto hurried = done < hurry_until_ ? std::min(times_.hurry, usual) : usual;
    failures_ = network ? 0 : failures_ + 1;
    next_poll_ = done + std::max(hurried, wait_after(failures_));
    if (!network) return;
    report_.refreshed = now;
    if (!*network) return;
    newest_ = std::move(*network);
    report_.changed = now;
    if (convergence_.plan().view.graph) backoff_.event(done);  // the first network is no change
}

/// A source in trouble is asked less and less often: reading it costs the routing daemon time.
Nanoseconds RoutingFeed::wait_after(unsigned failures) const {
    if (failures == 0 || reads_file()) return {};
    return std::min(times_.longest_wait, times_.hurry * (1U << std::min(failures, kMostDoublings)));
}

/// Handles expired timers.
void RoutingFeed::follow(Nanoseconds now) {
    bool other_plan = convergence_.advance(now);
    const bool first = !convergence_.plan().view.graph;
    if ((backoff_.advance(now) || first) && newest_) {
        network_warnings_ = std::move(newest_->warnings);
        if (convergence_.update(std::move(newest_->view), now)) other_plan = true;
        newest_.reset();
    }
    if (other_plan) publish(now);
}

/// Computes the policies that should be in force and delivers them to the loop.
void RoutingFeed::publish(Nanoseconds now) {
    const auto& plan = convergence_.plan();
    const auto& [graph, plr] = plan.view;
    const auto computed =
        routing::compute_policies(plan, protection_of(*config_.routing), sid_options_of(*config_.routing));
    auto set = std::make_shared<PolicySet>(to_policy_set(*graph, plr, computed, config_));
    set->warnings.insert(set->warnings.begin(), network_warnings_.begin(), network_warnings_.end());
    log_new(set->warnings);
    const auto took = monotonic_now() - now;
    const auto size = routing::size_of(*graph);
    spdlog::info("routing: {}, {}: {}, {} computed in {}", routing::to_string(size),
                 routing::to_string(convergence_.state()), counted(set->policies.size(), "policy", "policies"),
                 counted(set->bypasses.size(), "bypass", "bypasses"), format_duration(took));
    {
        const std::scoped_lock lock(mutex_);
        report_.size = size;
        report_.plr = graph->node(plr).name;
        report_.counts = {.policies = set->policies.size(), .bypasses = set->bypasses.size(), .sids = set->sids.size()};
        report_.computing = took;
        report_.warnings = set->warnings;
        ++report_.deliveries;
    }
    boost::asio::post(context_, [receiver = receiver_, set = std::move(set)] {
        if (receiver->alive) receiver->deliver(*set);
    });
}

/// Logs a problem once, and once more when it is over.
void RoutingFeed::note_problem(const std::string& problem) {
    const std::scoped_lock lock(mutex_);
    if (problem == report_.problem) return;
    if (problem.empty()) {
        spdlog::info("routing: {} can be read again", source_->name());
    } else {
        spdlog::warn("routing: {}{}", problem, report_.deliveries > 0 ? "; policies stay as they are" : "");
    }
    report_.problem = problem;
}

/// Logs the warnings that the previous set did not have.
void RoutingFeed::log_new(const std::vector<std::string>& warnings) {
    std::size_t fresh = 0;
    for (const auto& warning : warnings) {
        if (logged_.contains(warning)) continue;
        if (++fresh <= kWarningsLogged) spdlog::warn("routing: {}", warning);
    }
    if (fresh > kWarningsLogged)
        spdlog::warn("routing: {} more warnings; `sidestep routing` has all", fresh - kWarningsLogged);
    logged_ = {warnings.begin(), warnings.end()};
}

Nanoseconds RoutingFeed::next_wakeup() const {
    auto next = next_poll_;
    for (const auto& deadline : {backoff_.deadline(), convergence_.deadline()}) {
        if (deadline) next = std::min(next, *deadline);
    }
    return next;
}

std::string RoutingFeed::problem() const {
    const std::scoped_lock lock(mutex_);
    return report_.problem;
}

json RoutingFeed::status() const {
    const auto now = monotonic_now();
    const auto age = [&](const std::optional<Nanoseconds>& time) {
        return time ? json(milliseconds(now - *time)) : json();
    };
    const std::scoped_lock lock(mutex_);
    const auto left = report_.hold_until ? std::max(Nanoseconds::zero(), *report_.hold_until - now) : Nanoseconds{};
    return {{"source", source_->name()},
            {"node", report_.plr},
            {"problem", report_.problem.empty() ? json() : json(report_.problem)},
            {"refreshed_age_ms", age(report_.refreshed)},
            {"changed_age_ms", age(report_.changed)},
            {"nodes", report_.size.routers + report_.size.hosts},
            {"routers", report_.size.routers},
            {"hosts", report_.size.hosts},
            {"shared_prefixes", report_.size.anycast},
            {"links", report_.size.links},
            {"policies", report_.counts.policies},
            {"bypasses", report_.counts.bypasses},
            {"sids", report_.counts.sids},
            {"computed_us", report_.computing.count() / 1000},
            {"deliveries", report_.deliveries},
            {"backoff", name_of(report_.backoff)},
            {"convergence", routing::to_string(report_.convergence)},
            {"hold_left_ms", report_.hold_until ? json(milliseconds(left)) : json()},
            {"warnings", report_.warnings}};
}

}  // namespace sidestep
