// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests sessions that speak BFD in the engine: what is published, how they come up, go down and are adopted.
#include "bpf/lib/bfd.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include <gtest/gtest.h>

#include "tests/unit/detector/engine/square.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;

class EngineBfd : public EngineTest {
  protected:
    static Config speaking() {
        auto config = square();
        config.adjacencies[0].probe.interval = 10ms;
        config.adjacencies[0].bfd = BfdSettings{.receive_interval = 20ms};
        return config;
    }
    void own(std::string_view text, bool gone = false) {
        engine_->on_address({.ifindex = kToB, .address = address(text), .gone = gone});
    }
    void start_speaking(const Config& config = speaking()) {
        start(config);
        own("fe80::a");
    }
    ss_session& shared() { return maps_.sessions[session("A-B").index]; }
    /// A packet of the neighbor in this state.
    void hear(std::uint32_t state) {
        ss_bfd_packet packet{};
        packet.version_diagnostic = SS_BFD_VERSION << 5;
        packet.state_flags = static_cast<std::uint8_t>(state << SS_BFD_STATE_SHIFT);
        packet.multiplier = 3;
        packet.length = sizeof packet;
        packet.my_discriminator = htonl(77);
        packet.desired_tx_us = packet.required_rx_us = htonl(10'000);
        ss_bfd_record(&shared(), &packet, static_cast<std::uint64_t>(kNow.count()));
        ss_event event{};
        event.type = SS_EVENT_BFD;
        event.session = session("A-B").index;
        engine_->on_kernel_event(event, kNow);
    }
    void come_up() {
        hear(SS_BFD_DOWN);
        hear(SS_BFD_UP);
        ASSERT_EQ(session("A-B").bfd.state, bfd::BfdState::up);
        tell("A-B", SS_EVENT_ALIVE);
        ASSERT_EQ(session("A-B").fsm.state, SessionState::up);
    }
};

TEST_F(EngineBfd, SpeaksOnceItKnowsItsOwnAddress) {
    start(speaking());
    EXPECT_EQ(conf("A-B").flags, 0U);
    own("fd00:ab::a");
    EXPECT_EQ(conf("A-B").flags, 0U) << "not of the peer's kind";
    own("fe80::a");
    EXPECT_EQ(conf("A-B").flags, SS_SESSION_ACTIVE | SS_SESSION_BFD);
    EXPECT_TRUE(maps_.passives.contains({bfd_key(kToB), address("fe80::b")}));
    EXPECT_EQ(conf("A-B").interval_ns, 2'500'000U) << "four looks for each packet";
    EXPECT_EQ(conf("A-C").flags, SS_SESSION_ACTIVE) << "others probe";
    const auto& packet = conf("A-B").bfd.packet;
    EXPECT_EQ(ntohl(packet.my_discriminator) % SS_MAX_SESSIONS, session("A-B").index);
    EXPECT_GE(ntohl(packet.my_discriminator), static_cast<std::uint32_t>(SS_MAX_SESSIONS));
    EXPECT_EQ(ntohl(packet.required_rx_us), 20'000U);
    EXPECT_EQ(ntohl(packet.desired_tx_us), bfd::kSlowUs);
}

// A path's session speaks from the start: its own address is configured, and need not be one of the link.
TEST_F(EngineBfd, WhoeverIsFarAwayIsKnownByBothAddresses) {
    auto config = square();
    auto& path = config.paths.emplace_back();
    path.name = "P";
    path.adjacency = "A-C";
    path.bfd = BfdSettings{.kind = BfdKind::multihop,
                           .receive_interval = 20ms,
                           .peer = address("fd00:d::1"),
                           .local_address = address("fd00:a::1"),
                           .minimum_ttl = 250};
    start(config);
    EXPECT_EQ(conf("P").flags, SS_SESSION_ACTIVE | SS_SESSION_BFD);
    EXPECT_EQ(conf("P").ifindex, conf("A-C").ifindex);
    EXPECT_EQ(conf("P").return_ifindex, 0U) << "by any";
    EXPECT_EQ(conf("P").bfd.kind, SS_BFD_MULTIHOP);
    EXPECT_EQ(conf("P").bfd.hops, 5U);
    const auto pair = pair_key(address("fd00:d::1"), address("fd00:a::1"));
    EXPECT_TRUE(maps_.passives.contains({kByPair, pair}));
    EXPECT_NE(pair, pair_key(address("fd00:a::1"), address("fd00:d::1")));
    config.paths[0].bfd->local_address = address("fd00:a::2");
    start(config);
    EXPECT_FALSE(maps_.passives.contains({kByPair, pair}));
    EXPECT_TRUE(maps_.passives.contains({kByPair, pair_key(address("fd00:d::1"), address("fd00:a::2"))}));
    config.paths[0].bfd->kind = BfdKind::seamless;
    config.paths[0].bfd->reflector = 7;
    start(config);
    EXPECT_EQ(conf("P").bfd.kind, SS_BFD_SEAMLESS);
    EXPECT_EQ(ntohl(conf("P").bfd.packet.your_discriminator), 7U);
    EXPECT_TRUE(maps_.passives.empty()) << "its answers name it";
}

TEST_F(EngineBfd, ComesUpWithItsNeighborAndThenPolls) {
    start_speaking();
    hear(SS_BFD_DOWN);
    EXPECT_EQ(ss_bfd_state_of(conf("A-B").bfd.packet.state_flags), static_cast<std::uint32_t>(SS_BFD_INIT));
    EXPECT_EQ(ntohl(conf("A-B").bfd.packet.your_discriminator), 77U);
    come_up();
    EXPECT_EQ(rank("A-B"), SS_UP);
    EXPECT_NE(conf("A-B").bfd.packet.state_flags & SS_BFD_POLL, 0U);
    EXPECT_EQ(conf("A-B").bfd.tx_us, 10'000U);
}

TEST_F(EngineBfd, FollowsTheKernelsVerdict) {
    start_speaking();
    come_up();
    shared().tx.bfd.ended = conf("A-B").bfd.ups;
    shared().tx.bfd.diagnostic = SS_BFD_EXPIRED;
    tell("A-B", SS_EVENT_DEAD);
    EXPECT_EQ(session("A-B").fsm.state, SessionState::down);
    EXPECT_EQ(session("A-B").bfd.state, bfd::BfdState::down);
    EXPECT_EQ(conf("A-B").bfd.packet.version_diagnostic & 31U, SS_BFD_EXPIRED);
}

TEST_F(EngineBfd, SaysWhatTheOperatorSays) {
    start_speaking();
    come_up();
    engine_->on_admin(session("A-B"), false, kNow);
    EXPECT_EQ(ss_bfd_state_of(conf("A-B").bfd.packet.state_flags), static_cast<std::uint32_t>(SS_BFD_ADMIN_DOWN));
    engine_->on_admin(session("A-B"), true, kNow);
    EXPECT_EQ(ss_bfd_state_of(conf("A-B").bfd.packet.state_flags), static_cast<std::uint32_t>(SS_BFD_DOWN));
}

// The neighbor must not notice: neither the discriminator nor the address changes, and no packet is missing.
TEST_F(EngineBfd, ASuccessorGoesOnWithTheSession) {
    start_speaking();
    come_up();
    const auto before = conf("A-B").bfd;
    restart();
    ASSERT_TRUE(apply(speaking()));
    EXPECT_EQ(session("A-B").bfd.state, bfd::BfdState::up);
    engine_->on_link(link("to-B", kToB), kNow);
    EXPECT_EQ(conf("A-B").flags, SS_SESSION_ACTIVE | SS_SESSION_BFD) << "addresses are told later";
    own("fd00:ab::a");
    own("fe80::a");
    engine_->on_link(link("to-C", kToC), kNow);
    engine_->on_links_known(kNow);
    EXPECT_EQ(conf("A-B").flags, SS_SESSION_ACTIVE | SS_SESSION_BFD);
    EXPECT_EQ(memcmp(&conf("A-B").bfd, &before, sizeof before), 0);
    EXPECT_EQ(session("A-B").fsm.state, SessionState::up);
}

TEST_F(EngineBfd, ASuccessorDropsAnAddressThatIsGone) {
    start_speaking();
    restart();
    ASSERT_TRUE(apply(speaking()));
    engine_->on_link(link("to-B", kToB), kNow);
    own("fe80::aa");
    engine_->on_links_known(kNow);
    EXPECT_EQ(session("A-B").local_address, address("fe80::aa"));
    EXPECT_TRUE(std::ranges::equal(conf("A-B").return_address, address("fe80::aa").bytes));
}

TEST_F(EngineBfd, PausesWithoutAnAddressAndTakesAnother) {
    start_speaking();
    own("fe80::a", true);
    EXPECT_EQ(conf("A-B").flags, 0U);
    own("fe80::aa");
    EXPECT_EQ(conf("A-B").flags, SS_SESSION_ACTIVE | SS_SESSION_BFD);
}

TEST_F(EngineBfd, ASessionThatProbedBecomesAnother) {
    start();
    EXPECT_EQ(conf("A-B").flags, SS_SESSION_ACTIVE);
    ASSERT_TRUE(apply(speaking()));
    own("fe80::a");
    engine_->on_neighbor(
        {.ifindex = kToB, .address = address("fe80::b"), .status = NeighborStatus::usable, .mac = kNeighborMac}, kNow);
    EXPECT_EQ(conf("A-B").flags, SS_SESSION_ACTIVE | SS_SESSION_BFD);
    hear(SS_BFD_DOWN);
    hear(SS_BFD_UP);
    EXPECT_EQ(rank("A-B"), SS_DOWN) << "BFD alone raises nothing";
    ASSERT_TRUE(apply(square()));
    resolve("A-B", kToB, "fe80::b");
    EXPECT_EQ(conf("A-B").flags, SS_SESSION_ACTIVE);
    EXPECT_TRUE(maps_.passives.empty());
}

TEST_F(EngineBfd, NewTimersAreSaidAndPolledFor) {
    start_speaking();
    come_up();
    const auto discriminator = conf("A-B").bfd.packet.my_discriminator;
    auto slower = speaking();
    slower.adjacencies[0].probe.interval = 50ms;
    ASSERT_TRUE(apply(slower));
    EXPECT_EQ(ntohl(conf("A-B").bfd.packet.desired_tx_us), 50'000U);
    EXPECT_EQ(conf("A-B").bfd.tx_us, 10'000U) << "until the neighbor has said F";
    EXPECT_EQ(conf("A-B").bfd.packet.my_discriminator, discriminator);
    EXPECT_EQ(session("A-B").fsm.state, SessionState::up);
}

// A bfdd that comes back has a new one for a session that has gone on; its neighbor knows the old one.
TEST_F(EngineBfd, ADiscriminatorOfSomebodyElseIsFoundAndStays) {
    auto chosen = speaking();
    chosen.adjacencies[0].bfd->discriminator = 0xabcdef01;
    start_speaking(chosen);
    EXPECT_EQ(ntohl(conf("A-B").bfd.packet.my_discriminator), 0xabcdef01U);
    EXPECT_EQ(conf("A-B").bfd.index, session("A-B").index);
    EXPECT_TRUE(maps_.passives.contains({kByDiscriminator, discriminator_key(0xabcdef01)}));
    come_up();
    chosen.adjacencies[0].bfd->discriminator = 7;
    ASSERT_TRUE(apply(chosen));
    EXPECT_EQ(ntohl(conf("A-B").bfd.packet.my_discriminator), 0xabcdef01U);
    EXPECT_EQ(session("A-B").fsm.state, SessionState::up);
    restart();
    ASSERT_TRUE(apply(chosen));
    engine_->on_link(link("to-B", kToB), kNow);
    own("fe80::a");
    EXPECT_TRUE(maps_.passives.contains({kByDiscriminator, discriminator_key(0xabcdef01)}));
    ASSERT_TRUE(apply(square()));
    EXPECT_TRUE(maps_.passives.empty());
}

TEST_F(EngineBfd, AnIpv4NeighborNeedsNoIpv6) {
    auto config = speaking();
    config.adjacencies[0].neighbor = address("192.0.2.2");
    start(config);
    own("192.0.2.1");
    resolve("A-B", kToB, "192.0.2.2");
    EXPECT_EQ(conf("A-B").flags, SS_SESSION_ACTIVE | SS_SESSION_BFD);
    come_up();
    auto off = link("to-B", kToB);
    off.ip_off = true;
    engine_->on_link(off, kNow);
    EXPECT_EQ(session("A-B").fsm.state, SessionState::up);
    EXPECT_EQ(rank("A-B"), SS_UP);
}

}  // namespace
}  // namespace sidestep
