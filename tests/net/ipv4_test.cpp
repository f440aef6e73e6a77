// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Adjacencies whose neighbors are known by IPv4, on links that have no IPv6 at all:
//
//     S --- A ======= B --- D
//            \       /
//             `- C -'
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/net/repair_lab.hpp"

namespace sidestep::topo {
namespace {

using testing::HasSubstr;
using testing::Not;

class Ipv4Lab : public RepairLab {
  protected:
    void SetUp() override {
        ASSERT_NO_FATAL_FAILURE(RepairLab::SetUp());
        if (IsSkipped()) return;
        // Both families' routes of the lab go by link-local addresses of IPv6, which go now.
        each_node(
            "ip route flush proto static; ip route flush proto boot; "
            "for i in /proc/sys/net/ipv6/conf/to-*; do echo 1 > $i/disable_ipv6; done");
        link("A", 1, "B", {"192.0.2.0/26", "198.51.100.0/24"}, {"192.0.2.64/26", "203.0.113.0/24"});
        link("A", 2, "C", {"192.0.2.0/26", "198.51.100.0/24"}, {});
        link("C", 3, "B", {}, {"192.0.2.64/26", "203.0.113.0/24"});
        link("S", 4, "A", {"198.51.100.0/24"}, {"0.0.0.0/0"});
        link("B", 5, "D", {"0.0.0.0/0"}, {"203.0.113.0/24"});
        ASSERT_EQ(shell("A", "ip -6 -br address show dev to-B | grep -c fe80"), "0\n");
    }

