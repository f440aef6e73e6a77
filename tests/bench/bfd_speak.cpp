// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A and B of the demo speak BFD over A-B. A runs Sidestep; B runs Sidestep, FRR's bfdd or BIRD. Times are those of A's
// kernel: from the store that cuts the link to the verdict.
#include "tests/bench/bfd_speak.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "tests/bench/must.hpp"
#include "tests/net/bfd/frr_node.hpp"
#include "topo/daemon.hpp"
#include "topo/lab.hpp"
#include "topo/wait.hpp"

namespace sidestep::bench {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr auto kWait = 30s;
constexpr auto kSettling = 200ms;
constexpr auto kNoticed = 2s;
constexpr const char* kBirdProgram = "/usr/sbin/bird";

enum class Neighbor : std::uint8_t { sidestep, frr, bird };

std::string missing(Neighbor neighbor) {
    if (neighbor == Neighbor::frr) return topo::FrrNode::missing();
    if (neighbor == Neighbor::bird && ::access(kBirdProgram, X_OK) != 0) return "BIRD (package bird2) is not installed";
    return "";
}

class Speakers {
  public:
    Speakers(Neighbor neighbor, int milliseconds)
        : lab_(must(topo::Lab::build_file(std::string(SIDESTEP_SOURCE_DIR) + "/topo/demo.yaml"))),
          cut_(must(lab_.install_cut("A-B"))),
          milliseconds_(milliseconds) {
        if (neighbor == Neighbor::sidestep) b_.emplace(must(topo::Daemon::start(lab_, "B", config("B"))));
        if (neighbor == Neighbor::frr) start_frr();
        if (neighbor == Neighbor::bird) start_bird();
        a_.emplace(must(topo::Daemon::start(lab_, "A", config("A"))));
        wait_up();
    }
    ~Speakers() {
        frr_.reset();
        bird_.reset();
    }
    Speakers(const Speakers&) = delete;
    Speakers& operator=(const Speakers&) = delete;

    /// A session that fails just before the cut says nothing of it: then once more.
    double cut_to_verdict_ms() {
        constexpr int kTries = 5;
        for (int i = 0; i < kTries; ++i) {
            std::this_thread::sleep_for(kSettling);
            wait_up();
            const auto cut_ns = cut_.cut();
            std::int64_t verdict = 0;
            const bool down = topo::wait_for(kNoticed, [&] {
                verdict = last_down();
                return verdict > cut_ns;
            });
            cut_.restore();
            if (down) return static_cast<double>(verdict - cut_ns) / 1e6;
        }
        throw std::runtime_error("cuts go unnoticed: " + must(a_->ask("events")).dump());
    }

  private:
    [[nodiscard]] std::string own(const std::string& node) const {
        return lab_.interface(node, "A-B").link_local.to_string();
    }
    [[nodiscard]] std::string config(const std::string& node) const {
        return fmt::format(
            "node: {{name: {}, source-address: \"{}\"}}\nprobe: {{interval: {}ms, wait-to-restore: 10ms}}\n"
            "adjacencies:\n  - {{name: A-B, interface: {}, neighbor: \"{}\", bfd: {{}}}}\n",
            node, lab_.address(node).to_string(), milliseconds_, lab_.interface(node, "A-B").name,
            own(node == "A" ? "B" : "A"));
    }
    void start_frr() {
        frr_ = std::make_unique<topo::FrrNode>(lab_, "B", true);
        must(frr_->start("zebra", ""));
        must(frr_->start(
            "bfdd", fmt::format("bfd\n peer {} local-address {} interface {}\n  transmit-interval {}\n"
                                "  receive-interval {}\n exit\nexit\n",
                                own("A"), own("B"), lab_.interface("B", "A-B").name, milliseconds_, milliseconds_)));
    }
    void start_bird() {
        const auto base = lab_.directory() + "/bird";
        const auto& interface = lab_.interface("B", "A-B").name;
        std::ofstream(base + ".conf") << fmt::format(
            "router id 10.0.0.2;\nlog stderr all;\nprotocol device {{}}\nprotocol bfd {{\n"
            "  interface \"{}\" {{ interval {} ms; multiplier 3; }};\n  neighbor {} dev \"{}\" local {};\n}}\n",
            interface, milliseconds_, own("A"), interface, own("B"));
        bird_ = std::make_unique<topo::Process>(must(
            lab_.spawn("B", {kBirdProgram, "-f", "-c", base + ".conf", "-s", base + ".ctl", "-P", base + ".pid"})));
    }
    /// Up, and with the timers that count.
    void wait_up() const {
        const double detection = 3e3 * milliseconds_;
        const bool up = topo::wait_for(kWait, [&] {
            const auto answer = a_->ask("sessions");
            if (!answer) return false;  // it is not there yet
            const auto& session = (*answer)["sessions"][0];
            return session.value("state", "") == "up" && !session["bfd"].value("polling", true) &&
                   session["bfd"].value("detection_us", 0.0) == detection;
        });
        if (!up) throw std::runtime_error("the session does not come up");
    }
    [[nodiscard]] std::int64_t last_down() const {
        std::int64_t time = 0;
        const auto events = must(a_->ask("events"));
        for (const auto& event : events["events"]) {
            if (event.value("state", "") == "down") time = std::max(time, event.value("time_ns", time));
        }
        return time;
    }

    topo::Lab lab_;
    topo::Cut cut_;
    int milliseconds_;
    std::optional<topo::Daemon> a_;
    std::optional<topo::Daemon> b_;
    std::unique_ptr<topo::FrrNode> frr_;
    std::unique_ptr<topo::Process> bird_;
};

/// One row for a quantile of the times from cut to verdict.
Row detection_row(const std::string& key, Neighbor neighbor, int milliseconds, double at, double bar, int cuts) {
    Row row{.key = key, .value = std::numeric_limits<double>::quiet_NaN(), .unit = "ms", .bar = bar};
    row.flaw = missing(neighbor);
    if (!row.flaw.empty()) return row;
    Speakers speakers(neighbor, milliseconds);
    std::vector<double> times;
    for (int i = 0; i < cuts; ++i) times.push_back(speakers.cut_to_verdict_ms());
    row.value = rounded(quantile(times, at));
    row.n = times.size();
    row.versus["median_ms"] = rounded(quantile(times, 0.5));
    row.versus["max_ms"] = rounded(*std::ranges::max_element(times));
    return row;
}

}  // namespace

std::vector<Row> speaking_rows(bool quick) {
    constexpr double kMedian = 0.5;
    constexpr double kTail = 0.99;
    const int cuts = quick ? 3 : 20;
    return {detection_row("bfd_detect_1ms_p99", Neighbor::sidestep, 1, kTail, 3.5, cuts),
            detection_row("bfd_detect_10ms_median", Neighbor::sidestep, 10, kMedian, 31, cuts),
            detection_row("bfd_detect_10ms_median_frr", Neighbor::frr, 10, kMedian, 31, cuts),
            detection_row("bfd_detect_10ms_median_bird", Neighbor::bird, 10, kMedian, 31, cuts)};
}

}  // namespace sidestep::bench
