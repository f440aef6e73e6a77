// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the lookup of a destination's policy: the longest prefix, and the bank in force.
#include "tests/bpf/repairing.hpp"

namespace sidestep {
namespace {

// Slot s has one path, with s segments.
class Tables : public testing::Test {
  protected:
    void SetUp() override {
        if (!programs_.why_not().empty()) GTEST_SKIP() << programs_.why_not();
        for (std::uint32_t slot = 1; slot <= 6; ++slot) {
            programs_.set_path(slot, encaps_list(1, slot));
            programs_.set_policy(slot, {slot});
        }
        programs_.lower(0);
    }

    // The slot that repaired a packet; 0: the packet was passed.
    unsigned slot_of(const Bytes& packet) {
        const auto result = programs_.ingress(packet);
        if (result.code == kPass) return 0;
        return result.packet.at(kEthernetLength + kIpv6Length + 4) + 1U;
    }
    unsigned v6(std::string_view to) { return slot_of(packet(Ipv6{.to = to}, udp(1, 2, 1))); }
    unsigned v4(std::string_view to) { return slot_of(packet(Ipv4{.to = to}, udp(1, 2, 1))); }

    void add(std::string_view prefix, std::uint32_t slot) { programs_.set_prefix(*Prefix::parse(prefix), slot); }

