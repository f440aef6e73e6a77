// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/measure_session.hpp"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/timex.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <ctime>
#include <span>
#include <utility>

#include <poll.h>

#include "common/fd.hpp"
#include "detector/core/stamp.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;

constexpr auto kLongestReceive = 65'536;

Nanoseconds clock_now(clockid_t clock) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return std::chrono::seconds(now.tv_sec) + Nanoseconds(now.tv_nsec);
}

/// What the kernel says of this node's clock.
struct OwnClock {
    stamp::ErrorEstimate estimate;
    std::chrono::seconds tai_offset{};
};

OwnClock own_clock() {
    timex kernel{};
    const int state = ::adjtimex(&kernel);
    const bool good = state >= 0 && state != TIME_ERROR && (kernel.status & STA_UNSYNC) == 0;
    return {.estimate = {.synchronized = good, .error = std::chrono::microseconds(kernel.maxerror)},
            .tai_offset = std::chrono::seconds(kernel.tai)};
}

/// Addresses of both families as sockets have them, IPv4 as such.
struct SocketAddress {
    sockaddr_storage bytes{};
    socklen_t length = 0;

    SocketAddress(const Address& address, std::uint16_t port, unsigned scope) {
        if (address.is_v4()) {
            auto& v4 = reinterpret_cast<sockaddr_in&>(bytes);
            v4.sin_family = AF_INET;
            v4.sin_port = htons(port);
            std::memcpy(&v4.sin_addr, &address.bytes[12], sizeof v4.sin_addr);
            length = sizeof v4;
        } else {
            auto& v6 = reinterpret_cast<sockaddr_in6&>(bytes);
            v6.sin6_family = AF_INET6;
            v6.sin6_port = htons(port);
            v6.sin6_scope_id = scope;
            std::memcpy(&v6.sin6_addr, address.bytes.data(), sizeof v6.sin6_addr);
            length = sizeof v6;
        }
    }
    [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&bytes); }
    [[nodiscard]] int family() const { return bytes.ss_family; }
};

/// A packet that came, and how long ago the kernel received it.
struct Received {
    std::span<const std::uint8_t> payload;
    Nanoseconds waited{};
};

class MeasureRun {
  public:
    explicit MeasureRun(const MeasureSettings& settings)
        : settings_(settings), result_(settings.target), sent_at_(settings.count) {}

    Result<void> open() {
        if (::getrandom(&ssid_, sizeof ssid_, 0) != sizeof ssid_) return fail_errno("cannot get random bytes");
        const auto scope = settings_.interface.empty() ? 0 : ::if_nametoindex(settings_.interface.c_str());
        const SocketAddress here(settings_.path ? settings_.path->home : settings_.reflector, settings_.port, scope);
        socket_ = Fd(::socket(here.family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        const int on = 1;
        if (!socket_ || ::setsockopt(socket_.get(), SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0)
            return fail_errno("cannot open a UDP socket");
        return settings_.path ? open_path() : open_reflector(here);
    }

    Measurement run(const std::function<bool()>& stopped, const std::function<void(const Measurement&)>& progress) {
        auto next = clock_now(CLOCK_MONOTONIC);
        for (std::uint32_t number = 0; number < settings_.count && !stopped(); ++number, next += settings_.interval) {
            while (clock_now(CLOCK_MONOTONIC) < next && !stopped()) receive_until(next);
            send(number);
            progress(result_);
        }
        const auto end = clock_now(CLOCK_MONOTONIC) + settings_.patience;
        while (!result_.complete() && clock_now(CLOCK_MONOTONIC) < end && !stopped()) receive_until(end);
        return std::move(result_);
    }

  private:
    Result<void> open_reflector(const SocketAddress& to) {
        const int hops = 255;  // RFC 8762, 4.2.1
        const int dscp = settings_.traffic_class;
        const bool v4 = to.family() == AF_INET;
        const int level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
        ::setsockopt(socket_.get(), level, v4 ? int{IP_TTL} : int{IPV6_UNICAST_HOPS}, &hops, sizeof hops);
        ::setsockopt(socket_.get(), level, v4 ? int{IP_TOS} : int{IPV6_TCLASS}, &dscp, sizeof dscp);
        if (::connect(socket_.get(), to.get(), to.length) != 0)
            return fail_errno("no way to " + settings_.reflector.to_string());
        return {};
    }

    Result<void> open_path() {
        const auto& path = *settings_.path;
        SocketAddress home(path.home, 0, 0);
        if (::bind(socket_.get(), home.get(), home.length) != 0)
            return fail_errno(path.home.to_string() + " is no address of this machine to receive at");
        ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&home.bytes), &home.length);
        home_port_ = ntohs(reinterpret_cast<const sockaddr_in6&>(home.bytes).sin6_port);
        sender_ = Fd(path.link ? ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)
                               : ::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
        if (!sender_) return fail_errno("cannot send along a path (CAP_NET_RAW)");
        return {};
    }

    void send(std::uint32_t number) {
        const auto clock = own_clock();
        sent_at_[number] = clock_now(CLOCK_MONOTONIC);
        sent_utc_ = clock_now(CLOCK_REALTIME);
        const auto payload = stamp::write({.sequence = number,
                                           .time = stamp::encode_time(sent_utc_, false, clock.tai_offset),
                                           .error_estimate = stamp::encode(clock.estimate),
                                           .ssid = ssid_},
                                          settings_.size);
        const auto sent =
            settings_.path ? send_around(payload) : ::send(socket_.get(), payload.data(), payload.size(), 0) >= 0;
        if (sent) return result_.note_sent();
        sent_at_[number] = {};
        if (settings_.path || errno != ECONNREFUSED) return result_.note_unsent(std::strerror(errno));
        // The answer to an earlier packet: nobody listens there. This one has not been sent yet.
        sent_at_[number] = clock_now(CLOCK_MONOTONIC);
        if (::send(socket_.get(), payload.data(), payload.size(), 0) >= 0) return result_.note_sent();
        result_.note_unsent(std::strerror(errno));
    }

    bool send_around(std::vector<std::uint8_t> payload) {
        const auto& path = *settings_.path;
        if (payload.size() % 2 != 0) payload.push_back(0);  // as make_datagram() wants it
        const auto frame = make_datagram(path.link.value_or(LinkAddresses{}), path.source,
                                         {.from = path.home, .to = path.home, .port = home_port_, .payload = payload},
                                         {.encaps = path.segments, .back = path.back});
        if (path.link) {
            sockaddr_ll to{};
            to.sll_family = AF_PACKET;
            to.sll_ifindex = path.ifindex;
            return ::sendto(sender_.get(), frame.data(), frame.size(), 0, reinterpret_cast<const sockaddr*>(&to),
                            sizeof to) >= 0;
        }
        const SocketAddress to(path.segments.front(), 0, 0);
        const auto packet = std::span(frame).subspan(ETH_HLEN);
        return ::sendto(sender_.get(), packet.data(), packet.size(), 0, to.get(), to.length) >= 0;
    }

    /// Takes packets until one has come, or the time is over.
    void receive_until(Nanoseconds end) {
        const auto left = std::max(end - clock_now(CLOCK_MONOTONIC), Nanoseconds{});
        const timespec patience{.tv_sec = left / 1s, .tv_nsec = (left % 1s).count()};
        pollfd waiting{.fd = socket_.get(), .events = POLLIN, .revents = 0};
        if (::ppoll(&waiting, 1, &patience, nullptr) <= 0) return;
        while (const auto received = receive()) take(*received);
    }

    std::optional<Received> receive() {
        std::array<std::uint8_t, 256> control{};
        iovec part{.iov_base = buffer_.data(), .iov_len = buffer_.size()};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        const auto got = ::recvmsg(socket_.get(), &message, 0);
        if (got < 0) return std::nullopt;
        Received received{.payload = std::span(buffer_).first(static_cast<std::size_t>(got))};
        for (auto* item = CMSG_FIRSTHDR(&message); item != nullptr; item = CMSG_NXTHDR(&message, item)) {
            if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_TIMESTAMPNS) continue;
            timespec came{};
            std::memcpy(&came, CMSG_DATA(item), sizeof came);
            received.waited =
                clock_now(CLOCK_REALTIME) - (std::chrono::seconds(came.tv_sec) + Nanoseconds(came.tv_nsec));
        }
        // A clock that was set in between says nothing.
        if (received.waited < Nanoseconds{} || received.waited > 1s) received.waited = {};
        return received;
    }

