// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/kernel/route_watch.hpp"

#include <linux/rtnetlink.h>

#include <algorithm>

#include "detector/kernel/route_reader.hpp"

namespace sidestep {

Result<std::unique_ptr<RouteWatch>> RouteWatch::open(RouteHandlers handlers, int receive_buffer) {
    std::unique_ptr<RouteWatch> watch(new RouteWatch(std::move(handlers)));
    auto* self = watch.get();
    auto feed = RtnlFeed::open(
        {.name = "routes",
         .groups = {RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_NEXTHOP, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE},
         .dumps = {RTM_GETRULE, RTM_GETNEXTHOP, RTM_GETROUTE},
         .receive_buffer = receive_buffer},
        {.message = [self](nlmsghdr* header) { self->on_message(header); },
         .begin = [self](int type) { self->begin(type); },
         .end = [self](int type, bool complete) { self->end(type, complete); }});
    if (!feed) return std::unexpected(feed.error());
    watch->feed_ = std::move(*feed);
    return watch;
}

void RouteWatch::on_message(nlmsghdr* header) {
    switch (header->nlmsg_type) {
        case RTM_NEWROUTE:
        case RTM_DELROUTE:
            if (const auto change = read_route(header)) handlers_.route(*change);
            break;
        case RTM_NEWNEXTHOP:
        case RTM_DELNEXTHOP:
            if (const auto change = read_nexthop(header)) handlers_.nexthop(*change);
            break;
        case RTM_NEWRULE:
        case RTM_DELRULE:
            if (!telling_rules_) {
                handlers_.rules_changed();
            } else if (const auto rule = read_rule(header)) {
                auto& set = rules_[rule->family];
                auto& reach = set.tables[rule->table];
                reach = std::max(reach, rule->reach);
                set.vrfs = set.vrfs || rule->vrfs;
            }
            break;
        default:
            break;
    }
}

void RouteWatch::begin(int type) {
    if (type == RTM_GETRULE) {
        complete_ = true;
        telling_rules_ = true;
        rules_.clear();
    }
    if (type == RTM_GETNEXTHOP) handlers_.doubt_nexthops();
    if (type == RTM_GETROUTE) handlers_.doubt_routes();
}

void RouteWatch::end(int type, bool complete) {
    complete_ = complete_ && complete;
    if (type == RTM_GETRULE) {
        telling_rules_ = false;
        for (const auto family : {RouteFamily::v4, RouteFamily::v6}) {
            if (complete) handlers_.rules(family, rules_[family]);
        }
    }
    if (type == RTM_GETROUTE || !complete_) handlers_.told(complete_ && type == RTM_GETROUTE);
}

}  // namespace sidestep
