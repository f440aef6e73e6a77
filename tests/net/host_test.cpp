// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A host that is full of other people's configuration is, after sidestepd has ended, what it was before: byte for byte.
#include <cstdlib>
#include <ostream>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/net/host_snapshot.hpp"
#include "tests/net/repair_lab.hpp"

namespace sidestep::topo {
namespace {

/// Things that people do to hosts, near to what sidestepd does where possible. "may": not every kernel has it.
constexpr const char* kBelongings = R"(
set -e
may() { "$@" 2>/dev/null || true; }
# links
ip link add d0 type veth peer name p0
ip link set p0 up
ip link set d0 up mtu 1400 txqueuelen 77 alias "sidestep uplink" group 9
ip link property add dev d0 altname ss-alternative
ip link add br0 type bridge ageing_time 7000
ip link set br0 up
ip link add v0 type veth peer name v1
ip link set v0 master br0 up
ip link set v1 up
may ip link add link to-C name to-C.7 type vlan id 7
may ip link set to-C.7 up
may ip link add vrf0 type vrf table 500
may ip link set vrf0 up
may ip link add x0 type vxlan id 7 dstport 4789 dev to-C
may ip link set x0 master vrf0 up
may ip link add i0 type ifb
# addresses
ip addr add 10.77.0.1/24 dev d0 label d0:1
ip addr add 10.77.0.2/24 dev d0
ip addr add 2001:db8:77::1/64 dev d0 nodad valid_lft 7200 preferred_lft 0
ip addr add 2001:db8:78::1/64 dev v1 nodad noprefixroute
may ip addr add 2001:db8:79::1/64 dev to-C.7 nodad
# neighbors
ip neigh add 10.77.0.9 lladdr 02:00:00:00:00:09 dev d0 nud permanent
ip neigh add 10.77.0.10 lladdr 02:00:00:00:00:0a dev d0 nud noarp
ip neigh add 2001:db8:77::9 lladdr 02:00:00:00:00:09 dev d0 nud permanent router
ip neigh add fe80::99 lladdr 02:00:00:00:00:99 dev to-B nud permanent
ip neigh add fe80::98 lladdr 02:00:00:00:00:98 dev to-C nud noarp
ip neigh add fe80::97 lladdr 02:00:00:00:00:97 dev to-C nud stale
ip neigh add proxy 2001:db8:77::aa dev d0
ip neigh add proxy 10.77.0.77 dev d0
# nexthops and routes
ip nexthop add id 7 via fe80::99 dev to-B
ip nexthop add id 8 via fe80::98 dev to-C
ip nexthop add id 9 group 7,3/8
ip -6 route add 2001:db8:a1::/48 nhid 9
ip -6 route add 2001:db8:a2::/48 via fe80::99 dev to-B metric 7 mtu 1300 proto 42
ip -6 route add 2001:db8:a2::/48 via fe80::98 dev to-C metric 8
ip -6 route add 2001:db8:a3::/48 nexthop via fe80::99 dev to-B weight 2 nexthop via fe80::98 dev to-C
ip -6 route add 2001:db8:a4::/48 from 2001:db8:5::/48 via fe80::98 dev to-C
ip -6 route add 2001:db8:a5::/48 dev d0 expires 3600
ip -6 route add 2001:db8:a6::/48 encap seg6 mode encap segs fd00:c::1 dev to-C
ip -6 route add blackhole 2001:db8:a7::/48
ip -6 route add unreachable 2001:db8:a8::/48 metric 4278198272
ip -6 route add 2001:db8:a9::/48 via fe80::99 dev to-B table 100
ip -6 route add default via fe80::98 dev to-C table 100 proto bird
ip -6 route add 2001:db8:d::/48 via fe80::98 dev to-C table 862
ip route add 10.78.0.0/24 dev d0 src 10.77.0.2 table 100
ip route add 10.78.0.0/25 via 10.77.0.9 metric 5
ip route add prohibit 10.78.0.128/25
ip route add 10.79.0.128/25 nexthop via 10.77.0.9 dev d0 nexthop via 10.77.0.10 dev d0
# rules
ip -6 rule add pref 862 fwmark 0x862/0xfff table 862
ip -6 rule add pref 863 from 2001:db8:5::/48 iif to-S to 2001:db8:aa::/48 table 100
ip rule add pref 86 fwmark 86 table 100
ip rule add pref 87 to 10.78.0.0/24 prohibit
# qdiscs, classes and filters
tc qdisc add dev to-B root handle 1: htb default 1
tc class add dev to-B parent 1: classid 1:1 htb rate 10gbit quantum 15000
tc class add dev to-B parent 1: classid 1:2 htb rate 1gbit quantum 1500
tc filter add dev to-B parent 1: protocol ipv6 prio 1 u32 match u32 0 0 flowid 1:1
tc qdisc replace dev d0 root tbf rate 1gbit burst 100k latency 5ms
tc qdisc add dev to-S clsact
tc filter add dev to-S ingress prio 1 protocol ipv6 u32 match u32 0 0
tc filter add dev to-S ingress prio 900 protocol all u32 match u32 0 0
may tc filter add dev to-S ingress prio 901 protocol all matchall action pass
tc filter add dev to-S egress prio 862 protocol ipv6 u32 match u32 0 0
tc qdisc add dev to-C clsact
tc qdisc add dev v1 ingress
tc filter add dev v1 ingress prio 862 protocol ip u32 match u32 0 0
# sysctls
cd /proc/sys/net
echo 1 > ipv4/conf/d0/rp_filter
echo 2 > ipv6/conf/d0/accept_ra
echo 1 > ipv6/conf/d0/seg6_enabled
echo 1 > ipv6/conf/d0/keep_addr_on_down
echo 0 > ipv6/conf/default/accept_dad
echo 1 > ipv6/fib_multipath_hash_policy
echo 1 > ipv4/fib_multipath_hash_policy
echo 333 > ipv6/neigh/to-B/retrans_time_ms
echo 444 > ipv6/neigh/d0/gc_stale_time
)";

struct Way {
    const char* name;
    const char* attach;    ///< SIDESTEP_ATTACH
    const char* steering;  ///< as RepairLab::steered_config has it, or "xdp"
};

/// For GoogleTest.
void PrintTo(const Way& way, std::ostream* out) {
    *out << way.name;
}

class Host : public RepairLab, public testing::WithParamInterface<Way> {
  protected:
    void SetUp() override {
        if (std::string_view(GetParam().attach) == "tcx" && !tcx_available())
            GTEST_SKIP() << "this kernel has no tcx (Linux 6.6)";
        ::setenv("SIDESTEP_ATTACH", GetParam().attach, 1);
        RepairLab::SetUp();
        if (IsSkipped()) return;
        config_ = at_way();
        ASSERT_EQ(shell("A", kBelongings), "");
        for (const auto* node : {"B", "C"})
            ASSERT_TRUE(lab().wait_reachable("A", node));  // known before and afterwards
        const auto neighbor = lab().peer("A", "A-B");
        ASSERT_EQ(
            shell("A", fmt::format("ip neigh replace {} lladdr {} dev {} nud permanent",
                                   neighbor.link_local.to_string(), neighbor.mac, lab().interface("A", "A-B").name)),
            "");
        // Links come up, bridges learn, addresses become valid.
        EXPECT_TRUE(wait_for(kPatience, [&] { return std::exchange(before_, snapshot()) == before_; }));
    }
    std::string at_way() {
        const std::string steering = GetParam().steering;
        if (steering == "xdp") return at_xdp("A", policy_config("A"));
        if (steering == "bypass") return bypass_config("A");
        return steered_config(steering);
    }
    [[nodiscard]] std::string snapshot() const { return host_snapshot(lab().netns("A")); }
    [[nodiscard]] std::string difference() const { return host_difference(before_, snapshot()); }
    void flush() {
        const auto flushed = run_sidestepd("A", config_, {}, "", {"--flush"});
        EXPECT_EQ(flushed.code, 0) << flushed.output;
    }

