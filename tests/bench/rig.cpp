// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/rig.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

#include "tests/bench/must.hpp"
#include "topo/wait.hpp"

namespace sidestep::bench {
namespace {

using namespace std::chrono_literals;

constexpr const char* kLink = "A-B";
constexpr auto kDownPatience = 10s;
constexpr auto kArrivalPatience = 200ms;
constexpr auto kBatchPatience = 120s;

}  // namespace

Rig::Rig()
    : lab_(must(topo::Lab::build_file(SIDESTEP_SOURCE_DIR "/tests/bench/repair.yaml"))),
      arrivals_(must(Arrivals::attach(lab_))) {
    must(lab_.wait_reachable("S", "D"));
    must(lab_.wait_reachable("A", "C"));
}

double Rig::protect(const std::string& config, const std::string& node, std::chrono::milliseconds patience) {
    const auto begin = topo::Clock::now();
    daemon_ = must(topo::Daemon::start(lab_, node, config));
    must(daemon_->wait_up(patience));
    return std::chrono::duration<double>(topo::Clock::now() - begin).count();
}

nlohmann::json Rig::ask(const std::string& command) {
    auto answer = daemon_->ask(command);
    return answer ? *answer : nlohmann::json::object();
}

void Rig::take_frames() {
    for (const auto* link : {"S-A", "A-B", "A-C"}) must(lab_.take_frames("A", link));
}

void Rig::expect_xdp() {
    const auto entrances = ask("status").value("xdp", nlohmann::json::array());
    if (entrances.empty()) throw std::runtime_error("nothing is said of XDP");
    for (const auto& entrance : entrances) {
        if (!entrance.value("xdp", false) || entrance.value("tc", true))
            throw std::runtime_error("not at XDP alone: " + entrance.dump());
    }
}

void Rig::fail_link() {
    cut_ = must(lab_.install_cut(kLink));
    cut_->cut();
    const bool down = topo::wait_for(kDownPatience, [&] {
        return std::ranges::any_of(ask("sessions").value("sessions", nlohmann::json::array()), [](const auto& session) {
            return session.value("name", "") == kLink && session.value("state", "") == "down";
        });
    });
    if (!down) throw std::runtime_error(fmt::format("{} did not go down", kLink));
}

Rig::Lap Rig::drive(Generator& generator, Way way, std::chrono::nanoseconds length, unsigned burst) {
    const auto before = arrivals_.arrived(way);
    const auto sent = must(generator.run(length, burst));
    std::uint64_t arrived = 0;
    topo::wait_for(kArrivalPatience, [&] {
        arrived = arrivals_.arrived(way) - before;
        return arrived >= sent.packets;
    });
    return {.kpps = 1e-3 * static_cast<double>(arrived) / sent.seconds,
            .sent = sent.packets,
            .lost = sent.packets - std::min(arrived, sent.packets)};
}

void Rig::ip(const std::string& node, std::string batch) const {
    must(topo::run({"ip", "-batch", "-"}, {.netns = lab_.netns(node).fd(), .input = std::move(batch)}, kBatchPatience));
}

}  // namespace sidestep::bench
