// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "topo/plan.hpp"

#include <net/if.h>

#include <iterator>
#include <map>
#include <set>

#include <fmt/format.h>

#include "routing/core/sids.hpp"
#include "routing/core/spf.hpp"

namespace sidestep::topo {
namespace {

using routing::Graph;
using routing::LinkId;
using routing::Node;
using routing::NodeId;
using routing::NodeKind;

constexpr int kFirstIfindex = 1001;
constexpr int kFirstSidDevice = 500'001;

bool is_anycast(const Graph& graph, NodeId node) {
    return graph.node(node).kind == NodeKind::anycast;
}

/// Anycast links exist in the graph only.
bool is_real(const Graph& graph, LinkId link) {
    const auto& ends = graph.link(link).ends;
    return !is_anycast(graph, ends[0]) && !is_anycast(graph, ends[1]);
}

/// `prefix` with its last 16 bits set to `number`.
Address address_in(const Prefix& prefix, std::uint16_t number) {
    auto address = prefix.address;
    address.bytes[14] = static_cast<std::uint8_t>(number >> 8U);
    address.bytes[15] = static_cast<std::uint8_t>(number);
    return address;
}

/// fd00:ffff:<link + 1>::/64, for a link that the file gives no subnet.
Prefix derived_subnet(LinkId link) {
    const auto number = link + 1;
    Prefix prefix{.address = {.bytes = {0xfd, 0x00, 0xff, 0xff}}, .length = 64};
    prefix.address.bytes[4] = static_cast<std::uint8_t>(number >> 8U);
    prefix.address.bytes[5] = static_cast<std::uint8_t>(number);
    return prefix;
}

/// fe80::<link + 1>:<1 or 2>
Address link_local(LinkId link, std::size_t end) {
    const auto number = link + 1;
    Address address{.bytes = {0xfe, 0x80}};
    address.bytes[12] = static_cast<std::uint8_t>(number >> 8U);
    address.bytes[13] = static_cast<std::uint8_t>(number);
    address.bytes[15] = static_cast<std::uint8_t>(end + 1);
    return address;
}

/// A family member of a prefix for one host: ::1 in an IPv6 prefix, .1 in an IPv4 prefix, the address of a host prefix.
Address host_address(const Prefix& prefix) {
    auto address = prefix.address;
    if (prefix.length < 128) address.bytes[15] |= 1U;
    return address;
}

Result<std::vector<std::array<InterfacePlan, 2>>> plan_links(const Graph& graph) {
    std::vector<std::array<InterfacePlan, 2>> links(graph.link_count());
    std::map<std::pair<NodeId, NodeId>, int> parallel;
    std::set<std::pair<NodeId, std::string>> taken;
    for (LinkId id = 0; id < graph.link_count(); ++id) {
        if (!is_real(graph, id)) continue;
        const auto& link = graph.link(id);
        for (std::size_t end = 0; end < 2; ++end) {
            const auto node = link.ends[end];
            const auto peer = link.ends[1 - end];
            const int count = ++parallel[{node, peer}];
            auto name = "to-" + graph.node(peer).name;
            if (count > 1) name += fmt::format("-{}", count);
            if (name.size() >= IFNAMSIZ) {
                return fail(fmt::format("{} is too long for an interface name ({} at most)", name, IFNAMSIZ - 1));
            }
            if (!taken.insert({node, name}).second) {
                return fail(fmt::format("{} would have two interfaces {}", graph.node(node).name, name));
            }
            const auto subnet = link.subnet.value_or(derived_subnet(id));
            const auto number = static_cast<std::uint16_t>(end + 1);
            links[id][end] = {.link = id,
                              .name = name,
                              .ifindex = kFirstIfindex + 2 * static_cast<int>(id) + static_cast<int>(end),
                              .mac = fmt::format("02:53:{:02x}:{:02x}:00:{:02x}", id >> 8U & 0xffU, id & 0xffU, number),
                              .address = link.address(end).value_or(address_in(subnet, number)),
                              .link_local = link_local(id, end),
                              .subnet = subnet};
        }
    }
    return links;
}

/// Writes the batch of one node.
class NodeBatch {
  public:
    NodeBatch(const Graph& graph, const std::vector<std::array<InterfacePlan, 2>>& links, NodeId self)
        : graph_(graph), links_(links), self_(self), spf_(routing::spf_from(graph, self)) {}

