// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/app/bfd_speaker.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "common/fd.hpp"
#include "common/wall_time.hpp"
#include "detector/kernel/kernel_time.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using bfd::Telling;
using nlohmann::json;

constexpr Nanoseconds kAttemptEvery = 100ms;
constexpr Nanoseconds kAttemptLater = 5s;  // after nonsense, which will come again
constexpr Nanoseconds kMatchEvery = 1s;
constexpr std::size_t kReadAtOnce = 64U << 10U;
constexpr std::size_t kMostUnsent = 1U << 20U;

Result<Fd> connect_to(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return fail_errno("cannot make a Unix socket");
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
    if (errno == ENOENT || errno == ECONNREFUSED)
        return fail(fmt::format("nobody listens at {}: start bfdd with --dplaneaddr unix:{}", path, path));
    if (errno == EACCES)
        return fail(fmt::format("no permission to connect to {}: it belongs to bfdd's user (docs/bfd.md)", path));
    return fail_errno("cannot connect to " + path);
}

json event_of(const Telling& telling, const bfd::Peer* peer, Nanoseconds now) {
    const auto name = peer != nullptr ? bfd::name_of(peer->asked) : std::string();
    const auto state =
        fmt::format("frr-{}", telling.change.state == bfd::BfdState::admin_down ? "unwatched"
                                                                                : bfd::to_string(telling.change.state));
    return {
        {"time_ns", now.count()},
        {"time", utc_now()},
        {"session", telling.session.empty() ? name : telling.session},
        {"event", "frr-told"},
        {"state", state},
        {"reason", peer != nullptr && !peer->match.trouble.empty() ? peer->match.trouble
                                                                   : std::string(to_string(telling.change.diagnostic))},
        {"bfd",
         {{"peer", name},
          {"discriminator", telling.change.discriminator},
          {"state", to_string(telling.change.state)},
          {"diagnostic", to_string(telling.change.diagnostic)}}}};
}

}  // namespace

void BfdSpeaker::tick(Nanoseconds now) {
    if (!socket_.is_open()) {
        if (now >= next_attempt_) connect(now);
        return;
    }
    if (broken_) return disconnect("it does not read what it is told", now);
    if (half_) {
        half_ = false;
        wait_for_frames();
    }
    if (now >= next_review_) return review(now);
    log(tell(peers_.news(hooks_.session, now)));
}

void BfdSpeaker::connect(Nanoseconds now) {
    next_attempt_ = now + kAttemptEvery;
    auto fd = connect_to(path_);
    if (!fd) {
        if (trouble_ != fd.error().message) logged_trouble_ = false;
        trouble_ = fd.error().message;
        return;
    }
    if (!use(std::move(*fd))) return;
    spdlog::info("connected to bfdd at {}", path_);
    wait_for_frames();
}

bool BfdSpeaker::use(Fd fd) {
    boost::system::error_code error;
    socket_.assign(fd.get(), error);
    if (error) return false;
    (void)fd.release();
    trouble_.clear();
    ++connections_;
    kept_ = hooks_.keep(socket_.native_handle());
    return true;
}

/// Without knowing what was asked for on it, the socket is of no use: bfdd asks only once.
void BfdSpeaker::resume(Fd socket, const std::string& frames, Nanoseconds now) {
    if (frames.empty() || !use(std::move(socket))) return;
    const std::vector<std::uint8_t> bytes(frames.begin(), frames.end());
    const auto whole = handle_all(bytes, now);
    if (!whole || *whole != bytes.size())
        return disconnect("what it asked of the previous process is not known any more", now);
    spdlog::info("goes on with the socket to bfdd of the previous process: {} peers", peers_.all().size());
    follow_wishes();
    log(tell(peers_.news(hooks_.session, now)));
    wait_for_frames();
}

