// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// How soon a dead link is noticed, how often a live one is taken for dead, and what watching it costs: Sidestep on A,
// beside the BFD daemons of the distribution in a lab of the same shape.
#include <algorithm>
#include <array>
#include <cmath>
#include <csignal>
#include <future>
#include <memory>
#include <thread>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "tests/bench/bpf_cost.hpp"
#include "tests/bench/liveness_peers.hpp"
#include "tests/bench/liveness_rows.hpp"
#include "tests/bench/report.hpp"
#include "tests/bench/sidestep_subject.hpp"
#include "tests/bench/trial.hpp"

namespace sidestep::bench {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

/// Real-time hogs come last: BFD takes seconds to recover from them.
constexpr std::array kLoads{Load::idle, Load::cpu, Load::flood, Load::fifo};
constexpr double kTrafficRate = 10'000;
constexpr auto kDeadTime = 100ms;
constexpr auto kSettling = 500ms;

constexpr Effort kFull{100, 100, 50, 10, 20, 10, 10, 3, 60s, 60s, 10s, false};
constexpr Effort kQuick{20, 10, 10, 2, 3, 2, 2, 0, 1500ms, 5s, 1s, true};

class Liveness {
  public:
    explicit Liveness(const Effort& effort) : effort_(effort), peers_(effort, rows_) {
        const auto allowed = topo::Hogs().add(1ms, 0);
        if (!allowed) progress(allowed.error().message + ": rows under real-time load are left out");
        for (const auto load : kLoads) {
            if (load != Load::fifo || allowed) loads_.push_back(load);
        }
    }

    std::vector<Row> run() {
        detection();
        loaded_detection();
        false_downs();
        without_detector();
        restart();
        cost(64, 0.02, effort_.cost);
        cost(4000, 0.5, effort_.watch_many);
        if (!effort_.together) {  // what is fast, and what is slow
            peers_.measure("1ms", loads_);
            peers_.measure("10ms", loads_);
        }
        peers_.measure_costs();
        return rows_.take();
    }

  private:
    void detection() {
        progress(fmt::format("{} cuts at 1 ms x 3", effort_.cuts));
        sidestep_.start("1ms");
        const auto times = detect(sidestep_, effort_.cuts, Load::idle);
        rows_.add_median("detect_1ms_median", times, 3.0);
        idle_ms_ = quantile(times, 0.5);
        rows_
            .add({.key = "detect_1ms_p99", .value = quantile(times, 0.99), .unit = "ms", .n = times.size(), .bar = 4.0})
            .versus["max"] = quantile(times, 1);
        const auto gap = sidestep_.ask("status").value(nlohmann::json::json_pointer("/clock/longest_gap_us"), 0.0);
        rows_.last().versus["longest_clock_gap"] = rounded(gap / 1e3);
        detection_at("250us", 0.9);
        detection_at("100us", 0.5);
        sidestep_.stop();
    }

    void detection_at(const std::string& interval, double bar) {
        progress(fmt::format("{} cuts at {} x 3", effort_.fast_cuts, interval));
        sidestep_.stop();
        sidestep_.start(interval);
        const auto times = detect(sidestep_, effort_.fast_cuts, Load::idle);
        auto& row = rows_.add_median("detect_" + interval + "_median", times, bar);
        row.versus["p99"] = quantile(times, 0.99);
    }

    void loaded_detection() {
        sidestep_.start("1ms");
        for (const auto load : loads_) {
            if (load == Load::idle) continue;
            const int cuts = load == Load::fifo ? effort_.fifo_cuts : effort_.load_cuts;
            progress(fmt::format("{} cuts under {}", cuts, name_of(load)));
            const auto times = detect(sidestep_, cuts, load);
            auto& row = rows_.add_median(fmt::format("detect_1ms_median_{}", name_of(load)), times, 1.5 * idle_ms_);
            row.versus["idle"] = idle_ms_;
            row.versus["ratio_idle"] = rounded(row.value / idle_ms_);
            row.versus["max"] = quantile(times, 1);
        }
    }

