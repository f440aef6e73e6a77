// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "topo/traffic.hpp"

#include <sys/prctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>
#include <random>

#include <sched.h>

#include "common/fd.hpp"
#include "topo/clock.hpp"
#include "topo/socket.hpp"
#include "topo/wait.hpp"

namespace sidestep::topo {
namespace {

constexpr int kReceiveBuffer = 64 << 20;  // bytes; 10,000 packets/s of any size for more than five seconds
constexpr std::size_t kBatch = 64;
constexpr auto kQuiet = std::chrono::milliseconds(100);

/// The beginning of each payload; sender and receiver share a machine, so byte order does not matter.
struct Stamp {
    std::uint64_t flow = 0;  ///< random: packets of other flows are ignored
    std::uint64_t number = 0;
    std::int64_t sent_ns = 0;  ///< for readers of a capture; the report uses the sender's own list
};

Result<Fd> open_receiver(const Address& address) {
    auto socket = open_bound(SOCK_DGRAM, address);
    if (!socket) return socket;
    const int on = 1;
    if (::setsockopt(socket->get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer) != 0 ||
        ::setsockopt(socket->get(), SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0) {
        return fail_errno("cannot set up the receiving socket");
    }
    return socket;
}

Result<Fd> open_sender(const Address& source, const Address& destination, std::uint16_t port) {
    auto socket = open_bound(SOCK_DGRAM, source);
    if (!socket) return socket;
    if (auto connected = connect_to(*socket, destination, port); !connected) return std::unexpected(connected.error());
    return socket;
}

/// The kernel's receive time of a datagram (CLOCK_REALTIME); 0 if it has none.
std::int64_t kernel_time(msghdr& message) {
    for (auto* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_TIMESTAMPNS) continue;
        timespec time{};
        std::memcpy(&time, CMSG_DATA(part), sizeof time);
        return in_ns(time);
    }
    return 0;
}

/// Room for one recvmmsg.
class ReceiveBatch {
  public:
    ReceiveBatch() {
        for (std::size_t i = 0; i < kBatch; ++i) pieces_[i] = {&stamps_[i], sizeof(Stamp)};
    }
    ReceiveBatch(const ReceiveBatch&) = delete;
    ReceiveBatch& operator=(const ReceiveBatch&) = delete;

    /// Hands each waiting datagram to `take(stamp, kernel time)` and returns their number.
    template <typename Take>
    std::size_t receive(int socket, Take take) {
        for (std::size_t i = 0; i < kBatch; ++i) {
            messages_[i] = {};
            messages_[i].msg_hdr.msg_iov = &pieces_[i];
            messages_[i].msg_hdr.msg_iovlen = 1;
            messages_[i].msg_hdr.msg_control = control_[i].bytes.data();
            messages_[i].msg_hdr.msg_controllen = control_[i].bytes.size();
        }
        const int got = ::recvmmsg(socket, messages_.data(), kBatch, MSG_DONTWAIT, nullptr);
        for (int i = 0; i < got; ++i) {
            auto& message = messages_[static_cast<std::size_t>(i)];
            if (message.msg_len == sizeof(Stamp))
                take(stamps_[static_cast<std::size_t>(i)], kernel_time(message.msg_hdr));
        }
        return got > 0 ? static_cast<std::size_t>(got) : 0;
    }

  private:
    struct Control {
        alignas(cmsghdr) std::array<char, 128> bytes{};
    };
    std::array<Stamp, kBatch> stamps_{};
    std::array<iovec, kBatch> pieces_{};
    std::array<Control, kBatch> control_{};
    std::array<mmsghdr, kBatch> messages_{};
};

}  // namespace

struct Traffic::State {
    TrafficSpec spec;
    Fd sender;
    Fd receiver;
    std::uint64_t flow = 0;
    std::atomic<std::uint64_t> sent{0};
    std::atomic<std::uint64_t> arrived{0};
    std::vector<std::int64_t> sent_ns;  // the sender's until it has been joined
    std::vector<Arrival> arrivals;      // the receiver's until it has been joined

