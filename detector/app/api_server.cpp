// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The API server over Boost.Asio.
#include "detector/app/api_server.hpp"

#include <sys/stat.h>

#include <deque>
#include <filesystem>
#include <set>

#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <nlohmann/json.hpp>

namespace sidestep {
namespace {

using Protocol = boost::asio::local::stream_protocol;
using nlohmann::json;

constexpr std::size_t kLongestRequest = 64 << 10;
constexpr std::size_t kLongestBacklog = 10'000;  // lines that a follower may be behind

std::string to_line(const json& document) {
    return document.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

/// One connection: reads a line, answers, and so on; writes are queued so that lines never mix.
class Connection : public std::enable_shared_from_this<Connection> {
  public:
    Connection(Protocol::socket socket, const ApiHandler& handler, std::set<std::shared_ptr<Connection>>& all)
        : socket_(std::move(socket)), handler_(handler), all_(all), input_(kLongestRequest) {}

    void read() {
        boost::asio::async_read_until(socket_, input_, '\n',
                                      [self = shared_from_this()](const auto& error, std::size_t length) {
                                          if (error) return self->close();
                                          self->answer(length);
                                          self->read();
                                      });
    }

    void send(std::string line) {
        if (backlog_.size() >= kLongestBacklog) return close();
        backlog_.push_back(std::move(line));
        if (backlog_.size() == 1) write();
    }

    [[nodiscard]] bool follows() const { return follows_; }

    void close() {
        boost::system::error_code ignored;
        socket_.close(ignored);
        all_.erase(shared_from_this());
    }

  private:
    void answer(std::size_t length) {
        const auto* data = static_cast<const char*>(input_.data().data());
        const auto request = json::parse(data, data + length, nullptr, false);
        input_.consume(length);
        if (!request.is_object()) return send(to_line({{"error", "a request is one JSON object on a line"}}));
        try {
            const auto reply = handler_(request);
            if (!reply.contains("error") && request.value("follow", false)) follows_ = true;
            send(to_line(reply));
        } catch (const json::exception& error) {
            send(to_line({{"error", std::string("bad request: ") + error.what()}}));
        }
    }

    void write() {
        boost::asio::async_write(socket_, boost::asio::buffer(backlog_.front()),
                                 [self = shared_from_this()](const auto& error, std::size_t) {
                                     if (error) return self->close();
                                     self->backlog_.pop_front();
                                     if (!self->backlog_.empty()) self->write();
                                 });
    }

    Protocol::socket socket_;
    const ApiHandler& handler_;
    std::set<std::shared_ptr<Connection>>& all_;
    boost::asio::streambuf input_;
    std::deque<std::string> backlog_;
    bool follows_ = false;
};

}  // namespace

struct ApiServer::Impl {
    Impl(boost::asio::io_context& context, std::string socket_path, ApiHandler on_request)
        : path(std::move(socket_path)), handler(std::move(on_request)), acceptor(context) {}

    void accept() {
        acceptor.async_accept([this](const boost::system::error_code& error, Protocol::socket socket) {
            if (error) return;
            const auto connection = std::make_shared<Connection>(std::move(socket), handler, connections);
            connections.insert(connection);
            connection->read();
            accept();
        });
    }

    std::string path;
    ApiHandler handler;
    Protocol::acceptor acceptor;
    std::set<std::shared_ptr<Connection>> connections;
};

ApiServer::ApiServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

ApiServer::~ApiServer() {
    while (!impl_->connections.empty()) (*impl_->connections.begin())->close();
    std::error_code ignored;
    std::filesystem::remove(impl_->path, ignored);
}

Result<std::unique_ptr<ApiServer>> ApiServer::listen(boost::asio::io_context& context, const std::string& path,
                                                     ApiHandler handler) {
    boost::system::error_code error;
    if (path.size() > 107) return fail("the socket's path is too long (107 bytes at most): " + path);
    Protocol::socket probe(context);
    probe.connect(Protocol::endpoint(path), error);
    if (!error) return fail("another sidestepd answers at " + path + ": stop it first");
    std::error_code ignored;
    std::filesystem::remove(path, ignored);

    auto impl = std::make_unique<Impl>(context, path, std::move(handler));
    impl->acceptor.open(Protocol(), error);
    const auto mask = umask(0077);
    if (!error) impl->acceptor.bind(Protocol::endpoint(path), error);
    umask(mask);
    if (!error) impl->acceptor.listen(boost::asio::socket_base::max_listen_connections, error);
    if (error) return fail("cannot listen at " + path + ": " + error.message());
    impl->accept();
    return std::unique_ptr<ApiServer>(new ApiServer(std::move(impl)));
}

void ApiServer::broadcast(const json& line) {
    const auto text = to_line(line);
    const auto followers = impl_->connections;  // sending may close and erase
    for (const auto& connection : followers) {
        if (connection->follows()) connection->send(text);
    }
}

}  // namespace sidestep
