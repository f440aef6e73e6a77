// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// CivetWeb is what prometheus-cpp serves by, too. That one's values, with strings for each label of each sample, and its
// serializer would take longer than all the rest of a scrape of thousands of sessions.
#include "exporter/web_server.hpp"

#include <charconv>
#include <cstdint>
#include <utility>

#include <CivetServer.h>
#include <fmt/format.h>

namespace sidestep::exporter {
namespace {

constexpr auto kMetrics = "text/plain; version=0.0.4; charset=utf-8";
constexpr auto kHtml = "text/html; charset=utf-8";
constexpr auto kIndex = R"(<!DOCTYPE html><title>sidestep-exporter</title><a href="/metrics">Metrics</a>
)";

/// Parts are sent as they are: together they have megabytes.
class PartsPage : public CivetHandler {
  public:
    using CivetHandler::handleGet;
    using CivetHandler::handleHead;
    PartsPage(std::string type, WebServer::Page page) : type_(std::move(type)), page_(std::move(page)) {}

    bool handleGet(CivetServer* /*server*/, mg_connection* connection) override { return answer(connection, true); }
    bool handleHead(CivetServer* /*server*/, mg_connection* connection) override { return answer(connection, false); }

  private:
    bool answer(mg_connection* connection, bool with_body) {
        const auto parts = page_();
        std::size_t length = 0;
        for (const auto& part : parts) length += part.size();
        const auto header = fmt::format(
            "HTTP/1.1 200 OK\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", type_, length);
        if (!send(connection, header) || !with_body) return true;
        for (const auto& part : parts) {
            if (!send(connection, part)) return true;  // it has hung up
        }
        return true;
    }
    static bool send(mg_connection* connection, const std::string& text) {
        return mg_write(connection, text.data(), text.size()) == static_cast<int>(text.size());
    }

    std::string type_;
    WebServer::Page page_;
};

}  // namespace

bool is_place_to_listen(std::string_view address) {
    const auto comma = address.find(',');
    if (comma != std::string_view::npos && !is_place_to_listen(address.substr(comma + 1))) return false;
    auto port = address.substr(0, comma);
    if (const auto colon = port.rfind(':'); colon != std::string_view::npos) {
        if (colon == 0) return false;
        port.remove_prefix(colon + 1);
    }
    std::uint16_t number = 0;
    const auto read = std::from_chars(port.data(), port.data() + port.size(), number);
    return read.ec == std::errc() && read.ptr == port.data() + port.size() && number != 0;
}

struct WebServer::Impl {
    Impl(const std::string& address, Page page) : metrics(kMetrics, std::move(page)), server(options(address)) {
        server.addHandler("/metrics", metrics);
        server.addHandler("/$", index);  // a pattern: no other path
    }
    ~Impl() { server.close(); }  // its threads use the page
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    static std::vector<std::string> options(const std::string& address) {
        // Whoever connects and says nothing holds a thread until the time is over; Prometheus needs one.
        return {"listening_ports", address, "num_threads", "16", "request_timeout_ms", "2000"};
    }

    PartsPage metrics;
    PartsPage index{kHtml, [] { return std::vector<std::string>{kIndex}; }};
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
