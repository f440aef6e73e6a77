// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Sends by packet sockets, past qdiscs and our own programs, and takes what returns before a firewall could.
#include "doctor/send_trials.hpp"

#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <span>

#include <poll.h>

#include "common/fd.hpp"
#include "doctor/lists.hpp"
#include "doctor/trial.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostLists = 256;
constexpr std::array kPatience{300ms, 300ms, 500ms};  // of each round
constexpr unsigned kIpv6AndUdp = 40 + 8;

/// How a packet goes: as data does, small or large, or by the first segments.
enum class Form : std::uint8_t { whole, large, first };

/// What a packet says of itself when it comes back.
struct Mark {
    std::array<std::uint8_t, 16> nonce{};
    std::uint16_t trial = 0;
    std::uint8_t segments = 0;
    Form form = Form::whole;
};
static_assert(sizeof(Mark) == 20, "no padding; even, as make_datagram() wants it");

/// Holds a UDP port, so that packets to it concern nobody else.
class Port {
  public:
    Result<void> open() {
        socket_ = Fd(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        sockaddr_in6 at{};
        at.sin6_family = AF_INET6;
        socklen_t length = sizeof at;
        auto* const address = reinterpret_cast<sockaddr*>(&at);
        if (!socket_ || ::bind(socket_.get(), address, length) != 0 ||
            ::getsockname(socket_.get(), address, &length) != 0)
            return fail_errno("cannot get a UDP port");
        number_ = ntohs(at.sin6_port);
        return {};
    }
    [[nodiscard]] std::uint16_t number() const { return number_; }

  private:
    Fd socket_;
    std::uint16_t number_ = 0;
};

/// Sees arriving datagrams to one port, behind an SRH or not.
Result<Fd> listen_for(std::uint16_t port) {
    Fd socket(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    std::array<sock_filter, 14> code{{
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6),  // next header
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 2),
        BPF_STMT(BPF_LDX | BPF_W | BPF_IMM, 40),
        BPF_STMT(BPF_JMP | BPF_JA, 6),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ROUTING, 0, 8),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 41),  // length of the SRH: units of 8 bytes without the first
        BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 1),
        BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 3),
        BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 40),
        BPF_STMT(BPF_MISC | BPF_TAX, 0),
        BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),  // destination port
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, port, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0xffff),
        BPF_STMT(BPF_RET | BPF_K, 0),
    }};
    const sock_fprog program{.len = code.size(), .filter = code.data()};
    sockaddr_ll all{};
    all.sll_family = AF_PACKET;
    all.sll_protocol = htons(ETH_P_IPV6);
    if (!socket || ::setsockopt(socket.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0 ||
        ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&all), sizeof all) != 0)
        return fail_errno("cannot listen for packets that come back");
    return socket;
}

Result<Fd> sender() {
    Fd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
    const int past_qdiscs = 1;
    if (!socket || ::setsockopt(socket.get(), SOL_PACKET, PACKET_QDISC_BYPASS, &past_qdiscs, sizeof past_qdiscs) != 0)
        return fail_errno("cannot send packets of our own");
    return socket;
}

class Run {
  public:
    explicit Run(const Case& node) : node_(node), homes_(homes_of(node)) {
        for (auto& trial : trials_of(node)) {
            if (lists_.size() < kMostLists) lists_.push_back({.trial = std::move(trial)});
        }
    }

    [[nodiscard]] bool empty() const { return lists_.empty() || homes_.empty(); }

    Result<void> open() {
        if (auto opened = port_.open(); !opened) return opened;
        auto listening = listen_for(port_.number());
        if (!listening) return std::unexpected(listening.error());
        auto sending = sender();
        if (!sending) return std::unexpected(sending.error());
        listener_ = std::move(*listening);
        sender_ = std::move(*sending);
        if (::getrandom(nonce_.data(), nonce_.size(), 0) != static_cast<ssize_t>(nonce_.size()))
            return fail_errno("cannot get random bytes");
        return {};
    }

    /// Later rounds repeat what was lost, and ask the first segments of lists that do not work.
    void run() {
        for (std::size_t round = 0; round < kPatience.size() && !finished(); ++round) {
            for (std::size_t i = 0; i < lists_.size(); ++i) send(i, round > 0);
            const auto end = Clock::now() + kPatience.at(round);
            while (!finished() && receive_until(end)) {
            }
        }
    }

