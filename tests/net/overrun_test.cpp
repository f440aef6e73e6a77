// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests what is known of the kernel after messages were lost: the reader's socket is small, and is not read while things
// change. One namespace, with veth pairs as needed.
#include <net/if.h>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "detector/core/stale_routes.hpp"
#include "detector/kernel/netlink.hpp"
#include "detector/kernel/route_watch.hpp"
#include "tests/net/scratch_ns.hpp"

namespace sidestep::topo {
namespace {

using testing::Contains;
using testing::IsSupersetOf;
using testing::Key;
using testing::Not;
using testing::StartsWith;

constexpr int kSmall = 1;  // the kernel makes some KiB of it

class Overrun : public testing::Test {
  protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root to make network namespaces";
        auto made = ScratchNs::make(1);
        ASSERT_TRUE(made) << made.error().message;
        ns_.emplace(std::move(*made));
        ASSERT_EQ(shell("ip link add name near type veth peer name far; ip link set near up; ip link set far up"), "");
    }
    void open() {
        auto netlink = (*ns_)[0].run([this] {
            return Netlink::open({.link = [this](const LinkChange& change) { hear(change); },
                                  .neighbor = [this](const NeighborChange& change) { hear(change); },
                                  .address = [this](const AddressChange& change) { hear(change); }},
                                 kSmall);
        });
        ASSERT_TRUE(netlink) << netlink.error().message;
        netlink_ = std::move(*netlink);
        ASSERT_TRUE(netlink_->dump());
    }
    void hear(const LinkChange& change) {
        if (change.gone) {
            std::erase_if(links_, [&](const auto& link) { return link.second.ifindex == change.ifindex; });
        } else {
            links_[change.name] = change;
        }
    }
    void hear(const NeighborChange& change) {
        const auto text = change.address.to_string();
        neighbors_.erase(text);
        if (change.status == NeighborStatus::usable) neighbors_.insert(text);
    }
    void hear(const AddressChange& change) {
        const auto text = change.address.to_string();
        addresses_.erase(text);
        if (!change.gone) addresses_.insert(text);
    }
    std::string shell(const std::string& command) { return ns_->shell(command); }
    /// Fills the socket with messages that say nothing of what the tests ask for.
    void flood() {
        const std::string each = "ip link set far mtu 1400; ip link set far mtu 1500; ";
        ASSERT_EQ(shell("i=0; while [ $i -lt 20 ]; do " + each + "i=$((i+1)); done"), "");
        const auto lost = shell("awk 'NR > 1 && $2 == 0 {lost += $9} END {print lost + 0}' /proc/net/netlink");
        ASSERT_NE(lost, "0\n") << "nothing was lost";
    }
    void read() {
        const auto done = netlink_->read();
        ASSERT_TRUE(done) << done.error().message;
    }

