// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The API server over Boost.Asio: accepts, lets connections take turns, and keeps an account of what is queued.
#include "detector/app/api_server.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <list>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "detector/app/api_connection.hpp"
#include "detector/app/api_socket.hpp"

namespace sidestep {
namespace {

using Protocol = boost::asio::local::stream_protocol;
using nlohmann::json;

std::string to_text(const json& document) {
    return document.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

/// An answer that is being written.
struct Draft {
    std::shared_ptr<ApiConnection> connection;
    ApiPortions portions;
    std::string text{};
};

/// How many clients may come by a door.
struct Room {
    std::size_t most = 0;
    std::size_t share = 0;    ///< of them, those of one user or process
    bool by_process = false;  ///< where all come who may do everything, one process must not keep the others out
};

/// A socket that clients come by.
struct Door {
    Door(boost::asio::io_context& loop, std::string socket_path, ApiHandler on_request, const Room& room_for)
        : path(std::move(socket_path)), handler(std::move(on_request)), room(room_for), acceptor(loop), pause(loop) {}

    const std::string path;
    const ApiHandler handler;
    const Room room;
    Protocol::acceptor acceptor;
    boost::asio::steady_timer pause;
    bool cannot_accept = false;  ///< and it is logged
    std::size_t clients = 0;
    std::map<id_t, std::size_t> clients_of;  ///< by user or process
};

/// How a client came.
struct Visit {
    Door* door;
    id_t of;  ///< its user or process
};

/// The user of a client, or its process.
id_t owner_of(int socket, bool by_process) {
    ucred peer{};
    socklen_t length = sizeof peer;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return static_cast<id_t>(-1);
    return by_process ? static_cast<id_t>(peer.pid) : peer.uid;
}

}  // namespace

struct ApiServer::Impl : ApiConnectionOwner, std::enable_shared_from_this<Impl> {
    Impl(boost::asio::io_context& loop, ApiClosed on_closed, const ApiLimits& api_limits)
        : context(loop), closed(std::move(on_closed)), limits(api_limits) {}

    /// `work`, should the server still be there when it is due.
    template <typename Work>
    auto if_alive(Work work) {
        return [weak = weak_from_this(), work = std::move(work)](auto&&... arguments) {
            if (const auto self = weak.lock(); self) work(*self, std::forward<decltype(arguments)>(arguments)...);
        };
    }

    Result<void> open(const std::string& path, ApiHandler handler, const Room& room) {
        const auto socket = listen_privately(path);
        if (!socket) return std::unexpected(socket.error());
        // Asio closes what it is given: it gets a descriptor of its own.
        const auto own = ::fcntl(socket->get(), F_DUPFD_CLOEXEC, 0);
        if (own < 0) return fail_errno("cannot listen at " + path);
        auto& door = doors.emplace_back(context, path, std::move(handler), room);
        boost::system::error_code error;
        door.acceptor.assign(Protocol(), own, error);
        if (error) return fail("cannot listen at " + path + ": " + error.message());
        accept(door);
        return {};
    }

    void accept(Door& door) {
        door.acceptor.async_accept(
            if_alive([&door](Impl& self, const boost::system::error_code& error, Protocol::socket socket) {
                if (error == boost::asio::error::operation_aborted) return;
                if (error) return self.accept_later(door, error);
                door.cannot_accept = false;
                self.add(door, std::move(socket));
                self.accept(door);
            }));
    }

    /// Too many open files, for one: the client waits in the backlog, and there may be one less in a moment.
    void accept_later(Door& door, const boost::system::error_code& error) {
        if (!std::exchange(door.cannot_accept, true))
            spdlog::warn("cannot accept clients of the API, trying again: {}", error.message());
        door.pause.expires_after(limits.accept_again);
        door.pause.async_wait(if_alive([&door](Impl& self, const boost::system::error_code& cancelled) {
            if (!cancelled) self.accept(door);
        }));
    }

