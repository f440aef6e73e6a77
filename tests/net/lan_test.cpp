// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests several neighbors on one interface: when one dies, only packets routed by its gateways move.
#include <array>

#include <gtest/gtest.h>

#include "tests/net/protected_lab.hpp"

namespace sidestep::topo {
namespace {

class Lan : public ProtectedLab {
  protected:
    [[nodiscard]] std::string topology() const override { return SIDESTEP_NET_TESTS "/lan.yaml"; }

    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root to make network namespaces";
        build();
        ASSERT_EQ(shell("X",
                        "ip link add name lan type bridge && ip link set lan up && "
                        "for i in to-A to-B to-C; do ip link set $i master lan; done"),
                  "");
        const auto addresses = [&](const std::string& node, const std::string& number) {
            return shell(node, "ip addr add fd00:9::" + number + "/64 dev to-X nodad && ip addr add 10.9.0." + number +
                                   "/24 dev to-X");
        };
        ASSERT_EQ(addresses("A", "1") + addresses("B", "2") + addresses("C", "3"), "");
        ASSERT_EQ(shell("A",
                        "ip route add 2001:db8:b::/48 via fd00:9::2 metric 10 && "
                        "ip route add 203.0.113.0/25 via 10.9.0.2 metric 10 && "
                        "ip route add 2001:db8:c::/48 via fd00:9::3 metric 10 && "
                        "ip route add 203.0.113.128/25 via 10.9.0.3 metric 10"),
                  "");
        const auto a = lab().peer("S", "S-A").link_local.to_string();
        ASSERT_EQ(shell("S", "ip route add 2001:db8:c::/48 via " + a +
                                 " dev to-A && ip route add 203.0.113.128/25 via inet6 " + a + " dev to-A"),
                  "");
        auto dead = lab().install_cut("B-X");
        ASSERT_TRUE(dead) << dead.error().message;
        dead_.emplace(std::move(*dead));
    }

    [[nodiscard]] std::string config() const {
        return "node: {name: A, source-address: 'fd00:a::1'}\n"
               "ingress: [to-S]\n"
               "adjacencies:\n"
               "  - {name: LAN-B, interface: to-X, neighbor: 'fd00:9::2', gateways: [10.9.0.2], "
               "probe: {interval: 10ms, return-address: 'fd00:9::1', wait-to-restore: 100ms}, bypass: [{adjacency: "
               "A-B}]}\n"
               "  - {name: LAN-C, interface: to-X, neighbor: 'fd00:9::3', gateways: [10.9.0.3], "
               "probe: {interval: 10ms, return-address: 'fd00:9::1', wait-to-restore: 100ms}, bypass: [{adjacency: "
               "A-B}]}\n"
               "  - {name: A-B, interface: to-B, neighbor: '" +
               lab().peer("A", "A-B").link_local.to_string() + "', probe: {interval: 10ms, return-address: '" +
               lab().interface("A", "A-B").address.to_string() + "'}}\n";
    }
    Cut& dead() { return *dead_; }

  private:
    std::optional<Cut> dead_;
};

TEST_F(Lan, OnlyPacketsRoutedByTheDeadNeighborMove) {
    ASSERT_TRUE(start("A", config()));
    Flows to_b;
    Flows to_c;
    ASSERT_TRUE(to_b.add(lab(), "S", "B", {.rate = 1000}));
    ASSERT_TRUE(to_b.add_v4(lab(), "S", "B", {.rate = 1000}));
    ASSERT_TRUE(to_c.add(lab(), "S", "C", {.rate = 1000}));
    ASSERT_TRUE(to_c.add_v4(lab(), "S", "C", {.rate = 1000}));
    ASSERT_TRUE(to_b.pass());
    ASSERT_TRUE(to_c.pass());
    const auto cut_ns = dead().cut();
    EXPECT_TRUE(becomes("A", "down", "unanswered", "LAN-B"));
    EXPECT_TRUE(to_b.pass());
    EXPECT_TRUE(to_c.pass());
    const auto policies = ask("A", "policies")["policies"];
    const auto taken = [&](const std::string& adjacency) {
        for (const auto& policy : policies) {
            if (policy.value("bypass_of", "") == adjacency) return policy["candidates"][0].value("packets", 0);
        }
        return -1;
    };
    EXPECT_GE(taken("LAN-B"), 400);
    EXPECT_EQ(taken("LAN-C"), 0);
    EXPECT_EQ(session("A", "LAN-C").value("downs", -1), 0);
    dead().restore();
    EXPECT_TRUE(becomes("A", "up", "", "LAN-B"));
    EXPECT_TRUE(to_b.pass());
    EXPECT_TRUE(healed(to_b.stop(), cut_ns));
    EXPECT_TRUE(lossless(to_c.stop()));
}

}  // namespace
}  // namespace sidestep::topo
