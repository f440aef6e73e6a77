// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/net/flow_bundle.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>

#include <poll.h>

#include "common/fd.hpp"
#include "topo/clock.hpp"
#include "topo/socket.hpp"
#include "topo/wait.hpp"

namespace sidestep::topo {
namespace {

constexpr std::chrono::seconds kBundlePatience{15};
constexpr std::chrono::milliseconds kQuiet{200};

struct Stamp {
    std::uint64_t flow = 0;
    std::uint64_t number = 0;
};

}  // namespace

struct FlowBundle::State {
    struct Flow {
        Fd socket;
        std::vector<std::int64_t> sent_ns;  // the sender's
        std::vector<Arrival> arrivals;      // the receiver's
        std::atomic<std::uint64_t> arrived{0};
    };
    Fd receiver;
    std::vector<std::unique_ptr<Flow>> flows;
    double rate = 0;

    void send(const std::stop_token& stop) {
        const auto begin = Clock::now();
        const auto round = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(1 / rate));
        for (std::uint64_t number = 0; !stop.stop_requested(); ++number) {
            std::this_thread::sleep_until(begin + number * round);
            for (std::size_t i = 0; i < flows.size(); ++i) {
                const Stamp stamp{.flow = i, .number = number};
                flows[i]->sent_ns.push_back(now_ns());
                (void)::send(flows[i]->socket.get(), &stamp, sizeof stamp, 0);
            }
        }
    }

    void receive(const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            pollfd ready{.fd = receiver.get(), .events = POLLIN, .revents = 0};
            (void)::poll(&ready, 1, 20);
            Stamp stamp;
            while (::recv(receiver.get(), &stamp, sizeof stamp, 0) == sizeof stamp) {
                if (stamp.flow >= flows.size()) continue;
                auto& flow = *flows[stamp.flow];
                flow.arrivals.push_back({.number = stamp.number, .received_ns = now_ns()});
                ++flow.arrived;
            }
        }
    }
};

Result<FlowBundle> FlowBundle::start(const NetNs& from, const NetNs& to, const Address& source,
                                     const Address& destination, std::size_t flows, double rate) {
    auto state = std::make_shared<State>();
    state->rate = rate;
    auto receiver = to.run([&] { return open_bound(SOCK_DGRAM | SOCK_NONBLOCK, destination); });
    if (!receiver) return std::unexpected(receiver.error());
    const int room = 16 << 20;
    ::setsockopt(receiver->get(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    const auto port = port_of(*receiver);
    state->receiver = std::move(*receiver);
    for (std::size_t i = 0; i < flows; ++i) {
        auto sender = from.run([&] { return open_bound(SOCK_DGRAM | SOCK_NONBLOCK, source); });
        if (!sender) return std::unexpected(sender.error());
        if (auto connected = connect_to(*sender, destination, port); !connected)
            return std::unexpected(connected.error());
        state->flows.push_back(std::make_unique<State::Flow>());
        state->flows.back()->socket = std::move(*sender);
    }
    return FlowBundle(std::move(state));
}

FlowBundle::FlowBundle(std::shared_ptr<State> state) : state_(std::move(state)) {
    receiver_ = std::jthread([state = state_](const std::stop_token& stop) { state->receive(stop); });
    sender_ = std::jthread([state = state_](const std::stop_token& stop) { state->send(stop); });
}

std::vector<std::uint64_t> FlowBundle::arrived() const {
    std::vector<std::uint64_t> counts;
    for (const auto& flow : state_->flows) counts.push_back(flow->arrived);
    return counts;
}

std::set<std::size_t> FlowBundle::standing(std::uint64_t packets) const {
    std::set<std::size_t> result;
    auto before = arrived();
    wait_for(kBundlePatience, [&] {
        const auto now = arrived();
        bool reached = false;
        bool decided = true;
        result.clear();
        for (std::size_t i = 0; i < now.size(); ++i) {
            const auto more = now[i] - before[i];
            if (more == 0) result.insert(i);
            reached = reached || more >= 2 * packets;
            decided = decided && (more == 0 || more >= packets);
        }
        if (reached && !decided) before = now;  // some were just stopping or starting
        return reached && decided;
    });
    return result;
}

std::vector<FlowReport> FlowBundle::stop() {
    sender_ = {};
    auto last = arrived();
    auto last_change = Clock::now();
    wait_for(kBundlePatience, [&] {
        if (auto now = arrived(); now != last) {
            last = std::move(now);
            last_change = Clock::now();
        }
        return Clock::now() - last_change > kQuiet;
    });
    receiver_ = {};
    std::vector<FlowReport> reports;
    for (const auto& flow : state_->flows) reports.push_back(report_flow(flow->sent_ns, flow->arrivals));
    return reports;
}

}  // namespace sidestep::topo
