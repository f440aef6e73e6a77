// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "topo/demo_run.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "topo/daemon.hpp"
#include "topo/lab.hpp"
#include "topo/protection.hpp"
#include "topo/wait.hpp"

namespace sidestep::topo {
namespace {

using namespace std::chrono_literals;

constexpr const char* kLink = "A-B";
constexpr auto kUpPatience = 10s;
constexpr auto kBetweenCuts = 200ms;
/// A packet may have been sent this long before the cut and still meet it at the link.
constexpr std::int64_t kInFlightNs = 2'000'000;

constexpr const char* kInterrupted = "interrupted";

/// Lets time pass; an error if the operator interrupts.
Result<void> pass(const DemoOptions& options, std::chrono::milliseconds length) {
    if (wait_for(length, options.interrupted)) return fail(kInterrupted);
    return {};
}

/// Traffic both ways: 0 is S -> D, 1 is D -> S.
class BothWays {
  public:
    static Result<BothWays> start(const Lab& lab, const DemoOptions& options) {
        auto forward = lab.start_traffic("S", "D", {.rate = options.rate});
        if (!forward) return std::unexpected(forward.error());
        auto backward = lab.start_traffic("D", "S", {.rate = options.rate});
        if (!backward) return std::unexpected(backward.error());
        return BothWays(std::move(*forward), std::move(*backward));
    }
    std::array<FlowReport, 2> stop() { return {forward_.stop(), backward_.stop()}; }

  private:
    BothWays(Traffic forward, Traffic backward) : forward_(std::move(forward)), backward_(std::move(backward)) {}
    Traffic forward_;
    Traffic backward_;
};

Direction direction(std::size_t index) {
    return index == 0 ? Direction::forward : Direction::backward;
}

std::optional<std::int64_t> number(const nlohmann::json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end() || !found->is_number() || found->get<std::int64_t>() == 0) return std::nullopt;
    return found->get<std::int64_t>();
}

/// Fills in the times of sidestepd's events on the protected link.
void read_events(const nlohmann::json& events, std::size_t index, std::vector<CutOfDemo>& cuts) {
    for (const auto& event : events) {
        const auto time = number(event, "time_ns");
        if (!time || event.value("session", "") != kLink) continue;
        const auto what = event.value("event", "");
        // The event belongs to the last cut that began before it.
        const auto after = std::ranges::upper_bound(cuts, *time, {}, &CutOfDemo::cut_ns);
        if (after == cuts.begin()) continue;
        auto& cut = *std::prev(after);
        auto& seen = cut.directions[index];
        if (what == "down" && !seen.verdict_ns) {
            const auto evidence = event.value("evidence", nlohmann::json::object());
            seen.last_echo_ns = number(evidence, "last_answer_ns");
            seen.verdict_ns = number(evidence, "verdict_ns");
            if (!seen.verdict_ns) seen.verdict_ns = time;
        } else if (what == "up" && *time >= cut.restore_ns && !seen.session_up_ns) {
            seen.session_up_ns = time;
        }
    }
}

class Experiment {
  public:
    Experiment(const Lab& lab, Cut& cut, const DemoOptions& options) : lab_(lab), cut_(cut), options_(options) {}

    Result<Phase> healthy() {
        auto traffic = BothWays::start(lab_, options_);
        if (!traffic) return std::unexpected(traffic.error());
        if (auto passed = pass(options_, options_.healthy); !passed) return std::unexpected(passed.error());
        return Phase{.flows = traffic->stop(), .cuts = {}};
    }

    /// Traffic, and `count` cuts in it; waits for the daemons to be up again after each.
    Result<Phase> cuts(int count, std::vector<Daemon>& daemons) {
        auto traffic = BothWays::start(lab_, options_);
        if (!traffic) return std::unexpected(traffic.error());
        Phase phase;
        for (int i = 0; i < count; ++i) {
            if (auto passed = pass(options_, kBetweenCuts); !passed) return std::unexpected(passed.error());
            auto cut = one_cut();
            if (!cut) return std::unexpected(cut.error());
            phase.cuts.push_back(*cut);
            for (auto& daemon : daemons) {
                if (auto up = daemon.wait_up(kUpPatience); !up) return std::unexpected(up.error());
            }
        }
        if (auto passed = pass(options_, kBetweenCuts); !passed) return std::unexpected(passed.error());
        phase.flows = traffic->stop();
        for (auto& cut : phase.cuts) {
            for (std::size_t i = 0; i < 2; ++i) {
                cut.directions[i].loss = loss_between(phase.flows[i], cut.cut_ns - kInFlightNs, cut.restore_ns);
            }
        }
        for (std::size_t i = 0; i < daemons.size(); ++i) {
            const auto answer = daemons[i].ask("events");
            if (!answer) return std::unexpected(answer.error());
            read_events(answer->value("events", nlohmann::json::array()), i, phase.cuts);
        }
        return phase;
    }

