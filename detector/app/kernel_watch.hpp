// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the kernel tells of links, neighbors, addresses and routes, brought to the engine by the loop.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "detector/app/attachments.hpp"
#include "detector/app/problem_log.hpp"
#include "detector/engine/engine.hpp"
#include "detector/kernel/netlink.hpp"
#include "detector/kernel/route_watch.hpp"

namespace sidestep {

class KernelWatch {
  public:
    KernelWatch(boost::asio::io_context& context, Engine& engine, Attachments& attachments)
        : context_(context),
          engine_(engine),
          attachments_(attachments),
          rtnetlink_(context),
          routes_(context),
          again_(context),
          compare_(context) {}

    /// Subscribes, and delivers how links, neighbors and addresses are now.
    Result<void> open();
    /// The same of routes, where something goes by them; nothing the second time.
    Result<void> open_routes();
    /// From here on the loop delivers changes. `after_change`: to be called after those of links and neighbors.
    Result<void> follow(std::function<void()> after_change);

    /// Has the kernel resolve a neighbor; the answer comes as a change, from the loop.
    void resolve(int ifindex, const Address& neighbor);
    /// The loop turns. Must be called several times a second.
    void note_turn(Nanoseconds now) { last_turn_ = now; }
    /// Whether a link changed since the last call.
    bool links_changed() { return std::exchange(links_changed_, false); }

  private:
    void read_changes();
    /// After changes of links, neighbors and addresses were read, with this result.
    void settle(const Result<void>& read);
    Result<void> follow_routes();
    void read_routes();
    void routes_told(bool complete);
    /// Has the kernel tell its routes again, once what goes on now has settled: it does not tell of all changes.
    void compare_routes(Nanoseconds after = std::chrono::milliseconds(200));
    /// Calls `deliver` whenever `source` is readable.
    void wait_for(boost::asio::posix::stream_descriptor& source, std::function<void()> deliver);

    boost::asio::io_context& context_;
    Engine& engine_;
    Attachments& attachments_;
    std::unique_ptr<Netlink> netlink_;
    std::unique_ptr<RouteWatch> route_watch_;
    boost::asio::posix::stream_descriptor rtnetlink_;
    boost::asio::posix::stream_descriptor routes_;
    boost::asio::steady_timer again_;    ///< the next attempt, after a dump that failed
    boost::asio::steady_timer compare_;  ///< when routes are compared next
    bool reading_on_ = false;            ///< the rest of a portion is to be read
    bool comparing_ = false;             ///< that timer is set
    bool compare_again_ = false;         ///< something happened since
    Nanoseconds last_turn_{};
    Nanoseconds told_since_{};  ///< the present dump of routes began then
    Nanoseconds dump_took_{};
    std::function<void()> after_change_;
    ProblemLog problem_;
    ProblemLog routes_problem_;
    std::set<std::pair<int, Address>> to_resolve_;
    bool following_ = false;
    bool links_changed_ = false;
};

}  // namespace sidestep
