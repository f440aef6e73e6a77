// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Follows the routes of the main tables by rtnetlink: what bypasses need to know for the moment after a shutdown.
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

    /// Subscribes; `handler` is called from dump() and read() only. Routes of the kernel's own (connected ones) and
    /// ours are left out.
    static Result<std::unique_ptr<RouteWatch>> open(Handler handler);
    RouteWatch(const RouteWatch&) = delete;
    RouteWatch& operator=(const RouteWatch&) = delete;
    ~RouteWatch();

    /// Becomes readable when there is something to read().
    [[nodiscard]] int fd() const;
    /// Delivers what is waiting, at most so many messages; true if nothing waits any more. If messages were lost, the
    /// present routes are delivered again.
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
