// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Each row has a lab and a detector of its own.
#include "tests/bench/operate_service.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/client.hpp"
#include "tests/bench/must.hpp"
#include "topo/clock.hpp"
#include "topo/daemon.hpp"
#include "topo/lab.hpp"
#include "topo/process.hpp"
#include "topo/protection.hpp"
#include "topo/wait.hpp"

namespace sidestep::bench {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr auto kPatience = 60s;
constexpr int kMostSessions = 4096;
constexpr std::uint16_t kPort = 9862;

std::string program(const std::string& name) {
    return (std::filesystem::path(must(topo::Daemon::executable())).parent_path() / name).string();
}

topo::Lab square() {
    return must(topo::Lab::build_file(std::string(SIDESTEP_SOURCE_DIR) + "/topo/demo.yaml"));
}

std::string run_dir(const topo::Lab& lab, const std::string& node) {
    return lab.directory() + "/" + node;
}

Client client_of(const topo::Lab& lab, const std::string& node) {
    return must(Client::connect(run_dir(lab, node) + "/" + node + ".sock"));
}

/// Many sessions from A to B, and policies with so many prefixes.
std::string many(const topo::Lab& lab, int sessions, int prefixes, const std::string& interval) {
    const auto& own = lab.interface("A", "A-B");
    const auto& other = lab.interface("A", "A-C");
    auto text = fmt::format("node: {{name: A, source-address: \"{}\"}}\n", lab.address("A").to_string());
    text += fmt::format("probe: {{interval: {}, wait-to-restore: 20ms}}\nadjacencies:\n", interval);
    const auto add = [&](const std::string& name, const topo::InterfacePlan& interface, const std::string& link) {
        text +=
            fmt::format("  - {{name: {}, interface: {}, neighbor: \"{}\", probe: {{return-address: \"{}\"}}}}\n", name,
                        interface.name, lab.peer("A", link).link_local.to_string(), interface.address.to_string());
    };
    for (int i = 0; i < sessions - 1; ++i) add(fmt::format("s{}", i), own, "A-B");
    add("A-C", other, "A-C");
    if (prefixes > 0) text += "policies:\n";
    constexpr int kEach = 1000;
    for (int first = 0; first < prefixes; first += kEach) {
        std::string list;
        for (int i = first; i < first + kEach; ++i)
            list += fmt::format("{}\"3000:{:x}:{:x}::/48\"", i > first ? ", " : "", i >> 16, i & 0xffff);
        text += fmt::format(
            "  - {{name: p{}, prefixes: [{}], candidates: [{{adjacency: s0}}, {{adjacency: A-C, segments: "
            "[\"{}\"]}}]}}\n",
            first, list, lab.address("C").to_string());
    }
    return text;
}

/// Nanoseconds of processor time that all threads of a process have used.
double used_ns(pid_t pid) {
    double sum = 0;
    for (const auto& task : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid))) {
        std::ifstream in(task.path() / "schedstat");
        double used = 0;
        if (in >> used) sum += used;
    }
    return sum;
}

double resident_mb(pid_t pid) {
    std::ifstream in(fmt::format("/proc/{}/status", pid));
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with("VmRSS:")) return std::stod(line.substr(6)) / 1024;
    }
    throw std::runtime_error("no VmRSS");
}

/// Start, until the first of the sessions was up.
Row start_row(int sessions) {
    const auto lab = square();
    const auto config = many(lab, sessions, 0, "100ms");
    const auto begun = topo::now_ns();
    auto daemon = must(topo::Daemon::start(lab, "A", config));
    must(daemon.wait_up(kPatience));
    auto first = std::numeric_limits<std::int64_t>::max();
    std::int64_t last = 0;
    const auto answer = must(daemon.ask("events"));
    if (answer["events"].empty()) throw std::runtime_error("all sessions are up, and there is no event of it");
    for (const auto& event : answer["events"]) {
        first = std::min(first, event.value("time_ns", first));
        last = std::max(last, event.value("time_ns", last));
    }
    Row row{.key = "start_to_first_verdict_ms", .value = rounded(double(first - begun) / 1e6), .unit = "ms", .n = 1};
    row.versus["last_ms"] = rounded(double(last - begun) / 1e6);
    row.versus["sessions"] = sessions;
    row.bar = 1000;
    return row;
}