    std::vector<TriedList> take() { return std::move(lists_); }

  private:
    static bool wants_large(const TriedList& list) {
        return list.trial.largest != 0 && !list.trial.v4_only && !list.outcome.large;
    }
    [[nodiscard]] bool finished() const {
        return std::ranges::all_of(lists_, [](const TriedList& list) { return list.works() && !wants_large(list); });
    }

    void send(std::size_t i, bool by_parts) {
        const auto& list = lists_[i];
        const auto last = list.trial.passable();
        if (!list.works() && !list.trial.v4_only) send(i, last, Form::whole);
        if (wants_large(list)) send(i, last, Form::large);
        const auto first = by_parts ? list.outcome.reached + 1 : last;
        if (list.works() || !(by_parts || list.trial.v4_only)) return;
        for (auto n = first; n <= last; ++n) send(i, n, Form::first);
    }

    void send(std::size_t i, std::size_t segments, Form form) {
        auto& list = lists_[i];
        const auto link = link_addresses(node_, list.trial.list.adjacency);
        const auto* adjacency = adjacency_of(*node_.config, list.trial.list.adjacency);
        if (!link || adjacency == nullptr) return;
        const Mark mark{.nonce = nonce_,
                        .trial = static_cast<std::uint16_t>(i),
                        .segments = static_cast<std::uint8_t>(segments),
                        .form = form};
        const std::size_t large = (list.trial.largest - std::min(list.trial.largest, kIpv6AndUdp)) & ~1U;
        std::vector<std::uint8_t> payload(form == Form::large ? std::max(sizeof mark, large) : sizeof mark);
        std::memcpy(payload.data(), &mark, sizeof mark);
        sockaddr_ll to{};
        to.sll_family = AF_PACKET;
        to.sll_ifindex = static_cast<int>(::if_nametoindex(adjacency->interface.c_str()));
        for (const auto& home : homes_) {
            const auto bytes = trial_packet(list.trial, segments, form != Form::first, *link, node_.config->source,
                                            home, port_.number(), payload);
            const auto sent = ::sendto(sender_.get(), bytes.data(), bytes.size(), 0,
                                       reinterpret_cast<const sockaddr*>(&to), sizeof to);
            if (sent == static_cast<ssize_t>(bytes.size())) ++list.outcome.sent;
        }
    }

    /// False once the time is over.
    bool receive_until(Clock::time_point end) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
        if (left <= 0ms) return false;
        pollfd waiting{.fd = listener_.get(), .events = POLLIN, .revents = 0};
        if (::poll(&waiting, 1, static_cast<int>(left.count()) + 1) <= 0) return false;
        std::array<std::uint8_t, 1024> bytes{};
        const auto length = ::recv(listener_.get(), bytes.data(), bytes.size(), 0);
        if (length > 0) take(std::span(bytes).first(static_cast<std::size_t>(length)));
        return true;
    }

    void take(std::span<const std::uint8_t> packet) {
        if (packet.size() < 42) return;
        const std::size_t payload = packet[6] == IPPROTO_ROUTING ? kIpv6AndUdp + (packet[41] + 1U) * 8 : kIpv6AndUdp;
        Mark mark;
        if (packet.size() < payload + sizeof mark) return;
        std::memcpy(&mark, &packet[payload], sizeof mark);
        if (mark.nonce != nonce_ || mark.trial >= lists_.size()) return;
        auto& outcome = lists_[mark.trial].outcome;
        if (mark.form == Form::first) outcome.reached = std::max(outcome.reached, std::size_t{mark.segments});
        outcome.whole = outcome.whole || mark.form != Form::first;
        outcome.large = outcome.large || mark.form == Form::large;
    }

    const Case& node_;
    std::vector<Address> homes_;
    std::vector<TriedList> lists_;
    std::array<std::uint8_t, 16> nonce_{};
    Port port_;
    Fd listener_;
    Fd sender_;
};

}  // namespace

Result<std::vector<TriedList>> try_lists(const Case& node) {
    if (!node.config || !node.machine.looked) return std::vector<TriedList>();
    Run run(node);
    if (run.empty()) return std::vector<TriedList>();
    if (auto opened = run.open(); !opened) return std::unexpected(opened.error());
    run.run();
    return run.take();
}

}  // namespace sidestep
