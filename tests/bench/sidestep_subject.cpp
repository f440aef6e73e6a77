// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/sidestep_subject.hpp"

#include <csignal>

#include <fmt/format.h>

#include "topo/protection.hpp"
#include "topo/wait.hpp"

namespace sidestep::bench {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr auto kUpPatience = 20s;

std::string many_adjacencies(const topo::Lab& lab, int sessions) {
    const auto& own = lab.interface("A", kLink);
    const auto neighbor = lab.peer("A", kLink).link_local.to_string();
    auto text = fmt::format("node: {{name: A, source-address: \"{}\"}}\nclock: auto\n", lab.address("A").to_string());
    text += "probe: {interval: 10ms, multiplier: 3, wait-to-restore: 20ms}\nadjacencies:\n";
    for (int i = 0; i < sessions; ++i) {
        text += fmt::format("  - {{name: s{}, interface: {}, neighbor: \"{}\", probe: {{return-address: \"{}\"}}}}\n",
                            i, own.name, neighbor, own.address.to_string());
    }
    return text + fmt::format("ingress: [{}]\n", own.name);
}

}  // namespace

topo::Daemon& SidestepSubject::daemon() {
    if (!daemon_) throw std::logic_error("sidestepd was never started");
    return *daemon_;
}

void SidestepSubject::start(const std::string& interval) {
    config_ = topo::protection_config(lab(), {.node = "A",
                                              .link = kLink,
                                              .backup_link = "A-C",
                                              .via = {"C", "B"},
                                              .destination = "D",
                                              .interval = interval,
                                              .wait_to_restore = "20ms"});
    start_again();
}

void SidestepSubject::start_many(int sessions) {
    config_ = many_adjacencies(lab(), sessions);
    start_again();
}

void SidestepSubject::start_again() {
    daemon_.reset();
    daemon_ = std::make_unique<topo::Daemon>(must(topo::Daemon::start(lab(), "A", config_)));
    if (!wait_up(kUpPatience)) {
        throw std::runtime_error(fmt::format("sidestepd: not every session came up in {} s: {}\n{}",
                                             kUpPatience.count(), ask("status").dump(), daemon().process().output()));
    }
    const auto clock = ask("status").value(json::json_pointer("/clock/kind"), "");
    if (clock != "kernel") throw std::runtime_error("sidestepd has no kernel clock here but: " + clock);
}

void SidestepSubject::stop() {
    must(daemon().stop());
}

void SidestepSubject::kill() {
    daemon().process().signal(SIGKILL);
    daemon().process().wait(5s);
}

bool SidestepSubject::wait_up(std::chrono::milliseconds patience) {
    return topo::wait_for(patience, [&] {
        const auto states = ask("status").value("sessions", json::object());
        int all = 0;
        for (const auto& [state, count] : states.items()) all += count.get<int>();
        return all > 0 && states.value("up", 0) == all;
    });
}

std::vector<std::int64_t> SidestepSubject::downs() {
    std::vector<std::int64_t> times;
    const auto events = ask("events").value("events", json::array());
    for (const auto& event : events) {
        if (event.value("state", "") != "down") continue;
        // A verdict of the kernel has a time of its own; another one is the detector's.
        times.push_back(
            event.value(json::json_pointer("/evidence/verdict_ns"), event.value("time_ns", std::int64_t{0})));
    }
    return times;
}

json SidestepSubject::ask(const std::string& command) {
    // A starved daemon may take longer to answer than its client waits.
    for (int attempt = 0; attempt < 5 && daemon().process().running(); ++attempt) {
        if (auto answer = daemon().ask(command)) return *answer;
        if (attempt < 4) std::this_thread::sleep_for(20ms);
    }
    return json::object();
}

std::uint64_t SidestepSubject::sum(std::string_view field) {
    std::uint64_t total = 0;
    const auto sessions = ask("sessions").value("sessions", json::array());
    for (const auto& session : sessions) total += session.value(std::string(field), std::uint64_t{0});
    return total;
}

}  // namespace sidestep::bench
