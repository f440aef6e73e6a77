// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// How soon a dead link is noticed, how often a live one is taken for dead, and what watching it costs: Sidestep on A,
// beside the BFD daemons of the distribution in a lab of the same shape.
#include <algorithm>
#include <array>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <future>
#include <memory>
#include <thread>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "tests/bench/bfd_peer.hpp"
#include "tests/bench/bpf_cost.hpp"
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

/// How often and how long.
struct Effort {
    int cuts;
    int fast_cuts;  ///< at 250 us and 100 us
    int load_cuts;
    int fifo_cuts;  ///< slow: the detector gets 50 ms of processor time a second to raise the state again
    int dead_cuts;
    int restarts;
    int peer_cuts;  ///< each costs seconds: BFD begins slowly
    int peer_load_cuts;
    milliseconds watch;
    milliseconds watch_many;
    milliseconds cost;
    bool together;  ///< watch the peers while Sidestep is watched; else afterwards
};

constexpr Effort kFull{100, 100, 50, 10, 20, 10, 10, 3, 60s, 60s, 10s, false};
constexpr Effort kQuick{20, 10, 10, 2, 3, 2, 2, 0, 1500ms, 5s, 1s, true};

const topo::Clock::time_point kStart = topo::Clock::now();

void progress(const std::string& text) {
    const auto elapsed = std::chrono::duration<double>(topo::Clock::now() - kStart).count();
    fmt::print(stderr, "bench_liveness: {:6.1f} s  {}\n", elapsed, text);
}

/// A BFD daemon that can run here, started when wanted.
struct PeerKind {
    BfdSpec spec;
    std::unique_ptr<BfdPeer> (*start)(const BfdSpec&);
};

std::vector<PeerKind> peers_here() {
    std::vector<PeerKind> kinds;
    if (const auto missing = bird_missing(); missing.empty()) {
        kinds.push_back({{.name = "bird", .interval = "1ms"}, start_bird});
        kinds.push_back({{.name = "bird_10ms", .interval = "10ms"}, start_bird});
    } else {
        progress(missing + ": left out");
    }
    if (const auto missing = frr_missing(); missing.empty()) {
        kinds.push_back({{.name = "frr", .interval = "10ms"}, start_frr});  // its least
    } else {
        progress(missing + ": left out");
    }
    return kinds;
}

