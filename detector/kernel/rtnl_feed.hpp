// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A subscription to rtnetlink that ends up with what the kernel has, also after messages were lost: what is waiting then
// is older than the loss, so it is thrown away, and everything is dumped.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/fd.hpp"

struct nlmsghdr;

namespace sidestep {

struct FeedHandlers {
    /// A change, or, between begin() and end(), an entry of the dump.
    std::function<void(nlmsghdr*)> message;
    /// A dump of this type (RTM_GET...) begins, perhaps once more: whatever is known is in doubt.
    std::function<void(int type)> begin;
    /// The dump has ended. If it is complete, it has named everything that there is: whatever else was known is gone.
    std::function<void(int type, bool complete)> end;
};

struct FeedSpec {
    std::string name;         ///< for errors
    std::vector<int> groups;  ///< RTNLGRP_...
    std::vector<int> dumps;   ///< RTM_GET..., in this order
    int receive_buffer = 0;   ///< bytes; a socket that is full loses messages
};

class RtnlFeed {
  public:
    /// Subscribes. Handlers are called from read() and dump() only.
    static Result<std::unique_ptr<RtnlFeed>> open(FeedSpec spec, FeedHandlers handlers);

    /// Becomes readable when there are changes to read().
    [[nodiscard]] int fd() const { return events_.get(); }
    /// Has the following read()s deliver what is waiting, and then everything: the kernel does not tell of all that goes,
    /// so what came before a dump must not be told after it.
    void refresh() { refresh_ = true; }
    /// Delivers at most `most` datagrams. Returns true if nothing is left that the descriptor would not tell.
    bool read(int most);
    /// Delivers everything.
    Result<void> dump();
    /// The same, but throws away what is waiting: changes that the dump knows better.
    Result<void> dump_anew();
    /// How the last dump ended. One that was disturbed again and again has named everything, but refuted nothing.
    [[nodiscard]] const Result<void>& last_dump() const { return last_dump_; }

  private:
    enum class Heard { datagram, nothing, lost };
    using Datagram = std::vector<char>;

    RtnlFeed(FeedSpec spec, FeedHandlers handlers) : spec_(std::move(spec)), handlers_(std::move(handlers)) {}
    Result<Fd> connect() const;
    Heard receive(const Fd& socket);
    void throw_away(const Fd& socket);
    void deliver(std::span<char> datagram) const;
    /// Begins all dumps.
    void begin();
    void restart();
    void start_dump();
    void read_dump();
    void finish_dump();
    void give_up(const std::string& why);
    [[nodiscard]] bool dumping() const { return next_dump_ < spec_.dumps.size(); }
    /// What happened during a dump. The kernel finds by number where a dump goes on: with one entry less, it skips
    /// another one.
    enum class Changes { harmless, disturbing, lost };
    /// Keeps the changes that came during the dump, to be delivered after it.
    Changes keep_changes();

    FeedSpec spec_;
    FeedHandlers handlers_;
    Fd events_;
    Fd dumps_;
    std::vector<char> buffer_;
    std::span<char> datagram_;   ///< the last one received
    bool refresh_ = false;       ///< all dumps are to begin when nothing is waiting any more
    std::deque<Datagram> kept_;  ///< changes that came during a dump
    std::size_t next_dump_ = 0;  ///< in spec_.dumps; beyond its end if no dump goes on
    int attempts_ = 0;           ///< at the present dump
    int rounds_ = 0;             ///< of all dumps, since refresh()
    bool disturbed_ = false;     ///< the present dump is not consistent
    Result<void> last_dump_;
};

}  // namespace sidestep
