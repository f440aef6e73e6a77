// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests what the ingress program takes of BFD from beyond the link: multihop, and answers of S-BFD reflectors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/bpf/bfd_speaking.hpp"
#include "tests/bpf/tunnels.hpp"

namespace sidestep {
namespace {

constexpr std::uint16_t kFar = 11;
constexpr std::uint32_t kFarRemote = 77;  // as bfd_of_neighbor() has it
constexpr const char* kFarOwn6 = "fd00:a::1";
constexpr const char* kFarPeer6 = "fd00:9::1";
constexpr const char* kFarOwn4 = "10.0.0.1";
constexpr const char* kFarPeer4 = "10.0.0.2";

class RoutedBfd : public Tunnels {
  protected:
    void open(ss_bfd_kind kind, bool v4 = false, std::uint8_t hops = 254) {
        open_far_bfd(programs_, kFar, kind, address(v4 ? kFarOwn4 : kFarOwn6), address(v4 ? kFarPeer4 : kFarPeer6),
                     hops);
    }
    static Bytes multihop(const ss_bfd_packet& said, std::string_view from = kFarPeer6, std::string_view to = kFarOwn6,
                          std::uint8_t hop_limit = 60) {
        return packet(Ipv6{.from = from, .to = to, .hop_limit = hop_limit},
                      bfd_datagram(said, 50'000, SS_BFD_MULTIHOP_PORT));
    }
    static Bytes answer(const ss_bfd_packet& said, std::string_view from = kFarPeer6) {
        return packet(Ipv6{.from = from, .to = kFarOwn6, .hop_limit = 250}, bfd_datagram(said, SS_SBFD_PORT, 50'000));
    }
    [[nodiscard]] const ss_session_rx& rx() { return programs_.sessions[kFar].rx; }
    void expect_taken(const Bytes& bytes, std::uint32_t ifindex = kLoopback) {
        const auto before = rx().answered;
        EXPECT_EQ(programs_.ingress(bytes, ifindex).code, TC_ACT_STOLEN);
        EXPECT_EQ(rx().answered, before + 1);
    }
    void expect_refused(const Bytes& bytes, ss_reject reason) {
        const auto counted = programs_.rejects(reason);
        const auto before = rx().answered;
        EXPECT_EQ(programs_.ingress(bytes).code, TC_ACT_SHOT);
        EXPECT_EQ(programs_.rejects(reason), counted + 1);
        EXPECT_EQ(rx().answered, before);
    }
    void expect_left(const Bytes& bytes) {
        const auto before = rx();
        const auto result = programs_.ingress(bytes);
        EXPECT_EQ(result.code, kPass);
        EXPECT_EQ(result.packet, bytes);
        EXPECT_EQ(rx().answered, before.answered);
        EXPECT_EQ(rx().bfd.refused, before.bfd.refused);
    }
};

TEST_F(RoutedBfd, MultihopComesByAnyLinkAndFromAfar) {
    open(SS_BFD_MULTIHOP);
    expect_taken(multihop(bfd_of_neighbor(kFar)));
    expect_taken(multihop(bfd_of_neighbor(kFar), kFarPeer6, kFarOwn6, 1));
    open(SS_BFD_MULTIHOP, true);
    expect_taken(packet(Ipv4{.from = kFarPeer4, .to = kFarOwn4, .ttl = 60},
                        bfd_datagram(bfd_of_neighbor(kFar), 50'000, SS_BFD_MULTIHOP_PORT)));
}

// RFC 5883, 4: before it knows our discriminator.
TEST_F(RoutedBfd, MultihopIsKnownByBothAddressesAtFirst) {
    auto first = bfd_of_neighbor(kFar);
    first.your_discriminator = 0;
    first.state_flags = SS_BFD_DOWN << 6;
    open(SS_BFD_MULTIHOP);
    expect_taken(multihop(first));
    expect_left(multihop(first, "fd00:9::2"));
    expect_left(multihop(first, kFarPeer6, "fd00:a::2"));
    open(SS_BFD_MULTIHOP, true);
    expect_taken(
        packet(Ipv4{.from = kFarPeer4, .to = kFarOwn4, .ttl = 60}, bfd_datagram(first, 50'000, SS_BFD_MULTIHOP_PORT)));
    expect_left(
        packet(Ipv4{.from = kFarOwn4, .to = kFarPeer4, .ttl = 60}, bfd_datagram(first, 50'000, SS_BFD_MULTIHOP_PORT)));
}

TEST_F(RoutedBfd, ADiscriminatorAloneIsNotEnough) {
    open(SS_BFD_MULTIHOP);
    expect_left(multihop(bfd_of_neighbor(kFar), "fd00:9::2"));
    expect_left(answer(bfd_of_neighbor(kFar)));
    expect_left(packet(Ipv6{.from = kFarPeer6, .to = kFarOwn6, .hop_limit = 255}, bfd_datagram(bfd_of_neighbor(kFar))));
    open(SS_BFD_SEAMLESS);
    expect_left(multihop(bfd_of_neighbor(kFar)));
    expect_left(answer(bfd_of_neighbor(kFar), "fd00:9::2"));
}

TEST_F(RoutedBfd, HopsAndTheLinkMayBeLimited) {
    open(SS_BFD_MULTIHOP, false, 3);
    expect_taken(multihop(bfd_of_neighbor(kFar), kFarPeer6, kFarOwn6, 252));
    expect_refused(multihop(bfd_of_neighbor(kFar), kFarPeer6, kFarOwn6, 251), SS_REJECT_BFD_HOP_LIMIT);
    programs_.sessions[kFar].conf.return_ifindex = kLoopback;
    expect_taken(multihop(bfd_of_neighbor(kFar), kFarPeer6, kFarOwn6, 252));
    programs_.sessions[kFar].conf.return_ifindex = 99;
    expect_refused(multihop(bfd_of_neighbor(kFar), kFarPeer6, kFarOwn6, 252), SS_REJECT_WRONG_INTERFACE);
}

TEST_F(RoutedBfd, AReflectorAnswersFromItsPortWithoutDAndAsItWasAsked) {
    open(SS_BFD_SEAMLESS);
    programs_.sessions[kFar].conf.bfd.packet.your_discriminator = htonl(kFarRemote);
    expect_taken(answer(bfd_of_neighbor(kFar)));
    auto asks = bfd_of_neighbor(kFar);
    asks.state_flags |= SS_BFD_DEMAND;
    expect_refused(answer(asks), SS_REJECT_BFD_SESSION);
    auto other = bfd_of_neighbor(kFar);
    other.my_discriminator = htonl(kFarRemote + 1);
    expect_refused(answer(other), SS_REJECT_BFD_SESSION);
    auto nobodys = bfd_of_neighbor(kFar);
    nobodys.your_discriminator = 0;
    nobodys.state_flags = SS_BFD_DOWN << 6;
    expect_left(answer(nobodys));
    other = bfd_of_neighbor(kFar);
    other.version_diagnostic = 0;
    expect_refused(answer(other), SS_REJECT_BFD_VERSION);
}

// What answers us may itself come by a backup; BFD of a link may not.
TEST_F(RoutedBfd, MayComeInATunnelToASidOfThisNode) {
    open(SS_BFD_MULTIHOP);
    expect_taken(tunnel(kDt6, multihop(bfd_of_neighbor(kFar))));
    open(SS_BFD_SEAMLESS);
    programs_.sessions[kFar].conf.bfd.packet.your_discriminator = htonl(kFarRemote);
    expect_taken(tunnel(kDt6, answer(bfd_of_neighbor(kFar))));
    open_bfd(programs_, kFar, address("fe80::1"), address("fe80::2"));
    const auto taken = rx().answered;
    for (const std::uint16_t from : {std::uint16_t{50'000}, std::uint16_t{SS_SBFD_PORT}}) {
        const auto inner = packet(Ipv6{.from = "fe80::2", .to = "fe80::1", .hop_limit = 255},
                                  bfd_datagram(bfd_of_neighbor(kFar), from));
        EXPECT_NE(programs_.ingress(tunnel(kDt6, inner)).code, TC_ACT_STOLEN);
        EXPECT_EQ(rx().answered + rx().bfd.refused, taken);
    }
}

TEST_F(RoutedBfd, IsNoticedWhileNothingElseIsOfInterest) {
    all_well();
    open(SS_BFD_MULTIHOP);
    expect_taken(multihop(bfd_of_neighbor(kFar)));
    open(SS_BFD_SEAMLESS, true);
    programs_.sessions[kFar].conf.bfd.packet.your_discriminator = htonl(kFarRemote);
    expect_taken(packet(Ipv4{.from = kFarPeer4, .to = kFarOwn4, .ttl = 250},
                        bfd_datagram(bfd_of_neighbor(kFar), SS_SBFD_PORT, 50'000)));
}

}  // namespace
}  // namespace sidestep
