// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Two sockets: one hears of changes, the other one dumps. While a dump goes on, changes wait in theirs.
#include "detector/kernel/rtnl_feed.hpp"

#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "detector/kernel/datagram_messages.hpp"

namespace sidestep {
namespace {

constexpr std::size_t kLongestDatagram = 1 << 16;  // the kernel's dumps come in 32 KiB at most
constexpr int kFeedAttempts = 5;
constexpr int kRounds = 3;                  // of all dumps
constexpr std::size_t kMostKept = 1 << 16;  // datagrams
constexpr int kMostThrownAway = 1 << 20;    // datagrams; a socket has room for fewer

/// Of what the dump of this type names. rtnetlink numbers its messages NEW, DEL, GET, SET.
bool is_deletion(const nlmsghdr* header, int dump_type) {
    return header->nlmsg_type == dump_type - 1;
}

/// The errno of an error or of a dump that failed half-way; 0 if there is none.
int error_in(const nlmsghdr* header) {
    if (header->nlmsg_len < NLMSG_LENGTH(sizeof(int))) return 0;
    const int error = *static_cast<const int*>(NLMSG_DATA(header));
    return error < 0 ? -error : 0;
}

}  // namespace

Result<std::unique_ptr<RtnlFeed>> RtnlFeed::open(FeedSpec spec, FeedHandlers handlers) {
    std::unique_ptr<RtnlFeed> feed(new RtnlFeed(std::move(spec), std::move(handlers)));
    auto events = feed->connect();
    if (!events) return std::unexpected(events.error());
    auto dumps = feed->connect();
    if (!dumps) return std::unexpected(dumps.error());
    feed->events_ = std::move(*events);
    feed->dumps_ = std::move(*dumps);
    feed->next_dump_ = feed->spec_.dumps.size();
    const auto& [name, groups, types, buffer] = feed->spec_;
    // Beyond the host's limit if we may; less only means more dumps.
    if (::setsockopt(feed->fd(), SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer) != 0)
        (void)::setsockopt(feed->fd(), SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    for (const int group : groups) {
        if (::setsockopt(feed->fd(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0)
            return fail_errno(name + ": cannot subscribe");
    }
    return feed;
}

Result<Fd> RtnlFeed::connect() const {
    Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
    sockaddr_nl own{};
    own.nl_family = AF_NETLINK;
    if (!socket || ::bind(socket.get(), reinterpret_cast<sockaddr*>(&own), sizeof own) != 0)
        return fail_errno(spec_.name + ": no netlink socket");
    return socket;
}

/// Into datagram_. What does not come from the kernel is left out.
RtnlFeed::Heard RtnlFeed::receive(const Fd& socket) {
    buffer_.resize(kLongestDatagram);
    for (;;) {
        sockaddr_nl sender{};
        iovec room{.iov_base = buffer_.data(), .iov_len = buffer_.size()};
        msghdr header{};
        header.msg_name = &sender;
        header.msg_namelen = sizeof sender;
        header.msg_iov = &room;
        header.msg_iovlen = 1;
        const auto size = ::recvmsg(socket.get(), &header, 0);
        if (size < 0 && errno == EINTR) continue;
        datagram_ = std::span(buffer_).first(size < 0 ? 0 : static_cast<std::size_t>(size));
        if (size < 0) return errno == EAGAIN ? Heard::nothing : Heard::lost;
        if (sender.nl_pid != 0) continue;
        return (header.msg_flags & MSG_TRUNC) != 0 ? Heard::lost : Heard::datagram;
    }
}

void RtnlFeed::deliver(std::span<char> datagram) const {
    for_each_message(datagram, handlers_.message);
}

/// First empties the socket, or else old news would follow the dump; and a full socket takes no new ones.
void RtnlFeed::throw_away(const Fd& socket) {
    for (int i = 0; i < kMostThrownAway && receive(socket) != Heard::nothing; ++i) {
    }
}

void RtnlFeed::restart() {
    ++rounds_;
    next_dump_ = 0;
    attempts_ = 0;
    last_dump_ = {};
    start_dump();
}

Result<void> RtnlFeed::dump() {
    refresh();
    while (refresh_ || dumping()) (void)read(1);
    return last_dump_;
}

Result<void> RtnlFeed::dump_anew() {
    kept_.clear();
    throw_away(events_);
    begin();
    while (dumping()) read_dump();
    return last_dump_;
}

void RtnlFeed::begin() {
    refresh_ = false;
    rounds_ = 0;
    restart();
}

bool RtnlFeed::read(int most) {
    for (int i = 0; i < most; ++i) {
        if (dumping()) {
            read_dump();
        } else if (!kept_.empty()) {
            deliver(kept_.front());
            kept_.pop_front();
        } else {
            const auto heard = receive(events_);
            if (heard == Heard::nothing && !refresh_) return true;
            if (heard == Heard::datagram) {
                deliver(datagram_);
            } else {
                if (heard == Heard::lost) throw_away(events_);
                begin();
            }
        }
    }
    return false;
}

void RtnlFeed::start_dump() {
    const int type = spec_.dumps.at(next_dump_);
    ++attempts_;
    disturbed_ = false;
    throw_away(dumps_);  // the rest of one that was given up
    struct {
        nlmsghdr header;
        nhmsg body;  // all zeros: all families
    } request{};
    const auto body = type == RTM_GETNEXTHOP ? sizeof(nhmsg) : sizeof(rtgenmsg);
    request.header.nlmsg_len = static_cast<std::uint32_t>(NLMSG_LENGTH(body));
    request.header.nlmsg_type = static_cast<std::uint16_t>(type);
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    handlers_.begin(type);
    if (::send(dumps_.get(), &request, NLMSG_ALIGN(request.header.nlmsg_len), 0) < 0) give_up(std::strerror(errno));
}

void RtnlFeed::read_dump() {
    if (receive(dumps_) != Heard::datagram) return give_up("it broke off");
    bool done = false;
    int error = 0;
    for_each_message(datagram_, [&](nlmsghdr* header) {
        disturbed_ = disturbed_ || (header->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
        if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR) {
            done = true;
            error = error_in(header);
        } else {
            handlers_.message(header);
        }
    });
    if (error != 0) return give_up(std::strerror(error));
    if (done) finish_dump();
}

void RtnlFeed::finish_dump() {
    const auto changes = keep_changes();
    if (changes == Changes::lost)
        return rounds_ < kRounds ? restart() : give_up("changes come faster than they are read");
    const bool complete = changes == Changes::harmless && !disturbed_;
    if (!complete && attempts_ < kFeedAttempts) return start_dump();
    if (!complete) last_dump_ = fail(spec_.name + ": changes disturb every dump");
    handlers_.end(spec_.dumps.at(next_dump_), complete);
    ++next_dump_;
    attempts_ = 0;
    if (dumping()) start_dump();
}

RtnlFeed::Changes RtnlFeed::keep_changes() {
    auto changes = Changes::harmless;
    while (kept_.size() < kMostKept) {
        const auto heard = receive(events_);
        if (heard == Heard::nothing) return changes;
        if (heard == Heard::lost) break;
        for_each_message(datagram_, [&](const nlmsghdr* header) {
            if (is_deletion(header, spec_.dumps.at(next_dump_))) changes = Changes::disturbing;
        });
        kept_.emplace_back(datagram_.begin(), datagram_.end());
    }
    throw_away(events_);
    kept_.clear();
    return Changes::lost;
}

void RtnlFeed::give_up(const std::string& why) {
    last_dump_ = fail(spec_.name + ": dump failed: " + why);
    handlers_.end(spec_.dumps.at(next_dump_), false);
    next_dump_ = spec_.dumps.size();
}

}  // namespace sidestep
