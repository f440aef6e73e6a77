// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/operate_busy.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tests/bench/at_rest.hpp"
#include "topo/daemon.hpp"
#include "topo/lab.hpp"
#include "topo/process.hpp"
#include "topo/wait.hpp"

namespace sidestep::bench {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using topo::Clock;

constexpr auto kBatchPatience = 120s;
constexpr auto kPatience = 60s;
constexpr auto kPause = 2ms;  // between two questions
constexpr auto kAfter = 2s;   // what the changes leave to do: routes are compared, the tables written
constexpr int kConflicts = 5;
constexpr double kApiBar = 50;
constexpr double kLoopBar = 20;

std::string prefix_of(int i) {
    return fmt::format("3000:{:x}:{:x}::/48", i >> 16, i & 0xffff);
}

class BusyNode {
  public:
    BusyNode(int routes, int changes)
        : lab_(must(topo::Lab::build_file(std::string(SIDESTEP_SOURCE_DIR) + "/topo/demo.yaml"))), changes_(changes) {
        std::string lines;
        for (int i = 0; i < routes; ++i) lines += line("replace", i, "A-B");
        // Somebody else has what five policies want to install.
        for (int i = 0; i < kConflicts; ++i)
            lines += fmt::format("route replace 3fff:{:x}::/32 {} metric 5 proto static\n", i, way("A-C"));
        batch(lines);
        daemon_.emplace(must(topo::Daemon::start(lab_, "A", config())));
        must(daemon_->wait_up(kPatience));
        wait_for_rest(daemon_->process().pid());
        const bool ready = topo::wait_for(kPatience, [&] {  // until the start is forgotten
            const auto status = must(daemon_->ask("status"));
            if (conflicts(status) != kConflicts) throw std::runtime_error("not five conflicts: " + status.dump());
            return late_ms(status) < kLoopBar / 2;
        });
        if (!ready) throw std::runtime_error("the loop is late without any reason");
    }

    struct Seen {
        std::vector<double> answers_ms;
        double late_ms = 0;
    };

    /// Changes routes, and asks for the status all the while.
    Seen change_routes() {
        std::string lines;
        for (int i = 0; i < changes_; ++i) lines += line(i % 2 == 0 ? "replace" : "del", i, i % 2 == 0 ? "A-C" : "A-B");
        std::atomic<bool> changing = true;
        const std::jthread changer([&] {
            batch(lines);
            changing = false;
        });
        Seen seen;
        for (auto until = Clock::now() + kAfter; Clock::now() < until; std::this_thread::sleep_for(kPause)) {
            const auto before = Clock::now();
            const auto status = must(daemon_->ask("status"));
            seen.answers_ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - before).count());
            seen.late_ms = std::max(seen.late_ms, late_ms(status));
            if (changing) until = Clock::now() + kAfter;
        }
        return seen;
    }

  private:
    [[nodiscard]] std::string way(const std::string& link) const {
        return fmt::format("via {} dev {}", lab_.peer("A", link).link_local.to_string(),
                           lab_.interface("A", link).name);
    }
    [[nodiscard]] std::string line(const char* verb, int i, const std::string& link) const {
        return fmt::format("route {} {} {} metric 20\n", verb, prefix_of(i), way(link));
    }
    void batch(const std::string& lines) const {
        must(topo::run({"ip", "-6", "-batch", "-"}, {.netns = lab_.netns("A").fd(), .input = lines}, kBatchPatience));
    }
    static long conflicts(const json& status) {
        return std::ranges::count_if(status.value("problems", json::array()), [](const json& problem) {
            return problem.value("about", "").starts_with("route to 3fff:");
        });
    }
    static double late_ms(const json& status) {
        return status.value(json::json_pointer("/detector/recent_lateness_us"), 0.0) / 1e3;
    }

    [[nodiscard]] std::string config() const {
        auto text = fmt::format("node: {{name: A, source-address: \"{}\"}}\n", lab_.address("A").to_string());
        text += "probe: {interval: 10ms}\nadjacencies:\n";
        for (const auto* link : {"A-B", "A-C"}) {
            text +=
                fmt::format("  - {{name: {}, interface: {}, neighbor: \"{}\", probe: {{return-address: \"{}\"}}{}}}\n",
                            link, lab_.interface("A", link).name, lab_.peer("A", link).link_local.to_string(),
                            lab_.interface("A", link).address.to_string(),
                            link == std::string_view("A-B") ? ", bypass: [{adjacency: A-C}]" : "");
        }
        text += "policies:\n";
        for (int i = 0; i < kConflicts; ++i) {
            text += fmt::format(
                "  - {{name: p{0}, prefixes: [\"3fff:{0:x}::/32\"], steering: device, candidates: "
                "[{{adjacency: A-B}}, {{adjacency: A-C}}]}}\n",
                i);
        }
        return text + "device: ss-policy\n";
    }

    topo::Lab lab_;
    int changes_;
    std::optional<topo::Daemon> daemon_;
};

}  // namespace

std::vector<Row> busy_rows(bool quick) {
    const int routes = quick ? 20'000 : 100'000;
    const int changes = quick ? 10'000 : 50'000;
    std::vector<double> answers;
    std::vector<double> late;
    for (int i = 0; i < (quick ? 1 : 3); ++i) {
        const auto seen = BusyNode(routes, changes).change_routes();
        answers.insert(answers.end(), seen.answers_ms.begin(), seen.answers_ms.end());
        late.push_back(seen.late_ms);
    }
    Row api{
        .key = "api_p99_ms_busy", .value = quantile(answers, 0.99), .unit = "ms", .n = answers.size(), .bar = kApiBar};
    api.versus["median_ms"] = rounded(quantile(answers, 0.5));
    api.versus["max_ms"] = rounded(*std::ranges::max_element(answers));
    Row loop{.key = "loop_late_ms_busy",
             .value = *std::ranges::max_element(late),
             .unit = "ms",
             .n = late.size(),
             .bar = kLoopBar};
    for (auto* row : {&api, &loop}) {
        row->versus["routes"] = routes;
        row->versus["changes"] = changes;
        row->versus["conflicts"] = kConflicts;
    }
    return {api, loop};
}

}  // namespace sidestep::bench