    std::string config_;
    std::string before_;
};

TEST_P(Host, IsAsItWasAfterSigterm) {
    ASSERT_TRUE(start("A", config_));
    EXPECT_NE(difference(), "");
    ASSERT_TRUE(stop("A"));
    EXPECT_EQ(difference(), "");
}

TEST_P(Host, IsAsItWasAfterACrashAndFlush) {
    ASSERT_TRUE(start("A", config_));
    ASSERT_TRUE(kill("A"));
    flush();
    EXPECT_EQ(difference(), "");
    flush();  // nothing is there that could be removed
    EXPECT_EQ(difference(), "");
}

TEST_P(Host, IsAsItWasAfterACrashAndASuccessorsEnd) {
    ASSERT_TRUE(start("A", config_));
    ASSERT_TRUE(kill("A"));
    ASSERT_TRUE(start("A", config_));
    ASSERT_TRUE(stop("A"));
    EXPECT_EQ(difference(), "");
}

TEST_P(Host, IsAsItWasAfterFailures) {
    ASSERT_TRUE(start("A", config_));
    cut().cut();
    EXPECT_TRUE(becomes("A", "down", "unanswered"));
    EXPECT_FALSE(wait_for(1500ms, [&] { return session("A").value("state", "") != "down"; }));
    cut().restore();
    EXPECT_TRUE(becomes("A", "up"));
    ASSERT_TRUE(stop("A"));
    EXPECT_EQ(difference(), "");
}

TEST_P(Host, IsAsItWasAfterAStartThatIsRefused) {
    const auto refused = run_sidestepd("A", with(config_, "wait-to-restore: 100ms", "wait-to-restore: 100mss"));
    EXPECT_EQ(refused.code, 2);
    EXPECT_EQ(difference(), "");
}

INSTANTIATE_TEST_SUITE_P(Ways, Host,
                         testing::Values(Way{"Tcx", "tcx", "transit"}, Way{"Clsact", "clsact", "transit"},
                                         Way{"TcxBypass", "tcx", "bypass"}, Way{"TcxDevice", "tcx", "device"},
                                         Way{"ClsactDevice", "clsact", "device"},
                                         Way{"ClsactLwtXmit", "clsact", "lwt-xmit"}, Way{"Xdp", "tcx", "xdp"}),
                         [](const auto& way) { return std::string(way.param.name); });

}  // namespace
}  // namespace sidestep::topo
