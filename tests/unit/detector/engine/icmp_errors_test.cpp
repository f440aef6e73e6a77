// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests what the engine makes of ICMPv6 errors that routers on the way send about our packets.
#include <linux/if_ether.h>
#include <netinet/icmp6.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/detector/engine/square.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using testing::IsEmpty;
using testing::StartsWith;

// A Packet Too Big that quotes a packet of ours holds the packet's list to that size, for ten minutes (RFC 8201).
TEST_F(EngineTest, ARouterOnTheWayLimitsAList) {
    start();
    const auto list = std::ranges::find(maps_.lists, SS_MODE_ENCAPS, [](const ss_list& one) { return int{one.mode}; });
    ASSERT_NE(list, maps_.lists.end());
    ASSERT_EQ(list->mtu, 1500U);
    ss_icmp_error_event event{};
    event.type = SS_EVENT_ICMP_ERROR;
    event.icmp_type = ICMP6_PACKET_TOO_BIG;
    event.mtu = 1400;
    std::copy(list->header + ETH_HLEN, list->header + list->header_length, event.quoted);
    auto forged = event;
    forged.quoted[8] ^= 1;  // not our source
    engine_->on_icmp_error(forged, kNow);
    forged = event;
    forged.quoted[24] ^= 1;  // not a segment of the list
    engine_->on_icmp_error(forged, kNow);
    forged = event;
    forged.quoted[48] ^= 1;  // another list
    engine_->on_icmp_error(forged, kNow);
    forged = event;
    forged.mtu = 1279;
    engine_->on_icmp_error(forged, kNow);
    EXPECT_EQ(list->mtu, 1500U);
    engine_->on_icmp_error(event, kNow);
    EXPECT_EQ(list->mtu, 1400U);
    event.mtu = 1450;
    engine_->on_icmp_error(event, kNow);
    EXPECT_EQ(list->mtu, 1400U) << "it never grows by a message";
    engine_->on_link({.ifindex = kToC, .name = "to-C", .up = true, .running = true, .mtu = 9000, .mac = kOwnMac}, kNow);
    EXPECT_EQ(list->mtu, 1400U);
    engine_->reconcile(kNow + 599s);
    EXPECT_EQ(list->mtu, 1400U);
    engine_->reconcile(kNow + 601s);
    EXPECT_EQ(list->mtu, 9000U);
}

// Only the first link of a list is probed. What a router behind it says is the one sign that packets are lost there.
TEST_F(EngineTest, ARouterOnTheWayRefusesAList) {
    start();
    const auto list = std::ranges::find(maps_.lists, SS_MODE_ENCAPS, [](const ss_list& one) { return int{one.mode}; });
    ASSERT_NE(list, maps_.lists.end());
    const auto& config = engine_->policies().all().front().config.candidates.back().lists.front();
    const auto refusal = [&] { return engine_->refusal_of(config); };
    ss_icmp_error_event event{};
    event.type = SS_EVENT_ICMP_ERROR;
    event.icmp_type = ICMP6_DST_UNREACH;
    event.icmp_code = ICMP6_DST_UNREACH_NOROUTE;
    std::ranges::copy(Address::parse("fd00:c::1")->bytes, event.from);
    std::copy(list->header + ETH_HLEN, list->header + list->header_length, event.quoted);
    auto forged = event;
    forged.quoted[8] ^= 1;  // not our source
    engine_->on_icmp_error(forged, kNow);
    EXPECT_EQ(refusal(), "");
    EXPECT_THAT(engine_->problems(), IsEmpty());
    engine_->on_icmp_error(event, kNow);
    EXPECT_THAT(refusal(), StartsWith("fd00:c::1 has no route to fd00:"));
    ASSERT_EQ(engine_->problems().size(), 1U);
    EXPECT_THAT(engine_->problems().begin()->first, StartsWith("the list by A-C over "));
    EXPECT_EQ(list->mtu, 1500U);
    engine_->on_icmp_error(event, kNow + 500s);
    engine_->reconcile(kNow + 1099s);
    EXPECT_NE(refusal(), "");
    engine_->reconcile(kNow + 1102s);
    EXPECT_EQ(refusal(), "");
}

/// A router's message that the hop limit of a packet by this list was used up.
ss_icmp_error_event expired(const ss_list& list, std::uint8_t inner_hop_limit) {
    ss_icmp_error_event event{};
    event.type = SS_EVENT_ICMP_ERROR;
    event.icmp_type = ICMP6_TIME_EXCEEDED;
    std::copy(list.header + ETH_HLEN, list.header + list.header_length, event.quoted);
    auto* inner = event.quoted + list.header_length - ETH_HLEN;
    inner[0] = 0x60;
    inner[7] = inner_hop_limit;
    return event;
}

// Otherwise any user's traceroute makes lists look broken.
TEST_F(EngineTest, APacketThatWasMeantToExpireIsNoRefusal) {
    start();
    const auto list = std::ranges::find(maps_.lists, SS_MODE_ENCAPS, [](const ss_list& one) { return int{one.mode}; });
    ASSERT_NE(list, maps_.lists.end());
    engine_->on_icmp_error(expired(*list, 30), kNow);
    EXPECT_THAT(engine_->problems(), IsEmpty());
    engine_->on_icmp_error(expired(*list, 60), kNow);
    EXPECT_EQ(engine_->problems().size(), 1U) << "a loop";
}

TEST_F(EngineTest, AListMayHaveAnMtuOfItsOwn) {
    auto config = square();
    config.policies[0].candidates[1].lists[0].mtu = 1320;
    start(config);
    const auto list = std::ranges::find(maps_.lists, SS_MODE_ENCAPS, [](const ss_list& one) { return int{one.mode}; });
    ASSERT_NE(list, maps_.lists.end());
    EXPECT_EQ(list->mtu, 1320U);
}

}  // namespace
}  // namespace sidestep
