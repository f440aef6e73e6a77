// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// One connection of the API: reads a request, has it answered, writes the answer, and so on. It is not read while its
// client does not take what it asked for.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/streambuf.hpp>
#include <nlohmann/json.hpp>

#include "detector/app/api.hpp"

namespace sidestep {

/// A line on its way, shared by all connections that it goes to.
using ApiLine = std::shared_ptr<const std::string>;

class ApiConnection;

/// What a connection needs of its server, which outlives it or closes it.
class ApiConnectionOwner {
  public:
    ApiConnectionOwner() = default;
    ApiConnectionOwner(const ApiConnectionOwner&) = delete;
    ApiConnectionOwner& operator=(const ApiConnectionOwner&) = delete;
    virtual ~ApiConnectionOwner() = default;

    /// Calls ApiConnection::take_turn() when it is this connection's turn.
    virtual void wait_for_turn(std::shared_ptr<ApiConnection> connection) = 0;
    /// As ApiHandler.
    virtual std::optional<nlohmann::json> handle(const nlohmann::json& request, ConnectionId connection) = 0;
    /// The line of `document`, which is to be sent to `receiver`.
    virtual ApiLine make_line(const nlohmann::json& document, const ApiConnection& receiver) = 0;
    /// The same of its text.
    virtual ApiLine make_line(std::string text, const ApiConnection& receiver) = 0;
    /// The connection is closed; called once.
    virtual void on_close(const ApiConnection& connection) = 0;
};

/// Used by the thread that runs the socket's context only.
class ApiConnection : public std::enable_shared_from_this<ApiConnection> {
  public:
    using Socket = boost::asio::local::stream_protocol::socket;

    ApiConnection(Socket socket, ConnectionId id, const ApiLimits& limits, ApiConnectionOwner& owner);

    [[nodiscard]] ConnectionId id() const { return id_; }
    /// Whether it asked for events.
    [[nodiscard]] bool follows() const { return follows_; }
    /// Bytes that wait to be taken by the client.
    [[nodiscard]] std::size_t queued() const { return queued_; }

    /// Begins to read. To be called once.
    void start();
    /// Handles the request that it waited with.
    void take_turn();
    /// Answers the request that was handled last. False if it is answered already, or the connection is closed.
    bool reply(const nlohmann::json& answer);
    /// The same with the text of an answer that is no error.
    bool reply(std::string text);
    /// Whether a request of it waits for an answer.
    [[nodiscard]] bool awaits() const { return !closed_ && awaited_; }
    /// Sends an event. A client that is too far behind is dropped instead.
    void send_event(ApiLine line);
    void close();

  private:
    struct Queued {
        ApiLine line;
        bool event = false;
    };

    void read();
    void end(const boost::system::error_code& error);
    void go_on();
    void watch_for_hangup();
    std::optional<nlohmann::json> take_request();
    std::optional<nlohmann::json> handle(const nlohmann::json& request);
    void finish(ApiLine line);
    void send(Queued queued);
    void write();
    void on_written(std::size_t bytes);

    Socket socket_;
    const ConnectionId id_;
    const ApiLimits& limits_;
    ApiConnectionOwner& owner_;
    boost::asio::streambuf input_;
    std::size_t request_length_ = 0;  ///< of the request that waits for its turn, at the begin of input_
    std::deque<Queued> queue_;
    std::size_t taken_ = 0;     ///< bytes of the first line that the kernel has
    std::size_t queued_ = 0;    ///< bytes of all
    std::size_t behind_ = 0;    ///< bytes of those that are events
    bool busy_ = false;         ///< from the begin of a read to the answer
    bool awaited_ = false;      ///< an answer is
    bool follow_next_ = false;  ///< the answer that is awaited begins that
    bool follows_ = false;
    bool writing_ = false;
    bool watching_ = false;  ///< for a client that hangs up
    bool ended_ = false;     ///< there are no more requests
    bool closed_ = false;
};

}  // namespace sidestep