/// From the request to the answer, which comes when the new configuration is in force; `texts` one after the other.
Row reload_row(const topo::Lab& lab, topo::Daemon& daemon, const std::string& key, double bar,
               const std::vector<std::string>& texts) {
    std::vector<double> times;
    for (const auto& text : texts) {
        std::ofstream(run_dir(lab, "A") + "/A.yaml") << text;
        const auto begun = topo::now_ns();
        const auto answer = must(daemon.ask("reload"));
        times.push_back(double(topo::now_ns() - begun) / 1e6);
        if (answer.contains("error")) throw std::runtime_error("reload: " + answer["error"].dump());
    }
    Row row{.key = key, .value = rounded(quantile(times, 0.5)), .unit = "ms", .n = times.size()};
    row.versus["max_ms"] = rounded(quantile(times, 1));
    row.bar = bar;
    return row;
}

/// Of one large configuration: what it takes at rest, and what it takes to reload it.
std::vector<Row> size_rows(int sessions, int prefixes) {
    const auto lab = square();
    const auto config = many(lab, sessions, prefixes, "100ms");
    auto daemon = must(topo::Daemon::start(lab, "A", config));
    must(daemon.wait_up(kPatience));
    Row memory{.key = "rss_mb", .value = rounded(resident_mb(daemon.process().pid())), .unit = "MB", .n = 1};
    memory.versus["sessions"] = sessions;
    memory.versus["prefixes"] = prefixes;
    memory.bar = 64;
    auto changed = config;
    const std::string last = fmt::format("3000:{:x}:{:x}::/48", (prefixes - 1) >> 16, (prefixes - 1) & 0xffff);
    changed.replace(changed.find(last), last.size(), "3001::/48");
    return {memory, reload_row(lab, daemon, "reload_nothing_ms", 100, {config, config, config}),
            reload_row(lab, daemon, "reload_one_prefix_ms", 250, {changed, config, changed})};
}

