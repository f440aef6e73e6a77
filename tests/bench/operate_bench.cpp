// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// How soon a link's failure is in the words that packets are steered by, on a node with much to remember: from the
// kernel's message about the link, as another listener reads it, to the last word of the sessions on that link.
#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <poll.h>

#include "bpf/abi/sidestep.h"
#include "bpf/lib/portable.h"
#include "common/fd.hpp"
#include "detector/kernel/short_slice.hpp"
#include "tests/bench/at_rest.hpp"
#include "tests/bench/must.hpp"
#include "tests/bench/operate_busy.hpp"
#include "tests/bench/operate_service.hpp"
#include "tests/bench/pinned_array.hpp"
#include "tests/bench/report.hpp"
#include "topo/daemon.hpp"
#include "topo/lab.hpp"
#include "topo/process.hpp"
#include "topo/wait.hpp"

namespace sidestep::bench {
namespace {

using namespace std::chrono_literals;
using topo::Clock;

constexpr auto kPatience = 60s;
constexpr auto kBatchPatience = 120s;
constexpr auto kGlance = 10us;

struct Load {
    int sessions = 0;
    int routes = 0;
};

class LoadedNode {
  public:
    explicit LoadedNode(const Load& load)
        : lab_(must(topo::Lab::build_file(std::string(SIDESTEP_SOURCE_DIR) + "/topo/demo.yaml"))),
          load_(load),
          interface_(lab_.interface("A", "A-B").name) {
        add_routes();
        daemon_.emplace(must(topo::Daemon::start(lab_, "A", config())));
        settle();
        states_ = must(pinned_array<ss_session_state>(lab_, "ss_states"));
        listen();
    }

    /// B's end goes down: A loses the carrier, and keeps its routes. Microseconds until all words are lowered.
    double lose_carrier() { return lowered_after("B", lab_.interface("B", "A-B").name); }
    /// A's own end goes down, with all routes by it.
    double shut_down() { return lowered_after("A", interface_); }

  private:
    double lowered_after(const std::string& node, const std::string& interface) {
        forget_messages();
        must(lab_.ip(node, {"link", "set", "dev", interface, "down"}));
        const auto read = wait_for_message();
        const auto lowered = wait_lowered();
        return std::chrono::duration<double, std::micro>(lowered - read).count();
    }

    /// Returns when no session is up but that of A-C.
    Clock::time_point wait_lowered() {
        const auto deadline = Clock::now() + kPatience;
        const auto up = [&] {
            std::size_t count = 0;
            for (std::size_t i = 0; i < states_.size(); ++i) count += SS_READ(states_[i].rank) == SS_UP ? 1 : 0;
            return count;
        };
        while (up() > 1) {
            if (Clock::now() > deadline) throw std::runtime_error("sessions stayed up without carrier");
            std::this_thread::sleep_for(kGlance);
        }
        return Clock::now();
    }

    void add_routes() {
        const auto neighbor = lab_.peer("A", "A-B").link_local.to_string();
        std::string lines;
        for (int i = 0; i < load_.routes; ++i) {
            lines += fmt::format("route replace 3000:{:x}:{:x}::/48 via {} dev {} metric 20\n", i >> 16, i & 0xffff,
                                 neighbor, interface_);
        }
        batch(std::move(lines));
    }
    void batch(std::string lines) {
        must(topo::run({"ip", "-batch", "-"}, {.netns = lab_.netns("A").fd(), .input = std::move(lines)},
                       kBatchPatience));
    }

    [[nodiscard]] std::string config() const {
        const auto& own = lab_.interface("A", "A-B");
        const auto& other = lab_.interface("A", "A-C");
        auto text = fmt::format("node: {{name: A, source-address: \"{}\"}}\n", lab_.address("A").to_string());
        text += "probe: {interval: 100ms, multiplier: 3, wait-to-restore: 20ms}\nadjacencies:\n";
        for (int i = 0; i < load_.sessions; ++i) {
            text +=
                fmt::format("  - {{name: s{}, interface: {}, neighbor: \"{}\", probe: {{return-address: \"{}\"}}{}}}\n",
                            i, own.name, lab_.peer("A", "A-B").link_local.to_string(), own.address.to_string(),
                            i == 0 ? ", bypass: [{adjacency: A-C}]" : "");
        }
        text += fmt::format("  - {{name: A-C, interface: {}, neighbor: \"{}\", probe: {{return-address: \"{}\"}}}}\n",
                            other.name, lab_.peer("A", "A-C").link_local.to_string(), other.address.to_string());
        return text;
    }

