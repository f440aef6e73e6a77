// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/app/kernel_watch.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <boost/asio/post.hpp>

#include "common/watch_descriptor.hpp"
#include "detector/kernel/kernel_time.hpp"

namespace sidestep {
namespace {

constexpr int kRoutesAtOnce = 4;  // datagrams: a change each, or in a dump some hundred routes, 2 us each
constexpr int kFirstDumps = 3;
constexpr Nanoseconds kDumpAgainAfter = std::chrono::seconds(1);
constexpr int kShareOfDumps = 5;  // at most a fifth of the time is spent on comparing routes

constexpr Nanoseconds kStandstill = std::chrono::seconds(1);

}  // namespace

Result<void> KernelWatch::open() {
    auto netlink = Netlink::open({
        .link =
            [this](const LinkChange& change) {
                const bool news = engine_.on_link(change, kernel_now());  // first: traffic waits for it
                attachments_.on_link(change);
                links_changed_ = true;
                if (news) compare_routes();
            },
        .neighbor = [this](const NeighborChange& change) { engine_.on_neighbor(change, kernel_now()); },
        .address =
            [this](const AddressChange& change) {
                engine_.on_address(change);
                if (change.gone) compare_routes();  // its routes go with it
            },
    });
    if (!netlink) return std::unexpected(netlink.error());
    netlink_ = std::move(*netlink);
    auto dumped = netlink_->dump();
    for (int i = 1; i < kFirstDumps && !dumped; ++i) dumped = netlink_->dump();
    if (!dumped) return dumped;
    engine_.on_links_known(kernel_now());
    return {};
}

Result<void> KernelWatch::open_routes() {
    if (route_watch_) return {};
    auto& routes = engine_.routes();
    auto watch = RouteWatch::open(
        {.route = [this](const RouteChange& change) { engine_.on_route(change, kernel_now()); },
         // Without nexthop_compat_mode, routes go another way, or IPv4 ones go, without a word.
         .nexthop =
             [this, &routes](const NextHopChange& change) {
                 if (routes.on_nexthop(change, kernel_now())) compare_routes();
             },
         .rules = [&routes](RouteFamily family, const RuleSet& rules) { routes.on_rules(family, rules); },
         .doubt_nexthops = [&routes] { routes.doubt_nexthops(); },
         .doubt_routes = [this] { engine_.doubt_routes(); },
         .told = [this](bool complete) { routes_told(complete); },
         .rules_changed = [this] { compare_routes(); }});
    if (!watch) return std::unexpected(watch.error());
    route_watch_ = std::move(*watch);
    told_since_ = kernel_now();
    route_watch_->refresh();
    return following_ ? follow_routes() : Result<void>();
}

void KernelWatch::routes_told(bool complete) {
    dump_took_ = kernel_now() - told_since_;
    routes_problem_.note(route_watch_->last_dump(), "bypasses know the routes only in part; asking again: ");
    if (complete) return engine_.on_routes_told(kernel_now());
    compare_routes(kDumpAgainAfter);
}

void KernelWatch::compare_routes(Nanoseconds after) {
    if (!route_watch_) return;
    if (std::exchange(comparing_, true)) {
        compare_again_ = true;
        return;
    }
    compare_.expires_after(std::max(after, kShareOfDumps * dump_took_));
    compare_.async_wait([this](const auto& error) {
        if (error) return;
        comparing_ = false;
        told_since_ = kernel_now();
        route_watch_->refresh();
        read_routes();
        if (std::exchange(compare_again_, false)) compare_routes();
    });
}

Result<void> KernelWatch::follow(std::function<void()> after_change) {
    following_ = true;
    note_turn(kernel_now());
    if (auto given = watch_descriptor(rtnetlink_, netlink_->fd()); !given) return given;
    after_change_ = std::move(after_change);
    wait_for(rtnetlink_, [this] { read_changes(); });
    return route_watch_ ? follow_routes() : Result<void>();
}

/// What waited while the loop stood still is old news: a link that went down and came back would go down again.
void KernelWatch::read_changes() {
    if (kernel_now() - last_turn_ < kStandstill) return settle(netlink_->read());
    note_turn(kernel_now());
    compare_routes();
    settle(netlink_->look_anew());
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
    wait_for(routes_, [this] { read_routes(); });
    read_routes();
    return {};
}

/// In portions: what happens to links meanwhile is heard between two of them.
void KernelWatch::read_routes() {
    const bool all = route_watch_->read(kRoutesAtOnce);
    engine_.settle();
    if (all || std::exchange(reading_on_, true)) return;
    boost::asio::post(context_, [this] {
        reading_on_ = false;
        read_routes();
    });
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