    std::string write() {
        line("link set dev lo up");
        for (const auto& hop : graph_.hops(self_)) {
            if (is_anycast(graph_, hop.neighbor)) {
                own_prefixes(graph_.node(hop.neighbor));
            } else {
                interface(near(hop.arc));
            }
        }
        own_addresses(graph_.node(self_));
        if (graph_.node(self_).kind == NodeKind::router) sids();
        routes();
        return std::move(text_);
    }

  private:
    template <typename... Arguments>
    void line(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
        fmt::format_to(std::back_inserter(text_), format, std::forward<Arguments>(arguments)...);
        text_ += '\n';
    }

    [[nodiscard]] const InterfacePlan& near(routing::ArcId arc) const {
        return links_[routing::link_of(arc)][arc & 1U];
    }
    [[nodiscard]] const InterfacePlan& far(routing::ArcId arc) const { return near(routing::reverse(arc)); }

    void interface(const InterfacePlan& interface) {
        line("link set dev {} up", interface.name);
        line("addr add {}/64 dev {} nodad", interface.link_local.to_string(), interface.name);
        line("addr add {}/64 dev {} nodad", interface.address.to_string(), interface.name);
    }

    void own_prefixes(const Node& owner) {
        for (const auto& prefix : owner.prefixes) {
            // All addresses of the prefix are ours, so that thousands of destinations need only this line.
            line("route add local {} dev lo", prefix.to_string());
            line("addr add {}/{} dev lo{}", host_address(prefix).to_string(), prefix.address.is_v4() ? 32 : 128,
                 prefix.address.is_v4() ? "" : " nodad");
        }
    }

    void own_addresses(const Node& node) {
        if (node.loopback) line("addr add {}/128 dev lo nodad", node.loopback->to_string());
        own_prefixes(node);
    }

    void sids() {
        const auto sids = routing::local_sids(graph_, self_);
        if (sids.empty()) return;
        line("link add name {} index {} type bridge", kSidDevice, kFirstSidDevice + static_cast<int>(self_));
        line("link set dev {} up", kSidDevice);
        for (const auto& sid : sids) {
            if (sid.behavior == routing::Behavior::end_next_csid) continue;  // only for compressed lists
            if (sid.arc && is_anycast(graph_, graph_.to(*sid.arc))) continue;
            line("route add {}/128 encap seg6local action {} dev {}", sid.sid.to_string(), action(sid), kSidDevice);
        }
    }

    [[nodiscard]] std::string action(const routing::LocalSid& sid) const {
        if (sid.arc)
            return fmt::format("End.X nh6 {} oif {}", far(*sid.arc).link_local.to_string(), near(*sid.arc).name);
        if (sid.behavior == routing::Behavior::end) return "End";
        return "End.DT6 table 254";  // the form that needs no VRF
    }

    void routes() {
        first_hops_ = routing::first_hops(graph_, spf_);
        for (NodeId node = 0; node < graph_.node_count(); ++node) {
            if (node == self_) continue;
            const auto& other = graph_.node(node);
            if (other.locator) route(*other.locator, node);
            if (other.loopback) route({.address = *other.loopback, .length = 128}, node);
            for (const auto& prefix : other.prefixes) route(prefix, node);
        }
        for (LinkId link = 0; link < graph_.link_count(); ++link) {
            const auto& ends = graph_.link(link).ends;
            if (!is_real(graph_, link) || ends[0] == self_ || ends[1] == self_) continue;
            const auto nearer = spf_.distance[ends[1]] < spf_.distance[ends[0]] ? ends[1] : ends[0];
            route(links_[link][0].subnet, nearer);
        }
    }

