// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// BFD daemons through the trials that Sidestep went through.
#include "tests/bench/liveness_peers.hpp"

#include <cstdint>
#include <thread>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "tests/bench/trial.hpp"

namespace sidestep::bench {

using namespace std::chrono_literals;

Peers::Peers(const Effort& effort, Rows& rows) : effort_(effort), rows_(rows), kinds_(kinds_here()) {}

std::vector<Peers::Kind> Peers::kinds_here() {
    std::vector<Kind> kinds;
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

std::vector<std::unique_ptr<BfdPeer>> Peers::start() const {
    std::vector<std::unique_ptr<BfdPeer>> peers;
    for (const auto& kind : kinds_) peers.push_back(kind.start(kind.spec));
    return peers;
}

void Peers::measure(const std::string& interval, const std::vector<Load>& loads) {
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
        rows_.compare_median("detect_1ms_median", peer->name(), detect(*peer, effort_.peer_cuts, Load::idle));
    }
    for (const auto load : loads) {
        progress(fmt::format("{} of {} with BFD at {}, nothing is cut", effort_.watch, name_of(load), interval));
        const auto downs = watch(subjects, effort_.watch, load).downs;
        for (std::size_t i = 0; i < peers.size(); ++i)
            rows_.compare(fmt::format("false_downs_1ms_{}", name_of(load)), peers[i]->name(), downs[i]);
    }
    for (const auto load : loads) {
        if (load == Load::idle) continue;
        for (const auto& peer : peers) {
            progress(fmt::format("{} cuts with {} under {}", effort_.peer_load_cuts, peer->name(), name_of(load)));
            const auto times = detect(*peer, effort_.peer_load_cuts, load);
            rows_.compare_median(fmt::format("detect_1ms_median_{}", name_of(load)), peer->name(), times);
        }
    }
}

void Peers::measure_costs() {
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
        rows_.compare("cpu_64_sessions_10ms", peers[i]->name(), spent / wall.count());
    }
}

}  // namespace sidestep::bench