class Liveness {
  public:
    explicit Liveness(const Effort& effort) : effort_(effort), kinds_(peers_here()) {
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
            measure_peers("1ms");
            measure_peers("10ms");
        }
        costs_of_peers();
        return std::move(rows_);
    }

  private:
    Row& add(Row row) {
        rows_.push_back(std::move(row));
        return rows_.back();
    }

    /// A row with the median of some times.
    Row& add_median(const std::string& key, const std::vector<double>& times, std::optional<double> bar) {
        if (times.empty()) throw std::runtime_error(key + ": no failure was noticed");
        return add({.key = key, .value = quantile(times, 0.5), .unit = "ms", .n = times.size(), .bar = bar});
    }

    void detection() {
        progress(fmt::format("{} cuts at 1 ms x 3", effort_.cuts));
        sidestep_.start("1ms");
        const auto times = detect(sidestep_, effort_.cuts, Load::idle);
        add_median("detect_1ms_median", times, 3.0);
        idle_ms_ = quantile(times, 0.5);
        add({.key = "detect_1ms_p99", .value = quantile(times, 0.99), .unit = "ms", .n = times.size(), .bar = 4.0})
            .versus["max"] = quantile(times, 1);
        const auto gap = sidestep_.ask("status").value(nlohmann::json::json_pointer("/clock/longest_gap_us"), 0.0);
        rows_.back().versus["longest_clock_gap"] = rounded(gap / 1e3);
        detection_at("250us", 0.9);
        detection_at("100us", 0.5);
        sidestep_.stop();
    }

    void detection_at(const std::string& interval, double bar) {
        progress(fmt::format("{} cuts at {} x 3", effort_.fast_cuts, interval));
        sidestep_.stop();
        sidestep_.start(interval);
        const auto times = detect(sidestep_, effort_.fast_cuts, Load::idle);
        auto& row = add_median("detect_" + interval + "_median", times, bar);
        row.versus["p99"] = quantile(times, 0.99);
    }

    void loaded_detection() {
        sidestep_.start("1ms");
        for (const auto load : loads_) {
            if (load == Load::idle) continue;
            const int cuts = load == Load::fifo ? effort_.fifo_cuts : effort_.load_cuts;
            progress(fmt::format("{} cuts under {}", cuts, name_of(load)));
            const auto times = detect(sidestep_, cuts, load);
            auto& row = add_median(fmt::format("detect_1ms_median_{}", name_of(load)), times, 1.5 * idle_ms_);
            row.versus["idle"] = idle_ms_;
            row.versus["ratio_idle"] = rounded(row.value / idle_ms_);
            row.versus["max"] = quantile(times, 1);
        }
    }

    void false_downs() {
        std::vector<std::unique_ptr<BfdPeer>> peers;
        if (effort_.together) {
            for (const auto& kind : kinds_) peers.push_back(kind.start(kind.spec));
        }
        for (const auto load : loads_) {
            progress(fmt::format("{} of {}, nothing is cut", effort_.watch, name_of(load)));
            const auto before = probes();
            std::vector<Subject*> subjects{&sidestep_};
            for (const auto& peer : peers) subjects.push_back(peer.get());
            const auto watched = watch(subjects, effort_.watch, load);
            add_false_downs(fmt::format("false_downs_1ms_{}", name_of(load)), ours(watched), before);
            if (load == Load::flood) rows_.back().versus["flood_kpps"] = rounded(watched.flood_kpps);
            for (std::size_t i = 0; i < peers.size(); ++i)
                compare(rows_.back().key, peers[i]->name(), watched.downs[i + 1]);
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
        sidestep_.kill();
        std::this_thread::sleep_for(effort_.watch);
        sidestep_.start_again();  // with events of its own, and the counts of its predecessor
        downs = std::max<std::size_t>(sidestep_.downs().size(), sidestep_.sum("downs") - count);
        add_false_downs("false_downs_1ms_killed", downs, before);
        for (std::size_t i = 0; i < peers.size(); ++i)
            compare_median("detect_1ms_median", peers[i]->name(), times[i].get());
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
        auto& row = add({.key = key, .value = static_cast<double>(downs), .unit = "downs"});
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
        auto& row = add_median("loss_window_dead", windows, 4.0);
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
        auto& row = add({.key = "lost_restart", .value = static_cast<double>(report.lost.size()), .unit = "packets"});
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
        auto& row = add({.key = fmt::format("cpu_{}_sessions_10ms", sessions), .unit = "cores", .bar = bar});
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
            rows_.back().versus["up"] = sidestep_.ask("status").value(nlohmann::json::json_pointer("/sessions/up"), 0);
        }
        sidestep_.stop();
    }

    // --- the others

    /// Puts a peer's value beside ours.
    void compare(const std::string& key, const std::string& peer, std::optional<double> value) {
        const auto row = std::ranges::find(rows_, key, &Row::key);
        if (!value || row == rows_.end()) return;
        row->versus[peer] = rounded(*value);
        if (row->value > 0) row->versus[peer + "_ratio"] = rounded(*value / row->value);
    }

    void compare_median(const std::string& key, const std::string& peer, const std::vector<double>& times) {
        if (times.empty()) return;
        compare(key, peer, quantile(times, 0.5));
    }

    /// What we went through, without us: all peers of an interval beside each other.
    void measure_peers(const std::string& interval) {
        std::vector<std::unique_ptr<BfdPeer>> peers;
        std::vector<Subject*> subjects;
        for (const auto& kind : kinds_) {
            if (kind.spec.interval != interval) continue;
            peers.push_back(kind.start(kind.spec));
            subjects.push_back(peers.back().get());
        }
        if (peers.empty()) return;
        for (const auto& peer : peers) {
            progress(fmt::format("{} cuts with {}", effort_.peer_cuts, peer->name()));
            compare_median("detect_1ms_median", peer->name(), detect(*peer, effort_.peer_cuts, Load::idle));
        }
        for (const auto load : loads_) {
            progress(fmt::format("{} of {} with BFD at {}, nothing is cut", effort_.watch, name_of(load), interval));
            const auto downs = watch(subjects, effort_.watch, load).downs;
            for (std::size_t i = 0; i < peers.size(); ++i)
                compare(fmt::format("false_downs_1ms_{}", name_of(load)), peers[i]->name(), downs[i]);
        }
        for (const auto load : loads_) {
            if (load == Load::idle) continue;
            for (const auto& peer : peers) {
                progress(fmt::format("{} cuts with {} under {}", effort_.peer_load_cuts, peer->name(), name_of(load)));
                const auto times = detect(*peer, effort_.peer_load_cuts, load);
                compare_median(fmt::format("detect_1ms_median_{}", name_of(load)), peer->name(), times);
            }
        }
    }

    /// Processor time of their processes; what the kernel does for them is not in it.
    void costs_of_peers() {
        if (kinds_.empty()) return;
        progress(fmt::format("{} of 64 sessions at 10 ms, the others", effort_.cost));
        std::vector<std::unique_ptr<BfdPeer>> peers;
        for (const auto& kind : kinds_) {
            if (kind.spec.name == "bird") continue;  // once is enough
            const auto name = kind.start == start_bird ? "bird" : "frr";
            peers.push_back(kind.start({.name = name, .interval = "10ms", .sessions = 64}));
        }
        for (const auto& peer : peers) {
            if (!peer->wait_up(20s)) progress(peer->name() + ": not all of 64 sessions came up");
        }
        const auto begin = topo::Clock::now();
        std::vector<std::int64_t> before;
        before.reserve(peers.size());
        for (const auto& peer : peers) before.push_back(peer->cpu_ns());
        std::this_thread::sleep_for(effort_.cost);
        const std::chrono::duration<double, std::nano> wall = topo::Clock::now() - begin;
        for (std::size_t i = 0; i < peers.size(); ++i) {
            const auto spent = static_cast<double>(peers[i]->cpu_ns() - before[i]);
            compare("cpu_64_sessions_10ms", peers[i]->name(), spent / wall.count());
        }
    }

    const Effort& effort_;
    std::vector<PeerKind> kinds_;
    std::vector<Load> loads_;
    SidestepSubject sidestep_;
    std::vector<Row> rows_;
    double idle_ms_ = 0;
};

}  // namespace
}  // namespace sidestep::bench

int main(int argc, char** argv) {
    using namespace sidestep::bench;
    return run_bench("liveness", argc, argv,
                     [](const Arguments& arguments) { return Liveness(arguments.quick ? kQuick : kFull).run(); });
}
