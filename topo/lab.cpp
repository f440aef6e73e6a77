// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "topo/lab.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <stdexcept>

#include <fmt/format.h>
#include <unistd.h>

#include "common/neighbor_table.hpp"
#include "routing/core/sids.hpp"
#include "topo/interface.hpp"
#include "topo/offload.hpp"
#include "topo/wait.hpp"

namespace sidestep::topo {
namespace {

std::string unique_name(int lab, const std::string& node) {
    return fmt::format("ss{}-{}-{}", ::getpid(), lab, node);
}

Result<void> write_sysctls(const std::vector<std::pair<std::string, std::string>>& sysctls) {
    for (const auto& [path, value] : sysctls) {
        if (auto written = write_sysctl(path, value); !written) return written;
    }
    return {};
}

Result<void> ip_batch(std::string text, int netns = -1) {
    const auto done = run({"ip", "-batch", "-"}, {.netns = netns, .input = std::move(text)});
    return done ? Result<void>() : std::unexpected(done.error());
}

}  // namespace

Result<Lab> Lab::build(routing::Topology topology) {
    if (::geteuid() != 0) return fail("a lab creates network namespaces: run it as root");
    auto plan = make_plan(topology.graph);
    if (!plan) return std::unexpected(plan.error());
    if (auto lacking = lack_of_room(look_at_neighbor_table(), 2 * topology.graph.links().size()); !lacking.empty())
        return fail("the lab: " + lacking);

    static std::atomic<int> counter{0};
    const int number = counter.fetch_add(1);
    std::vector<std::string> names;
    std::vector<std::string> paths;
    for (const auto& node : plan->nodes) {
        names.push_back(node.name.empty() ? "" : unique_name(number, node.name));
        if (!node.name.empty()) paths.push_back(NetNs::path_of(names.back()));
    }
    std::string directory = "/tmp/sidestep-XXXXXX";
    if (::mkdtemp(directory.data()) == nullptr) return fail_errno("cannot create the lab's directory in /tmp");
    auto reaper = Reaper::start(paths, directory);  // before any namespace exists, so that none can be left behind
    if (!reaper) return std::unexpected(reaper.error());
    Lab lab(std::move(topology), std::move(*plan), std::move(directory),
            std::make_shared<const Reaper>(std::move(*reaper)));
    auto created = lab.create(names);
    if (!created) return std::unexpected(created.error());
    return lab;
}

Result<Lab> Lab::build_file(const std::string& topology_path) {
    auto topology = routing::load_topology(topology_path);
    if (!topology) return std::unexpected(topology.error());
    return build(std::move(*topology));
}

Result<void> Lab::create(const std::vector<std::string>& names) {
    std::string batch;
    for (const auto& name : names) {
        if (!name.empty()) batch += "netns add " + name + "\n";
    }
    if (auto made = ip_batch(std::move(batch)); !made) return made;
    for (std::size_t id = 0; id < names.size() && !names[id].empty(); ++id) {
        auto netns = NetNs::open(names[id]);
        if (!netns) return std::unexpected(netns.error());
        namespaces_.push_back(std::move(*netns));
        const auto& sysctls = plan_.nodes[id].sysctls;
        if (auto written = namespaces_.back().run([&] { return write_sysctls(sysctls); }); !written) return written;
    }
    if (auto linked = ip_batch(creation_batch(plan_, graph(), names)); !linked) return linked;
    for (std::size_t id = 0; id < namespaces_.size(); ++id) {
        if (auto done = ip_batch(plan_.nodes[id].batch, namespaces_[id].fd()); !done) {
            return fail(plan_.nodes[id].name + ": " + done.error().message);
        }
    }
    return {};
}

routing::NodeId Lab::id_of(const std::string& node) const {
    const auto id = graph().find_node(node);
    if (!id || *id >= namespaces_.size()) throw std::out_of_range("no node " + node + " in this lab");
    return *id;
}

std::pair<routing::LinkId, std::size_t> Lab::end_of(const std::string& node, const std::string& link) const {
    const auto id = graph().find_link(link);
    if (!id) throw std::out_of_range("no link " + link + " in this lab");
    const auto& ends = graph().link(*id).ends;
    const auto self = id_of(node);
    if (ends[0] != self && ends[1] != self) throw std::out_of_range("link " + link + " does not end at " + node);
    return {*id, ends[0] == self ? 0 : 1};
}

const InterfacePlan& Lab::interface(const std::string& node, const std::string& link) const {
    const auto [id, end] = end_of(node, link);
    return plan_.links[id][end];
}

const InterfacePlan& Lab::peer(const std::string& node, const std::string& link) const {
    const auto [id, end] = end_of(node, link);
    return plan_.links[id][1 - end];
}

Address Lab::address_v4(const std::string& node) const {
    const auto address = this->node(node).address_v4;
    if (!address) throw std::out_of_range(node + " has no IPv4 prefix");
    return *address;
}

Address Lab::sid(const std::string& node, std::uint16_t function) const {
    const auto& locator = graph().node(id_of(node)).locator;
    if (!locator) throw std::out_of_range(node + " has no locator");
    return routing::sid(*locator, function);
}

Address Lab::adjacency_sid(const std::string& node, const std::string& link) const {
    const auto [id, end] = end_of(node, link);
    const auto function = graph().link(id).functions[end];
    if (!function) throw std::out_of_range("link " + link + " has no End.X function");
    return sid(node, *function);
}

Result<Process> Lab::spawn(const std::string& node, const std::vector<std::string>& argv, SpawnOptions options) const {
    options.netns = netns(node).fd();
    options.reaper = reaper_;
    return Process::spawn(argv, std::move(options));
}

Result<std::string> Lab::ip(const std::string& node, std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "ip");
    return run(arguments, {.netns = netns(node).fd()});
}

Result<EchoReply> Lab::ping(const std::string& from, const std::string& to) const {
    return topo::ping(netns(from), address(to), address(from));
}

Result<EchoReply> Lab::wait_reachable(const std::string& from, const std::string& to,
                                      std::chrono::milliseconds patience) const {
    Result<EchoReply> reply = fail("no echo was sent");
    wait_for(patience, [&] {
        reply = ping(from, to);
        return reply.has_value();
    });
    return reply;
}

Result<void> Lab::take_frames(const std::string& node, const std::string& link, bool takes) const {
    const auto [id, end] = end_of(node, link);
    const auto& far_end = namespaces_[graph().link(id).ends[1 - end]];
    const auto& name = peer(node, link).name;
    return far_end.run([&] {
        auto switched = switch_gro(name, takes);
        return switched ? switch_checksums(name, !takes) : switched;
    });
}

Result<Cut> Lab::install_cut(const std::string& link) const {
    const auto id = graph().find_link(link);
    if (!id) throw std::out_of_range("no link " + link + " in this lab");
    const auto& ends = graph().link(*id).ends;
    return Cut::install({.netns = &namespaces_[ends[0]], .ifindex = plan_.links[*id][0].ifindex},
                        {.netns = &namespaces_[ends[1]], .ifindex = plan_.links[*id][1].ifindex});
}

Result<Traffic> Lab::start_traffic(const std::string& from, const std::string& to, TrafficSpec spec) const {
    if (spec.source.is_unspecified()) spec.source = address(from);
    if (spec.destination.is_unspecified()) spec.destination = address(to);
    return Traffic::start(netns(from), netns(to), spec);
}

}  // namespace sidestep::topo
