// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests A's End.DT46: packets from within the SR domain and from an adjacency are unwrapped; everything else is dropped
// and counted (RFC 8754, 5.1).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/net/repair_lab.hpp"

namespace sidestep::topo {
namespace {

class Decapsulation : public RepairLab {
  protected:
    /// Makes `from` send packets for `prefix` through A's SID.
    void send_through_a(const std::string& from, const std::string& link, const std::string& prefix) {
        const auto& next = lab().peer(from, link);
        ASSERT_EQ(
            shell(from, fmt::format("ip route add {} encap seg6 mode encap segs {} dev {} metric 1 && ip sr tunsrc "
                                    "set {} && ip -6 route replace {}/128 via {} dev {} metric 1",
                                    prefix, decap("A").to_string(), lab().interface(from, link).name,
                                    lab().address(from).to_string(), decap("A").to_string(),
                                    next.link_local.to_string(), lab().interface(from, link).name)),
            "");
    }
};

TEST_F(Decapsulation, BothFamiliesFromWithinTheDomain) {
    ASSERT_TRUE(start("A", with(base_config("A"), "fd00::/16", "2001:db8:b::/48")));
    send_through_a("B", "A-B", "2001:db8:5::/48");
    send_through_a("B", "A-B", "198.51.100.0/24");
    Flows flows;
    ASSERT_TRUE(flows.add(lab(), "B", "S", {.rate = 1000}));
    ASSERT_TRUE(flows.add_v4(lab(), "B", "S", {.rate = 1000}));
    EXPECT_TRUE(flows.pass());
    EXPECT_TRUE(lossless(flows.stop()));
    EXPECT_GE(counter("A", "decapsulated"), 400U);
    EXPECT_EQ(counter("A", "not-in-domain"), 0U);
}

TEST_F(Decapsulation, NotFromOutsideTheDomain) {
    ASSERT_TRUE(start("A", base_config("A")));  // fd00::/16, which does not contain B's outer source
    send_through_a("B", "A-B", "2001:db8:5::/48");
    Flows flows;
    ASSERT_TRUE(flows.add(lab(), "B", "S", {.rate = 1000}));
    EXPECT_TRUE(eventually([&] { return counter("A", "not-in-domain") >= 100; }));
    for (const auto& report : flows.stop()) EXPECT_EQ(report.received, 0U);
    EXPECT_EQ(counter("A", "decapsulated"), 0U);
}

TEST_F(Decapsulation, NotByAnEdgeInterface) {
    ASSERT_TRUE(start("A", with(base_config("A"), "fd00::/16", "2001:db8::/32")));
    send_through_a("S", "S-A", "2001:db8:d::/48");
    Flows flows;
    ASSERT_TRUE(flows.add(lab(), "S", "D", {.rate = 1000}));
    EXPECT_TRUE(eventually([&] { return counter("A", "not-in-domain") >= 100; }));
    for (const auto& report : flows.stop()) EXPECT_EQ(report.received, 0U);
    EXPECT_EQ(counter("A", "decapsulated"), 0U);
}

}  // namespace
}  // namespace sidestep::topo
