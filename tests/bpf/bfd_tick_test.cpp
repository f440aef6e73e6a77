// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests what the tick sends by BFD, and how it ends a session.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/bpf/bfd_speaking.hpp"
#include "tests/bpf/ticking.hpp"

namespace sidestep {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr std::uint64_t kBfdSecond = 1'000'000'000;
constexpr std::size_t kBfdAt = kEthernetLength + kIpv6Length + 8;
constexpr const char* kNearAddress = "fe80::1";
constexpr const char* kFarAddress = "fe80::2";

// Session 0 is the only one; a look is every 2.5 s as far as it knows: slow machines run this, too.
class BfdTick : public Tick {
  protected:
    void SetUp() override {
        Tick::SetUp();
        if (IsSkipped()) return;
        probe_sessions(1);
        open_bfd(programs_, 0, address(kNearAddress), address(kFarAddress), VethPair::kNear);
        programs_.clock_confs[0].tick_ns = 2'500'000'000;
    }
    std::uint32_t hear(const ss_bfd_packet& said) {
        auto bytes = packet(Ipv6{.from = kFarAddress, .to = kNearAddress, .hop_limit = 255}, bfd_datagram(said));
        constexpr std::array<std::uint8_t, ETH_ALEN> kNearMac{2, 0, 0, 0, 0, 1};
        std::copy(kNearMac.begin(), kNearMac.end(), bytes.begin());
        return programs_.ingress(bytes, VethPair::kNear).code;
    }
    void come_up() {
        look();
        ASSERT_EQ(hear(bfd_of_neighbor(0)), TC_ACT_STOLEN);
        look();
        ASSERT_EQ(tx().verdict, SS_ALIVE);
        programs_.events();
    }
    // A look on time, after that much silence.
    std::vector<Bytes> look(std::uint64_t silence = 0) {
        tx().bfd.silent_ns += silence;
        clock().last_tick_ns = 0;  // no standstill
        return tick(1);
    }
    static ss_bfd_packet said(const Bytes& bytes) {
        ss_bfd_packet result{};
        std::memcpy(&result, bytes.data() + kBfdAt, sizeof result);
        return result;
    }
};

TEST_F(BfdTick, SendsAWholePacketAndThenWaits) {
    const auto first = look();
    ASSERT_THAT(first, SizeIs(1));
    const auto& bytes = first[0];
    ASSERT_EQ(bytes.size(), kBfdAt + 24);
    EXPECT_EQ(bytes[kEthernetLength + 7], 255);
    EXPECT_EQ(read_u16(bytes, kBfdAt - 6), SS_BFD_PORT);
    EXPECT_GE(read_u16(bytes, kBfdAt - 8), 49152) << "RFC 5881, 4";
    const auto pseudo = std::uint32_t{32 + kUdp};
    EXPECT_EQ(internet_checksum(std::span(bytes).subspan(kEthernetLength + 8), pseudo), 0);
    EXPECT_EQ(said(bytes).state_flags, SS_BFD_UP << 6 | SS_BFD_INDEPENDENT);
    EXPECT_EQ(ntohl(said(bytes).my_discriminator), kBfdDiscriminator);
    EXPECT_THAT(look(), IsEmpty()) << "10 s are not over";
    tx().bfd.due_ns = 0;
    EXPECT_THAT(look(), SizeIs(1));
    const auto period = tx().bfd.due_ns - tx().bfd.looked_ns;
    EXPECT_LE(period, 10 * kBfdSecond);
    EXPECT_GE(period, 7 * kBfdSecond);
}

TEST_F(BfdTick, SignsWhatItSends) {
    sign_bfd(programs_, 0, address(kNearAddress), address(kFarAddress));
    for (std::uint32_t sequence = 1; sequence <= 2; ++sequence) {
        tx().bfd.due_ns = 0;
        const auto sent = look();
        ASSERT_THAT(sent, SizeIs(1));
        ASSERT_EQ(sent[0].size(), kBfdAt + sizeof(ss_bfd_signed));
        const auto pseudo = std::uint32_t{60 + kUdp};
        EXPECT_EQ(internet_checksum(std::span(sent[0]).subspan(kEthernetLength + 8), pseudo), 0);
        const auto wanted = signed_by_neighbor(programs_, 0, said(sent[0]), sequence);
        EXPECT_EQ(std::memcmp(sent[0].data() + kBfdAt, &wanted, sizeof wanted), 0) << "packet " << sequence;
    }
}

TEST_F(BfdTick, SendsByIpv4) {
    open_bfd(programs_, 0, address("192.0.2.1"), address("192.0.2.2"), VethPair::kNear);
    programs_.clocks[0].done[0] -= 1;
    programs_.tick();
    EXPECT_EQ(tx().sent, 1U);
    const auto& conf = programs_.sessions[0].conf;
    const Bytes header(conf.template_bytes + kEthernetLength, conf.template_bytes + kEthernetLength + kIpv4Length);
    EXPECT_EQ(internet_checksum(header), 0);
    EXPECT_EQ(header[8], 255);
}

TEST_F(BfdTick, AnswersAPollAtOnceAndOnce) {
    come_up();
    auto poll = bfd_of_neighbor(0);
    poll.state_flags |= SS_BFD_POLL;
    hear(poll);
    const auto answers = look();
    ASSERT_THAT(answers, SizeIs(1));
    EXPECT_EQ(said(answers[0]).state_flags, SS_BFD_UP << 6 | SS_BFD_INDEPENDENT | SS_BFD_FINAL);
    EXPECT_THAT(look(), IsEmpty());
}

TEST_F(BfdTick, SaysWhatIsNewAtOnce) {
    come_up();
    EXPECT_THAT(look(), IsEmpty());
    programs_.sessions[0].conf.bfd.packet.state_flags |= SS_BFD_POLL;
    EXPECT_THAT(look(), SizeIs(1));
    EXPECT_THAT(look(), IsEmpty());
}

TEST_F(BfdTick, SilenceEndsItAndTheNeighborHearsOfIt) {
    come_up();
    EXPECT_THAT(look(20 * kBfdSecond), IsEmpty());
    EXPECT_EQ(tx().verdict, SS_ALIVE);
    const auto last = look(10 * kBfdSecond);
    EXPECT_EQ(tx().verdict, SS_DEAD);
    EXPECT_EQ(programs_.states[0].rank, static_cast<std::uint32_t>(SS_DOWN));
    ASSERT_THAT(last, SizeIs(1));
    EXPECT_EQ(said(last[0]).version_diagnostic, SS_BFD_VERSION << 5 | SS_BFD_EXPIRED);
    EXPECT_EQ(said(last[0]).state_flags, SS_BFD_DOWN << 6 | SS_BFD_INDEPENDENT);
    const auto events = programs_.events();
    ASSERT_THAT(events, SizeIs(1));
    EXPECT_EQ(events[0].type, static_cast<std::uint32_t>(SS_EVENT_DEAD));
}

TEST_F(BfdTick, ANeighborThatSaysDownEndsIt) {
    come_up();
    auto down = bfd_of_neighbor(0);
    down.state_flags = SS_BFD_DOWN << 6;
    hear(down);
    look();
    EXPECT_EQ(tx().verdict, SS_DEAD);
    EXPECT_EQ(tx().bfd.diagnostic, SS_BFD_SIGNALED);
}

TEST_F(BfdTick, AfterAStandstillPacketsComeFirst) {
    come_up();
    tx().bfd.silent_ns += 40 * kBfdSecond;
    clock().last_tick_ns -= 60 * kBfdSecond;
    tick(1);
    EXPECT_EQ(tx().verdict, SS_ALIVE) << "what waits behind this tick may be a packet";
    hear(bfd_of_neighbor(0));
    look();
    EXPECT_EQ(tx().verdict, SS_ALIVE);
}

}  // namespace
}  // namespace sidestep
