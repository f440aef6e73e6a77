// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Follows routes, nexthop objects and rules by rtnetlink. The kernel does not tell of everything that changes: refresh()
// has it say what there is.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "common/error.hpp"
#include "detector/core/kernel_change.hpp"
#include "detector/kernel/rtnl_feed.hpp"

namespace sidestep {

struct RouteHandlers {
    std::function<void(const RouteChange&)> route;
    std::function<void(const NextHopChange&)> nexthop;
    std::function<void(RouteFamily, const RuleSet&)> rules;
    /// All nexthop objects, or all routes, are told now: what was known is in doubt.
    std::function<void()> doubt_nexthops;
    std::function<void()> doubt_routes;
    /// All were told; if not `complete`, some may be missing.
    std::function<void(bool complete)> told;
    /// Rules have changed; refresh() tells them.
    std::function<void()> rules_changed;
};

/// Of the socket that hears of changes. A test that wants to lose some asks for less.
inline constexpr int kRouteBuffer = 8 << 20;

class RouteWatch {
  public:
    /// Subscribes. Handlers are called from dump() and read() only.
    static Result<std::unique_ptr<RouteWatch>> open(RouteHandlers handlers, int receive_buffer = kRouteBuffer);

    /// Becomes readable when read() has changes.
    [[nodiscard]] int fd() const { return feed_->fd(); }
    /// Delivers at most `most` waiting messages. Returns true if nothing is left that the descriptor would not tell. If
    /// messages were lost, everything that there is follows.
    bool read(int most) { return feed_->read(most); }
    /// Has the following read()s deliver everything.
    void refresh() { feed_->refresh(); }
    [[nodiscard]] const Result<void>& last_dump() const { return feed_->last_dump(); }
    /// Delivers everything.
    Result<void> dump() { return feed_->dump(); }

  private:
    explicit RouteWatch(RouteHandlers handlers) : handlers_(std::move(handlers)) {}
    void on_message(nlmsghdr* header);
    void begin(int type);
    void end(int type, bool complete);

    RouteHandlers handlers_;
    std::unique_ptr<RtnlFeed> feed_;
    bool telling_rules_ = false;
    bool complete_ = true;  ///< the dumps so far
    std::map<RouteFamily, RuleSet> rules_;
};

}  // namespace sidestep
