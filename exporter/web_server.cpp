// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// CivetWeb is what prometheus-cpp serves by, too. That one's values, with strings for each label of each sample, and its
// serializer would take longer than all the rest of a scrape of thousands of sessions.
#include "exporter/web_server.hpp"

#include <utility>

#include <CivetServer.h>
#include <fmt/format.h>

namespace sidestep::exporter {
namespace {

constexpr int kDone = 200;

/// Parts are sent as they are: together they have megabytes.
class MetricsPage : public CivetHandler {
  public:
    using CivetHandler::handleGet;
    explicit MetricsPage(WebServer::Page page) : page_(std::move(page)) {}

    bool handleGet(CivetServer* /*server*/, mg_connection* connection) override {
        const auto parts = page_();
        std::size_t length = 0;
        for (const auto& part : parts) length += part.size();
        const auto header = fmt::format(
            "HTTP/1.1 {} OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: {}\r\n"
            "Connection: close\r\n\r\n",
            kDone, length);
        if (!send(connection, header)) return true;
        for (const auto& part : parts) {
            if (!send(connection, part)) return true;  // it has hung up
        }
        return true;
    }

  private:
    static bool send(mg_connection* connection, const std::string& text) {
        return mg_write(connection, text.data(), text.size()) == static_cast<int>(text.size());
    }

    WebServer::Page page_;
};

}  // namespace

struct WebServer::Impl {
    Impl(const std::string& address, Page page) : metrics(std::move(page)), server(options(address)) {
        server.addHandler("/metrics", metrics);
    }
    ~Impl() { server.close(); }  // its threads use the page
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    static std::vector<std::string> options(const std::string& address) {
        return {"listening_ports", address, "num_threads", "2"};
    }

    MetricsPage metrics;
    CivetServer server;
};

WebServer::WebServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

WebServer::~WebServer() = default;

Result<std::unique_ptr<WebServer>> WebServer::listen(const std::string& address, Page page) {
    try {
        return std::unique_ptr<WebServer>(new WebServer(std::make_unique<Impl>(address, std::move(page))));
    } catch (const std::exception&) {
        return fail("cannot listen at " + address + ": is the address of this machine, and free?");
    }
}

}  // namespace sidestep::exporter