    void false_downs() {
        std::vector<std::unique_ptr<BfdPeer>> peers;
        if (effort_.together) peers = peers_.start();
        for (const auto load : loads_) {
            progress(fmt::format("{} of {}, nothing is cut", effort_.watch, name_of(load)));
            const auto before = probes();
            std::vector<Subject*> subjects{&sidestep_};
            for (const auto& peer : peers) subjects.push_back(peer.get());
            const auto watched = watch(subjects, effort_.watch, load);
            add_false_downs(fmt::format("false_downs_1ms_{}", name_of(load)), ours(watched), before);
            if (load == Load::flood) rows_.last().versus["flood_kpps"] = rounded(watched.flood_kpps);
            for (std::size_t i = 0; i < peers.size(); ++i)
                rows_.compare(rows_.last().key, peers[i]->name(), watched.downs[i + 1]);
        }
        std::vector<std::future<std::vector<double>>> times;  // while the detector rests
        times.reserve(peers.size());
        for (const auto& peer : peers)
            times.push_back(std::async(std::launch::async, detect, std::ref(*peer), effort_.peer_cuts, Load::idle));
        progress(fmt::format("{} with the detector stopped", effort_.watch));
        auto before = probes();
        auto downs = sidestep_.downs().size();
        sidestep_.signal(SIGSTOP);
        std::this_thread::sleep_for(effort_.watch);
        sidestep_.signal(SIGCONT);
        std::this_thread::sleep_for(kDeadTime);  // it has events to read
        add_false_downs("false_downs_1ms_sigstop", sidestep_.downs().size() - downs, before);

        progress(fmt::format("{} without the detector", effort_.watch));
        before = probes();
        const auto count = sidestep_.sum("downs");
        downs = sidestep_.downs().size();
        sidestep_.kill();
        std::this_thread::sleep_for(effort_.watch);
        sidestep_.start_again();  // with the events and the counts of its predecessor
        downs = std::max<std::size_t>(sidestep_.downs().size() - downs, sidestep_.sum("downs") - count);
        add_false_downs("false_downs_1ms_killed", downs, before);
        for (std::size_t i = 0; i < peers.size(); ++i)
            rows_.compare_median("detect_1ms_median", peers[i]->name(), times[i].get());
    }

    /// Of the first subject, which is Sidestep.
    static std::size_t ours(const Watched& watched) {
        if (const auto& downs = watched.downs.at(0)) return *downs;
        throw std::runtime_error("Sidestep's link is not up, though nothing is cut");
    }

    struct Probes {
        std::uint64_t sent = 0;
        std::uint64_t answered = 0;
        topo::Clock::time_point time;
    };
    /// Of all sessions.
    Probes probes() {
        Probes probes;
        const auto asked = topo::Clock::now();
        const auto sessions = sidestep_.ask("sessions").value("sessions", nlohmann::json::array());
        probes.time = asked + (topo::Clock::now() - asked) / 2;
        for (const auto& session : sessions) {
            probes.sent += session.value("sent", std::uint64_t{0});
            probes.answered += session.value("answered", std::uint64_t{0});
        }
        return probes;
    }

    void add_false_downs(const std::string& key, std::size_t downs, const Probes& before) {
        const auto now = probes();
        auto& row = rows_.add({.key = key, .value = static_cast<double>(downs), .unit = "downs"});
        row.n = 1;
        row.bar = 0;
        row.versus["probes_sent"] = now.sent - before.sent;
        // Those in flight at either end count as one or the other.
        row.versus["unanswered"] = static_cast<std::int64_t>(now.sent - before.sent) -
                                   static_cast<std::int64_t>(now.answered - before.answered);
    }

    /// Loss of traffic that is protected, through a cut while the detector is dead.
    void without_detector() {
        progress(fmt::format("{} cuts without the detector", effort_.dead_cuts));
        std::vector<double> windows;
        for (int i = 0; i < effort_.dead_cuts; ++i) {
            auto traffic = must(sidestep_.lab().start_traffic("S", "D", {.rate = kTrafficRate}));
            sidestep_.kill();
            std::this_thread::sleep_for(kDeadTime);
            const auto cut_ns = sidestep_.cut().cut();
            std::this_thread::sleep_for(kDeadTime);
            const auto restore_ns = sidestep_.cut().restore();
            const auto report = traffic.stop();
            const auto window = topo::loss_between(report, cut_ns - 2'000'000, restore_ns);
            const auto length = window ? window->length_ns() : std::optional<std::int64_t>(0);
            if (!length) throw std::runtime_error("traffic did not recover from a cut without the detector");
            windows.push_back(static_cast<double>(*length) / 1e6);
            sidestep_.start_again();
        }
        auto& row = rows_.add_median("loss_window_dead", windows, 4.0);
        row.versus["max"] = quantile(windows, 1);
    }

