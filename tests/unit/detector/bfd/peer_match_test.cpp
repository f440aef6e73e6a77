// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Which session answers for a peer of bfdd.
#include "detector/bfd/peer_match.hpp"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bpf/abi/sidestep.h"

namespace sidestep::bfd {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

Address at(const std::string& text) {
    return Address::parse(text).value();
}

class PeerMatching : public testing::Test {
  protected:
    PeerMatching() {
        add("A-B", "to-B", {at("10.0.0.2"), at("fd00:ab::b")});
        add("A-C", "to-C", {});
    }
    void add(const std::string& name, const std::string& interface, const std::vector<Address>& gateways) {
        AdjacencyConfig adjacency;
        adjacency.name = name;
        adjacency.interface = interface;
        adjacency.neighbor = at("fe80::b");
        adjacency.gateways = gateways;
        adjacencies_.push_back(adjacency);
    }
    [[nodiscard]] PeerMatch match(const AskedSession& peer) const { return match_peer(peer, around()); }
    [[nodiscard]] Surroundings around() const {
        return {.adjacencies = adjacencies_,
                .shortest_interval = 1ms,
                .shortest_bfd = 2ms,
                .longest_interval = 1s,
                .addresses =
                    [this](const std::string& interface) {
                        const auto found = addresses_.find(interface);
                        return found == addresses_.end() ? std::vector<Address>() : found->second;
                    },
                .interface_to =
                    [](const Address& neighbor) {
                        return neighbor == at("fd00:d::2") ? std::string("to-D") : std::string();
                    },
                .source_v4 = source_v4_};
    }
    static AskedSession peer(const std::string& address, const std::string& interface = "") {
        return {.destination = at(address), .min_tx_us = 10'000, .multiplier = 3, .interface = interface};
    }

    bool source_v4_ = false;
    std::vector<AdjacencyConfig> adjacencies_;
    std::map<std::string, std::vector<Address>> addresses_{
        {"to-D", {at("192.0.2.1"), at("fe80::1"), at("fd00:a::1"), at("fd00:d::1")}}, {"to-E", {at("fe80::1")}}};
};

TEST_F(PeerMatching, AnAdjacencyIsFoundByInterfaceAndAnyAddressOfTheNeighbor) {
    EXPECT_EQ(match(peer("fe80::b", "to-B")), (PeerMatch{.session = "A-B"}));
    EXPECT_EQ(match(peer("fe80::b", "to-C")), (PeerMatch{.session = "A-C"}));
    EXPECT_EQ(match(peer("fd00:ab::b", "to-B")), (PeerMatch{.session = "A-B"}));
    EXPECT_EQ(match(peer("10.0.0.2", "to-B")), (PeerMatch{.session = "A-B"}));
    EXPECT_EQ(match(peer("10.0.0.2")), (PeerMatch{.session = "A-B"})) << "without interface, if only one has it";
    EXPECT_THAT(match(peer("fe80::b")).trouble, HasSubstr("A-B and A-C both"));
}

TEST_F(PeerMatching, OtherNeighborsGetASession) {
    auto asked = peer("fe80::d", "to-D");
    const auto made = match(asked);
    EXPECT_EQ(made.session, "client/fe80::d%to-D");
    const SessionWish wanted{.name = "fe80::d%to-D",
                             .interface = "to-D",
                             .neighbor = at("fe80::d"),
                             .return_address = at("fd00:a::1"),
                             .interval = 10ms,
                             .multiplier = 3};
    EXPECT_EQ(made.wish, wanted);
    asked.source = at("fd00:d::1");
    EXPECT_EQ(match(asked).wish->return_address, at("fd00:d::1")) << "FRR has chosen";
    EXPECT_EQ(match(peer("fd00:d::2", "to-D")).wish->return_address, at("fd00:d::1")) << "on the neighbor's prefix";
    EXPECT_EQ(match(peer("fd00:d::2")).session, "client/fd00:d::2%to-D") << "the interface by the routing table";
}

TEST_F(PeerMatching, NeighborsByIpv4AreProbedByIpv4) {
    source_v4_ = true;
    const auto made = match(peer("192.0.2.2", "to-D"));
    EXPECT_EQ(made.session, "client/192.0.2.2%to-D");
    EXPECT_EQ(made.wish->return_address, at("192.0.2.1"));
    EXPECT_THAT(match(peer("192.0.2.2", "to-E")).trouble, HasSubstr("no global IPv4 address on to-E"));
}

TEST_F(PeerMatching, IntervalsAndMultipliersAreWhatTheClockCanDo) {
    auto asked = peer("fe80::d", "to-D");
    asked.min_tx_us = 10;
    asked.multiplier = 255;
    EXPECT_EQ(match(asked).wish->interval, 1ms);
    EXPECT_EQ(match(asked).wish->multiplier, 32U);
    asked.min_tx_us = 60'000'000;
    asked.multiplier = 0;
    EXPECT_EQ(match(asked).wish->interval, 1s);
    EXPECT_EQ(match(asked).wish->multiplier, 1U);
}

TEST_F(PeerMatching, WhatProbesCannotAnswerHasAReason) {
    auto asked = peer("fe80::d", "to-D");
    asked.multihop = true;
    EXPECT_THAT(match(asked).trouble, HasSubstr("multihop"));
    asked.multihop = false;
    asked.mode = 1;
    EXPECT_THAT(match(asked).trouble, HasSubstr("S-BFD"));
    EXPECT_THAT(match(peer("192.0.2.2", "to-D")).trouble, HasSubstr("gateways"));
    EXPECT_THAT(match(peer("fe80::e", "to-E")).trouble, HasSubstr("no global IPv6 address on to-E"));
    EXPECT_THAT(match(peer("fd00:f::1")).trouble, HasSubstr("on none of this node's links"));
    EXPECT_THAT(match(peer("::", "to-D")).trouble, HasSubstr("no neighbor"));
    EXPECT_THAT(match(peer("ff02::1", "to-D")).trouble, HasSubstr("no neighbor"));
}

TEST_F(PeerMatching, BfdIsSpokenAsFrrWould) {
    AskedSession asked{.passive = true,
                       .shutdown = true,
                       .source = at("192.0.2.1"),
                       .destination = at("192.0.2.2"),
                       .discriminator = 77,
                       .min_tx_us = 10'000,
                       .min_rx_us = 1,
                       .multiplier = 5,
                       .interface = "to-D"};
    const SessionWish wanted{
        .name = "192.0.2.2@to-D",
        .interface = "to-D",
        .neighbor = at("192.0.2.2"),
        .interval = 10ms,
        .multiplier = 5,
        .bfd =
            BfdSettings{
                .receive_interval = 2ms, .local_address = at("192.0.2.1"), .passive = true, .discriminator = 77},
        .shutdown = true};
    const auto made = match_speaker(asked, around());
    EXPECT_EQ(made.session, "client/192.0.2.2@to-D");
    EXPECT_EQ(made.wish, wanted);
    asked.source = {};
    EXPECT_FALSE(match_speaker(asked, around()).wish->bfd->local_address);
    asked.multihop = true;
    EXPECT_THAT(match_speaker(asked, around()).trouble, HasSubstr("multihop"));
}

TEST_F(PeerMatching, AnAdjacencyThatSpeaksBfdWithThePeerIsItsSession) {
    EXPECT_EQ(match_speaker(peer("fe80::b", "to-B"), around()).session, "client/fe80::b@to-B") << "it probes";
    adjacencies_[0].bfd = BfdSettings{.peer = at("10.0.0.2")};
    EXPECT_EQ(match_speaker(peer("10.0.0.2", "to-B"), around()).session, "A-B");
    EXPECT_EQ(match_speaker(peer("fe80::b", "to-B"), around()).session, "client/fe80::b@to-B") << "not with this one";
}

TEST_F(PeerMatching, TheModeSaysWhichWaysThereAre) {
    const auto asked = peer("fe80::d", "to-D");
    EXPECT_EQ(ways_to(asked, around(), PeerMode::probe), (PeerWays{.probe = match(asked)}));
    EXPECT_EQ(ways_to(asked, around(), PeerMode::bfd), (PeerWays{.bfd = match_speaker(asked, around())}));
    EXPECT_EQ(ways_to(asked, around(), PeerMode::automatic),
              (PeerWays{.probe = match(asked), .bfd = match_speaker(asked, around())}));
    const auto v4 = peer("192.0.2.2", "to-D");
    EXPECT_EQ(ways_to(v4, around(), PeerMode::automatic), (PeerWays{.bfd = match_speaker(v4, around())}))
        << "no probe can answer";
    const auto lost = peer("fd00:f::1");
    EXPECT_EQ(ways_to(lost, around(), PeerMode::automatic), (PeerWays{.probe = match(lost)})) << "one reason is enough";
    adjacencies_[0].bfd = BfdSettings{};
    EXPECT_EQ(ways_to(peer("fe80::b", "to-B"), around(), PeerMode::automatic),
              (PeerWays{.probe = PeerMatch{.session = "A-B"}}))
        << "there is only one session";
}

// The longest interface and the longest address fit the name of a session.
TEST_F(PeerMatching, EveryNameFits) {
    addresses_["fifteen-letters"] = {at("fd00::1")};
    const auto made = match(peer("fd00:1111:2222:3333:4444:5555:6666:7777", "fifteen-letters"));
    EXPECT_LT(made.session.size(), SS_NAME_MAX);
}

}  // namespace
}  // namespace sidestep::bfd
