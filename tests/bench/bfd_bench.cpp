// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Sidestep as the data plane of FRR's bfdd: how soon after the kernel's verdict FRR knows. The verdict's time is in
// Sidestep's event; FRR's are those of its own log, to the microsecond, by the wall clock. Then Sidestep speaking BFD
// itself (bfd_speak.hpp).
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <limits>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tests/bench/bfd_many.hpp"
#include "tests/bench/bfd_speak.hpp"
#include "tests/bench/must.hpp"
#include "tests/bench/report.hpp"
#include "tests/bench/stamp_rows.hpp"
#include "tests/net/bfd/frr_node.hpp"
#include "topo/clock.hpp"
#include "topo/daemon.hpp"
#include "topo/lab.hpp"
#include "topo/protection.hpp"
#include "topo/wait.hpp"

namespace sidestep::bench {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr auto kPatience = 30s;
constexpr const char* kDown = "up -> down";
constexpr const char* kAdjacencyDown = "changed from Up to Down";
constexpr const char* kAdjacencyUp = " to Up";

/// "2025/01/31 12:00:00.123456" at the beginning of a line, in UTC.
std::int64_t wall_ns(const std::string& line) {
    tm time{};
    long microseconds = 0;
    if (std::sscanf(line.c_str(), "%4d/%2d/%2d %2d:%2d:%2d.%6ld", &time.tm_year, &time.tm_mon, &time.tm_mday,
                    &time.tm_hour, &time.tm_min, &time.tm_sec, &microseconds) != 7)
        throw std::runtime_error("FRR's log has a line without a time: " + line);
    time.tm_year -= 1900;
    time.tm_mon -= 1;
    return static_cast<std::int64_t>(::timegm(&time)) * 1'000'000'000 + microseconds * 1'000;
}

double in_ms(std::int64_t nanoseconds) {
    return static_cast<double>(nanoseconds) / 1e6;
}

/// A and B with IS-IS; on A it asks bfdd about B, and bfdd asks Sidestep.
class Routers {
  public:
    Routers()
        : lab_(must(topo::Lab::build_file(std::string(SIDESTEP_SOURCE_DIR) + "/topo/demo.yaml"))),
          cut_(must(lab_.install_cut("A-B"))),
          a_(lab_, "A"),
          b_(lab_, "B") {
        must(b_.start("zebra", ""));
        must(b_.start("isisd", isis("B")));
        must(a_.start("zebra", ""));
        must(a_.start("bfdd", "debug bfd peer\n"));
        must(a_.start("isisd", isis("A")));
        const auto config = protection_config(lab_, {.node = "A",
                                                     .link = "A-B",
                                                     .backup_link = "A-C",
                                                     .via = {"C", "B"},
                                                     .destination = "D",
                                                     .wait_to_restore = "100ms"});
        daemon_.emplace(must(topo::Daemon::start(lab_, "A", config + "bfd: {frr: \"unix:" + a_.dplane() + "\"}\n")));
        must(daemon_->wait_up(kPatience));
        wait_up(0);
    }

    struct Lap {
        double cut_to_bfdd;
        double verdict_to_bfdd;
        double verdict_to_adjacency;
    };
    Lap fail() {
        const auto ups = count("isisd", kAdjacencyUp);
        const auto downs = count("bfdd", kDown);
        const auto losses = count("isisd", kAdjacencyDown);
        const auto cut_at = cut_.cut();
        await("bfdd", kDown, downs + 1);
        await("isisd", kAdjacencyDown, losses + 1);
        const auto to_monotonic = topo::now_ns() - topo::now_ns(CLOCK_REALTIME);
        const auto told = last("bfdd", kDown) + to_monotonic;
        const auto lost = last("isisd", kAdjacencyDown) + to_monotonic;
        const auto verdict = verdict_ns();
        cut_.restore();
        wait_up(ups);
        return {.cut_to_bfdd = in_ms(told - cut_at),
                .verdict_to_bfdd = in_ms(told - verdict),
                .verdict_to_adjacency = in_ms(lost - verdict)};
    }

