// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/app/kernel_watch.hpp"

#include <algorithm>
#include <chrono>

#include <unistd.h>

namespace sidestep {
namespace {

Nanoseconds now() {
    return std::chrono::steady_clock::now().time_since_epoch();
}

/// Bypasses go by the routes that an interface had.
bool needs_routes(const Config& config) {
    return config.routing || std::ranges::any_of(config.adjacencies, [](const AdjacencyConfig& adjacency) {
               return !adjacency.bypass.empty();
           });
}

}  // namespace

Result<void> KernelWatch::open(const Config& config) {
    auto netlink = Netlink::open({
        .link =
            [this](const LinkChange& change) {
                attachments_.on_link(change);
                engine_.on_link(change, now());
                links_changed_ = true;
            },
        .neighbor = [this](const NeighborChange& change) { engine_.on_neighbor(change, now()); },
        .address = [this](const AddressChange& change) { engine_.on_address(change); },
    });
    if (!netlink) return std::unexpected(netlink.error());
    netlink_ = std::move(*netlink);
    if (auto dumped = netlink_->dump(); !dumped) return dumped;
    engine_.settle();
    return needs_routes(config) ? open_routes() : Result<void>();
}

Result<void> KernelWatch::open_routes() {
    auto watch = RouteWatch::open([this](const RouteChange& change) { engine_.on_route(change, now()); });
    if (!watch) return std::unexpected(watch.error());
    route_watch_ = std::move(*watch);
    return route_watch_->dump();
}

void KernelWatch::follow(std::function<void()> after_change) {
    // Asio closes what it is given: it gets descriptors of its own.
    rtnetlink_.assign(dup(netlink_->fd()));
    wait_for(rtnetlink_, [this, after_change = std::move(after_change)] {
        netlink_->read();
        engine_.settle();
        after_change();
    });
    if (!route_watch_) return;
    routes_.assign(dup(route_watch_->fd()));
    wait_for(routes_, [this] {
        route_watch_->read();
        engine_.settle();
    });
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