    void restart() {
        progress(fmt::format("{} restarts of the detector", effort_.restarts));
        auto traffic = must(sidestep_.lab().start_traffic("S", "D", {.rate = kTrafficRate}));
        for (int i = 0; i < effort_.restarts; ++i) {
            std::this_thread::sleep_for(kDeadTime);
            sidestep_.kill();
            std::this_thread::sleep_for(kDeadTime);
            sidestep_.start_again();
        }
        std::this_thread::sleep_for(kDeadTime);
        const auto report = traffic.stop();
        auto& row =
            rows_.add({.key = "lost_restart", .value = static_cast<double>(report.lost.size()), .unit = "packets"});
        row.n = static_cast<std::size_t>(effort_.restarts);
        row.bar = 0;
        row.versus["packets_sent"] = report.sent;
        sidestep_.stop();
    }

    /// What `sessions` cost while nothing is cut; many of them are also to stay up.
    void cost(int sessions, double bar, milliseconds length) {
        progress(fmt::format("{} of {} sessions at 10 ms", length, sessions));
        sidestep_.start_many(sessions);
        std::this_thread::sleep_for(kSettling);
        const auto before = probes();
        const auto bpf = must(BpfCost::open(sidestep_.lab(), "A", sidestep_.lab().interface("A", kLink).name));
        const auto process = must(process_cpu_ns(sidestep_.pid()));
        const auto begin = topo::Clock::now();
        std::this_thread::sleep_for(length);
        const auto spent = must(bpf.read());
        const auto detector = static_cast<double>(must(process_cpu_ns(sidestep_.pid())) - process);
        const std::chrono::duration<double, std::nano> wall = topo::Clock::now() - begin;
        const auto after = probes();

        auto total = detector;
        auto& row = rows_.add({.key = fmt::format("cpu_{}_sessions_10ms", sessions), .unit = "cores", .bar = bar});
        row.n = static_cast<std::size_t>(sessions);
        for (const auto& program : spent) {
            total += static_cast<double>(program.run_ns);
            row.versus[program.name] = rounded(static_cast<double>(program.run_ns) / wall.count());
        }
        row.versus["sidestepd"] = rounded(detector / wall.count());
        row.value = rounded(total / wall.count());
        // Cheap is easy for those who do not send.
        const std::chrono::duration<double, std::milli> between = after.time - before.time;
        const auto rate = static_cast<double>(after.sent - before.sent) / between.count();
        row.versus["probes_per_s"] = std::round(1e3 * rate);
        row.versus["sent_of_due"] = rounded(rate / (sessions / 10.0));
        row.versus["us_per_probe"] = rounded(1e-3 * total / (rate * 1e-6 * wall.count()));
        if (rate < 0.95 * sessions / 10.0) row.flaw = "the clock was late and left out probes";
        if (sessions > 64) {
            add_false_downs(fmt::format("false_downs_{}", sessions), sidestep_.downs().size(), before);
            rows_.last().versus["up"] = sidestep_.ask("status").value(nlohmann::json::json_pointer("/sessions/up"), 0);
        }
        sidestep_.stop();
    }

    const Effort& effort_;
    Rows rows_;
    Peers peers_;
    std::vector<Load> loads_;
    SidestepSubject sidestep_;
    double idle_ms_ = 0;
};

}  // namespace
}  // namespace sidestep::bench

int main(int argc, char** argv) {
    using namespace sidestep::bench;
    return run_bench("liveness", argc, argv,
                     [](const Arguments& arguments) { return Liveness(arguments.quick ? kQuick : kFull).run(); });
}