    void send(const std::stop_token& stop);
    void receive(const std::stop_token& stop);
};

void Traffic::State::send(const std::stop_token& stop) {
    // On a loaded machine only real-time scheduling keeps the rate; if it is refused, late packets leave in bursts.
    const sched_param priority{.sched_priority = 1};
    (void)::sched_setscheduler(0, SCHED_FIFO, &priority);
    ::prctl(PR_SET_TIMERSLACK, 1);
    std::vector<char> payload(spec.payload);
    const auto begin = now_ns();
    const double interval_ns = 1e9 / spec.rate;
    for (std::uint64_t number = 0; !stop.stop_requested() && (spec.count == 0 || number < spec.count); ++number) {
        const auto due = begin + static_cast<std::int64_t>(static_cast<double>(number) * interval_ns);
        auto now = now_ns();
        if (now < due) {
            const timespec until{static_cast<time_t>(due / 1'000'000'000), static_cast<long>(due % 1'000'000'000)};
            ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
            now = now_ns();
        }
        const Stamp stamp{.flow = flow, .number = number, .sent_ns = now};
        std::memcpy(payload.data(), &stamp, sizeof stamp);
        sent_ns.push_back(now);
        // An ICMP error for an earlier packet fails the next send once. A packet that cannot be sent at all counts as
        // lost.
        if (::send(sender.get(), payload.data(), payload.size(), 0) < 0) {
            (void)::send(sender.get(), payload.data(), payload.size(), 0);
        }
        sent.store(number + 1, std::memory_order_relaxed);
    }
}

void Traffic::State::receive(const std::stop_token& stop) {
    ReceiveBatch batch;
    const auto take = [&](const Stamp& stamp, std::int64_t kernel_ns) {
        if (stamp.flow != flow) return;
        // The kernel stamps in wall-clock time; its distance to now is used, so a step of that clock does little harm.
        const auto age = kernel_ns == 0 ? 0 : std::max<std::int64_t>(0, now_ns(CLOCK_REALTIME) - kernel_ns);
        arrivals.push_back({.number = stamp.number, .received_ns = now_ns() - age});
        arrived.fetch_add(1, std::memory_order_relaxed);
    };
    while (!stop.stop_requested()) {
        // Draining once per millisecond costs a tenth of waking up for each packet; the kernel keeps the times.
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        while (batch.receive(receiver.get(), take) == kBatch) {
        }
    }
}

Traffic::Traffic(std::unique_ptr<State> state) : state_(std::move(state)) {
    receiver_ = std::jthread([state = state_.get()](const std::stop_token& stop) { state->receive(stop); });
    sender_ = std::jthread([state = state_.get()](const std::stop_token& stop) { state->send(stop); });
}

Traffic::Traffic(Traffic&&) noexcept = default;

Traffic& Traffic::operator=(Traffic&& other) noexcept {
    if (this != &other) {
        join();
        state_ = std::move(other.state_);
        receiver_ = std::move(other.receiver_);
        sender_ = std::move(other.sender_);
    }
    return *this;
}

Traffic::~Traffic() {
    join();
}

void Traffic::join() {
    sender_ = {};
    receiver_ = {};
}

Result<Traffic> Traffic::start(const NetNs& from, const NetNs& to, const TrafficSpec& spec) {
    if (spec.payload < sizeof(Stamp)) return fail("traffic: the payload of a numbered packet needs at least 24 bytes");
    if (!(spec.rate > 0)) return fail("traffic: the rate must be above zero");
    auto state = std::make_unique<State>();
    state->spec = spec;
    std::random_device random;
    state->flow = (static_cast<std::uint64_t>(random()) << 32) | random();
    const auto expected = spec.count != 0 ? spec.count : static_cast<std::uint64_t>(spec.rate * 20);
    state->sent_ns.reserve(expected);
    state->arrivals.reserve(expected);

    auto receiver = to.run([&] { return open_receiver(spec.destination); });
    if (!receiver) return std::unexpected(receiver.error());
    auto sender = from.run([&] { return open_sender(spec.source, spec.destination, port_of(*receiver)); });
    if (!sender) return std::unexpected(sender.error());
    state->receiver = std::move(*receiver);
    state->sender = std::move(*sender);
    return Traffic(std::move(state));
}

std::uint64_t Traffic::sent() const {
    return state_->sent.load(std::memory_order_relaxed);
}

std::uint64_t Traffic::arrived() const {
    return state_->arrived.load(std::memory_order_relaxed);
}

const std::vector<std::int64_t>& Traffic::sent_times() const {
    return state_->sent_ns;
}

const std::vector<Arrival>& Traffic::arrivals() const {
    return state_->arrivals;
}

FlowReport Traffic::stop(Clock::duration path) {
    sender_ = {};
    auto last = arrived();
    auto last_change = Clock::now();
    wait_for(std::chrono::seconds(5) + path, [&] {
        const auto count = arrived();
        if (count != last) last_change = Clock::now();
        last = count;
        return count >= sent() || Clock::now() - last_change > kQuiet + path;
    });
    receiver_ = {};
    return report_flow(state_->sent_ns, state_->arrivals);
}

}  // namespace sidestep::topo