void BfdSpeaker::save_peers() {
    if (!kept_) return;
    std::string frames;
    for (const auto& [discriminator, peer] : peers_.all()) frames.append(peer.frame.begin(), peer.frame.end());
    hooks_.save(frames);
}

void BfdSpeaker::disconnect(const std::string& why, Nanoseconds now) {
    boost::system::error_code ignored;
    socket_.close(ignored);
    unsent_.clear();
    half_ = broken_ = false;
    version_ = 0;
    trouble_ = why;
    spdlog::warn("bfdd at {}: {}", path_, why);
    for (const auto& [discriminator, peer] : peers_.all())
        hooks_.on_event({{"time_ns", now.count()},
                         {"time", utc_now()},
                         {"session", peer.match.session.empty() ? bfd::name_of(peer.asked) : peer.match.session},
                         {"event", "frr-gone"},
                         {"state", "frr-gone"},
                         {"reason", why}});
    peers_.clear();
    save_peers();
    if (kept_) (void)hooks_.keep(-1);
    kept_ = false;
    hooks_.gone();
}

void BfdSpeaker::wait_for_frames() {
    socket_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                       [this, alive = std::weak_ptr(alive_)](const auto& error) {
                           if (error || alive.expired() || !socket_.is_open()) return;
                           half_ = !read(kernel_now());
                           if (socket_.is_open() && !half_) wait_for_frames();
                       });
}