  private:
    Result<CutOfDemo> one_cut() {
        CutOfDemo result;
        result.cut_ns = cut_.cut();
        const auto passed = pass(options_, options_.cut_length);
        result.restore_ns = cut_.restore();
        if (!passed) return std::unexpected(passed.error());
        for (std::size_t i = 0; i < 2; ++i) {
            result.directions[i].first_drop_ns = cut_.seen(direction(i)).first_drop_ns;
        }
        return result;
    }

    const Lab& lab_;
    Cut& cut_;
    const DemoOptions& options_;
};

Result<void> start_daemons(const Lab& lab, const DemoOptions& options, std::vector<Daemon>& daemons) {
    const std::array<Protection, 2> protections{
        Protection{.node = "A", .link = kLink, .backup_link = "A-C", .via = {"C", "B"}, .destination = "D"},
        Protection{.node = "B", .link = kLink, .backup_link = "C-B", .via = {"C", "A"}, .destination = "S"}};
    for (auto protection : protections) {
        protection.interval = options.interval;
        protection.multiplier = options.multiplier;
        auto daemon = Daemon::start(lab, protection.node, protection_config(lab, protection));
        if (!daemon) return std::unexpected(daemon.error());
        daemons.push_back(std::move(*daemon));
    }
    for (auto& daemon : daemons) {
        if (auto up = daemon.wait_up(kUpPatience); !up) return up;
    }
    return {};
}

/// The lab and its logs end with the demo; a copy of the logs stays where they can be read. Says where.
std::string keep_logs(std::vector<Daemon>& daemons, const std::string& folder) {
    std::error_code error;
    if (daemons.empty() || folder.empty()) return {};
    std::filesystem::create_directories(folder, error);
    std::string kept;
    for (auto& daemon : daemons) {
        const auto path = folder + "/" + daemon.node() + ".log";
        std::ofstream file(path);
        if (file << daemon.process().output()) kept += " " + path;
    }
    return kept.empty() ? kept : "\nlogs of sidestepd:" + kept;
}

Result<DemoResult> experiment(const Lab& lab, Cut& cut, const DemoOptions& options, std::vector<Daemon>& daemons) {
    options.progress("starting sidestepd on A and B, and waiting until all links answer");
    if (auto started = start_daemons(lab, options, daemons); !started) return std::unexpected(started.error());
    Experiment experiment(lab, cut, options);
    options.progress(fmt::format("{:.1f} s of healthy traffic, {:.0f} packets/s each way",
                                 static_cast<double>(options.healthy.count()) / 1e3, options.rate));
    auto healthy = experiment.healthy();
    if (!healthy) return std::unexpected(healthy.error());

    options.progress(fmt::format("{} silent cuts of {}, each for {} ms, then until {} is trusted again", options.cuts,
                                 kLink, options.cut_length.count(), kLink));
    auto with_sidestep = experiment.cuts(options.cuts, daemons);
    if (!with_sidestep) return std::unexpected(with_sidestep.error());

    options.progress("stopping sidestepd; the same cut without it");
    for (auto& daemon : daemons) {
        if (auto stopped = daemon.stop(); !stopped) return std::unexpected(stopped.error());
    }
    daemons.clear();
    auto without_sidestep = experiment.cuts(1, daemons);
    if (!without_sidestep) return std::unexpected(without_sidestep.error());
    return DemoResult{.healthy = std::move(*healthy),
                      .with_sidestep = std::move(*with_sidestep),
                      .without_sidestep = std::move(*without_sidestep)};
}

}  // namespace

bool Phase::recovered() const {
    return std::ranges::all_of(cuts, [](const CutOfDemo& cut) { return cut.recovered(0) && cut.recovered(1); });
}

std::uint64_t Phase::lost_outside_cuts() const {
    auto outside = lost();
    for (const auto& cut : cuts) {
        for (const auto& seen : cut.directions) outside -= seen.loss ? seen.loss->lost : 0;
    }
    return outside;
}

Result<DemoResult> run_demo(const std::string& topology_path, const DemoOptions& options) {
    if (const auto program = Daemon::executable(); !program) return std::unexpected(program.error());
    options.progress("building the lab: S, A, B, C, D in network namespaces of their own");
    const auto lab = Lab::build_file(topology_path);
    if (!lab) return std::unexpected(lab.error());
    auto cut = lab->install_cut(kLink);
    if (!cut) return std::unexpected(cut.error());
    if (const auto reply = lab->wait_reachable("S", "D"); !reply) return std::unexpected(reply.error());

    std::vector<Daemon> daemons;
    auto result = experiment(*lab, *cut, options, daemons);
    if (!result && !options.interrupted()) return fail(result.error().message + keep_logs(daemons, options.log_folder));
    return result;
}

}  // namespace sidestep::topo
