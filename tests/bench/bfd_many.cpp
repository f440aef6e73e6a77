// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Both ends are on this machine, so each false down is a failure of the clock to send, or to look, in time.
#include "tests/bench/bfd_many.hpp"

#include <chrono>
#include <csignal>
#include <cstdint>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tests/bench/bfd_flood.hpp"
#include "tests/bench/bpf_cost.hpp"
#include "tests/bench/load.hpp"
#include "tests/bench/must.hpp"
#include "topo/daemon.hpp"
#include "topo/lab.hpp"
#include "topo/wait.hpp"

namespace sidestep::bench {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr int kSpeakers = 64;
constexpr int kMultiplier = 3;
constexpr double kIntervalMs = 10;
constexpr auto kManyUp = 60s;
constexpr auto kSomeTime = 300ms;
constexpr double kFloodKpps = 500;
constexpr const char* kSpokenLink = "A-B";

class ManySpeakers {
  public:
    ManySpeakers() : lab_(must(topo::Lab::build_file(std::string(SIDESTEP_SOURCE_DIR) + "/topo/demo.yaml"))) {
        for (const std::string node : {"A", "B"}) {
            std::string batch;
            for (int i = 0; i < kSpeakers; ++i)
                batch += fmt::format("addr add {}/64 dev {} nodad\n", address(node, i).to_string(), interface(node));
            must(topo::run({"ip", "-batch", "-"}, {.netns = lab_.netns(node).fd(), .input = batch}));
            start(node);
        }
        wait_up();
    }

    [[nodiscard]] const topo::Lab& lab() const { return lab_; }
    [[nodiscard]] std::string interface(const std::string& node) const {
        return lab_.interface(node, kSpokenLink).name;
    }
    void start(const std::string& node) {
        daemons_.erase(node);
        daemons_.emplace(node, must(topo::Daemon::start(lab_, node, config(node))));
    }
    topo::Process& process(const std::string& node) { return daemons_.at(node).process(); }
    void signal(int number) {
        for (auto& [node, daemon] : daemons_) daemon.process().signal(number);
    }
    /// All of both ends, and with the timers that count.
    void wait_up() const {
        const bool up = topo::wait_for(kManyUp, [&] {
            int ready = 0;
            for (const auto& session : sessions()) {
                const auto& bfd = session.at("bfd");
                ready += session.value("state", "") == "up" && !bfd.value("polling", true) &&
                         bfd.value("detection_us", 0.0) == 1e3 * kMultiplier * kIntervalMs;
            }
            return ready == 2 * kSpeakers;
        });
        if (!up) throw std::runtime_error(fmt::format("{} BFD sessions do not come up", kSpeakers));
    }
    /// Failures of all sessions of both ends together.
    [[nodiscard]] std::uint64_t downs() const { return sum("downs"); }
    [[nodiscard]] std::uint64_t sent_by_a() const {
        std::uint64_t sent = 0;
        for (const auto& session : sessions_at("A")) sent += session.value("sent", std::uint64_t{0});
        return sent;
    }
    [[nodiscard]] Address address(const std::string& node, int number) const {
        auto result = lab_.interface(node, kSpokenLink).address;
        result.bytes[13] = static_cast<std::uint8_t>(number + 1);
        return result;
    }

  private:
    [[nodiscard]] std::string config(const std::string& node) const {
        const std::string other = node == "A" ? "B" : "A";
        auto text = fmt::format(
            "node: {{name: {}, source-address: \"{}\"}}\nclock: kernel\n"
            "probe: {{interval: {}ms, multiplier: {}, wait-to-restore: 10ms}}\nadjacencies:\n",
            node, lab_.address(node).to_string(), kIntervalMs, kMultiplier);
        for (int i = 0; i < kSpeakers; ++i)
            text += fmt::format("  - {{name: s{}, interface: {}, neighbor: \"{}\", bfd: {{local-address: \"{}\"}}}}\n",
                                i, interface(node), address(other, i).to_string(), address(node, i).to_string());
        return text;
    }
    [[nodiscard]] json sessions_at(const std::string& node) const {
        const auto answer = daemons_.at(node).ask("sessions");
        return answer ? answer->value("sessions", json::array()) : json::array();
    }
    [[nodiscard]] json sessions() const {
        auto all = sessions_at("A");
        for (auto& session : sessions_at("B")) all.push_back(std::move(session));
        return all;
    }
    [[nodiscard]] std::uint64_t sum(const std::string& field) const {
        std::uint64_t total = 0;
        for (const auto& session : sessions()) total += session.value(field, std::uint64_t{0});
        return total;
    }

