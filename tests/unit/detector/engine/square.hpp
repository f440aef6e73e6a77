// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The engine over plain memory: kernel and netlink events go in, states in shared memory come out. The node is A with
// neighbors B and C:
//
//     A === to-B === B
//     A === to-C === C
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "detector/engine/engine.hpp"
#include "detector/maps/map_sizes.hpp"
#include "detector/maps/plain_maps.hpp"

namespace sidestep {

inline constexpr Nanoseconds kNow{std::chrono::seconds(100)};
inline constexpr int kToB = 7;
inline constexpr int kToC = 8;
inline constexpr MacAddress kOwnMac{2, 0, 0, 0, 0, 0xa};
inline constexpr MacAddress kNeighborMac{2, 0, 0, 0, 0, 0xb};

inline Address address(std::string_view text) {
    return *Address::parse(text);
}

inline AdjacencyConfig adjacency(const std::string& name, const std::string& interface, std::string_view neighbor) {
    AdjacencyConfig result;
    result.name = name;
    result.interface = interface;
    result.neighbor = address(neighbor);
    result.probe.return_address = address("fd00:ab::a");
    result.probe.wait_to_restore = Nanoseconds::zero();
    return result;
}

inline CandidateConfig over(const std::string& adjacency, const std::vector<Address>& segments = {}) {
    SegmentListConfig list;
    list.adjacency = adjacency;
    list.segments = segments;
    list.encap = segments.empty() ? Encap::plain : Encap::h_encaps;
    return {.lists = {list}};
}

inline PolicyConfig policy(const std::string& name, std::string_view prefix) {
    PolicyConfig result;
    result.name = name;
    result.prefixes = {*Prefix::parse(prefix)};
    result.candidates = {over("A-B"), over("A-C", {address("fd00:c::")})};
    return result;
}

inline Config square() {
    Config config;
    config.node = "A";
    config.source = address("fd00:a::1");
    config.adjacencies = {adjacency("A-B", "to-B", "fe80::b"), adjacency("A-C", "to-C", "fe80::c")};
    config.policies = {policy("to-D", "2001:db8:d::/48")};
    config.ingress = {"to-S"};
    config.verify = false;  // verify_test.cpp has it on
    return config;
}

inline LinkChange link(const std::string& name, int ifindex, bool running = true) {
    return {.ifindex = ifindex, .name = name, .up = true, .running = running, .mtu = 1500, .mac = kOwnMac};
}

class EngineTest : public testing::Test {
  protected:
    EngineTest() { restart(); }

    /// Starts another engine over the same memory, as after a crash.
    void restart() {
        engine_ = std::make_unique<Engine>(
            maps_, EngineHooks{.resolve = [this](int ifindex, const Address&) { asked_.push_back(ifindex); },
                               .on_event = [this](const LoggedEvent& event) { events_.push_back(event.session); },
                               .linkdown_ignored = {}});
    }
    void start(const Config& config = square()) {
        ASSERT_TRUE(engine_->apply(desired_of(config), kNow));
        engine_->on_link(link("to-B", kToB), kNow);
        engine_->on_link(link("to-C", kToC), kNow);
        engine_->on_links_known(kNow);
        resolve("A-B", kToB, "fe80::b");
        resolve("A-C", kToC, "fe80::c");
    }
    void resolve(const std::string& name, int ifindex, std::string_view neighbor) {
        engine_->on_neighbor(
            {.ifindex = ifindex, .address = address(neighbor), .status = NeighborStatus::usable, .mac = kNeighborMac},
            kNow);
        tell(name, SS_EVENT_ALIVE);
    }
    /// Delivers the tick's verdict on a session.
    void tell(const std::string& name, ss_event_type type) {
        const auto* session = engine_->sessions().find(name);
        if (session == nullptr) return;
        ss_event event{};
        event.type = type;
        event.session = session->index;
        event.epoch = maps_.sessions[session->index].conf.epoch;
        maps_.sessions[session->index].tx.epoch = event.epoch;
        maps_.sessions[session->index].tx.verdict = type == SS_EVENT_DEAD ? SS_DEAD : SS_ALIVE;
        engine_->on_kernel_event(event, kNow);
    }
    void resolve_host(std::string_view host, const MacAddress& mac) {
        engine_->on_neighbor({.ifindex = kToB, .address = address(host), .status = NeighborStatus::usable, .mac = mac},
                             kNow);
        engine_->settle();
    }
    /// Whether packets for this host on the link to B are B's.
    [[nodiscard]] bool is_neighbors(std::string_view host) const {
        ss_hop hop{.ifindex = kToB, .gateway = {}};
        std::ranges::copy(address(host).bytes, hop.gateway);
        return maps_.adjacencies.contains({reinterpret_cast<const char*>(&hop), sizeof hop});
    }
    [[nodiscard]] Session& session(const std::string& name) { return *engine_->sessions().find(name); }
    [[nodiscard]] std::uint32_t rank(const std::string& name) { return maps_.states[session(name).index].rank; }
    [[nodiscard]] const ss_session_conf& conf(const std::string& name) {
        return maps_.sessions[session(name).index].conf;
    }
    Result<ChangePlan> apply(const Config& config) { return engine_->apply(desired_of(config), kNow); }

    PlainMaps maps_{map_sizes(square())};
    std::vector<int> asked_;
    std::vector<std::string> events_;
    std::unique_ptr<Engine> engine_;
};

}  // namespace sidestep
