// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "topo/delay_line.hpp"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include <array>
#include <span>
#include <stop_token>

#include <poll.h>
#include <sched.h>

#include "topo/clock.hpp"
#include "topo/interface.hpp"
#include "topo/tap.hpp"

namespace sidestep::topo {
namespace {

constexpr std::size_t kLongestFrame = 131'072;  // more than any interface sends
constexpr int kSendBuffer = 32 << 20;           // bytes: what a burst at the end may take
constexpr int kQuietMs = 10;                    // afterwards no processor is still in a program that saw the line
constexpr int kReadsAtOnce = 64;                // frames, before what is due meanwhile is sent
constexpr int kPriority = 60;                   // SCHED_FIFO: a link does not become slower because a processor is busy

/// Sends out of one interface of this thread's namespace, and past the programs at its egress: they have seen the frame.
Result<Fd> open_sender(int ifindex) {
    Fd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return fail_errno("cannot open a packet socket");
    const int on = 1;
    if (::setsockopt(socket.get(), SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on) != 0 ||
        ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUFFORCE, &kSendBuffer, sizeof kSendBuffer) != 0)
        return fail_errno("cannot set up a packet socket");
    sockaddr_ll local{};
    local.sll_family = AF_PACKET;  // protocol 0: it receives nothing
    local.sll_ifindex = ifindex;
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0)
        return fail_errno("cannot bind a packet socket");
    return socket;
}

}  // namespace

struct DelayLine::State {
    Cut* cut = nullptr;
    Direction direction = Direction::forward;
    LinkEnd end;  // the sender's
    DelaySpec spec;
    DelayQueue queue{{}};
    Tap tap;
    Fd sender;
    Fd timer;
    Fd stopped;
    std::vector<std::byte> buffer = std::vector<std::byte>(kLongestFrame);
    bool gone = false;  // the TAP device: its namespace was removed
    Fate fate;

    void run(const std::stop_token& stop);
    void wait() const;
    [[nodiscard]] int source() const { return gone ? -1 : tap.frames.get(); }
    void take_frames();
    void send_due();
    void set_timer() const;
};

void DelayLine::State::run(const std::stop_token& stop) {
    const sched_param priority{.sched_priority = kPriority};
    (void)::sched_setscheduler(0, SCHED_FIFO, &priority);
    const std::stop_callback wake(stop, [this] { (void)::eventfd_write(stopped.get(), 1); });
    while (!stop.stop_requested()) {
        wait();
        take_frames();
        send_due();
        set_timer();
    }
    queue.release();
    take_frames();  // these leave before others pass directly, and would overtake them
    send_due();
    cut->divert(direction, 0);
    pollfd frames{.fd = source(), .events = POLLIN, .revents = 0};
    while (::poll(&frames, 1, kQuietMs) > 0) {
        take_frames();
        send_due();
        frames.fd = source();
    }
}

/// Until a frame came, one is due, or the line is to end.
void DelayLine::State::wait() const {
    std::array<pollfd, 3> sources{{{.fd = source(), .events = POLLIN, .revents = 0},
                                   {.fd = timer.get(), .events = POLLIN, .revents = 0},
                                   {.fd = stopped.get(), .events = POLLIN, .revents = 0}}};
    (void)::poll(sources.data(), sources.size(), -1);
}

void DelayLine::State::take_frames() {
    for (int i = 0; i < kReadsAtOnce; ++i) {
        const auto length = ::read(tap.frames.get(), buffer.data(), buffer.size());
        if (length < 0) gone = errno != EAGAIN && errno != EINTR;
        if (length <= 0) return;
        const auto frame = std::span(buffer).first(static_cast<std::size_t>(length));
        queue.push({frame.begin(), frame.end()}, now_ns());
    }
}

void DelayLine::State::send_due() {
    while (const auto frame = queue.pop(now_ns())) {
        const bool sent = ::send(sender.get(), frame->data(), frame->size(), 0) >= 0;
        ++(sent ? fate.delivered : fate.dropped);
    }
}

/// Setting it anew also takes back that it has expired.
void DelayLine::State::set_timer() const {
    itimerspec when{};
    if (const auto due_ns = queue.next_due_ns())
        when.it_value = {.tv_sec = *due_ns / 1'000'000'000, .tv_nsec = *due_ns % 1'000'000'000};
    (void)::timerfd_settime(timer.get(), TFD_TIMER_ABSTIME, &when, nullptr);
}

DelayLine::DelayLine(std::unique_ptr<State> state) : state_(std::move(state)) {
    thread_ = std::jthread([state = state_.get()](const std::stop_token& stop) { state->run(stop); });
}

DelayLine::DelayLine(DelayLine&&) noexcept = default;

DelayLine::~DelayLine() {
    if (state_) stop();
}

Result<DelayLine> DelayLine::install(Cut& cut, Direction direction, const DelaySpec& spec) {
    auto state = std::make_unique<State>();
    state->cut = &cut;
    state->direction = direction;
    state->end = cut.sender(direction);
    state->spec = spec;
    state->queue = DelayQueue(spec);
    auto tap = open_tap(*state->end.netns);
    if (!tap) return std::unexpected(tap.error());
    state->tap = std::move(*tap);
    auto sender = state->end.netns->run([&] { return open_sender(state->end.ifindex); });
    if (!sender) return std::unexpected(sender.error());
    state->sender = std::move(*sender);
    state->timer = Fd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    state->stopped = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!state->timer || !state->stopped) return fail_errno("cannot make the timer of a slow link");
    return DelayLine(std::move(state));
}

void DelayLine::begin() {
    state_->cut->divert(state_->direction, state_->tap.ifindex);
}

void DelayLine::release() {
    thread_.request_stop();
}

DelayLine::Fate DelayLine::stop() {
    release();
    if (thread_.joinable()) thread_.join();
    if (!state_->tap.frames) return state_->fate;
    std::uint64_t missed = 0;
    (void)state_->end.netns->run([&] { missed = transmit_drops(state_->tap.name); });
    state_->fate.dropped += state_->queue.dropped() + missed;
    state_->fate.latest = state_->queue.latest();
    state_->tap.frames.reset();
    return state_->fate;
}

Nanoseconds DelayLine::longest() const {
    return state_->spec.delay + state_->spec.jitter;
}

}  // namespace sidestep::topo