    void each_node(const std::string& command) {
        for (const auto* node : {"A", "B", "C", "S", "D"}) ASSERT_EQ(shell(node, command), "") << node;
    }
    /// A link is 10.0.NUMBER.0/24; what is behind each end goes by it.
    void link(const std::string& first, int number, const std::string& second,
              const std::vector<std::string>& behind_first, const std::vector<std::string>& behind_second) {
        const auto end = [&](const std::string& node, const std::string& peer, int own, int other,
                             const std::vector<std::string>& behind_peer) {
            auto command = fmt::format("ip address add 10.0.{}.{}/24 dev to-{}", number, own, peer);
            for (const auto& prefix : behind_peer)
                command += fmt::format(" && ip route add {} via 10.0.{}.{} dev to-{}", prefix, number, other, peer);
            ASSERT_EQ(shell(node, command), "") << node;
        };
        end(first, second, 1, 2, behind_second);
        end(second, first, 2, 1, behind_first);
    }
    static std::string node_config(const std::string& node) {
        return node == "A" ? "node: {name: A, source-address-ipv4: 192.0.2.1}\ningress: [to-S]\nadjacencies:\n"
                           : "node: {name: B, source-address-ipv4: 192.0.2.65}\ningress: [to-D]\nadjacencies:\n";
    }
    static std::string adjacency(const std::string& name, const std::string& interface, const std::string& own,
                                 const std::string& neighbor, const std::string& bypass = "") {
        return fmt::format(
            "  - name: {}\n    interface: {}\n    neighbor: {}\n"
            "    probe: {{interval: 1ms, multiplier: 3, return-address: {}, wait-to-restore: 100ms}}\n{}",
            name, interface, neighbor, own, bypass);
    }
    /// The links of A or B, to the other and to C.
    static std::string links(const std::string& node, const std::string& bypass = "") {
        if (node == "A")
            return node_config(node) + adjacency("A-B", "to-B", "10.0.1.1", "10.0.1.2", bypass) +
                   adjacency("A-C", "to-C", "10.0.2.1", "10.0.2.2");
        return node_config(node) + adjacency("A-B", "to-A", "10.0.1.2", "10.0.1.1", bypass) +
               adjacency("C-B", "to-C", "10.0.3.2", "10.0.3.1");
    }
    static std::string backup(const std::string& node) { return node == "A" ? "A-C" : "C-B"; }
    static std::string with_bypass(const std::string& node) {
        return links(node, fmt::format("    bypass: [{{adjacency: {}}}]\n", backup(node)));
    }
    static std::string with_policy(const std::string& node) {
        return links(node) + fmt::format(
                                 "policies:\n  - name: far\n    prefixes: [{}]\n    candidates: [{{adjacency: A-B}}, "
                                 "{{adjacency: {}}}]\n",
                                 node == "A" ? "203.0.113.0/24, 192.0.2.64/26" : "198.51.100.0/24, 192.0.2.0/26",
                                 backup(node));
    }
    Flows both_ways() {
        Flows flows;
        EXPECT_TRUE(flows.add_v4(lab(), "S", "D", {.rate = 1000}));
        EXPECT_TRUE(flows.add_v4(lab(), "D", "S", {.rate = 1000}));
        return flows;
    }
    /// A's entry for B.
    std::string entry() { return shell("A", "ip neigh show 10.0.1.2 dev to-B"); }
    std::string mac_of_b() { return lab().peer("A", "A-B").mac; }
    /// Longer than any pause between two looks for neighbors that do not answer.
    testing::AssertionResult stays(const std::string& expected) {
        std::string seen;
        if (!wait_for(2500ms, [&] { return (seen = entry()) != expected; })) return testing::AssertionSuccess();
        return testing::AssertionFailure() << "'" << expected << "' became '" << seen << "'";
    }
    std::string doctor() { return cli("A", fmt::format("doctor --config {}/A.yaml", run_directory("A"))); }
};

TEST_F(Ipv4Lab, APolicyLeavesTheCutLinkAndReturns) {
    ASSERT_TRUE(start_with(with_policy("A"), with_policy("B")));
    survives_cut(both_ways());
    EXPECT_GT(taken("A", "far", 1), 0U);
    EXPECT_GT(taken("B", "far", 1), 0U);
}

TEST_F(Ipv4Lab, ABypassTakesTheRoutesOfTheCutLinkAndReturns) {
    ASSERT_TRUE(start_with(with_bypass("A"), with_bypass("B")));
    survives_cut(both_ways());
    EXPECT_GT(taken("A", "A-B bypass", 0), 0U);
    EXPECT_GT(taken("B", "A-B bypass", 0), 0U);
}

TEST_F(Ipv4Lab, NothingIsLostWhileNothingFails) {
    ASSERT_TRUE(start_with(with_policy("A"), with_policy("B")));
    auto flows = both_ways();
    EXPECT_TRUE(flows.pass(2000));
    EXPECT_TRUE(lossless(flows.stop()));
    EXPECT_EQ(session("A").value("downs", -1), 0);
    EXPECT_EQ(taken("A", "far", 1) + taken("B", "far", 1), 0U);
}

TEST_F(Ipv4Lab, TheInterfaceThatIsShutDownLosesItsRoutesAndTheBypassTakesThem) {
    ASSERT_TRUE(start_with(with_bypass("A"), with_bypass("B")));
    auto flows = both_ways();
    ASSERT_TRUE(flows.pass());
    const auto before = now_ns();
    ASSERT_EQ(shell("A", "ip link set dev to-B down"), "");
    EXPECT_TRUE(becomes("A", "down", "carrier-lost"));
    EXPECT_TRUE(flows.pass(500));
    EXPECT_TRUE(healed(flows.stop(), before));
}

TEST_F(Ipv4Lab, BfdIsSpokenWithSuchNeighbors) {
    const auto speaks = [](std::string config, const std::string& probe) {
        return with(std::move(config), probe, "bfd: {interval: 10ms, multiplier: 3, wait-to-restore: 100ms}");
    };
    const std::string probe = "probe: {interval: 1ms, multiplier: 3, return-address: 10.0.1.";
    ASSERT_TRUE(launch("A", speaks(with_policy("A"), probe + "1, wait-to-restore: 100ms}")));
    ASSERT_TRUE(start("B", speaks(with_policy("B"), probe + "2, wait-to-restore: 100ms}")));
    ASSERT_TRUE(becomes("A", "up"));
    auto flows = both_ways();
    ASSERT_TRUE(flows.pass());
    const auto cut_ns = cut().cut();
    EXPECT_TRUE(becomes("A", "down", "unanswered"));
    EXPECT_TRUE(flows.pass());
    cut().restore();
    EXPECT_TRUE(becomes("A", "up"));
    EXPECT_TRUE(becomes("B", "up"));
    EXPECT_TRUE(healed(flows.stop(), cut_ns));
}

// The neighbor's route to our source is by this link, so its filter lets the probes in.
TEST_F(Ipv4Lab, AStrictReversePathFilterAtTheNeighborsPassesProbes) {
    for (const auto* node : {"B", "C"})
        ASSERT_EQ(shell(node, "for i in all to-A; do echo 1 > /proc/sys/net/ipv4/conf/$i/rp_filter; done"), "");
    ASSERT_TRUE(start("A", with_policy("A")));
    EXPECT_EQ(session("A").value("downs", -1), 0);
}

TEST_F(Ipv4Lab, ANeighborWhoseFilterDropsProbesIsNamedByDoctor) {
    ASSERT_EQ(shell("B",
                    "echo 1 > /proc/sys/net/ipv4/conf/to-A/rp_filter; "
                    "ip route replace 192.0.2.0/26 via 10.0.3.1 dev to-C"),
              "");
    ASSERT_TRUE(launch("A", with_policy("A")));
    ASSERT_TRUE(becomes("A", "down", "unproven"));
    EXPECT_THAT(doctor(), testing::AllOf(HasSubstr("strict reverse path filter"), HasSubstr("ip route get 192.0.2.1")));
    EXPECT_TRUE(eventually([&] { return cli("A", "status").contains("rp_filter"); })) << "the likely cause";
    ASSERT_EQ(shell("B", "ip route replace 192.0.2.0/26 via 10.0.1.1 dev to-A"), "");
    EXPECT_TRUE(becomes("A", "up"));
    EXPECT_THAT(doctor(), Not(HasSubstr("error: ")));
}

TEST_F(Ipv4Lab, ASourceOnTheLinkIsNamedByDoctor) {
    ASSERT_TRUE(launch("A", with(with_policy("A"), "source-address-ipv4: 192.0.2.1", "source-address-ipv4: 10.0.1.7")));
    EXPECT_THAT(doctor(), HasSubstr("source-address-ipv4 10.0.1.7 is in the subnet of to-B"));
}

// A router says that it sends a probe back by the interface that it came in by: a few times, and our kernel takes no
// route for its own address.
TEST_F(Ipv4Lab, RedirectsChangeNothing) {
    for (const auto* node : {"A", "B"})
        ASSERT_EQ(shell(node,
                        "for f in send_redirects accept_redirects; do for i in all to-A to-B; do "
                        "[ ! -e /proc/sys/net/ipv4/conf/$i ] || echo 1 > /proc/sys/net/ipv4/conf/$i/$f; done; done"),
                  "");
    ASSERT_TRUE(start_with(with_policy("A"), with_policy("B")));
    auto flows = both_ways();
    EXPECT_TRUE(flows.pass(1000));
    EXPECT_TRUE(lossless(flows.stop()));
    const auto sent = shell("B", "awk '/^Icmp:/ && n++ {print $22}' /proc/net/snmp");
    EXPECT_LE(std::stoi("0" + sent), 40) << "of thousands of probes";
    EXPECT_THAT(shell("A", "ip route get 10.0.1.1"), HasSubstr("local 10.0.1.1"));
    EXPECT_EQ(session("A").value("downs", -1), 0);
}

TEST_F(Ipv4Lab, DoctorFindsNothingWrong) {
    ASSERT_TRUE(start("A", with_policy("A")));
    EXPECT_THAT(doctor(), testing::AllOf(Not(HasSubstr("error: ")), Not(HasSubstr("IPv6"))));
}

TEST_F(Ipv4Lab, InitProposesThem) {
    ASSERT_EQ(shell("A",
                    "ping -c 1 -W 2 10.0.1.2 > /dev/null; ping -c 1 -W 2 10.0.2.2 > /dev/null; "
                    "ip route add 192.0.2.128/26 via 10.0.2.2; ip -6 address flush dev lo"),
              "");
    const auto text = cli("A", "init --node A");
    EXPECT_THAT(text, testing::AllOf(HasSubstr("source-address-ipv4: 192.0.2.1"), HasSubstr("neighbor: \"10.0.1.2\""),
                                     HasSubstr("return-address: \"10.0.1.1\""), Not(HasSubstr("source-address: "))));
    const auto file = lab().directory() + "/made.yaml";
    std::ofstream(file) << text;
    EXPECT_THAT(cli("A", "check --interfaces " + file + "; echo exit code $?"), HasSubstr("exit code 0"));
    ASSERT_TRUE(launch("A", text)) << text;
    // Nothing tells that S does not forward.
    for (const auto* link : {"to-B", "to-C"}) EXPECT_TRUE(becomes("A", "up", "", link)) << text;
}

class Ipv4StaticNeighbor : public Ipv4Lab, public testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(States, Ipv4StaticNeighbor, testing::Values("permanent", "noarp"),
                         [](const auto& state) { return std::string(state.param); });

TEST_P(Ipv4StaticNeighbor, IsUsedAndLeftAsItIs) {
    ASSERT_EQ(shell("A", fmt::format("ip neigh replace 10.0.1.2 lladdr {} dev to-B nud {}", mac_of_b(), GetParam())),
              "");
    const auto before = entry();
    ASSERT_TRUE(start("A", with_policy("A")));
    EXPECT_TRUE(stays(before));
    cut().cut();
    EXPECT_TRUE(becomes("A", "down", "unanswered"));
    EXPECT_TRUE(stays(before));
    cut().restore();
    EXPECT_TRUE(becomes("A", "up"));
    ASSERT_TRUE(stop("A"));
    EXPECT_EQ(entry(), before);
}

TEST_F(Ipv4Lab, ANeighborThatNobodyKnowsIsResolved) {
    shell("A", "ip neigh del 10.0.1.2 dev to-B");
    ASSERT_TRUE(start("A", with_policy("A")));
    EXPECT_THAT(entry(), HasSubstr(mac_of_b()));
}

TEST_F(Ipv4Lab, ANeighborThatFailedIsResolved) {
    ASSERT_EQ(shell("B", "ip address del 10.0.1.2/24 dev to-A"), "");
    shell("A", "ip neigh del 10.0.1.2 dev to-B");
    ASSERT_TRUE(launch("A", with_policy("A")));
    EXPECT_TRUE(wait_for(kPatience, [&] { return entry().find("FAILED") != std::string::npos; })) << entry();
    ASSERT_EQ(shell("B", "ip address add 10.0.1.2/24 dev to-A && ip route add 192.0.2.0/26 via 10.0.1.1 dev to-A"), "");
    EXPECT_TRUE(becomes("A", "up"));
}

// The kernel believes its entry for up to 45 s, and no packet makes it look: probes do not go by its table.
TEST_F(Ipv4Lab, AnotherMacAddressIsFoundOut) {
    ASSERT_TRUE(start("A", with_policy("A")));
    ASSERT_EQ(shell("B", "ip link set dev to-A address 02:53:ff:ff:ff:ff"), "");
    EXPECT_TRUE(becomes("A", "down", "unanswered"));
    EXPECT_TRUE(becomes("A", "up"));
    EXPECT_THAT(entry(), HasSubstr("02:53:ff:ff:ff:ff"));
}

TEST_F(Ipv4Lab, ATableThatIsFlushedTakesNothingDown) {
    ASSERT_TRUE(start_with(with_policy("A"), with_policy("B")));
    auto flows = both_ways();
    for (int i = 0; i < 5; ++i) {
        ASSERT_TRUE(flows.pass());
        ASSERT_EQ(shell("A", "ip -4 neigh flush all"), "");
    }
    EXPECT_TRUE(flows.pass(500));
    EXPECT_EQ(session("A").value("downs", -1), 0);
    EXPECT_EQ(session("A").value("state", ""), "up");
}

}  // namespace
}  // namespace sidestep::topo