    Programs programs_;
};

// RFC 4291, 2.5 and 2.7; RFC 1812, 5.3.7: the kernel drops or accepts these packets, whatever is down.
TEST_F(Tables, PacketsThatNoRouterForwardsAreLeftAlone) {
    add("::/0", 1);
    add("0.0.0.0/0", 2);
    EXPECT_EQ(v6("2001:db8::1"), 1U);
    EXPECT_EQ(v4("203.0.113.1"), 2U);
    for (const auto* const bad : {"::", "::1", "fe80::1", "ff02::1", "ff0e::1", "ffff::1"}) {
        SCOPED_TRACE(bad);
        EXPECT_EQ(v6(bad), 0U);
        EXPECT_EQ(slot_of(packet(Ipv6{.from = bad, .to = "2001:db8::1"}, udp(1, 2, 3))), 0U);
    }
    for (const auto* const bad : {"0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.255.255", "169.254.0.1",
                                  "169.254.255.255", "224.0.0.1", "239.255.255.255", "255.255.255.255"}) {
        SCOPED_TRACE(bad);
        EXPECT_EQ(v4(bad), 0U);
        EXPECT_EQ(slot_of(packet(Ipv4{.from = bad, .to = "203.0.113.1"}, udp(1, 2, 3))), 0U);
    }
    for (const auto* const good : {"1.0.0.0", "126.255.255.255", "128.0.0.1", "169.253.255.255", "169.255.0.1",
                                   "223.255.255.255", "255.255.255.254"}) {
        SCOPED_TRACE(good);
        EXPECT_EQ(v4(good), 2U);
    }
    EXPECT_EQ(v6("::2"), 1U);
}

TEST_F(Tables, TheLongestPrefixWins) {
    // Added in no order, to see that the list of lengths is sorted.
    add("2001:db8:d::/48", 3);
    add("2001:db8:d:1::1/128", 5);
    add("::/0", 1);
    add("2001:db8:d:1::/64", 4);
    add("2001:db8::/32", 2);
    EXPECT_EQ(v6("2001:db8:d:1::1"), 5U);
    EXPECT_EQ(v6("2001:db8:d:1::2"), 4U);
    EXPECT_EQ(v6("2001:db8:d:2::1"), 3U);
    EXPECT_EQ(v6("2001:db8:e::1"), 2U);
    EXPECT_EQ(v6("2001:db9::1"), 1U);
    EXPECT_EQ(v6("fe80::1"), 0U) << "link-local packets do not leave their link";
    EXPECT_EQ(v6("febf::1"), 0U);
    EXPECT_EQ(v6("fec0::1"), 1U);
    EXPECT_EQ(v6("ff02::1"), 0U);
    EXPECT_EQ(v4("203.0.113.1"), 0U) << "no IPv4 prefix yet";

    add("10.0.0.0/8", 6);
    add("10.1.2.3/32", 5);
    add("0.0.0.0/0", 2);
    add("10.1.2.0/25", 3);
    EXPECT_EQ(v4("10.1.2.3"), 5U);
    EXPECT_EQ(v4("10.1.2.4"), 3U);
    EXPECT_EQ(v4("10.1.2.128"), 6U);
    EXPECT_EQ(v4("11.0.0.1"), 2U);
    EXPECT_EQ(v6("2001:db9::1"), 1U) << "IPv4's default is none of IPv6";
}

// RFC 4291, 2.5.6: if anybody tells the sender, the kernel does.
TEST_F(Tables, PacketsFromLinkLocalAddressesStayOnTheirLink) {
    add("::/0", 1);
    EXPECT_EQ(slot_of(packet(Ipv6{.from = "fe80::1"}, udp(1, 2, 1))), 0U);
    EXPECT_EQ(slot_of(packet(Ipv6{.from = "febf::1"}, udp(1, 2, 1))), 0U);
    EXPECT_EQ(programs_.outcomes(SS_OUTCOME_EXEMPT), 2U);
    EXPECT_EQ(slot_of(packet(Ipv6{.from = "fec0::1"}, udp(1, 2, 1))), 1U);
}

TEST_F(Tables, AllLengthsAtOnce) {
    const auto destination = address("2001:db8:5555:5555:5555:5555:5555:5555");
    // 62 nested prefixes: the longest leads to slot 2, the others to slot 3.
    for (std::uint8_t length = 2; length <= 124; length = static_cast<std::uint8_t>(length + 2))
        programs_.set_prefix(Prefix::covering(destination, length), length == 124 ? 2 : 3);
    add("::/0", 1);
    EXPECT_EQ(v6("2001:db8:5555:5555:5555:5555:5555:5555"), 2U);
    EXPECT_EQ(v6("2001:db8:5555:5555:5555:5555:5555:5515"), 3U);
    EXPECT_EQ(v6("e000::1"), 1U);
}

TEST_F(Tables, ExemptBeatsAShorterPolicyAndLosesToALongerOne) {
    add("2001:db8::/32", 1);
    add("2001:db8:d::/48", SS_POLICY_EXEMPT);
    add("2001:db8:d::1/128", 2);
    EXPECT_EQ(v6("2001:db8:e::1"), 1U);
    EXPECT_EQ(v6("2001:db8:d::2"), 0U);
    EXPECT_EQ(programs_.outcomes(SS_OUTCOME_EXEMPT), 1U);
    EXPECT_EQ(v6("2001:db8:d::1"), 2U);
}

TEST_F(Tables, TheBankDecides) {
    add("2001:db8:d::/48", 1);
    programs_.set_policy_in(0, 1, {3});
    programs_.set_policy_in(1, 1, {4});
    EXPECT_EQ(v6("2001:db8:d::1"), 3U);
    programs_.node().bank = 1;
    EXPECT_EQ(v6("2001:db8:d::1"), 4U);
    programs_.set_policy_in(1, 1, {});
    EXPECT_EQ(v6("2001:db8:d::1"), 0U) << "none in this bank";
    EXPECT_EQ(programs_.outcomes(SS_OUTCOME_NO_POLICY), 1U);
    programs_.node().bank = 0;
    EXPECT_EQ(v6("2001:db8:d::1"), 3U);
}

// If a policy's first choice encapsulates, packets are looked at even while all sessions are up.
TEST_F(Tables, AnEncapsulatingFirstChoiceLooksAtEveryPacket) {
    add("2001:db8:d::/48", 1);
    programs_.states[0].rank = SS_UP;
    programs_.repair[0].active = 0;
    EXPECT_EQ(v6("2001:db8:d::1"), 0U);
    EXPECT_EQ(programs_.all_counters(), 0U);
    programs_.repair[0].always = 1;
    EXPECT_EQ(v6("2001:db8:d::1"), 1U);
}

TEST_F(Tables, CountersArePerPolicyAndCandidate) {
    add("2001:db8:d::/48", 1);
    add("2001:db8:e::/48", 2);
    programs_.set_policy(2, {1, 2});
    const auto bytes = packet(Ipv6{.to = "2001:db8:e::1"}, udp(1, 2, 100));
    ASSERT_EQ(slot_of(bytes), 1U);  // the path that both have
    ASSERT_EQ(slot_of(bytes), 1U);
    EXPECT_EQ(programs_.stats(1, 0).packets, 0U);
    EXPECT_EQ(programs_.stats(2, 0).packets, 2U);
    EXPECT_EQ(programs_.stats(2, 0).bytes, 2 * (bytes.size() - kEthernetLength));
    EXPECT_EQ(programs_.stats(2, 1).packets, 0U);
    programs_.lower(1);
    EXPECT_EQ(slot_of(bytes), 0U);
    EXPECT_EQ(programs_.stats(2, 2).drops[SS_DROP_NO_CANDIDATE], 1U) << "the entry after the candidates";
    EXPECT_EQ(programs_.stats(2, 0).drops[SS_DROP_NO_CANDIDATE], 0U);
    EXPECT_EQ(programs_.stats(1, 1).drops[SS_DROP_NO_CANDIDATE], 0U);
}

}  // namespace
}  // namespace sidestep