    /// Uses the first of the equal-cost first hops: a lab should be predictable.
    void route(const Prefix& prefix, NodeId towards) {
        const auto& hops = first_hops_[towards];
        if (hops.empty() || is_anycast(graph_, graph_.to(hops.front()))) return;
        const auto arc = hops.front();
        line("route add {} via {}{} dev {} metric {}", prefix.to_string(), prefix.address.is_v4() ? "inet6 " : "",
             far(arc).link_local.to_string(), near(arc).name, kRouteMetric);
    }

    const Graph& graph_;
    const std::vector<std::array<InterfacePlan, 2>>& links_;
    NodeId self_;
    routing::Spf spf_;
    std::vector<std::vector<routing::ArcId>> first_hops_;
    std::string text_;
};

std::vector<std::pair<std::string, std::string>> plan_sysctls(bool router) {
    const std::string forwarding = router ? "1" : "0";
    std::vector<std::pair<std::string, std::string>> sysctls;
    for (const std::string scope : {"all", "default", "lo"}) {
        const auto v6 = "net/ipv6/conf/" + scope + "/";
        sysctls.emplace_back(v6 + "forwarding", forwarding);
        sysctls.emplace_back(v6 + "seg6_enabled", "1");
        sysctls.emplace_back(v6 + "accept_dad", "0");
        sysctls.emplace_back(v6 + "accept_ra", "0");
        sysctls.emplace_back(v6 + "router_solicitations", "0");
        sysctls.emplace_back("net/ipv4/conf/" + scope + "/rp_filter", "0");
    }
    sysctls.emplace_back("net/ipv6/conf/default/addr_gen_mode", "1");  // no link-local addresses but ours
    sysctls.emplace_back("net/ipv4/ip_forward", forwarding);
    return sysctls;
}

/// In its first prefix of that family.
std::optional<Address> prefix_address(const Node& node, bool v4) {
    for (const auto& prefix : node.prefixes) {
        if (prefix.address.is_v4() == v4) return host_address(prefix);
    }
    return std::nullopt;
}

}  // namespace

Result<Plan> make_plan(const routing::Graph& graph) {
    auto links = plan_links(graph);
    if (!links) return std::unexpected(links.error());
    Plan plan{.nodes = std::vector<NodePlan>(graph.node_count()), .links = std::move(*links)};
    for (NodeId id = 0; id < graph.node_count(); ++id) {
        if (is_anycast(graph, id)) continue;
        const auto& node = graph.node(id);
        auto address = prefix_address(node, false);
        if (!address) address = node.loopback;
        for (const auto& hop : graph.hops(id)) {
            if (!address && !is_anycast(graph, hop.neighbor)) {
                address = plan.links[routing::link_of(hop.arc)][hop.arc & 1U].address;
            }
        }
        if (!address) return fail(node.name + " has neither a loopback, nor a prefix, nor a link: it has no address");
        const bool router = node.kind == NodeKind::router;
        plan.nodes[id] = {.name = node.name,
                          .router = router,
                          .address = *address,
                          .address_v4 = prefix_address(node, true),
                          .sysctls = plan_sysctls(router),
                          .batch = NodeBatch(graph, plan.links, id).write()};
    }
    return plan;
}

std::string creation_line(const std::array<InterfacePlan, 2>& link, const std::string& first,
                          const std::string& second) {
    const auto& [one, two] = link;
    return fmt::format(
        "link add name {} index {} address {} netns {} type veth peer name {} index {} address {} netns {}\n", one.name,
        one.ifindex, one.mac, first, two.name, two.ifindex, two.mac, second);
}

std::string creation_batch(const Plan& plan, const routing::Graph& graph, const std::vector<std::string>& namespaces) {
    std::string text;
    for (LinkId id = 0; id < plan.links.size(); ++id) {
        if (plan.links[id][0].name.empty()) continue;
        const auto& ends = graph.link(id).ends;
        text += creation_line(plan.links[id], namespaces[ends[0]], namespaces[ends[1]]);
    }
    return text;
}

Prefix announced_locator(const Prefix& locator) {
    auto announced = locator;
    const auto function = locator.length / 8U;
    announced.address.bytes[function] = announced.address.bytes[function + 1U] = 0xff;
    announced.address.bytes[15] = 1;
    return announced;
}

}  // namespace sidestep::topo
