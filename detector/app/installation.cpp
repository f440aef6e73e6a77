// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Turns policies and SIDs into routes.
#include "detector/app/installation.hpp"

#include <algorithm>
#include <iterator>
#include <limits>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "bpf/lib/portable.h"
#include "detector/kernel/own_program.hpp"
#include "detector/kernel/seen_programs.hpp"
#include "detector/kernel/shadows.hpp"
#include "detector/kernel/splitter.hpp"

namespace sidestep {
namespace {

constexpr std::uint32_t kLeastMtu = 1280;   // RFC 8200, 5
constexpr std::size_t kRoutesNamed = 20;    // of those that cannot be installed
constexpr std::size_t kMostLookedUp = 256;  // routes; a lookup takes some 5 us
constexpr const char* kDevice = "the policy device";
constexpr const char* kEgress = "the program at tc egress of the policy device";

std::string name_of(const RouteKey& key) {
    return fmt::format("route to {}", key.prefix.to_string());
}

bool is_end(const SidConfig& sid) {
    return sid.behavior == SidBehavior::end || sid.behavior == SidBehavior::end_x;
}

}  // namespace

void Installation::set_device(const std::string& name) {
    device_name_ = name;
    if (device_ && device_->name() == name) return;
    const auto made = make_device(name);
    problems_.erase(kDevice);
    if (!made) problems_[kDevice] = made.error().message;
}

Result<void> Installation::make_device(const std::string& name) {
    steered_.clear();
    egress_.reset();
    device_.reset();
    SS_WRITE(dataplane_.node().policy_device, 0U);
    if (auto cleared = PolicyDevice::remove_leftovers(name); !cleared) return cleared;
    if (name.empty()) return {};
    auto device = PolicyDevice::create(name, node_);
    if (!device) return std::unexpected(device.error());
    device_ = std::move(*device);
    if (auto attached = attach_egress(); !attached) return attached;
    SS_WRITE(dataplane_.node().policy_device, static_cast<__u32>(device_->ifindex()));
    return {};
}

Result<void> Installation::attach_egress() {
    auto hook = TcHook::attach(device_->name(), device_->ifindex(), dataplane_.device_program(), kind_, TcSide::egress);
    if (!hook) return std::unexpected(hook.error());
    egress_ = std::move(*hook);
    return {};
}

std::vector<Finding> Installation::look() {
    auto found = look_at_device();
    if (splits_.value_or(false)) found.push_back(look_at_splitter());
    return found;
}

std::vector<Finding> Installation::look_at_device() {
    std::vector<Finding> found;
    if (device_name_.empty()) return found;
    found.push_back({.thing = kDevice, .fault = device_ ? device_->fault() : "could not be made"});
    if (!found.back().fault.empty()) return found;
    auto* asking = rtnl();
    if (asking == nullptr) return found;
    found.push_back(find_program(kEgress, seen_programs(*asking, device_->ifindex(), TcSide::egress, kind_),
                                 program_id(dataplane_.device_program())));
    return found;
}

std::optional<Result<void>> Installation::mend(const std::string& thing) {
    if (thing == kEgress && device_) return attach_egress();
    if (thing == kSplitter) return put_splitter();
    if (thing != kDevice) return std::nullopt;
    device_.reset();
    set_device(device_name_);
    const auto problem = problems_.find(kDevice);
    return problem == problems_.end() ? Result<void>() : fail(problem->second);
}

/// A socket to look with; null if there is none.
Rtnl* Installation::rtnl() {
    if (!rtnl_) {
        auto opened = Rtnl::open();
        if (!opened) return nullptr;
        rtnl_ = std::move(*opened);
    }
    return &*rtnl_;
}

Result<InstalledRoutes*> Installation::routes() {
    if (!routes_) {
        auto opened = InstalledRoutes::open();
        if (!opened) return std::unexpected(opened.error());
        routes_ = std::move(*opened);
    }
    return &*routes_;
}

void Installation::apply(const PolicyTable& policies, const std::vector<SidConfig>& sids, bool complete) {
    waiting_.clear();
    mtu_changes_ = policies.mtu_changes();
    for (const auto& policy : policies.all()) {
        if (policy.config.steering != Steering::device || has_way_out(policy.config)) continue;
        for (const auto& prefix : policy.config.prefixes) {
            if (!steered_.contains(prefix)) waiting_.insert(prefix);
        }
    }
    std::erase_if(problems_,
                  [](const auto& problem) { return problem.first != kDevice && problem.first != kSplitter; });
    const auto mtu = steered_mtu(policies);
    if (auto installed = install(wanted_routes(policies, sids, mtu), mtu, complete); !installed)
        problems_[kOurRoutes] = installed.error().message;
}

std::vector<RouteSpec> Installation::wanted_routes(const PolicyTable& policies, const std::vector<SidConfig>& sids,
                                                   std::uint32_t mtu) const {
    std::vector<RouteSpec> wanted;
    for (const auto& policy : policies.all()) std::ranges::copy(routes_of(policy, mtu), std::back_inserter(wanted));
    for (const auto& sid : sids) {
        if (const auto route = route_of(sid)) wanted.push_back(*route);
    }
    return wanted;
}

Result<void> Installation::install(const std::vector<RouteSpec>& wanted, std::uint32_t mtu, bool complete) {
    auto tables = routes();
    if (!tables) return std::unexpected(tables.error());
    Result<void> fitted;
    if (device_ && mtu != 0) fitted = device_->set_mtu(mtu);
    if (complete) {
        if (auto cleared = (*tables)->remove_leftovers(wanted); !cleared) return cleared;
    }
    auto restored = restore(wanted);
    return fitted ? restored : fitted;
}

/// Installs the routes that are missing, including those that the kernel dropped with an interface.
Result<void> Installation::restore(const std::vector<RouteSpec>& wanted) {
    const auto absent = missing(wanted);
    if (!absent) return std::unexpected(absent.error());
    if (absent->empty()) return {};
    const auto refused = (*routes())->add_all(*absent);
    if (!refused) return std::unexpected(refused.error());
    std::set<RouteKey> not_installed;
    for (const auto& refusal : *refused) {
        not_installed.insert(refusal.key);
        if (problems_.size() < kRoutesNamed) problems_[name_of(refusal.key)] = refusal.why.message;
    }
    for (const auto& route : *absent) {
        const auto* steered = std::get_if<DeviceRoute>(&route);
        if (steered != nullptr && !not_installed.contains(key_of(route))) steered_.insert(steered->prefix);
    }
    return {};
}

/// Those of them that can be installed, but are not there.
Result<std::vector<RouteSpec>> Installation::missing(const std::vector<RouteSpec>& wanted) {
    if (wanted.empty()) return std::vector<RouteSpec>();
    auto tables = routes();
    if (!tables) return std::unexpected(tables.error());
    auto absent = (*tables)->missing(wanted);
    if (absent) std::erase_if(*absent, [this](const RouteSpec& route) { return !can_be_installed(route); });
    return absent;
}

Finding Installation::look_at_routes(const PolicyTable& policies, const std::vector<SidConfig>& sids) {
    Finding finding{.thing = kOurRoutes, .fault = {}};
    auto absent = missing(wanted_routes(policies, sids, steered_mtu(policies)));
    if (!absent) return finding;
    std::erase_if(*absent, [this](const RouteSpec& route) {
        return problems_.contains(name_of(key_of(route)));  // known
    });
    if (absent->empty()) return finding;
    const auto first = key_of(absent->front()).prefix.to_string();
    finding.fault = absent->size() == 1 ? fmt::format("lack the one to {}", first)
                                        : fmt::format("lack {}, among them the one to {}", absent->size(), first);
    return finding;
}

ProblemTexts Installation::look_for_shadows(const PolicyTable& policies, const std::vector<SidConfig>& sids) {
    ProblemTexts shadows;
    auto wanted = wanted_routes(policies, sids, steered_mtu(policies));
    auto* asking = wanted.empty() ? nullptr : rtnl();
    if (asking == nullptr || problems_.contains(kDevice)) return shadows;
    // What is not installed is another problem. Whether it is there is not asked here: that would dump all tables.
    std::erase_if(wanted, [this](const RouteSpec& route) {
        return !can_be_installed(route) || problems_.contains(name_of(key_of(route)));
    });
    std::ranges::stable_partition(wanted, [](const auto& route) { return std::holds_alternative<SidRoute>(route); });
    if (wanted.size() > kMostLookedUp) wanted.erase(wanted.begin() + kMostLookedUp, wanted.end());
    for (const auto& route : wanted) {
        auto text = find_shadow(*asking, route);
        if (!text.empty() && shadows.size() < kRoutesNamed) shadows.emplace(name_of(key_of(route)), std::move(text));
    }
    return shadows;
}

bool Installation::overdue(const PolicyTable& policies) const {
    if (policies.mtu_changes() != mtu_changes_) return true;
    if (waiting_.empty()) return false;
    return std::ranges::any_of(policies.all(), [this](const Policy& policy) {
        if (policy.config.steering != Steering::device) return false;
        const auto waits = [this](const Prefix& prefix) { return waiting_.contains(prefix); };
        return std::ranges::any_of(policy.config.prefixes, waits) && has_way_out(policy.config);
    });
}

/// True if a list can be used. The device has no ordinary path, so packets that are steered into it too early are lost.
bool Installation::has_way_out(const PolicyConfig& policy) const {
    return std::ranges::any_of(policy.candidates, [this](const CandidateConfig& candidate) {
        return std::ranges::any_of(candidate.lists, [this](const SegmentListConfig& list) {
            const auto* session = sessions_.find(list.adjacency);
            return session != nullptr && session->ifindex != 0 && session->link() &&
                   sessions_.rank(*session) != SS_DOWN;
        });
    });
}

/// The kernel refuses routes to an interface that is down.
bool Installation::can_be_installed(const RouteSpec& route) const {
    if (const auto* steered = std::get_if<DeviceRoute>(&route)) return !waiting_.contains(steered->prefix);
    const auto* by_program = std::get_if<ProgramRoute>(&route);
    if (by_program == nullptr) return true;
    return std::ranges::any_of(sessions_.all(), [&](const Session& session) {
        return session.ifindex == by_program->ifindex && session.running;
    });
}

/// Routes with `encap bpf` forward to the policy's first adjacency.
std::vector<RouteSpec> Installation::routes_of(const Policy& policy, std::uint32_t mtu) const {
    std::vector<RouteSpec> result;
    const auto& config = policy.config;
    if (config.steering == Steering::transit || config.candidates.empty()) return result;
    const auto* session = sessions_.find(config.candidates.front().lists.front().adjacency);
    for (const auto& prefix : config.prefixes) {
        if (config.steering == Steering::device) {
            if (device_) {
                result.emplace_back(
                    DeviceRoute{.prefix = prefix, .ifindex = device_->ifindex(), .metric = config.metric});
            }
        } else if (session != nullptr && session->ifindex != 0) {
            const bool in = config.steering == Steering::lwt_in;
            result.emplace_back(
                ProgramRoute{.prefix = prefix,
                             .hook = in ? ProgramHook::in : ProgramHook::xmit,
                             .program_fd = in ? dataplane_.lwt_in_program() : dataplane_.lwt_xmit_program(),
                             .via = session->config.neighbor,
                             .ifindex = session->ifindex,
                             .metric = config.metric,
                             .mtu = mtu});
        }
    }
    return result;
}

std::optional<RouteSpec> Installation::route_of(const SidConfig& sid) const {
    if (!sid.install || !is_end(sid) || !device_) return std::nullopt;
    SidRoute route{.sid = sid.sid,
                   .psp = sid.psp,
                   .next_csid = sid.next_csid,
                   .block_bits = sid.block_bits,
                   .function_bits = sid.function_bits,
                   .ifindex = device_->ifindex()};
    if (sid.behavior == SidBehavior::end_x) {
        const auto* session = sessions_.find(sid.adjacency);
        if (session == nullptr || session->ifindex == 0) return std::nullopt;
        route.neighbor = session->config.neighbor;
        route.neighbor_ifindex = session->ifindex;
    }
    return route;
}

/// The MTU with which packets fit on every list of steered policies with its header; the kernel answers or fragments
/// larger ones. 0 if it is not known.
std::uint32_t Installation::steered_mtu(const PolicyTable& policies) const {
    std::uint32_t smallest = std::numeric_limits<std::uint32_t>::max();
    for (const auto& policy : policies.all()) {
        if (policy.config.steering == Steering::transit) continue;
        for (const auto& candidate : policy.config.candidates) {
            for (const auto& list : candidate.lists) {
                if (const auto room = policies.room_of(list)) smallest = std::min(smallest, *room);
            }
        }
    }
    return smallest == std::numeric_limits<std::uint32_t>::max() ? 0 : std::max(kLeastMtu, smallest);
}

void Installation::remove() {
    if (routes_ || device_) {
        if (auto tables = routes()) (void)(*tables)->remove_all();
    }
    if (device_) {
        if (auto removed = device_->remove(); !removed) spdlog::warn("{}", removed.error().message);
    }
    device_.reset();
    egress_.reset();
    remove_splitter();
}

Result<void> remove_installed() {
    auto routes = InstalledRoutes::open();
    if (!routes) return std::unexpected(routes.error());
    if (auto removed = routes->remove_all(); !removed) return removed;
    remove_splitter();
    return PolicyDevice::remove_leftovers();
}

}  // namespace sidestep