    void add(Door& door, Protocol::socket socket) {
        ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
        const auto owner = owner_of(socket.native_handle(), door.room.by_process);
        if (connections.size() >= limits.clients) return refuse(std::move(socket), limits.clients);
        if (door.clients >= door.room.most) return refuse(std::move(socket), door.room.most);
        if (const auto own = door.clients_of.find(owner);
            own != door.clients_of.end() && own->second >= door.room.share)
            return refuse(std::move(socket), door.room.share,
                          door.room.by_process ? " of this process" : " of this user");
        const ConnectionId id{++last_id};
        came_by.emplace(id, Visit{.door = &door, .of = owner});
        ++door.clients;
        ++door.clients_of[owner];
        const auto connection = std::make_shared<ApiConnection>(std::move(socket), id, limits, *this);
        connections.emplace(id, connection);
        connection->start();
    }

    /// A line always has room in a new socket.
    static void refuse(Protocol::socket socket, std::size_t most, std::string_view whose = "") {
        boost::system::error_code ignored;
        socket.non_blocking(true, ignored);
        const auto line = to_text(
            {{"error", fmt::format("{} clients{} are connected already: try again when one has gone", most, whose)}});
        socket.write_some(boost::asio::buffer(line), ignored);
    }

    void wait_for_turn(std::shared_ptr<ApiConnection> connection) override {
        take_turns([connection = std::move(connection)] { connection->take_turn(); });
    }

    /// One request or one portion of an answer a turn, and between two turns everything else that is due in the loop: so
    /// no number of requests delays anything by more than one of them, and no client waits for all requests of another.
    void take_turns(std::function<void()> work) {
        turns.push_back(std::move(work));
        if (turns.size() == 1) post_turn();
    }

    void post_turn() {
        boost::asio::post(context, if_alive([](Impl& self) {
                              const auto next = std::move(self.turns.front());
                              self.turns.pop_front();
                              if (!self.turns.empty()) self.post_turn();
                              next();
                          }));
    }

    /// One after the other, so that only one takes memory.
    void begin(Draft draft) {
        drafts.push_back(std::move(draft));
        if (drafts.size() == 1) take_turns([this] { write_on(); });
    }

    void write_on() {
        if (!write_portion(drafts.front())) drafts.pop_front();
        if (!drafts.empty()) take_turns([this] { write_on(); });
    }

    /// False after the last one. A client that hangs up meanwhile ends it.
    static bool write_portion(Draft& draft) {
        if (!draft.connection->awaits()) return false;
        try {
            if (draft.portions(draft.text)) return true;
            draft.connection->reply(std::move(draft.text));
        } catch (const std::exception& error) {
            draft.connection->reply(error_answer(fmt::format("the request failed: {}", error.what())));
        }
        return false;
    }

    std::optional<json> handle(const json& request, ConnectionId connection) override {
        return came_by.at(connection).door->handler(request, connection);
    }

    ApiLine make_line(const json& document, const ApiConnection& receiver) override {
        return share(to_text(document), &receiver);
    }
    ApiLine make_line(std::string text, const ApiConnection& receiver) override {
        text += '\n';
        return share(std::move(text), &receiver);
    }

    /// The account is settled when the last connection that shares the line is done with it.
    ApiLine share(std::string whole, const ApiConnection* receiver) {
        auto text = std::make_unique<const std::string>(std::move(whole));
        make_room(text->size(), receiver);
        *bytes += text->size();
        return {text.release(), [account = bytes](const std::string* line) {
                    *account -= line->size();
                    delete line;
                }};
    }

    /// Clients that do not take their answers make room for the others. `receiver` stays: an answer may be larger than
    /// all that is granted.
    void make_room(std::size_t size, const ApiConnection* receiver) {
        while (*bytes + size > limits.total) {
            ApiConnection* most = nullptr;
            for (const auto& [id, connection] : connections) {
                if (connection.get() == receiver || connection->queued() == 0) continue;
                if (most == nullptr || connection->queued() > most->queued()) most = connection.get();
            }
            if (most == nullptr) return;
            spdlog::warn("a client of the API leaves {} bytes unread, and memory is short: dropped", most->queued());
            most->close();
        }
    }

