// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests bypasses of routes that the FIB has no more, in the ways in which the kernel and routing daemons make them go.
// A-B is lost on A; the probes are too slow to tell.
#include <gtest/gtest.h>

#include "tests/net/repair_lab.hpp"

namespace sidestep::topo {
namespace {

/// For $f in both families, with D's prefix $p and A's route to it $r.
constexpr const char* kEachFamily =
    "for f in -4 -6; do p=203.0.113.0/24; [ $f = -6 ] && p=2001:db8:d::/48; r=$(ip $f route show $p); ";

class LostRoutes : public RepairLab {
  protected:
    void start() { ASSERT_TRUE(start_with(with_slow_probes(bypass_config("A")), base_config("B"))); }
    std::string each_family(const std::string& command) { return shell("A", kEachFamily + command + "; done"); }
    void heals(const std::string& node, const std::string& command) {
        auto flows = forward_flows();
        const auto before = now_ns();
        ASSERT_EQ(shell(node, command), "");
        EXPECT_TRUE(becomes("A", "down", "carrier-lost"));
        EXPECT_TRUE(flows.pass(500));
        EXPECT_TRUE(healed(flows.stop(), before));
        EXPECT_GT(taken("A", "A-B bypass", 0), 0U);
    }
};

TEST_F(LostRoutes, ShutDown) {
    start();
    heals("A", "ip link set dev to-B down");
}

TEST_F(LostRoutes, ShutDownTwice) {
    start();
    const auto addresses = shell("A", "ip -6 -br addr show dev to-B");
    const auto routes = each_family("echo $f route add $r");
    for (int i = 0; i < 2; ++i) {
        heals("A", "ip link set dev to-B down");
        if (HasFatalFailure()) return;
        ASSERT_EQ(
            shell("A", "ip link set dev to-B up; for a in $(echo '" + addresses +
                           "' | cut -d' ' -f3- | tr ' ' '\\n' | grep /); do ip addr replace $a dev to-B nodad; done; "
                           "echo '" +
                           routes + "' | while read r; do [ -z \"$r\" ] || ip $r; done"),
            "");
        EXPECT_TRUE(becomes("A", "up"));
    }
}

TEST_F(LostRoutes, WithoutCarrierWhereSuchRoutesAreIgnored) {
    ASSERT_EQ(shell("A",
                    "for f in 4 6; do for i in all to-B; do "
                    "echo 1 > /proc/sys/net/ipv$f/conf/$i/ignore_routes_with_linkdown; done; done"),
              "");
    start();
    heals("B", "ip link set dev to-A down");
}

TEST_F(LostRoutes, WithdrawnAtOnce) {
    start();
    heals("A", std::string(kEachFamily) + "ip $f route del $r; done; ip link set dev to-B down");
}

TEST_F(LostRoutes, ByNexthopObjects) {
    ASSERT_EQ(shell("A",
                    "echo 0 > /proc/sys/net/ipv4/nexthop_compat_mode; "
                    "ip nexthop add id 1 via $(ip -6 route show 2001:db8:d::/48 | sed 's/.* via \\([^ ]*\\) .*/\\1/') "
                    "dev to-B"),
              "");
    ASSERT_EQ(each_family("ip $f route del $r; ip $f route add $p nhid 1 metric 20"), "");
    start();
    heals("A", "ip link set dev to-B down");
}

TEST_F(LostRoutes, ByNexthopObjectsWithoutCarrier) {
    ASSERT_EQ(shell("A",
                    "ip nexthop add id 1 via $(ip -6 route show 2001:db8:d::/48 | sed 's/.* via \\([^ ]*\\) .*/\\1/') "
                    "dev to-B"),
              "");
    ASSERT_EQ(each_family("ip $f route del $r; ip $f route add $p nhid 1 metric 20"), "");
    start();
    heals("B", "ip link set dev to-A down");
}

TEST_F(LostRoutes, InATableThatARuleSelects) {
    ASSERT_EQ(
        each_family("ip $f rule add iif to-S lookup 100 pref 100; ip $f route del $r; ip $f route add $r table 100"),
        "");
    start();
    heals("A", "ip link set dev to-B down");
}

// The FIB's answer is then that one.
TEST_F(LostRoutes, UnderADefaultRoute) {
    ASSERT_EQ(each_family("ip $f route add blackhole default metric 500"), "");
    start();
    heals("A", "ip link set dev to-B down");
}

}  // namespace
}  // namespace sidestep::topo
