// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/bfd_peer.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include "tests/bench/bpf_cost.hpp"
#include "topo/clock.hpp"
#include "topo/wait.hpp"

namespace sidestep::bench {
namespace {

using namespace std::chrono_literals;

constexpr const char* kBird = "/usr/sbin/bird";
constexpr const char* kFrr = "/usr/lib/frr";

/// "2025-01-31 12:00:00.123456", or with slashes, at the beginning of a line; UTC.
std::optional<std::int64_t> wall_time(const std::string& line) {
    tm time{};
    long microseconds = 0;
    char separator = 0;
    const int fields =
        std::sscanf(line.c_str(), "%4d%c%2d%*c%2d %2d:%2d:%2d.%6ld", &time.tm_year, &separator, &time.tm_mon,
                    &time.tm_mday, &time.tm_hour, &time.tm_min, &time.tm_sec, &microseconds);
    if (fields != 8) return std::nullopt;
    time.tm_year -= 1900;
    time.tm_mon -= 1;
    return static_cast<std::int64_t>(::timegm(&time)) * 1'000'000'000 + microseconds * 1'000;
}

/// What is between two texts of the line; empty if either is not there.
std::string between(const std::string& line, const std::string& before, const std::string& after) {
    const auto begin = line.find(before);
    if (begin == std::string::npos) return "";
    const auto from = begin + before.size();
    const auto end = line.find(after, from);
    return end == std::string::npos ? "" : line.substr(from, end - from);
}

/// "10ms" as BIRD writes it.
std::string with_space(const std::string& interval) {
    const auto unit = interval.find_first_not_of("0123456789");
    return fmt::format("{} {}", interval.substr(0, unit), interval.substr(unit));
}

void write_file(const std::string& path, const std::string& content) {
    std::ofstream file(path);
    file << content;
    if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

class Bird final : public BfdPeer {
  public:
    explicit Bird(const BfdSpec& spec) : BfdPeer(spec, 600ms) {
        for (const std::string node : {"A", "B"}) {
            const auto base = directory(node);
            write_file(base + "/bird.conf", config(node));
            launch(node, "bird",
                   {"env", "TZ=UTC", kBird, "-f", "-c", base + "/bird.conf", "-s", base + "/bird.ctl", "-P",
                    base + "/bird.pid"});
        }
    }

  private:
    [[nodiscard]] std::string config(const std::string& node) const {
        const auto& interface = lab().interface(node, kLink).name;
        auto text = fmt::format(
            "router id 10.0.0.{};\nlog \"{}\" all;\ntimeformat log iso long us;\nprotocol device {{}}\n"
            "protocol bfd {{\n  debug {{ events }};\n"
            "  interface \"{}\" {{ interval {}; multiplier 3; idle tx interval 100 ms; }};\n",
            node == "A" ? 1 : 2, log_file(node), interface, with_space(spec_.interval));
        for (const auto& ends : sessions_of(node))
            text += fmt::format("  neighbor {} dev \"{}\" local {};\n", ends.other, interface, ends.own);
        return text + "}\n";
    }

    [[nodiscard]] std::optional<Change> parse(const std::string& line) const override {
        const auto time = wall_time(line);
        const auto session = between(line, "Session to ", " changed state from ");
        if (!time || session.empty()) return std::nullopt;
        const bool was_up = line.find(" from Up to ") != std::string::npos;
        return Change{
            .session = session, .wall_ns = *time, .up = line.find(" to Up") != std::string::npos, .down = was_up};
    }
};

class Frr final : public BfdPeer {
  public:
    /// Until both have raised their rates: it begins with one packet a second.
    explicit Frr(const BfdSpec& spec) : BfdPeer(spec, 2500ms) {
        for (const std::string node : {"A", "B"}) {
            start_daemon(node, "zebra", fmt::format("hostname {}\n", node), {});
            const auto socket = directory(node) + "/zserv.api";
            if (!topo::wait_for(5s, [&] { return std::filesystem::exists(socket); }))
                throw std::runtime_error("zebra does not start");
            start_daemon(node, "bfdd", config(node), {"--bfdctl", directory(node) + "/bfdd.sock"});
        }
    }

  private:
    void start_daemon(const std::string& node, const std::string& name, const std::string& config,
                      const std::vector<std::string>& more) {
        const auto base = directory(node);
        const auto file = base + "/" + name + ".conf";
        write_file(file, config);
        const auto* user = ::getpwnam("frr");
        for (const auto& path : {base, file}) {
            if (user == nullptr || ::chown(path.c_str(), user->pw_uid, user->pw_gid) != 0)
                throw std::runtime_error("cannot give " + path + " to frr");
        }
        std::vector<std::string> argv{"env",
                                      "TZ=UTC",
                                      fmt::format("{}/{}", kFrr, name),
                                      "-f",
                                      file,
                                      "-i",
                                      base + "/" + name + ".pid",
                                      "-z",
                                      base + "/zserv.api",
                                      "--vty_socket",
                                      base,
                                      "-P",
                                      "0"};
        argv.insert(argv.end(), more.begin(), more.end());
        launch(node, name, argv);
    }

    [[nodiscard]] std::string config(const std::string& node) const {
        const auto milliseconds = std::stoi(spec_.interval);
        auto text = fmt::format("hostname {}\nlog file {} debugging\nlog timestamp precision 6\ndebug bfd peer\nbfd\n",
                                node, log_file(node));
        for (const auto& ends : sessions_of(node)) {
            text += fmt::format(
                " peer {} local-address {} interface {}\n  detect-multiplier 3\n  receive-interval {}\n"
                "  transmit-interval {}\n  no shutdown\n exit\n",
                ends.other, ends.own, lab().interface(node, kLink).name, milliseconds, milliseconds);
        }
        return text + "exit\n";
    }

    [[nodiscard]] std::optional<Change> parse(const std::string& line) const override {
        const auto time = wall_time(line);
        const auto session = between(line, "state-change: [", "]");
        if (!time || session.empty()) return std::nullopt;
        const bool was_up = line.find("] up -> ") != std::string::npos;
        return Change{
            .session = session, .wall_ns = *time, .up = line.find(" -> up") != std::string::npos, .down = was_up};
    }
};

}  // namespace

BfdPeer::BfdPeer(const BfdSpec& spec, std::chrono::milliseconds settling)
    : Subject(spec.name), spec_(spec), settling_(settling) {
    ::chmod(lab().directory().c_str(), 0711);  // for daemons that give up being root
    for (const std::string node : {"A", "B"}) {
        std::filesystem::create_directory(directory(node));
        if (spec_.sessions == 1) continue;
        std::string batch;
        for (const auto& ends : sessions_of(node))
            batch += fmt::format("addr add {}/64 dev {} nodad\n", ends.own, lab().interface(node, kLink).name);
        must(topo::run({"ip", "-batch", "-"}, {.netns = lab().netns(node).fd(), .input = batch}));
    }
}

std::string BfdPeer::directory(const std::string& node) const {
    return lab().directory() + "/" + node;
}

std::vector<BfdPeer::Ends> BfdPeer::sessions_of(const std::string& node) const {
    const auto own = lab().interface(node, kLink).address;
    const auto other = lab().peer(node, kLink).address;
    if (spec_.sessions == 1) return {{.own = own.to_string(), .other = other.to_string()}};
    std::vector<Ends> list;
    for (int i = 0; i < spec_.sessions; ++i) {
        const auto numbered = [&](Address address) {  // the link's addresses differ in the last byte
            address.bytes[13] = static_cast<std::uint8_t>(i + 1);
            return address.to_string();
        };
        list.push_back({.own = numbered(own), .other = numbered(other)});
    }
    return list;
}

void BfdPeer::launch(const std::string& node, const std::string& name, const std::vector<std::string>& argv) {
    topo::SpawnOptions options;
    options.output_file = fmt::format("{}/{}.out", directory(node), name);
    processes_[node].push_back(must(lab().spawn(node, argv, std::move(options))));
}

void BfdPeer::read_log() {
    std::ifstream file(log_file("A"));
    file.seekg(static_cast<std::streamoff>(log_offset_));
    // A step of the wall clock between the line and now would be taken for time; the two are seconds apart at most.
    const auto to_monotonic = topo::now_ns() - topo::now_ns(CLOCK_REALTIME);
    for (std::string line; std::getline(file, line) && !file.eof();) {  // what has no end yet is left for next time
        log_offset_ += line.size() + 1;
        const auto change = parse(line);
        if (!change) continue;
        const auto time = change->wall_ns + to_monotonic;
        up_[change->session] = change->up;
        if (change->up) last_up_ns_ = time;
        if (change->down) downs_.push_back(time);
    }
}

bool BfdPeer::wait_up(std::chrono::milliseconds patience) {
    return topo::wait_for(patience, [&] {
        read_log();
        const auto up = std::ranges::count_if(up_, [](const auto& session) { return session.second; });
        return up == spec_.sessions && topo::now_ns() - last_up_ns_ >= std::chrono::nanoseconds(settling_).count();
    });
}

std::vector<std::int64_t> BfdPeer::downs() {
    read_log();
    return downs_;
}

std::int64_t BfdPeer::cpu_ns() {
    std::int64_t total = 0;
    for (const auto& process : processes_["A"]) total += must(process_cpu_ns(process.pid()));
    return total;
}

std::string bird_missing() {
    return ::access(kBird, X_OK) == 0 ? "" : "BIRD (package bird2) is not installed";
}

std::string frr_missing() {
    const auto bfdd = fmt::format("{}/bfdd", kFrr);
    return ::access(bfdd.c_str(), X_OK) == 0 && ::getpwnam("frr") != nullptr ? ""
                                                                             : "FRR (package frr) is not installed";
}

std::unique_ptr<BfdPeer> start_bird(const BfdSpec& spec) {
    return std::make_unique<Bird>(spec);
}

std::unique_ptr<BfdPeer> start_frr(const BfdSpec& spec) {
    return std::make_unique<Frr>(spec);
}

}  // namespace sidestep::bench
