// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Routes are in order of their prefixes, so that all within a prefix follow it. A million of them must not take long to
// look through.
#include "detector/core/route_table.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <utility>

#include "detector/core/prefix_cover.hpp"

namespace sidestep {
namespace {

std::size_t index_of(RouteFamily family) {
    return static_cast<std::size_t>(family);
}

}  // namespace

std::uint32_t RouteTable::number_of(Way way) {
    if (const auto known = numbers_.find(way); known != numbers_.end()) return known->second;
    auto number = static_cast<std::uint32_t>(ways_.size());
    if (free_.empty()) {
        ways_.emplace_back();
    } else {
        number = free_.back();
        free_.pop_back();
    }
    numbers_[way] = number;
    ways_[number] = {std::move(way), 0};
    return number;
}

void RouteTable::release(std::uint32_t way) {
    if (--ways_[way].second != 0) return;
    numbers_.erase(ways_[way].first);
    ways_[way].first = {};
    free_.push_back(way);
}

RouteTable::Hops RouteTable::resolve(const Way& way) const {
    if (way.nexthop == 0) return way.hops;
    const auto object = objects_.find(way.nexthop);
    if (object == objects_.end()) return way.hops;
    auto hops = object->second.change.hops;
    for (const auto id : object->second.change.members) {
        if (const auto member = objects_.find(id); member != objects_.end())
            hops.insert(hops.end(), member->second.change.hops.begin(), member->second.change.hops.end());
    }
    return hops;
}

void RouteTable::set(const FibKey& key, const RouteChange& change) {
    put(key, {.nexthop = change.nexthop, .hops = change.hops, .fixed = change.fixed});
}

void RouteTable::set_hops(const FibKey& key, Hops hops) {
    put(key, {.nexthop = 0, .hops = std::move(hops), .fixed = false});
}

void RouteTable::put(const FibKey& key, Way way) {
    const auto known = routes_.find(key);
    if (known == routes_.end() && routes_.size() >= most_) {
        ++forgotten_;
        return;
    }
    const auto number = number_of(std::move(way));
    ++ways_[number].second;
    if (known != routes_.end()) {
        release(known->second.way);
        known->second = {.way = number, .round = round_};
        return;
    }
    routes_.emplace(key, Route{.way = number, .round = round_});
    const auto family = family_of(key.prefix);
    ++tables_[{family, key.table}];
}

RouteTable::Routes::iterator RouteTable::remove(Routes::iterator at) {
    const auto& key = at->first;
    const auto family = family_of(key.prefix);
    --tables_[{family, key.table}];
    release(at->second.way);
    return routes_.erase(at);
}

bool RouteTable::erase(const FibKey& key) {
    const auto known = routes_.find(key);
    if (known == routes_.end()) return false;
    remove(known);
    return true;
}

std::optional<RouteTable::Hops> RouteTable::hops_of(const FibKey& key) const {
    const auto known = routes_.find(key);
    if (known == routes_.end()) return std::nullopt;
    return resolve(ways_[known->second.way].first);
}

bool RouteTable::set_nexthop(const NextHopChange& change) {
    const auto known = objects_.find(change.id);
    const bool differs = known != objects_.end() && known->second.change != change;
    objects_[change.id] = {.change = change, .round = nexthop_round_};
    return differs && uses_nexthop(change.id);
}

bool RouteTable::uses_nexthop(std::uint32_t id) const {
    return std::ranges::any_of(ways_, [&](const auto& way) {
        if (way.second == 0 || way.first.nexthop == 0) return false;
        if (way.first.nexthop == id) return true;
        const auto group = objects_.find(way.first.nexthop);
        return group != objects_.end() && std::ranges::count(group->second.change.members, id) != 0;
    });
}

std::vector<FibKey> RouteTable::users_of(std::uint32_t nexthop) const {
    const auto uses = [&](const auto& way) { return way.second != 0 && way.first.nexthop == nexthop; };
    std::vector<FibKey> users;
    if (std::ranges::none_of(ways_, uses)) return users;
    for (const auto& [key, route] : routes_) {
        if (ways_[route.way].first.nexthop == nexthop) users.push_back(key);
    }
    return users;
}

bool RouteTable::has(const Prefix& prefix, std::uint32_t table) const {
    const auto next = routes_.lower_bound({.prefix = prefix, .table = table});
    for (auto at = next; at != routes_.end() && at->first.prefix == prefix && at->first.table == table; ++at) {
        if (at->first.selector == 0) return true;
    }
    return false;
}

bool RouteTable::covers(const Prefix& prefix, std::uint32_t table) const {
    const auto family = family_of(prefix);
    const auto before = [&](const Prefix& at) -> std::optional<Prefix> {
        const auto next = routes_.lower_bound({.prefix = at, .table = 0});
        if (next == routes_.begin()) return std::nullopt;
        const auto& last = std::prev(next)->first.prefix;
        return family_of(last) == family || family == RouteFamily::v6 ? std::optional(last) : std::nullopt;
    };
    return cover_of(prefix, before, [&](const Prefix& at) { return has(at, table); }).has_value();
}

std::set<RouteHop> RouteTable::hops_on(int ifindex) const {
    std::set<RouteHop> result;
    const auto add = [&](const Hops& hops) {
        for (const auto& hop : hops) {
            if (hop.ifindex == ifindex) result.insert(hop);
        }
    };
    for (const auto& [way, users] : ways_) add(way.hops);
    for (const auto& [id, object] : objects_) add(object.change.hops);
    return result;
}

void RouteTable::for_each_over(const std::function<bool(const RouteHop&)>& uses,
                               const std::function<void(const FibKey&)>& visit) const {
    std::vector<bool> leads_there(ways_.size());  // few ways, many routes
    for (std::size_t way = 0; way < ways_.size(); ++way) {
        const auto& [where, users] = ways_[way];
        leads_there[way] = users != 0 && std::ranges::any_of(resolve(where), uses);
    }
    for (const auto& [key, route] : routes_) {
        if (leads_there[route.way]) visit(key);
    }
}

std::vector<Prefix> RouteTable::inside(const Prefix& prefix, std::uint32_t table, std::size_t most) const {
    std::vector<Prefix> result;
    const auto family = family_of(prefix);
    auto at = routes_.upper_bound({.prefix = prefix,
                                   .table = std::numeric_limits<std::uint32_t>::max(),
                                   .metric = std::numeric_limits<std::uint32_t>::max(),
                                   .selector = std::numeric_limits<std::uint32_t>::max()});
    for (; at != routes_.end() && result.size() < most && prefix.contains(at->first.prefix); ++at) {
        const auto& key = at->first;
        if (key.table != table || key.selector != 0 || family_of(key.prefix) != family) continue;
        if (result.empty() || !result.back().contains(key.prefix)) result.push_back(key.prefix);
    }
    return result;
}

bool RouteTable::has_others(RouteFamily family, const std::function<bool(std::uint32_t)>& counts) const {
    return std::ranges::any_of(tables_, [&](const auto& table) {
        return table.first.first == family && table.second != 0 && counts(table.first.second);
    });
}

std::vector<RouteTable::Lost> RouteTable::strike(const IsDead& is_dead) {
    struct Verdict {
        bool known = false;
        bool dead = false;
        std::optional<Hops> rest;  ///< if some of the hops are dead
    };
    const auto concerns = [&](const auto& entry) {
        const auto& way = entry.first;
        return std::ranges::any_of(resolve(way), [&](const RouteHop& hop) {
            return is_dead(hop, RouteFamily::v4, way.nexthop != 0) || is_dead(hop, RouteFamily::v6, way.nexthop != 0);
        });
    };
    if (std::ranges::none_of(ways_, concerns)) return {};
    const std::size_t before = ways_.size();
    std::array<std::vector<Verdict>, 2> verdicts{std::vector<Verdict>(before), std::vector<Verdict>(before)};
    const auto judge = [&](std::uint32_t number, RouteFamily family) -> const Verdict& {
        auto& verdict = verdicts.at(index_of(family))[number];
        if (std::exchange(verdict.known, true)) return verdict;
        const auto& way = ways_[number].first;
        const bool by_object = knows(way);
        const auto hops = resolve(way);
        auto rest = hops;
        std::erase_if(rest, [&](const RouteHop& hop) { return is_dead(hop, family, way.nexthop != 0); });
        verdict.dead = rest.empty() && !hops.empty();
        if (!rest.empty() && rest.size() != hops.size() && !by_object) verdict.rest = std::move(rest);
        return verdict;
    };
    std::vector<Lost> lost;
    std::vector<std::pair<FibKey, Hops>> fewer;
    for (auto at = routes_.begin(); at != routes_.end();) {
        const auto& verdict = judge(at->second.way, family_of(at->first.prefix));
        if (verdict.rest) fewer.emplace_back(at->first, *verdict.rest);
        if (!verdict.dead) {
            ++at;
            continue;
        }
        lost.push_back({.key = at->first, .hops = resolve(ways_[at->second.way].first)});
        at = remove(at);
    }
    for (auto& [key, hops] : fewer) set_hops(key, std::move(hops));
    return lost;
}

void RouteTable::strike_nexthops(const std::function<bool(const RouteHop&)>& is_dead) {
    std::erase_if(objects_, [&](const auto& object) {
        const auto& hops = object.second.change.hops;
        return !hops.empty() && std::ranges::all_of(hops, is_dead);
    });
}

std::vector<RouteTable::Lost> RouteTable::sweep_routes() {
    std::vector<Lost> lost;
    for (auto at = routes_.begin(); at != routes_.end();) {
        if (at->second.round == round_) {
            ++at;
            continue;
        }
        lost.push_back({.key = at->first, .hops = resolve(ways_[at->second.way].first)});
        at = remove(at);
    }
    return lost;
}

void RouteTable::sweep_nexthops() {
    std::erase_if(objects_, [&](const auto& object) { return object.second.round != nexthop_round_; });
}

}  // namespace sidestep
