// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/hitless_rig.hpp"

#include <algorithm>
#include <csignal>
#include <numeric>
#include <stdexcept>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "routing/core/sids.hpp"
#include "tests/bench/must.hpp"
#include "topo/offload.hpp"
#include "topo/protection.hpp"
#include "topo/wait.hpp"

namespace sidestep::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 30s;
constexpr std::uint32_t kSeedStep = 0x9e3779b9;  // seeds next to each other lose the same packets, one later

std::string common_config(const topo::Lab& lab, const std::string& node, const HitlessRig::Setup& setup) {
    const topo::Protection what{.node = node,
                                .via = {},
                                .destination = {},
                                .interval = setup.probes,
                                .multiplier = 5,
                                .wait_to_restore = "20ms"};
    auto text =
        topo::head_yaml(lab, what) + topo::ingress_yaml(lab, what) + "sr-domain: [\"fd00::/16\"]\nadjacencies:\n";
    for (const auto* way : HitlessRig::kWays) text += topo::adjacency_yaml(lab, what, way);
    if (setup.xdp) {
        const auto edge = lab.interface(node, node == "A" ? "S-A" : "B-D").name;
        text += fmt::format("xdp: [{}, {}, {}]\nxdp-on-virtual: true\n", edge, lab.interface(node, "north").name,
                            lab.interface(node, "south").name);
    }
    return text;
}

std::string head_config(const HitlessRig& rig, const HitlessRig::Setup& setup) {
    const auto list = [&](const std::string& way, const Address& sid) {
        return fmt::format("{{adjacency: {}, encap: h.encaps.red, segments: [\"{}\"]}}", way, sid.to_string());
    };
    const auto one = list("north", rig.lab().sid("B", routing::kFunctionDecap));
    const auto both = fmt::format("{{lists: [{}, {}]}}", list("north", rig.merging()), list("south", rig.merging()));
    return common_config(rig.lab(), "A", setup) +
           fmt::format(
               "device: sr0\n"
               "policies: [{{name: to-D, prefixes: [\"2001:db8:d::/48\"], steering: {}, {}candidates: [{}]}}]\n",
               setup.from == From::host ? "transit" : "device",
               setup.sending == Sending::twice ? fmt::format("protection: hitless, flow: {}, ", HitlessRig::kFlow) : "",
               setup.sending == Sending::twice ? both : one);
}

std::string tail_config(const HitlessRig& rig, const HitlessRig::Setup& setup) {
    std::vector<unsigned> numbers(setup.flows);
    std::iota(numbers.begin(), numbers.end(), 1U);
    return common_config(rig.lab(), "B", setup) +
           fmt::format(
               "sids:\n  - {{sid: \"{}\", behavior: end.dt46}}\n"
               "  - {{sid: \"{}\", behavior: end.dt46, flows: [{}], window: {}}}\n",
               rig.lab().sid("B", routing::kFunctionDecap).to_string(), rig.merging().to_string(),
               fmt::join(numbers, ", "), setup.flows > HitlessRig::kSpareFlow ? 4096 : 65536);
}

}  // namespace

HitlessRig::HitlessRig(const Setup& setup)
    : lab_(must(topo::Lab::build_file(SIDESTEP_SOURCE_DIR "/tests/bench/hitless.yaml"))) {
    must(lab_.wait_reachable("S", "D"));
    if (setup.cuts) {
        for (const auto* way : kWays) cuts_.push_back(must(lab_.install_cut(way)));
    }
    if (setup.xdp) {
        for (const auto& [node, edge] : {std::pair{"A", "S-A"}, {"B", "B-D"}}) {
            for (const auto* link : {edge, "north", "south"}) must(lab_.take_frames(node, link));
        }
    }
    if (setup.sending == Sending::plain) return;
    configs_ = {{"A", head_config(*this, setup)}, {"B", tail_config(*this, setup)}};
    for (const auto* node : {"B", "A"}) start(node);
}

void HitlessRig::start(const std::string& node) {
    auto& daemon =
        daemons_.insert_or_assign(node, must(topo::Daemon::start(lab_, node, configs_.at(node)))).first->second;
    must(daemon.wait_up(kPatience));
}

void HitlessRig::restart(const std::string& node) {
    auto& process = daemons_.at(node).process();
    process.signal(SIGKILL);
    if (process.wait(kPatience) != 128 + SIGKILL) throw std::runtime_error("sidestepd outlived kill -9");
    start(node);
}

void HitlessRig::await(std::size_t way, const std::string& state) {
    const bool reached = topo::wait_for(kPatience, [&] {
        const auto answer = daemons_.at("A").ask("sessions");  // which the traffic may keep from answering in time
        return answer && std::ranges::any_of(answer->at("sessions"), [&](const auto& session) {
                   return session.value("name", "") == kWays.at(way) && session.value("state", "") == state;
               });
    });
    if (!reached) throw std::runtime_error(fmt::format("{} did not become {}", kWays.at(way), state));
}

void HitlessRig::cut(std::size_t way) {
    cuts_.at(way).cut();
    await(way, "down");
    cuts_.at(way).restore();
    await(way, "up");
}

void HitlessRig::send_as_nics() {
    for (const auto* way : kWays) {
        const auto& name = lab_.interface("A", way).name;
        must(lab_.in("A", [&] { return topo::switch_checksums(name, false); }));
    }
}

std::uint64_t HitlessRig::downs() {
    std::uint64_t sum = 0;
    for (const auto& session : must(daemons_.at("A").ask("sessions")).at("sessions"))
        sum += session.value("downs", std::uint64_t{0});
    return sum;
}

void HitlessRig::lose(double share) {
    for (std::uint32_t i = 0; i < cuts_.size(); ++i) cuts_[i].lose(share, topo::Direction::forward, i * kSeedStep);
}

}  // namespace sidestep::bench