  private:
    [[nodiscard]] std::string isis(const std::string& node) const {
        return fmt::format(
            "interface {}\n ipv6 router isis lab\n isis network point-to-point\n isis hello-interval 1\n"
            " isis hello-multiplier 30\n{}"
            "router isis lab\n lsp-gen-interval 1\n spf-interval 1\n is-type level-2-only\n metric-style wide\n"
            " log-adjacency-changes\n net 49.0001.0000.0000.{:04x}.00\n",
            lab_.interface(node, "A-B").name, node == "A" ? " isis bfd\n" : "", node[0]);
    }
    [[nodiscard]] std::vector<std::string> lines(const std::string& daemon, const std::string& text) const {
        std::vector<std::string> found;
        std::istringstream log(a_.log(daemon));
        for (std::string line; std::getline(log, line) && !log.eof();) {
            if (line.find(text) != std::string::npos) found.push_back(line);
        }
        return found;
    }
    [[nodiscard]] std::size_t count(const std::string& daemon, const std::string& text) const {
        return lines(daemon, text).size();
    }
    [[nodiscard]] std::int64_t last(const std::string& daemon, const std::string& text) const {
        return wall_ns(lines(daemon, text).back());
    }
    void await(const std::string& daemon, const std::string& text, std::size_t times) const {
        if (topo::wait_for(kPatience, [&] { return count(daemon, text) >= times; })) return;
        throw std::runtime_error(fmt::format("{} does not log '{}':\n{}", daemon, text, a_.log(daemon)));
    }
    /// Waits for one more adjacency, and for the peer.
    void wait_up(std::size_t adjacencies_before) const {
        await("isisd", kAdjacencyUp, adjacencies_before + 1);
        const bool up = topo::wait_for(kPatience, [&] {
            const auto peers = a_.vtysh_json("bfdd", "show bfd peers json");
            return peers.size() == 1 && peers[0].value("status", "") == "up";
        });
        if (!up) throw std::runtime_error("bfdd's peer does not come up:\n" + a_.log("bfdd"));
    }
    [[nodiscard]] std::int64_t verdict_ns() const {
        std::int64_t time = 0;
        const auto events = must(daemon_->ask("events"));
        for (const auto& event : events["events"]) {
            if (event.value("session", "") == "A-B" && event.value("state", "") == "down")
                time = event.value("/evidence/verdict_ns"_json_pointer, time);
        }
        return time;
    }

    topo::Lab lab_;
    topo::Cut cut_;
    topo::FrrNode a_;
    topo::FrrNode b_;
    std::optional<topo::Daemon> daemon_;
};

Row row_of(const std::string& key, const std::vector<double>& values) {
    Row row{.key = key, .value = rounded(quantile(values, 0.5)), .unit = "ms", .n = values.size()};
    row.versus["max_ms"] = rounded(*std::ranges::max_element(values));
    return row;
}

std::vector<Row> run(bool quick) {
    std::vector<double> cut;
    std::vector<double> told;
    std::vector<double> adjacency;
    if (const auto missing = topo::FrrNode::missing(); !missing.empty()) {
        Row row{.key = "frr_told_ms", .value = std::numeric_limits<double>::quiet_NaN(), .unit = "ms"};
        row.flaw = missing;
        return {row};
    }
    Routers routers;
    for (int i = 0; i < (quick ? 6 : 30); ++i) {
        const auto lap = routers.fail();
        cut.push_back(lap.cut_to_bfdd);
        told.push_back(lap.verdict_to_bfdd);
        adjacency.push_back(lap.verdict_to_adjacency);
    }
    auto first = row_of("frr_told_ms", told);
    first.bar = 2;
    auto second = row_of("frr_adjacency_down_ms", adjacency);
    second.bar = 20;
    return {first, second, row_of("frr_cut_to_down_ms", cut)};
}

}  // namespace
}  // namespace sidestep::bench

int main(int argc, char** argv) {
    return sidestep::bench::run_bench("bfd", argc, argv, [](const sidestep::bench::Arguments& arguments) {
        auto rows = sidestep::bench::run(arguments.quick);
        for (auto& row : sidestep::bench::speaking_rows(arguments.quick)) rows.push_back(std::move(row));
        for (auto& row : sidestep::bench::stamp_rows(arguments.quick)) rows.push_back(std::move(row));
        for (auto& row : sidestep::bench::many_speakers_rows(arguments.quick)) rows.push_back(std::move(row));
        return rows;
    });
}