/// Reads /metrics, and returns its length.
std::size_t scrape() {
    const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(kPort);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return 0;
    const std::string request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    if (::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return 0;
    std::size_t length = 0;
    std::vector<char> buffer(1U << 16);
    for (ssize_t got = 0; (got = ::recv(socket.get(), buffer.data(), buffer.size(), 0)) > 0;)
        length += static_cast<std::size_t>(got);
    return length;
}

std::vector<Row> metrics_rows(bool quick) {
    const auto lab = square();
    auto daemon = must(topo::Daemon::start(lab, "A", many(lab, kMostSessions, 0, "1s")));
    must(daemon.wait_up(kPatience));
    auto exporter = must(topo::Process::spawn({program("sidestep-exporter"), "--run-dir", run_dir(lab, "A")},
                                              {.netns = lab.netns("A").fd()}));
    std::vector<double> times;
    const int laps = quick ? 5 : 20;
    double loop_ns = 0;
    must(lab.in("A", [&]() -> Result<int> {
        if (!topo::wait_for(kPatience, [] { return scrape() > 1000; })) return fail("the exporter does not answer");
        const auto before = used_ns(daemon.process().pid());
        for (int i = 0; i < laps; ++i) {
            const auto begun = topo::now_ns();
            scrape();
            times.push_back(double(topo::now_ns() - begun) / 1e6);
        }
        loop_ns = used_ns(daemon.process().pid()) - before;
        return 0;
    }));
    Row scraped{.key = "scrape_ms", .value = rounded(quantile(times, 0.5)), .unit = "ms", .n = times.size()};
    scraped.versus["sessions"] = kMostSessions;
    scraped.bar = 50;
    Row loop{.key = "loop_ms", .value = rounded(loop_ns / laps / 1e6), .unit = "ms", .n = times.size()};
    loop.bar = 5;
    exporter.stop();

    constexpr double kSeconds = 10;
    const auto before = used_ns(daemon.process().pid());
    const auto idle = std::chrono::duration<double>(kSeconds);
    std::this_thread::sleep_for(idle);
    const auto alone = used_ns(daemon.process().pid()) - before;
    auto top = must(topo::Process::spawn({program("sidestep"), "--run-dir", run_dir(lab, "A"), "top", "--batch"},
                                         {.output_file = "/dev/null"}));
    const auto begun = used_ns(daemon.process().pid());
    std::this_thread::sleep_for(idle);
    const auto together = used_ns(daemon.process().pid()) - begun - alone + used_ns(top.pid());
    top.stop();
    Row share{.key = "top_share", .value = rounded(together / 1e9 / kSeconds), .unit = "of a core", .n = 1};
    share.versus["sessions"] = kMostSessions;
    share.bar = 0.01;
    return {scraped, loop, share};
}

/// A and B protect traffic over A-B by C.
class ProtectedSquare {
  public:
    ProtectedSquare() : lab_(square()), cut_(must(lab_.install_cut("A-B"))) {
        daemons_.push_back(must(topo::Daemon::start(lab_, "A", config("A"))));
        daemons_.push_back(must(topo::Daemon::start(lab_, "B", config("B"))));
        for (auto& daemon : daemons_) must(daemon.wait_up(kPatience));
    }

    [[nodiscard]] std::string config(const std::string& node) const {
        const bool a = node == "A";
        return topo::protection_config(lab_, {.node = node,
                                              .link = "A-B",
                                              .backup_link = a ? "A-C" : "C-B",
                                              .via = {"C", a ? "B" : "A"},
                                              .destination = a ? "D" : "S"});
    }
    /// Hands A over to a new process.
    void restart() {
        daemons_[0].process().signal(SIGUSR1);
        if (!daemons_[0].process().wait(kPatience)) throw std::runtime_error("sidestepd does not end");
        daemons_[0] = must(topo::Daemon::start(lab_, "A", config("A")));
        if (!topo::wait_for(kPatience, [&] { return daemons_[0].ask("sessions").has_value(); }))
            throw std::runtime_error("the new sidestepd does not answer");
    }
    void becomes(const std::string& state, std::size_t node = 0) {
        const bool became = topo::wait_for(kPatience, [&] {
            const auto answer = daemons_[node].ask("sessions");
            if (!answer) return false;
            const auto& sessions = (*answer)["sessions"];
            return std::ranges::any_of(sessions, [&](const json& session) {
                return session.value("name", "") == "A-B" && session.value("state", "") == state;
            });
        });
        if (!became) throw std::runtime_error("A-B does not become " + state);
    }
    void tell(const std::string& node, std::vector<std::string> command) {
        command.insert(command.begin(), {program("sidestep"), "--run-dir", run_dir(lab_, node)});
        must(topo::run(command));
    }
    [[nodiscard]] const topo::Lab& lab() const { return lab_; }
    [[nodiscard]] topo::Cut& cut() { return cut_; }

  private:
    topo::Lab lab_;
    topo::Cut cut_;
    std::vector<topo::Daemon> daemons_;
};

Row restart_row(int restarts) {
    ProtectedSquare square;
    square.cut().cut();
    square.becomes("down");
    square.becomes("down", 1);
    auto traffic = must(square.lab().start_traffic("S", "D", {.rate = 10'000}));
    for (int i = 0; i < restarts; ++i) square.restart();
    const auto report = traffic.stop();
    Row row{.key = "restart_lost", .value = double(report.lost.size()), .unit = "packets", .n = std::size_t(restarts)};
    row.versus["sent"] = report.sent;
    row.bar = 0;
    return row;
}

std::vector<Row> drain_rows(int laps) {
    ProtectedSquare square;
    auto traffic = must(square.lab().start_traffic("S", "D", {.rate = 50'000}));
    for (int i = 0; i < laps; ++i) {
        square.tell("A", {"drain", "A-B", "--force"});  // routes to B itself have no other way
        square.becomes("admin-down");
        square.tell("A", {"undrain", "A-B"});
        square.becomes("up");
    }
    const auto report = traffic.stop();
    Row lost{.key = "drain_lost", .value = double(report.lost.size()), .unit = "packets", .n = std::size_t(laps)};
    lost.versus["sent"] = report.sent;
    lost.bar = 0;
    Row reordered{
        .key = "drain_reordered", .value = double(report.reordered), .unit = "packets", .n = std::size_t(laps)};
    reordered.bar = 0;
    return {lost, reordered};
}

/// From the verdict in the kernel until a follower has its line.
Row event_row(int cuts) {
    ProtectedSquare square;
    auto follower = client_of(square.lab(), "A");
    must(follower.ask({{"command", "events"}, {"follow", true}}));
    std::vector<double> times;
    for (int i = 0; i < cuts; ++i) {
        square.cut().cut();
        for (bool down = false; !down;) {
            const auto event = must(follower.receive());
            const auto now = topo::now_ns();
            down = event.value("state", "") == "down" && event.contains("evidence");
            if (down) times.push_back(double(now - event["evidence"].value("verdict_ns", now)) / 1e3);
        }
        square.cut().restore();
        square.becomes("up");
    }
    Row row{.key = "event_latency_us", .value = rounded(quantile(times, 0.5)), .unit = "us", .n = times.size()};
    row.versus["max_us"] = rounded(*std::ranges::max_element(times));
    row.bar = 500;
    return row;
}

}  // namespace

std::vector<Row> service_rows(bool quick) {
    std::vector<Row> rows{start_row(1000)};
    for (auto& row : size_rows(1000, 100'000)) rows.push_back(std::move(row));
    std::ranges::move(metrics_rows(quick), std::back_inserter(rows));
    rows.push_back(restart_row(quick ? 3 : 20));
    std::ranges::move(drain_rows(quick ? 2 : 10), std::back_inserter(rows));
    rows.push_back(event_row(quick ? 5 : 30));
    return rows;
}

}  // namespace sidestep::bench
