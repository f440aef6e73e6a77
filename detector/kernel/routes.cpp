// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/kernel/routes.hpp"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <bpf/bpf.h>

#include <algorithm>
#include <iterator>
#include <set>

#include <fmt/format.h>

#include "common/last_address.hpp"
#include "detector/kernel/route_lookup.hpp"

namespace sidestep {
namespace {

constexpr int kLoopback = 1;  // LOOPBACK_IFINDEX, in every network namespace

std::string name_of(const RouteKey& key) {
    return fmt::format("the route to {} with metric {}", key.prefix.to_string(), key.metric);
}

/// Fills in the program's ID, from which the program's name in the route is made.
Result<RouteSpec> with_program_id(const RouteSpec& spec) {
    const auto* route = std::get_if<ProgramRoute>(&spec);
    if (route == nullptr) return spec;
    bpf_prog_info info{};
    std::uint32_t length = sizeof info;
    if (bpf_obj_get_info_by_fd(route->program_fd, &info, &length) != 0) {
        return fail_errno("cannot read the program of " + name_of(key_of(spec)));
    }
    auto named = *route;
    named.program_id = info.id;
    return named;
}

Result<std::vector<RouteSpec>> with_program_ids(std::span<const RouteSpec> specs) {
    std::vector<RouteSpec> named;
    named.reserve(specs.size());
    for (const auto& spec : specs) {
        auto one = with_program_id(spec);
        if (!one) return std::unexpected(one.error());
        named.push_back(*one);
    }
    return named;
}

/// The flavors of a SID, and the first kernel version that supports them; empty if there are none.
std::string flavors_needed(const SidRoute& sid) {
    const char* behavior = sid.neighbor ? "End.X" : "End";
    std::string text;
    if (sid.psp) text += fmt::format("; it must support psp on {} (Linux does on End, since 6.3)", behavior);
    if (sid.next_csid) {
        text += fmt::format("; it must support next-csid on {} (Linux does since {})", behavior,
                            sid.neighbor ? "6.6" : "6.1");
    }
    return text;
}

/// The kernel feature that this kind of route needs; empty for plain routes.
std::string missing_feature(const RouteSpec& spec) {
    if (std::holds_alternative<ProgramRoute>(spec)) return "; the kernel needs CONFIG_LWTUNNEL_BPF";
    const auto* sid = std::get_if<SidRoute>(&spec);
    return sid == nullptr ? "" : "; the kernel needs CONFIG_IPV6_SEG6_LWTUNNEL" + flavors_needed(*sid);
}

std::unexpected<Error> refused(const RouteSpec& spec, const Refusal& refusal) {
    auto text = fmt::format("cannot install {} ({}): {}", name_of(key_of(spec)), describe(spec), refusal.text);
    const auto feature = refusal.error == EOPNOTSUPP ? missing_feature(spec) : std::string();
    return fail(text + feature);
}

/// Refuses routes that the kernel would accept and list, but that would not work.
Result<void> judge(const RouteSpec& spec) {
    const auto* sid = std::get_if<SidRoute>(&spec);
    if (sid == nullptr || sid->ifindex != kLoopback) return {};
    return fail(
        fmt::format("cannot install {}: a SID on lo is unreachable; use the policy device", name_of(key_of(spec))));
}

/// The error for a route that reads back differently: the kernel accepts unknown attributes and ignores them.
std::unexpected<Error> differs(const RouteSpec& spec, const std::string& seen) {
    auto text =
        fmt::format("the kernel installed another route than requested: '{}' became '{}'", describe(spec), seen);
    const auto* sid = std::get_if<SidRoute>(&spec);
    if (sid != nullptr && sid->neighbor && sid->neighbor->is_link_local() && seen.find(" oif ") == std::string::npos) {
        text += "; its End.X does not support an interface: give the neighbor a global address";
    } else if (sid != nullptr) {
        text += flavors_needed(*sid);
    }
    return fail(text);
}

}  // namespace

Result<InstalledRoutes> InstalledRoutes::open() {
    auto rtnl = Rtnl::open();
    if (!rtnl) return std::unexpected(rtnl.error());
    return InstalledRoutes(std::move(*rtnl));
}

Result<InstalledRoutes::Routes> InstalledRoutes::ours() {
    Routes routes;
    const auto each = [&](nlmsghdr* header) {
        auto route = seen_route(header);
        if (route && route->ours) {
            const auto key = route->key;
            routes.insert_or_assign(key, std::move(*route));
        }
    };
    for (const int family : {AF_INET6, AF_INET}) {
        for (const auto protocol : {kRouteProtocol, kFormerProtocol}) {
            if (auto done = rtnl_.dump([&] { return dump_routes(family, protocol); }, each); !done)
                return std::unexpected(done.error());
        }
    }
    return routes;
}

Result<void> InstalledRoutes::add(const RouteSpec& spec) {
    return add(std::span(&spec, 1));
}

Result<void> InstalledRoutes::add(std::span<const RouteSpec> specs) {
    const auto refused = add_all(specs);
    if (!refused) return std::unexpected(refused.error());
    return refused->empty() ? Result<void>() : std::unexpected(refused->front().why);
}

Result<std::vector<RouteRefusal>> InstalledRoutes::add_all(std::span<const RouteSpec> specs) {
    const auto named = with_program_ids(specs);
    if (!named) return std::unexpected(named.error());
    std::vector<RouteRefusal> refused;
    std::vector<RouteSpec> installed;
    Before before;
    for (const auto& spec : *named) {
        if (auto done = install(spec, before); done) {
            installed.push_back(spec);
        } else {
            refused.push_back({.key = key_of(spec), .why = done.error()});
        }
    }
    if (auto checked = check(installed, refused); !checked) return std::unexpected(checked.error());
    return refused;
}

Result<void> InstalledRoutes::install(const RouteSpec& spec, Before& before) {
    if (auto good = judge(spec); !good) return good;
    if (auto own = nobody_elses(spec); !own) return own;
    const auto added = rtnl_.request(new_route(spec, NLM_F_EXCL));
    if (added) return {};
    if (added.error().error != EEXIST) return refused(spec, added.error());
    if (!before.ours) {
        auto found = ours();
        if (!found) return std::unexpected(found.error());
        before.ours = std::move(*found);
    }
    return replace(spec, before);
}

/// Two behaviors of one SID cannot be told apart by a metric: the SID is the property of the one who came first.
Result<void> InstalledRoutes::nobody_elses(const RouteSpec& spec) {
    const auto* sid = std::get_if<SidRoute>(&spec);
    if (sid == nullptr) return {};
    const auto found = match_route(rtnl_, last_address(sid->sid));
    if (!found || !found->is_sid || found->ours || found->prefix != sid->sid) return {};
    return fail(fmt::format("cannot install {}: {} already has this SID ({}); remove it, or leave the SID to its owner",
                            name_of(key_of(spec)), protocol_name(static_cast<unsigned char>(found->protocol)),
                            describe(*found)));
}

Result<void> InstalledRoutes::replace(const RouteSpec& spec, Before& before) {
    const auto key = key_of(spec);
    const auto known = before.ours->find(key);
    if (known == before.ours->end()) {
        const bool sid = std::holds_alternative<SidRoute>(spec);
        const auto other = other_at(key, before);
        return fail(fmt::format("cannot install {}: {} already has one{}; {}", name_of(key),
                                other ? protocol_name(other->protocol) : "somebody else",
                                other ? " (" + other->text + ")" : "",
                                sid ? "remove it, or give it another metric" : "use another metric"));
    }
    if (known->second.text == describe(spec)) return {};
    // Routing daemons took a former one for a rival of their own. They notice that it goes, but not that one of the
    // kernel's takes its place.
    const bool former = known->second.protocol == kFormerProtocol;
    if (former) {
        if (auto removed = remove(known->second); !removed) return removed;
    }
    if (const auto replaced = rtnl_.request(new_route(spec, former ? NLM_F_EXCL : NLM_F_REPLACE)); !replaced) {
        return refused(spec, replaced.error());
    }
    return {};
}

/// Others may have very many routes, so the kernel is asked for the one that packets take. It names none that refuses
/// packets, and not one that a better one hides; only for these, all are read, once.
std::optional<SeenRoute> InstalledRoutes::other_at(const RouteKey& key, Before& before) {
    std::optional<SeenRoute> found;
    (void)rtnl_.ask(ask_route(key.prefix.address, RTM_F_FIB_MATCH), [&](nlmsghdr* header) {
        if (auto route = seen_route(header); route && route->key == key) found = std::move(*route);
    });
    if (found) return found;
    if (!before.others) {
        before.others.emplace();
        for (const int family : {AF_INET6, AF_INET}) {
            (void)rtnl_.dump([&] { return dump_routes(family); },
                             [&](nlmsghdr* header) {
                                 if (auto route = seen_route(header)) before.others->emplace(route->key, *route);
                             });
        }
    }
    const auto at = before.others->find(key);
    return at == before.others->end() ? std::nullopt : std::optional(at->second);
}

Result<void> InstalledRoutes::check(std::span<const RouteSpec> specs, std::vector<RouteRefusal>& refused) {
    if (specs.empty()) return {};
    const auto present = ours();
    if (!present) return std::unexpected(present.error());
    for (const auto& spec : specs) {
        const auto found = present->find(key_of(spec));
        const auto seen_text = found == present->end() ? "nothing" : found->second.text;
        if (seen_text == describe(spec)) continue;
        if (found != present->end()) (void)remove(found->second);
        refused.push_back({.key = key_of(spec), .why = differs(spec, seen_text).error()});
    }
    return {};
}

Result<void> InstalledRoutes::remove(const RouteSpec& spec) {
    const auto present = ours();
    if (!present) return std::unexpected(present.error());
    const auto found = present->find(key_of(spec));
    return found == present->end() ? Result<void>() : remove(found->second);
}

Result<void> InstalledRoutes::remove(const SeenRoute& route) {
    const auto removed = rtnl_.request(delete_route(route.key, route.protocol));
    if (removed || removed.error().error == ESRCH) return {};
    return fail(fmt::format("cannot remove {}: {}", name_of(route.key), removed.error().text));
}

Result<void> InstalledRoutes::remove_leftovers(std::span<const RouteSpec> keep) {
    std::set<RouteKey> kept;
    for (const auto& spec : keep) kept.insert(key_of(spec));
    const auto present = ours();
    if (!present) return std::unexpected(present.error());
    for (const auto& [key, route] : *present) {
        if (kept.contains(key)) continue;
        if (auto removed = remove(route); !removed) return removed;
    }
    return {};
}

Result<void> InstalledRoutes::remove_all() {
    return remove_leftovers({});
}

Result<std::size_t> InstalledRoutes::count() {
    const auto present = ours();
    if (!present) return std::unexpected(present.error());
    return present->size();
}

Result<std::vector<RouteSpec>> InstalledRoutes::missing(std::span<const RouteSpec> wanted) {
    const auto named = with_program_ids(wanted);
    if (!named) return std::unexpected(named.error());
    const auto present = ours();
    if (!present) return std::unexpected(present.error());
    std::vector<RouteSpec> absent;
    std::ranges::copy_if(*named, std::back_inserter(absent), [&](const RouteSpec& spec) {
        const auto found = present->find(key_of(spec));
        return found == present->end() || found->second.text != describe(spec);
    });
    return absent;
}

}  // namespace sidestep
