// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A connection over Boost.Asio. Every handler may find it closed: by an error, by the server, or by a limit.
#include "detector/app/api_connection.hpp"

#include <exception>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/read_until.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace sidestep {
namespace {

using nlohmann::json;

constexpr std::size_t kLinesAtOnce = 16;   // in a system call
constexpr std::size_t kLineOverhead = 64;  // of memory, so that short lines are not free

std::size_t cost_of(const std::string& line) {
    return line.size() + kLineOverhead;
}

/// Nothing if it is no JSON object. Nested deeper than `depth` is none either: code that walks through it recurses.
std::optional<json> parse(const char* begin, const char* end, int depth) {
    bool too_deep = false;
    const auto shallow = [&](int level, json::parse_event_t, const json&) { return !(too_deep |= level > depth); };
    auto request = json::parse(begin, end, shallow, false);
    if (too_deep || !request.is_object()) return std::nullopt;
    return request;
}

}  // namespace

ApiConnection::ApiConnection(Socket socket, ConnectionId id, const ApiLimits& limits, ApiConnectionOwner& owner)
    : socket_(std::move(socket)), id_(id), limits_(limits), owner_(owner), input_(limits.request) {}

void ApiConnection::start() {
    read();
}

/// The next request, if nothing is in its way.
void ApiConnection::read() {
    if (closed_ || busy_ || ended_ || queued_ > limits_.unread) return;
    busy_ = true;
    boost::asio::async_read_until(socket_, input_, '\n',
                                  [self = shared_from_this()](const auto& error, std::size_t length) {
                                      if (self->closed_) return;
                                      if (error) return self->end(error);
                                      self->request_length_ = length;
                                      self->owner_.wait_for_turn(self);
                                  });
}

/// There are no more requests: the client has no more, or what it sent is too long for one.
void ApiConnection::end(const boost::system::error_code& error) {
    busy_ = false;
    ended_ = true;
    if (error == boost::asio::error::not_found) {
        follows_ = false;
        const auto text = fmt::format("a request has at most {} bytes, newline included", limits_.request);
        send({.line = owner_.make_line(error_answer(text), *this)});
    } else if (error != boost::asio::error::eof) {
        return close();
    }
    go_on();
}

/// Reads on; or closes, once a client that has no more requests has what it is owed.
void ApiConnection::go_on() {
    if (closed_) return;
    if (!ended_) return read();
    if (queue_.empty() && !awaited_ && !follows_) return close();
    watch_for_hangup();
}

/// Who does not read learns of the client's end by this.
void ApiConnection::watch_for_hangup() {
    if (std::exchange(watching_, true)) return;
    socket_.async_wait(Socket::wait_error, [self = shared_from_this()](const auto& error) {
        self->watching_ = false;
        if (!error && (self->ended_ || self->awaited_)) self->close();
    });
}

void ApiConnection::take_turn() {
    if (closed_) return;
    const auto request = take_request();
    awaited_ = true;
    follow_next_ = false;
    const auto answer = request ? handle(*request) : error_answer("a request is one JSON object on a line");
    if (answer) {
        reply(*answer);
    } else if (awaited_) {
        watch_for_hangup();
    }
}

std::optional<json> ApiConnection::take_request() {
    const auto length = std::exchange(request_length_, 0);
    const auto* data = static_cast<const char*>(input_.data().data());
    auto request = parse(data, data + length, limits_.depth);
    input_.consume(length);
    return request;
}

/// Whatever goes wrong with a request is the client's to know, and nothing that the detector ends by.
std::optional<json> ApiConnection::handle(const json& request) {
    try {
        follow_next_ = request.value("follow", json()) == json(true);  // the command refuses what is not a boolean
        return owner_.handle(request, id_);
    } catch (const json::exception& error) {
        return error_answer(fmt::format("bad request: {}", error.what()));
    } catch (const std::exception& error) {
        return error_answer(fmt::format("the request failed: {}", error.what()));
    }
}

bool ApiConnection::reply(const json& answer) {
    if (!awaits()) return false;
    if (follow_next_ && !answer.contains("error")) follows_ = true;
    finish(owner_.make_line(answer, *this));
    return true;
}

bool ApiConnection::reply(std::string text) {
    if (!awaits()) return false;
    if (follow_next_) follows_ = true;
    finish(owner_.make_line(std::move(text), *this));
    return true;
}

void ApiConnection::finish(ApiLine line) {
    awaited_ = busy_ = false;
    send({.line = std::move(line)});
    go_on();
}

void ApiConnection::send_event(ApiLine line) {
    if (behind_ + cost_of(*line) > limits_.behind) {
        spdlog::warn("a client of the API is {} bytes of events behind: dropped", behind_);
        return close();
    }
    send({.line = std::move(line), .event = true});
}

void ApiConnection::send(Queued queued) {
    if (closed_) return;
    queued_ += cost_of(*queued.line);
    if (queued.event) behind_ += cost_of(*queued.line);
    queue_.push_back(std::move(queued));
    if (!writing_) write();
}

void ApiConnection::write() {
    writing_ = true;
    std::vector<boost::asio::const_buffer> buffers;
    for (const auto& queued : queue_) {
        if (buffers.size() == kLinesAtOnce) break;
        buffers.push_back(boost::asio::buffer(*queued.line) + (buffers.empty() ? taken_ : 0));
    }
    socket_.async_write_some(buffers, [self = shared_from_this()](const auto& error, std::size_t bytes) {
        if (self->closed_) return;
        if (error) return self->close();
        self->on_written(bytes);
    });
}

void ApiConnection::on_written(std::size_t bytes) {
    writing_ = false;
    taken_ += bytes;
    while (!queue_.empty() && taken_ >= queue_.front().line->size()) {
        const auto& done = queue_.front();
        const auto cost = cost_of(*done.line);
        taken_ -= done.line->size();
        queued_ -= cost;
        if (done.event) behind_ -= cost;
        queue_.pop_front();
    }
    if (!queue_.empty()) write();
    go_on();
}

void ApiConnection::close() {
    if (std::exchange(closed_, true)) return;
    const auto self = shared_from_this();  // the owner forgets it
    boost::system::error_code ignored;
    socket_.shutdown(Socket::shutdown_both, ignored);  // a child of ours may have the descriptor for a moment, too
    socket_.close(ignored);
    queue_.clear();  // a closed socket is not written to any more: the reactor has cancelled that
    queued_ = behind_ = 0;
    owner_.on_close(*this);
}

}  // namespace sidestep
