// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/app/kernel_watch.hpp"

#include <chrono>

#include <boost/asio/post.hpp>

#include "detector/app/descriptor.hpp"

namespace sidestep {
namespace {

constexpr int kRoutesAtOnce = 256;
constexpr int kFirstDumps = 3;
constexpr auto kDumpAgainAfter = std::chrono::seconds(1);

Nanoseconds now() {
    return std::chrono::steady_clock::now().time_since_epoch();
}

}  // namespace

Result<void> KernelWatch::open() {
    auto netlink = Netlink::open({
        .link =
            [this](const LinkChange& change) {
                engine_.on_link(change, now());  // first: traffic waits for it
                attachments_.on_link(change);
                links_changed_ = true;
            },
        .neighbor = [this](const NeighborChange& change) { engine_.on_neighbor(change, now()); },
        .address = [this](const AddressChange& change) { engine_.on_address(change); },
    });
    if (!netlink) return std::unexpected(netlink.error());
    netlink_ = std::move(*netlink);
    auto dumped = netlink_->dump();
    for (int i = 1; i < kFirstDumps && !dumped; ++i) dumped = netlink_->dump();
    if (!dumped) return dumped;
    engine_.on_links_known(now());
    return {};
}

Result<void> KernelWatch::open_routes() {
    if (route_watch_) return {};
    auto watch = RouteWatch::open([this](const RouteChange& change) { engine_.on_route(change, now()); });
    if (!watch) return std::unexpected(watch.error());
    route_watch_ = std::move(*watch);
    if (auto dumped = route_watch_->dump(); !dumped) return dumped;
    return following_ ? follow_routes() : Result<void>();
}

Result<void> KernelWatch::follow(std::function<void()> after_change) {
    following_ = true;
    if (auto given = watch_descriptor(rtnetlink_, netlink_->fd()); !given) return given;
    after_change_ = std::move(after_change);
    wait_for(rtnetlink_, [this] { settle(netlink_->read()); });
    return route_watch_ ? follow_routes() : Result<void>();
}

void KernelWatch::settle(const Result<void>& read) {
    engine_.settle();
    after_change_();
    problem_.note(read, "what the kernel tells is incomplete; asking again: ");
    if (read) return;
    again_.expires_after(kDumpAgainAfter);
    again_.async_wait([this](const auto& error) {
        if (!error) settle(netlink_->dump());
    });
}

Result<void> KernelWatch::follow_routes() {
    if (auto given = watch_descriptor(routes_, route_watch_->fd()); !given) return given;
    wait_for(routes_, [this] {
        // In portions: what happens to links meanwhile is heard between two of them.
        if (route_watch_->read(kRoutesAtOnce)) engine_.settle();
    });
    return {};
}

void KernelWatch::resolve(int ifindex, const Address& neighbor) {
    if (to_resolve_.empty()) {
        boost::asio::post(context_, [this] {
            for (const auto& [at, address] : std::exchange(to_resolve_, {})) netlink_->resolve(at, address);
        });
    }
    to_resolve_.emplace(ifindex, neighbor);
}

void KernelWatch::wait_for(boost::asio::posix::stream_descriptor& source, std::function<void()> deliver) {
    source.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                      [this, &source, deliver = std::move(deliver)](const auto& error) mutable {
                          if (error) return;
                          deliver();
                          wait_for(source, std::move(deliver));
                      });
}

}  // namespace sidestep
