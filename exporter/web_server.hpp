// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Serves /metrics over HTTP, and / with a link to it, by CivetWeb.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"

namespace sidestep::exporter {

/// Whether it has the form ADDRESS:PORT; several are separated by commas, and PORT alone means all addresses.
bool is_place_to_listen(std::string_view address);

class WebServer {
  public:
    /// The parts of the page. Called by several threads.
    using Page = std::function<std::vector<std::string>()>;

    /// `address`: ADDRESS:PORT. Serves until it is destroyed.
    static Result<std::unique_ptr<WebServer>> listen(const std::string& address, Page page);
    WebServer(const WebServer&) = delete;
    WebServer& operator=(const WebServer&) = delete;
    ~WebServer();

  private:
    struct Impl;
    explicit WebServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace sidestep::exporter
