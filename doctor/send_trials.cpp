// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Sends by packet sockets, past qdiscs and our own programs, and takes what returns before a firewall could.
#include "doctor/send_trials.hpp"

#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
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
constexpr auto kLeastPatience = 100ms;
constexpr unsigned kIpv4AndUdp = 20 + 8;
constexpr unsigned kIpv6AndUdp = 40 + 8;

/// The end of each packet, by which it is known when it comes back, and in what routers quote of it.
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

/// Sees all packets that end with a mark of this nonce, however many headers they have, before any program.
Result<Fd> listen_for(std::span<const std::uint8_t> nonce) {
    std::uint32_t begin = 0;
    std::memcpy(&begin, nonce.data(), sizeof begin);
    Fd socket(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    std::array<sock_filter, 7> code{{
        BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
        BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, sizeof(Mark)),
        BPF_STMT(BPF_MISC | BPF_TAX, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohl(begin), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0xffff),
        BPF_STMT(BPF_RET | BPF_K, 0),
    }};
    const sock_fprog program{.len = code.size(), .filter = code.data()};
    sockaddr_ll all{};
    all.sll_family = AF_PACKET;
    all.sll_protocol = htons(ETH_P_ALL);
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
    explicit Run(const Case& node) : node_(node), homes_(homes_of(node)), v4_homes_(v4_homes_of(node)) {
        for (auto& trial : trials_of(node)) {
            if (lists_.size() < kMostLists) lists_.push_back({.trial = std::move(trial)});
        }
    }

    [[nodiscard]] bool empty() const { return lists_.empty() || (homes_.empty() && v4_homes_.empty()); }

    Result<void> open() {
        if (::getrandom(nonce_.data(), nonce_.size(), 0) != static_cast<ssize_t>(nonce_.size()))
            return fail_errno("cannot get random bytes");
        if (auto opened = port_.open(); !opened) return opened;
        auto listening = listen_for(nonce_);
        if (!listening) return std::unexpected(listening.error());
        auto sending = sender();
        if (!sending) return std::unexpected(sending.error());
        listener_ = std::move(*listening);
        sender_ = std::move(*sending);
        return {};
    }

    /// Later rounds repeat what was lost, and ask the first segments of lists that do not work. A packet that should not
    /// come back gets the time of one that should.
    void run() {
        for (std::size_t round = 0; round < kPatience.size() && !finished(); ++round) {
            for (std::size_t i = 0; i < lists_.size(); ++i) send(i, round);
            const auto start = Clock::now();
            const auto least = start + (round == 0 ? kLeastPatience : 0ms);
            while ((!finished() || Clock::now() < least) &&
                   receive_until(finished() ? least : start + kPatience.at(round))) {
            }
        }
    }

    std::vector<TriedList> take() { return std::move(lists_); }

  private:
    static bool is_plain(const TriedList& list) { return list.trial.list.encap == Encap::plain; }
    static bool wants_large(const TriedList& list) {
        const bool comes_home = list.outcome.whole || !list.outcome.end;
        return list.trial.largest != 0 && !list.trial.v4_only && !is_plain(list) && comes_home && !list.outcome.large;
    }
    [[nodiscard]] bool finished() const {
        return std::ranges::all_of(lists_, [](const TriedList& list) {
            return list.outcome.loops || is_plain(list) || (list.works() && !wants_large(list) && !list.lacks_v4());
        });
    }

    void send(std::size_t i, std::size_t round) {
        const auto& list = lists_[i];
        const auto& trial = list.trial;
        if (trial.beyond) {
            send(i, 0, Form::onward);
            const bool end_is_asked = trial.list.encap != Encap::h_insert && !is_plain(list);
            if (end_is_asked && !list.outcome.end) send(i, 0, Form::end);
        }
        if (is_plain(list)) return;
        if (!list.outcome.whole && !trial.v4_only) send(i, 0, Form::whole);
        if (wants_large(list)) send(i, 0, Form::large);
        if (trial.v4_too && !list.outcome.v4) send(i, 0, Form::v4);
        const auto first = round > 0 ? list.outcome.reached + 1 : trial.passable();
        if (list.works() || (round == 0 && !trial.v4_only)) return;
        for (auto n = first; n <= trial.passable(); ++n) send(i, n, Form::first);
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
        std::memcpy(&payload[payload.size() - sizeof mark], &mark, sizeof mark);
        sockaddr_ll to{};
        to.sll_family = AF_PACKET;
        to.sll_ifindex = static_cast<int>(::if_nametoindex(adjacency->interface.c_str()));
        for (const auto& home : form == Form::v4 ? v4_homes_ : homes_) {
            const auto bytes =
                bytes_of(list.trial,
                         {.form = form, .segments = segments, .home = home, .port = port_.number(), .payload = payload},
                         *link, node_.config->source);
            const auto sent = ::sendto(sender_.get(), bytes.data(), bytes.size(), 0,
                                       reinterpret_cast<const sockaddr*>(&to), sizeof to);
            if (sent != static_cast<ssize_t>(bytes.size())) continue;
            ++list.outcome.sent;
            list.outcome.v4_sent = list.outcome.v4_sent || form == Form::v4;
        }
    }

    /// False once the time is over.
    bool receive_until(Clock::time_point end) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
        if (left <= 0ms) return false;
        pollfd waiting{.fd = listener_.get(), .events = POLLIN, .revents = 0};
        if (::poll(&waiting, 1, static_cast<int>(left.count()) + 1) <= 0) return false;
        sockaddr_ll by{};
        socklen_t length = sizeof by;
        const auto got = ::recvfrom(listener_.get(), received_.data(), received_.size(), 0,
                                    reinterpret_cast<sockaddr*>(&by), &length);
        if (got > 0 && by.sll_pkttype != PACKET_OUTGOING)
            take(std::span(received_).first(static_cast<std::size_t>(got)));
        return true;
    }

    void take(std::span<const std::uint8_t> packet) {
        Mark mark;
        if (packet.size() < kIpv4AndUdp + sizeof mark) return;
        const bool v4 = packet[0] >> 4 == 4;
        if (!v4 && packet.size() < kIpv6AndUdp + sizeof mark) return;
        std::memcpy(&mark, &packet[packet.size() - sizeof mark], sizeof mark);
        if (mark.nonce != nonce_ || mark.trial >= lists_.size()) return;
        auto& outcome = lists_[mark.trial].outcome;
        if (v4 && packet[9] == IPPROTO_ICMP) return;
        if (!v4 && packet[6] == IPPROTO_ICMPV6) return take_error(packet, mark, outcome);
        const bool to_others = mark.form == Form::end || mark.form == Form::onward;
        outcome.loops = outcome.loops || to_others;
        if (mark.form == Form::first) outcome.reached = std::max(outcome.reached, std::size_t{mark.segments});
        outcome.whole = outcome.whole || mark.form == Form::whole || mark.form == Form::large;
        outcome.large = outcome.large || mark.form == Form::large;
        outcome.v4 = outcome.v4 || mark.form == Form::v4;
    }

    /// Of all errors, only that of a router behind the list says more than silence does. Before its end, the outer header's
    /// hop limit counts, and that is large.
    static void take_error(std::span<const std::uint8_t> packet, const Mark& mark, Outcome& outcome) {
        Address router;
        std::ranges::copy(packet.subspan(8, router.bytes.size()), router.bytes.begin());
        if (mark.form == Form::end && packet[40] == ICMP6_TIME_EXCEEDED) outcome.end = router;
    }

    const Case& node_;
    std::vector<Address> homes_;
    std::vector<Address> v4_homes_;
    std::vector<TriedList> lists_;
    std::array<std::uint8_t, 16> nonce_{};
    Port port_;
    Fd listener_;
    Fd sender_;
    std::vector<std::uint8_t> received_ = std::vector<std::uint8_t>(65536);
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