    void on_close(const ApiConnection& connection) override {
        const auto id = connection.id();
        connections.erase(id);
        if (const auto came = came_by.extract(id)) leave(came.mapped());
        if (closed && !ending) boost::asio::post(context, if_alive([id](Impl& self) { self.closed(id); }));
    }

    static void leave(const Visit& visit) {
        --visit.door->clients;
        auto& of_user = visit.door->clients_of;
        if (const auto own = of_user.find(visit.of); --own->second == 0) of_user.erase(own);
    }

    [[nodiscard]] std::shared_ptr<ApiConnection> find(ConnectionId id) const {
        const auto found = connections.find(id);
        return found == connections.end() ? nullptr : found->second;
    }

    [[nodiscard]] std::vector<std::shared_ptr<ApiConnection>> followers() const {
        std::vector<std::shared_ptr<ApiConnection>> result;
        for (const auto& [id, connection] : connections) {
            if (connection->follows()) result.push_back(connection);
        }
        return result;
    }

    boost::asio::io_context& context;
    const ApiClosed closed;
    const ApiLimits limits;
    std::list<Door> doors;
    bool ending = false;
    std::uint64_t last_id = 0;
    std::map<ConnectionId, Visit> came_by;
    std::map<ConnectionId, std::shared_ptr<ApiConnection>> connections;
    std::deque<std::function<void()>> turns;
    std::deque<Draft> drafts;
    std::shared_ptr<std::size_t> bytes = std::make_shared<std::size_t>(0);  ///< of all lines that are queued
};

ApiServer::ApiServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

// NOLINTNEXTLINE(bugprone-exception-escape): connections are shared, and on_close() posts nothing while ending
ApiServer::~ApiServer() {
    impl_->ending = true;
    while (!impl_->connections.empty()) impl_->connections.begin()->second->close();
    std::error_code ignored;
    for (const auto& door : impl_->doors) std::filesystem::remove(door.path, ignored);
}

Result<std::unique_ptr<ApiServer>> ApiServer::listen(boost::asio::io_context& context, const std::string& path,
                                                     ApiHandler handler, ApiClosed closed, const ApiLimits& limits) {
    auto impl = std::make_shared<Impl>(context, std::move(closed), limits);
    if (auto opened =
            impl->open(path, std::move(handler), {.most = limits.clients, .share = limits.process, .by_process = true});
        !opened)
        return std::unexpected(opened.error());
    return std::unique_ptr<ApiServer>(new ApiServer(std::move(impl)));
}

Result<void> ApiServer::listen_for_questions(const std::string& path, ApiHandler handler) {
    return impl_->open(path, std::move(handler), {.most = impl_->limits.readers, .share = impl_->limits.share});
}

bool ApiServer::followed() const {
    return std::ranges::any_of(impl_->connections, [](const auto& entry) { return entry.second->follows(); });
}

void ApiServer::broadcast(const json& event) {
    if (!followed()) return;
    const auto line = impl_->share(to_text(event), nullptr);
    for (const auto& follower : impl_->followers()) follower->send_event(line);
}

bool ApiServer::send_to(ConnectionId connection, const json& event) {
    const auto receiver = impl_->find(connection);
    if (!receiver) return false;
    receiver->send_event(impl_->share(to_text(event), receiver.get()));
    return impl_->find(connection) != nullptr;
}

bool ApiServer::reply(ConnectionId connection, const json& answer) {
    const auto receiver = impl_->find(connection);
    return receiver && receiver->reply(answer);
}

bool ApiServer::reply_in_portions(ConnectionId connection, ApiPortions portions) {
    auto receiver = impl_->find(connection);
    if (!receiver || !receiver->awaits()) return false;
    impl_->begin({.connection = std::move(receiver), .portions = std::move(portions)});
    return true;
}

}  // namespace sidestep