    topo::Lab lab_;
    std::map<std::string, topo::Daemon> daemons_;
};

/// Failures while `work` goes on, and right after it.
template <typename Work>
Row false_downs(const std::string& what, ManySpeakers& speakers, std::chrono::seconds length, Work work) {
    Row row{.key = "bfd_false_downs_" + what, .unit = "downs", .n = kSpeakers, .bar = 0};
    row.versus["seconds"] = length.count();
    try {
        speakers.wait_up();
        const auto before = speakers.downs();
        work();
        std::this_thread::sleep_for(kSomeTime);
        row.value = static_cast<double>(speakers.downs() - before);
    } catch (const std::exception& error) {
        row.value = std::numeric_limits<double>::quiet_NaN();
        row.flaw = error.what();
    }
    return row;
}

Row under(Load load, ManySpeakers& speakers, std::chrono::seconds length) {
    return false_downs(std::string(name_of(load)), speakers, length, [&] {
        const LoadInForce in_force(load, {&speakers.lab()}, length + 5s);
        std::this_thread::sleep_for(length);
    });
}

Row stopped(ManySpeakers& speakers, std::chrono::seconds length) {
    return false_downs("sigstop", speakers, length, [&] {
        speakers.signal(SIGSTOP);
        std::this_thread::sleep_for(length);
        speakers.signal(SIGCONT);
    });
}

Row killed(ManySpeakers& speakers, std::chrono::seconds length) {
    return false_downs("killed", speakers, length, [&] {
        for (const auto* node : {"A", "B"}) {
            speakers.process(node).signal(SIGKILL);
            speakers.process(node).wait(5s);
        }
        std::this_thread::sleep_for(length);
        for (const auto* node : {"A", "B"}) speakers.start(node);
        speakers.wait_up();
    });
}

/// What the packets cost is what A's program at ingress takes for each: a drop takes nothing but that.
void flood(ManySpeakers& speakers, std::chrono::seconds length, std::vector<Row>& rows) {
    Row price{.key = "bfd_flood_us", .unit = "us/packet", .bar = 0.3};
    auto lost = false_downs("flood", speakers, length, [&] {
        const auto bpf = must(BpfCost::open(speakers.lab(), "A", speakers.interface("A")));
        const auto begin = topo::Clock::now();
        const auto flood = must(BfdFlood::start(speakers.lab(), speakers.address("B", 0), speakers.address("A", 0)));
        std::this_thread::sleep_for(length);
        const auto spent = must(bpf.read());
        const auto& program = spent.back();
        const std::chrono::duration<double, std::milli> wall = topo::Clock::now() - begin;
        price.n = program.runs;
        price.value = rounded(1e-3 * static_cast<double>(program.run_ns) / static_cast<double>(program.runs));
        price.versus["kpps"] = rounded(static_cast<double>(flood->sent()) / wall.count());
    });
    lost.key = "bfd_flood";
    lost.versus["kpps"] = price.versus["kpps"];
    if (lost.versus["kpps"].is_number() && lost.versus["kpps"].get<double>() < kFloodKpps)
        lost.flaw = fmt::format("this machine sends fewer than {} thousand packets a second", kFloodKpps);
    rows.push_back(std::move(lost));
    rows.push_back(std::move(price));
}

Row cost(ManySpeakers& speakers, std::chrono::seconds length) {
    speakers.wait_up();
    const auto sent_before = speakers.sent_by_a();
    const auto bpf = must(BpfCost::open(speakers.lab(), "A", speakers.interface("A")));
    const auto process = must(process_cpu_ns(speakers.process("A").pid()));
    const auto begin = topo::Clock::now();
    std::this_thread::sleep_for(length);
    const auto spent = must(bpf.read());
    auto total = static_cast<double>(must(process_cpu_ns(speakers.process("A").pid())) - process);
    const std::chrono::duration<double, std::nano> wall = topo::Clock::now() - begin;
    Row row{.key = "cpu_64_bfd_10ms", .unit = "cores", .n = kSpeakers, .bar = 0.02};
    row.versus["sidestepd"] = rounded(total / wall.count());
    for (const auto& program : spent) {
        total += static_cast<double>(program.run_ns);
        row.versus[program.name] = rounded(static_cast<double>(program.run_ns) / wall.count());
    }
    row.value = rounded(total / wall.count());
    const auto rate = 1e9 * static_cast<double>(speakers.sent_by_a() - sent_before) / wall.count();
    row.versus["packets_per_s"] = rounded(rate);
    // Cheap is easy for those who do not send; jitter makes it more than one packet an interval.
    if (rate < 1e3 * kSpeakers / kIntervalMs) row.flaw = "the clock was late and left out packets";
    return row;
}

}  // namespace

std::vector<Row> many_speakers_rows(bool quick) {
    const auto length = quick ? 1s : 60s;
    ManySpeakers speakers;
    std::vector<Row> rows{cost(speakers, quick ? 2s : 20s)};
    for (const auto load : {Load::idle, Load::cpu, Load::fifo, Load::flood})
        rows.push_back(under(load, speakers, length));
    flood(speakers, length, rows);
    rows.push_back(stopped(speakers, length));
    rows.push_back(killed(speakers, length));
    return rows;
}

}  // namespace sidestep::bench