/// Only whole frames are taken from the socket: whoever gets it next begins at the start of one.
bool BfdSpeaker::read(Nanoseconds now) {
    static_assert(kReadAtOnce > bfd::kLongestFrame);
    std::vector<std::uint8_t> bytes(kReadAtOnce);
    const auto count = ::recv(socket_.native_handle(), bytes.data(), bytes.size(), MSG_PEEK | MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (count <= 0) {
        disconnect(count == 0 ? "it has closed the connection" : std::strerror(errno), now);
        return true;
    }
    bytes.resize(static_cast<std::size_t>(count));
    const auto whole = handle_all(bytes, now);
    if (!whole) {
        disconnect("it sends what this data plane does not understand: " + whole.error().message, now);
        next_attempt_ = now + kAttemptLater;
        return true;
    }
    if (*whole == 0) return false;
    if (peers_changed_) {
        save_peers();  // before they leave the socket: a process that dies in between is asked the same again
        follow_wishes();
    }
    (void)::recv(socket_.native_handle(), bytes.data(), *whole, MSG_DONTWAIT);
    log(tell(peers_.news(hooks_.session, now)));
    if (broken_) disconnect("it does not read what it is told", now);
    return true;
}

Result<std::size_t> BfdSpeaker::handle_all(std::span<const std::uint8_t> bytes, Nanoseconds now) {
    std::size_t done = 0;
    while (true) {
        const auto rest = bytes.subspan(done);
        const auto length = bfd::frame_length(rest);
        if (!length) return length;
        if (*length == 0 || *length > rest.size()) return done;
        handle(rest.first(*length), now);
        done += *length;
    }
}

void BfdSpeaker::handle(std::span<const std::uint8_t> frame, Nanoseconds now) {
    const auto message = bfd::read_message(frame);
    if (!message) return note_odd(message.error().message);
    version_ = message->version;
    if (const auto* add = std::get_if<bfd::AddSession>(&message->body)) {
        const auto& asked = add->session;
        if (auto added = peers_.add(asked, frame, hooks_.match(asked), now); !added)
            return note_odd(added.error().message);
        peers_changed_ = true;
    } else if (const auto* gone = std::get_if<bfd::DeleteSession>(&message->body)) {
        if (!peers_.remove(gone->discriminator)) note_odd("it removes a session that it did not add");
        peers_changed_ = true;
    } else if (const auto* ask = std::get_if<bfd::AskCounters>(&message->body)) {
        const auto* peer = peers_.find(ask->discriminator);
        if (peer == nullptr) note_odd("it asks for the counters of a session that it did not add");
        // It waits for the answer, whatever it is.
        const auto counters = peer != nullptr && !peer->match.session.empty() ? hooks_.counters(peer->match.session)
                                                                              : bfd::SessionCounters{};
        send(bfd::write_counters(version_, message->id, ask->discriminator, counters));
    } else if (const auto* echo = std::get_if<bfd::EchoRequest>(&message->body)) {
        send(bfd::write_echo_reply(version_, message->id, *echo));
    } else if (const auto* other = std::get_if<bfd::OtherMessage>(&message->body); other->type > 6) {
        note_odd(fmt::format("a message of the unknown type {}", other->type));
    }
}

void BfdSpeaker::note_odd(const std::string& what) {
    ++odd_messages_;
    if (what != last_odd_) spdlog::warn("bfdd at {}: message ignored: {}", path_, what);
    last_odd_ = what;
}

void BfdSpeaker::follow_wishes() {
    peers_changed_ = false;
    for (const auto& [session, why] : hooks_.want(peers_.wishes())) peers_.note_refused(session, why);
}

void BfdSpeaker::review(Nanoseconds now) {
    next_review_ = now + kMatchEvery;
    if (!socket_.is_open()) return;
    peers_.match_again(hooks_.match);
    follow_wishes();
    log(tell(peers_.news(hooks_.session, now)));
}

std::vector<json> BfdSpeaker::on_session(const std::string& session, Nanoseconds now) {
    if (!socket_.is_open()) return {};
    return tell(peers_.news(hooks_.session, now, &session));
}

std::vector<json> BfdSpeaker::tell(const std::vector<Telling>& tellings) {
    std::vector<json> events;
    for (const auto& telling : tellings) send(bfd::write_state_change(version_, telling.change));
    for (const auto& telling : tellings) {
        if (!telling.new_state) continue;
        const auto* peer = peers_.find(telling.change.discriminator);
        events.push_back(event_of(telling, peer, kernel_now()));
    }
    return events;
}

void BfdSpeaker::log(std::vector<json> events) const {
    for (auto& event : events) hooks_.on_event(std::move(event));
}

void BfdSpeaker::send(const std::vector<std::uint8_t>& frame) {
    if (unsent_.size() + frame.size() > kMostUnsent) broken_ = true;
    if (broken_) return;
    const bool waiting = !unsent_.empty();
    unsent_.insert(unsent_.end(), frame.begin(), frame.end());
    if (waiting) return;
    flush();
    if (!unsent_.empty()) wait_for_room();
}

void BfdSpeaker::flush() {
    const auto sent = ::send(socket_.native_handle(), unsent_.data(), unsent_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) unsent_.erase(unsent_.begin(), unsent_.begin() + sent);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) unsent_.clear();  // the end of the connection is read, too
}

void BfdSpeaker::wait_for_room() {
    socket_.async_wait(boost::asio::posix::stream_descriptor::wait_write,
                       [this, alive = std::weak_ptr(alive_)](const auto& error) {
                           if (error || alive.expired() || !socket_.is_open()) return;
                           flush();
                           if (!unsent_.empty()) wait_for_room();
                       });
}

void BfdSpeaker::leave(bool next_resumes, Nanoseconds now) {
    if (!socket_.is_open()) return;
    if (!next_resumes || !kept_) {
        log(tell(peers_.farewell(now)));
        peers_.clear();
        save_peers();
        if (kept_) (void)hooks_.keep(-1);
    }
    boost::system::error_code ignored;
    socket_.close(ignored);
}

ProblemTexts BfdSpeaker::problems() const {
    auto problems = peers_.problems();
    if (!trouble_.empty()) problems.emplace("bfdd", trouble_);
    if (odd_messages_ != 0)
        problems.emplace("bfdd's messages", fmt::format("not understood, and ignored; the last one: {}", last_odd_));
    return problems;
}

}  // namespace sidestep