    std::optional<ScratchNs> ns_;
    std::unique_ptr<Netlink> netlink_;
    std::map<std::string, LinkChange> links_;
    std::set<std::string> neighbors_;
    std::set<std::string> addresses_;
};

// The carrier goes, messages are lost, and the carrier's return is among them.
TEST_F(Overrun, OldNewsDoesNotFollowTheDump) {
    open();
    ASSERT_TRUE(links_.at("near").running);
    ASSERT_EQ(shell("ip link set far down"), "");
    flood();
    ASSERT_EQ(shell("ip link set far up"), "");
    read();
    EXPECT_TRUE(links_.at("near").running);
    EXPECT_TRUE(links_.at("far").running);
}

TEST_F(Overrun, ALinkThatIsGoneIsToldToBe) {
    ASSERT_EQ(
        shell("ip link add name third type veth peer name fourth; ip link add name fifth type veth peer name sixth"),
        "");
    open();
    ASSERT_THAT(links_, Contains(Key("third")));
    flood();
    // Another one takes the name of the first.
    ASSERT_EQ(shell("ip link del third; ip link del fifth; ip link add name third type veth peer name fourth"), "");
    read();
    EXPECT_THAT(links_, Not(Contains(Key("fifth"))));
    ASSERT_THAT(links_, Contains(Key("third")));
    EXPECT_THAT(shell("ip -o link show third"), StartsWith(std::to_string(links_.at("third").ifindex) + ":"));
}

TEST_F(Overrun, AnAddressThatIsGoneIsToldToBe) {
    ASSERT_EQ(shell("ip addr add 2001:db8::1/64 dev near; ip addr add 192.0.2.1/24 dev near"), "");
    open();
    ASSERT_THAT(addresses_, IsSupersetOf({"2001:db8::1", "192.0.2.1"}));
    flood();
    ASSERT_EQ(shell("ip addr del 2001:db8::1/64 dev near; ip addr del 192.0.2.1/24 dev near; ip addr add "
                    "2001:db8::2/64 dev near"),
              "");
    read();
    EXPECT_THAT(addresses_, Not(Contains("2001:db8::1")));
    EXPECT_THAT(addresses_, Not(Contains("192.0.2.1")));
    EXPECT_THAT(addresses_, Contains("2001:db8::2"));
}

TEST_F(Overrun, ANeighborThatIsGoneIsToldToBe) {
    ASSERT_EQ(shell("ip neigh add fe80::1 lladdr 02:00:00:00:00:01 dev near"), "");
    open();
    ASSERT_THAT(neighbors_, Contains("fe80::1"));
    flood();
    ASSERT_EQ(shell("ip neigh del fe80::1 dev near; ip neigh add fe80::2 lladdr 02:00:00:00:00:02 dev near"), "");
    read();
    EXPECT_THAT(neighbors_, Not(Contains("fe80::1")));
    EXPECT_THAT(neighbors_, Contains("fe80::2"));
}

// By the memory that bypasses are found with. Its watch is read in small portions.
TEST_F(Overrun, ARouteThatIsGoneIsToldToBe) {
    ASSERT_EQ(shell("ip addr add 192.0.2.1/24 dev near; ip nexthop add id 1 via 192.0.2.9 dev near; "
                    "ip route add 10.1.0.0/16 via 192.0.2.9; ip route add 10.2.0.0/16 nhid 1; "
                    "ip -6 route add 2001:db8:1::/48 via fe80::9 dev near"),
              "");
    StaleRoutes memory([](const RouteHop&) { return 2U; });
    auto watch = (*ns_)[0].run([&] {
        return RouteWatch::open({.route = [&](const RouteChange& change) { memory.on_route(change, {}); },
                                 .nexthop = [&](const NextHopChange& change) { memory.on_nexthop(change, {}); },
                                 .rules = [&](RouteFamily family, const RuleSet& set) { memory.on_rules(family, set); },
                                 .doubt_nexthops = [&] { memory.doubt_nexthops(); },
                                 .doubt_routes = [&] { memory.doubt_routes(); },
                                 .told =
                                     [&](bool complete) {
                                         EXPECT_TRUE(complete);
                                         memory.sweep({});
                                     },
                                 .rules_changed = [] {}},
                                kSmall);
    });
    ASSERT_TRUE(watch) << watch.error().message;
    ASSERT_TRUE((*watch)->dump());
    const auto has = [&](const char* prefix) {
        return memory.routes().has(*Prefix::parse(prefix), RouteChange::kMainTable);
    };
    ASSERT_TRUE(has("10.1.0.0/16") && has("10.2.0.0/16") && has("2001:db8:1::/48"));
    ASSERT_EQ(shell("i=0; while [ $i -lt 60 ]; do ip route add 10.9.$i.0/24 via 192.0.2.9; i=$((i+1)); done"), "");
    ASSERT_EQ(shell("ip route del 10.1.0.0/16; ip nexthop del id 1; ip -6 route del 2001:db8:1::/48; "
                    "ip route add 10.3.0.0/16 via 192.0.2.9"),
              "");
    while (!(*watch)->read(2)) {
    }
    EXPECT_FALSE(has("10.1.0.0/16") || has("10.2.0.0/16") || has("2001:db8:1::/48"));
    EXPECT_TRUE(has("10.3.0.0/16") && has("10.9.0.0/24") && has("10.9.59.0/24"));
}

TEST_F(Overrun, WhatHappensAfterwardsIsHeard) {
    open();
    flood();
    read();
    ASSERT_EQ(shell("ip link set far down"), "");
    read();
    EXPECT_FALSE(links_.at("near").running);
}

}  // namespace
}  // namespace sidestep::topo
