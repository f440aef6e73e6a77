// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/net/routing/frr_lab.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include "routing/core/sids.hpp"
#include "tests/net/routing/frr_network.hpp"

namespace sidestep::topo {

void FrrLab::SetUp() {
    if (const auto reason = routing::FrrNetwork::missing(); !reason.empty()) GTEST_SKIP() << reason;
    ASSERT_NO_FATAL_FAILURE(ComputedLab::SetUp());
    std::string pattern = "/tmp/sidestep-frr-XXXXXX";  // only root can enter the lab's own directory
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    for (const auto& node : routers()) {
        forget_static_routes(node);
        add_adjacency_sids(node);
    }
    for (const auto& node : routers()) ASSERT_TRUE(start_frr(node));
    ASSERT_TRUE(lab().wait_reachable("S", "D", std::chrono::seconds(30)));
    ASSERT_TRUE(lab().wait_reachable("T", "D", std::chrono::seconds(30)));
    ASSERT_TRUE(routes("r4", "D", "r1"));
}

void FrrLab::TearDown() {
    ComputedLab::TearDown();
    for (auto& daemon : daemons_) {
        if (HasFailure()) GTEST_LOG_(INFO) << daemon.output();
        daemon.stop();
    }
    std::error_code ignored;
    if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
}

std::vector<std::string> FrrLab::routers() const {
    std::vector<std::string> names;
    for (const auto& node : lab().graph().nodes()) {
        if (node.kind == routing::NodeKind::router) names.push_back(node.name);
    }
    return names;
}

std::size_t FrrLab::links_of_routers() const {
    const auto& graph = lab().graph();
    return static_cast<std::size_t>(std::ranges::count_if(graph.links(), [&](const routing::Link& link) {
        return std::ranges::all_of(link.ends,
                                   [&](auto end) { return graph.node(end).kind == routing::NodeKind::router; });
    }));
}

/// With IS-IS, an End.X is numbered by its neighbor (routing/core/sids.hpp); the lab numbers it by its link.
void FrrLab::add_adjacency_sids(const std::string& node) {
    for (const auto& link : core_links(node)) {
        const auto& ends = lab().graph().link(lab().graph().find_link(link).value()).ends;
        const auto neighbor = ends[0] == lab().id_of(node) ? ends[1] : ends[0];
        const auto function = routing::neighbor_function(lab().graph().node(neighbor).locator.value());
        EXPECT_EQ(shell(node, fmt::format("ip -6 route add {}/128 encap seg6local action End.X nh6 {} oif {} dev {}",
                                          lab().sid(node, function.value()).to_string(),
                                          lab().peer(node, link).link_local.to_string(),
                                          lab().interface(node, link).name, kSidDevice)),
                  "");
    }
}

/// Connected routes and SIDs stay.
void FrrLab::forget_static_routes(const std::string& node) {
    shell(node, fmt::format("ip -6 route show | grep 'metric {} ' | while read route; do ip -6 route del $route; done",
                            kRouteMetric));
}

std::string FrrLab::isis_text(const std::string& node) const {
    const auto& graph = lab().graph();
    const auto id = lab().id_of(node);
    std::string text = "hostname " + node + "\n";
    for (const auto& hop : graph.hops(id)) {
        const auto& own = lab().interface(node, graph.link(routing::link_of(hop.arc)).id);
        text += fmt::format("interface {}\n ipv6 router isis lab\n", own.name);
        if (graph.node(hop.neighbor).kind == routing::NodeKind::router) {
            text += fmt::format(
                " isis network point-to-point\n isis hello-interval 1\n isis hello-multiplier 3\n isis metric {}\n",
                hop.metric);
        } else {
            text += " isis passive\n";
        }
    }
    return text + fmt::format(
                      "interface lo\n ipv6 router isis lab\n isis passive\n"
                      "router isis lab\n lsp-gen-interval 1\n spf-interval 1\n is-type level-2-only\n"
                      " metric-style wide\n net 49.0001.0000.0000.{:04x}.00\n",
                      id + 1);
}

testing::AssertionResult FrrLab::start_frr(const std::string& node) {
    const auto directory = directory_ / node;
    std::filesystem::create_directory(directory);
    std::ofstream(directory / "zebra.conf") << "hostname " << node << "\n";
    std::ofstream(directory / "isisd.conf") << isis_text(node);
    const auto* user = ::getpwnam("frr");
    for (const auto& path : {directory_, directory, directory / "zebra.conf", directory / "isisd.conf"}) {
        if (::chown(path.c_str(), user->pw_uid, user->pw_gid) != 0) return testing::AssertionFailure() << path;
    }
    // FRR 8.4 does not announce locators; a prefix of the same length serves.
    auto locator = lab().graph().node(lab().id_of(node)).locator->address;
    locator.bytes[6] = locator.bytes[7] = 0xff;
    locator.bytes[15] = 1;
    shell(node, fmt::format("ip -6 addr add {}/48 dev lo nodad", locator.to_string()));
    for (const std::string daemon : {"zebra", "isisd"}) {
        auto process = lab().spawn(
            node, {"/usr/lib/frr/" + daemon, "-f", directory / (daemon + ".conf"), "-i", directory / (daemon + ".pid"),
                   "-z", directory / "zserv.api", "--vty_socket", directory, "-P", "0"});
        if (!process) return testing::AssertionFailure() << process.error().message;
        daemons_.push_back(std::move(*process));
    }
    return testing::AssertionSuccess();
}

std::string FrrLab::isis_config(const std::string& node, const std::string& extra) const {
    return neighbors_config(node) +
           fmt::format("device: sr0\nsr-domain: [\"fd00::/32\"]\nrouting: {{isis: {{vty-directory: {}}}{}}}\n",
                       vty_directory(node), extra);
}

testing::AssertionResult FrrLab::start_isis(const std::string& node, const std::string& extra) {
    if (auto started = start_routed(node, isis_config(node, extra)); !started) return started;
    // Adjacencies come up one by one, and each is a change that routing still deals with when the next test step begins.
    if (auto whole = has(node, "routing", "/routers", routers().size()); !whole) return whole;
    if (auto linked = has(node, "routing", "/links", links_of_routers()); !linked) return linked;
    if (auto settled = has(node, "routing", "/convergence", "settled"); !settled) return settled;
    return delivered(node);
}

testing::AssertionResult FrrLab::set_spf_delay(const std::string& node, std::chrono::milliseconds delay) {
    const auto said =
        shell(node, fmt::format("vtysh --vty_socket {} -d isisd -c 'configure terminal' -c 'router isis lab' "
                                "-c 'spf-delay-ietf init-delay {} short-delay {} long-delay {} holddown 60000 "
                                "time-to-learn 60000' 2>&1",
                                vty_directory(node), delay.count(), delay.count(), delay.count()));
    if (said.empty()) return testing::AssertionSuccess();
    return testing::AssertionFailure() << said;
}

testing::AssertionResult FrrLab::routes(const std::string& node, const std::string& to, const std::string& by) {
    return says(node, "ip -6 route get " + lab().address(to).to_string(), "dev to-" + by + " ");
}

}  // namespace sidestep::topo