    /// Waits until the daemon has read everything and its sessions are up.
    void settle() {
        must(daemon_->wait_up(kPatience));
        wait_for_rest(daemon_->process().pid());
    }

    void listen() {
        socket_ = must(lab_.in("A", []() -> Result<Fd> {
            Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
            sockaddr_nl address{};
            address.nl_family = AF_NETLINK;
            address.nl_groups = RTMGRP_LINK;
            if (!socket || bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
                return fail_errno("cannot listen to links");
            return socket;
        }));
    }
    void forget_messages() const {
        std::array<char, 65536> buffer{};
        while (recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT) > 0) {
        }
    }
    /// Returns when it is told that A's end does not run any more. It sleeps until then, and between two looks at the
    /// words: a watcher that spins takes the core that the detector is woken on, and that one's share of the processor,
    /// for the scheduler counts what a session started together.
    [[nodiscard]] Clock::time_point wait_for_message() const {
        std::array<char, 65536> buffer{};
        const auto deadline = Clock::now() + kPatience;
        while (Clock::now() < deadline) {
            pollfd ready{.fd = socket_.get(), .events = POLLIN, .revents = 0};
            if (::poll(&ready, 1, 1000) <= 0) continue;
            const auto length = recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
            const auto now = Clock::now();
            if (length < static_cast<ssize_t>(NLMSG_LENGTH(sizeof(ifinfomsg)))) continue;
            const auto* header = reinterpret_cast<const nlmsghdr*>(buffer.data());
            const auto* info = static_cast<const ifinfomsg*>(NLMSG_DATA(header));
            const bool running = (info->ifi_flags & IFF_UP) != 0 && (info->ifi_flags & IFF_LOWER_UP) != 0;
            if (info->ifi_index == lab_.interface("A", "A-B").ifindex && !running) return now;
        }
        throw std::runtime_error("the kernel does not tell that the link is down");
    }

    topo::Lab lab_;
    Load load_;
    std::string interface_;
    std::optional<topo::Daemon> daemon_;
    SharedArray<ss_session_state> states_;
    Fd socket_;
};

Row row_of(const std::string& key, const std::vector<double>& values, const Load& load) {
    Row row{.key = key, .value = quantile(values, 0.5), .unit = "us", .n = values.size()};
    row.versus["max_us"] = rounded(*std::ranges::max_element(values));
    row.versus["sessions"] = load.sessions;
    row.versus["routes"] = load.routes;
    return row;
}

/// This thread is to see at once what happens, whatever else the machine does.
void watch_closely() {
    must(ask_for_short_slices());
    ::prctl(PR_SET_TIMERSLACK, 1UL);
}

std::vector<Row> run(bool quick) {
    watch_closely();
    const Load load{.sessions = quick ? 1000 : 4000, .routes = quick ? 20'000 : 131'072};
    std::vector<double> carrier;
    std::vector<double> shut;
    // A failure takes addresses along, too, so each lap has a node of its own.
    for (int i = 0; i < (quick ? 3 : 7); ++i) carrier.push_back(LoadedNode(load).lose_carrier());
    for (int i = 0; i < (quick ? 2 : 3); ++i) shut.push_back(LoadedNode(load).shut_down());
    auto row = row_of("netlink_to_word_us", carrier, load);
    row.bar = 1000;
    std::vector<Row> rows{row, row_of("netlink_to_word_shutdown_us", shut, load)};
    for (auto& busy : busy_rows(quick)) rows.push_back(std::move(busy));
    for (auto& service : service_rows(quick)) rows.push_back(std::move(service));
    return rows;
}

}  // namespace
}  // namespace sidestep::bench

int main(int argc, char** argv) {
    return sidestep::bench::run_bench("operate", argc, argv, [](const sidestep::bench::Arguments& arguments) {
        return sidestep::bench::run(arguments.quick);
    });
}