    void take(const Received& received) {
        const auto came = clock_now(CLOCK_MONOTONIC) - received.waited;
        if (settings_.path) {
            const auto packet = stamp::read_request(received.payload);
            if (packet && packet->ssid == ssid_) note(packet->sequence, came, {});
            return;
        }
        const auto answer = stamp::read_answer(received.payload);
        if (!answer || (answer->ssid != ssid_ && answer->ssid != 0)) return;  // RFC 8762 alone knows no SSID
        note(answer->their_sequence, came, answer, clock_now(CLOCK_REALTIME) - received.waited);
    }

    void note(std::uint32_t number, Nanoseconds came, const std::optional<stamp::Answer>& answer,
              Nanoseconds came_utc = {}) {
        if (number >= sent_at_.size() || sent_at_[number] == Nanoseconds{}) return;
        MeasuredAnswer measured{.round_trip = came - sent_at_[number]};
        if (answer) heed_reflector(*answer, came_utc, measured);
        result_.note(number, measured);
    }

    /// What the reflector's time stamps add. Those of one clock can always be compared with each other.
    static void heed_reflector(const stamp::Answer& answer, Nanoseconds came_utc, MeasuredAnswer& measured) {
        const auto clock = own_clock();
        const auto theirs = stamp::decode_error(answer.error_estimate);
        const auto received = stamp::decode_time(answer.received, theirs.ptp, clock.tai_offset);
        const auto left = stamp::decode_time(answer.time, theirs.ptp, clock.tai_offset);
        const auto kept = left - received;
        if (kept >= Nanoseconds{} && kept < measured.round_trip) measured.round_trip -= kept;
        const bool comparable = !theirs.ptp || clock.tai_offset != 0s;  // PTP's time is TAI
        if (!theirs.synchronized || !clock.estimate.synchronized || !comparable) return;
        measured.there = received - stamp::decode_time(answer.their_time, false, {});
        measured.back = came_utc - left;
        measured.clock_error = theirs.error + clock.estimate.error;
    }

    const MeasureSettings& settings_;
    Measurement result_;
    std::vector<Nanoseconds> sent_at_;  ///< by number, CLOCK_MONOTONIC; 0: not sent
    Nanoseconds sent_utc_{};
    std::uint16_t ssid_ = 0;
    std::uint16_t home_port_ = 0;
    Fd socket_;
    Fd sender_;
    std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(kLongestReceive);
};

}  // namespace

Result<Measurement> measure(const MeasureSettings& settings, const std::function<bool()>& stopped,
                            const std::function<void(const Measurement&)>& progress) {
    MeasureRun run(settings);
    if (auto opened = run.open(); !opened) return std::unexpected(opened.error());
    return run.run(stopped, progress);
}

}  // namespace sidestep
