// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Follows the routes of the main and local tables by rtnetlink, so that bypasses also serve routes lost in a shutdown, and
// policies leave more specific routes alone.
#pragma once

#include <functional>
#include <memory>

#include "common/error.hpp"
#include "detector/core/stale_routes.hpp"

struct nl_sock;
struct nl_msg;

namespace sidestep {

class RouteWatch {
  public:
    using Handler = std::function<void(const RouteChange&)>;

    /// Subscribes. `handler` is called only from dump() and read(). Our own routes are left out.
    static Result<std::unique_ptr<RouteWatch>> open(Handler handler);
    RouteWatch(const RouteWatch&) = delete;
    RouteWatch& operator=(const RouteWatch&) = delete;
    ~RouteWatch();

    /// Becomes readable when read() has work.
    [[nodiscard]] int fd() const;
    /// Delivers at most `most` waiting messages. Returns true if none is left. If messages were lost, it delivers all
    /// present routes again.
    bool read(int most);
    /// Delivers all routes.
    Result<void> dump();

  private:
    explicit RouteWatch(Handler handler) : handler_(std::move(handler)) {}
    Result<void> connect();
    static int on_message(nl_msg* message, void* self);

    Handler handler_;
    nl_sock* events_ = nullptr;
    nl_sock* dumps_ = nullptr;
};

}  // namespace sidestep
