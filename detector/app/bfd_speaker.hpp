// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The data plane end of the socket to FRR's bfdd: connects and connects again, reads frames, and tells what PeerTable
// decides. The loop's thread only; nothing here waits.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <nlohmann/json.hpp>

#include "common/fd.hpp"
#include "detector/bfd/peer_table.hpp"

namespace sidestep {

struct BfdHooks {
    std::function<bfd::PeerWays(const bfd::AskedSession&)> match;
    bfd::FindSession session;
    std::function<bfd::SessionCounters(const std::string& session)> counters;
    /// There are to be these sessions and no others for bfdd. Returns those that cannot be, with the reason.
    std::function<std::map<std::string, std::string>(const std::vector<bfd::SessionWish>&)> want;
    /// bfdd is gone; it may come back and ask for the same.
    std::function<void()> gone;
    /// Has the socket kept for the next process, should this one die; false: nobody keeps it. -1: no more.
    std::function<bool(int fd)> keep;
    /// What bfdd has asked for, as it came, for the same process; empty: nothing.
    std::function<void(const std::string& frames)> save;
    /// For the event log.
    std::function<void(nlohmann::json event)> on_event;
};

class BfdSpeaker {
  public:
    BfdSpeaker(boost::asio::io_context& context, std::string path, BfdHooks hooks)
        : path_(std::move(path)), hooks_(std::move(hooks)), socket_(context) {}

    [[nodiscard]] const std::string& path() const { return path_; }
    /// Tells bfdd at once what has become of a session. Returns events that are still to be logged.
    std::vector<nlohmann::json> on_session(const std::string& session, Nanoseconds now);
    /// Connects if need be, and makes good what was missed. To be called every 100 ms.
    void tick(Nanoseconds now);
    /// Sessions, interfaces or addresses may have changed.
    void review(Nanoseconds now);
    /// Goes on with the socket of a process before, and with what bfdd had asked for on it.
    void resume(Fd socket, const std::string& frames, Nanoseconds now);
    /// A planned end. If the next process gets the socket, bfdd does not notice; else it is told that nobody watches any
    /// more, so that FRR keeps its routes.
    void leave(bool next_resumes, Nanoseconds now);

    /// Peers and connection, for `bfd-peers`.
    [[nodiscard]] nlohmann::json answer(Nanoseconds now) const;
    [[nodiscard]] ProblemTexts problems() const;
    [[nodiscard]] std::set<std::string> spare() const { return peers_.spare(); }

  private:
    void connect(Nanoseconds now);
    bool use(Fd fd);
    void save_peers();
    void disconnect(const std::string& why, Nanoseconds now);
    void wait_for_frames();
    void wait_for_room();
    /// Handles what has come; false if it is only the beginning of a frame.
    bool read(Nanoseconds now);
    /// Returns the bytes that were whole frames.
    Result<std::size_t> handle_all(std::span<const std::uint8_t> bytes, Nanoseconds now);
    void handle(std::span<const std::uint8_t> frame, Nanoseconds now);
    void follow_wishes();
    void send(const std::vector<std::uint8_t>& frame);
    void flush();
    std::vector<nlohmann::json> tell(const std::vector<bfd::Telling>& tellings);
    void log(std::vector<nlohmann::json> events) const;
    void note_odd(const std::string& what);

    std::string path_;
    BfdHooks hooks_;
    boost::asio::posix::stream_descriptor socket_;
    bfd::PeerTable peers_;
    std::string trouble_ = "not connected yet";  ///< why there is no connection; empty: there is one
    bool logged_trouble_ = false;
    std::uint8_t version_ = 0;  ///< that bfdd speaks; 0: not known yet
    std::uint64_t connections_ = 0;
    std::uint64_t odd_messages_ = 0;
    std::string last_odd_;
    std::vector<std::uint8_t> unsent_;
    /// Handlers that are due already when this ends find it gone.
    std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
    bool half_ = false;    ///< half a frame waits: the next tick looks again, because the socket stays readable
    bool kept_ = false;    ///< the next process gets the socket
    bool broken_ = false;  ///< more is unsent than bfdd can be behind
    bool peers_changed_ = false;
    Nanoseconds next_attempt_{};
    Nanoseconds next_review_{};
};

}  // namespace sidestep
