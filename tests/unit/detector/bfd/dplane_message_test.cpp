// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Frames of FRR's data plane protocol: real ones as bfdd of FRR 8.4.4 sent them, and what is wrong with others.
#include "detector/bfd/dplane_message.hpp"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/detector/bfd/frames.hpp"

namespace sidestep::bfd {
namespace {

using testing::HasSubstr;

AskedSession asked(const Bytes& frame) {
    const auto message = read_message(frame);
    EXPECT_TRUE(message) << message.error().message;
    return std::get<AddSession>(message->body).session;
}

std::string complaint(const Bytes& frame) {
    const auto message = read_message(frame);
    return message ? "" : message.error().message;
}

TEST(DplaneMessage, AnIpv6PeerAsFrrSentIt) {
    const auto session = asked(captured_ipv6_peer());
    EXPECT_EQ(session.source.to_string(), "fd00:9::1");
    EXPECT_EQ(session.destination.to_string(), "fd00:9::2");
    EXPECT_EQ(session.discriminator, 0x478ef3a9U);
    EXPECT_EQ(session.min_tx_us, 300'000U);
    EXPECT_EQ(session.min_rx_us, 300'000U);
    EXPECT_EQ(session.min_echo_rx_us, 50'000U);
    EXPECT_EQ(session.ttl, 255);
    EXPECT_EQ(session.multiplier, 3);
    EXPECT_EQ(session.ifindex, 7001U);
    EXPECT_EQ(session.interface, "l1");
    EXPECT_FALSE(session.multihop || session.shutdown || session.passive || session.echo || session.demand);
}

TEST(DplaneMessage, AnIpv4PeerWithoutSourceAndInterface) {
    const auto session = asked(captured_ipv4_peer());
    EXPECT_EQ(session.destination.to_string(), "10.9.0.2");
    EXPECT_TRUE(session.destination.is_v4());
    EXPECT_TRUE(session.source.is_unspecified());
    EXPECT_EQ(session.interface, "");
    EXPECT_EQ(session.min_tx_us, 10'000U);
}

TEST(DplaneMessage, EachFlagHasItsBit) {
    const std::vector<std::pair<std::uint32_t, bool AskedSession::*>> flags{
        {1, &AskedSession::multihop}, {2, &AskedSession::demand},   {4, &AskedSession::c_bit},
        {8, &AskedSession::echo},     {32, &AskedSession::passive}, {64, &AskedSession::shutdown}};
    for (const auto& [bit, field] : flags) {
        auto frame = add_frame({.flags = bit | kIpv6Flag});
        const auto session = asked(frame);
        for (const auto& [other, member] : flags) EXPECT_EQ(session.*member, other == bit) << bit << " " << other;
    }
}

TEST(DplaneMessage, Version2IsLongerAndHasAMode) {
    auto frame = add_frame({.version = 2});
    ASSERT_EQ(frame.size(), 356U);
    EXPECT_EQ(asked(frame).mode, 0);
    frame[8 + 132] = 2;
    EXPECT_EQ(asked(frame).mode, 2);
    frame.resize(140);
    EXPECT_THAT(complaint(frame), HasSubstr("type 2 with 132 bytes, 348 are needed"));
}

TEST(DplaneMessage, RequestsHaveTheirFields) {
    const auto counters = read_message(frame_of(1, 5, 7, {0x47, 0x8e, 0xf3, 0xa9}));
    ASSERT_TRUE(counters);
    EXPECT_EQ(counters->id, 7);
    EXPECT_EQ(std::get<AskCounters>(counters->body).discriminator, 0x478ef3a9U);
    const auto echo = read_message(frame_of(2, 0, 9, {0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0}));
    ASSERT_TRUE(echo);
    EXPECT_EQ(std::get<EchoRequest>(echo->body).bfdd_time, 256U);
    auto gone = add_frame({.discriminator = 5});
    gone[3] = 3;
    EXPECT_EQ(std::get<DeleteSession>(read_message(gone)->body).discriminator, 5U);
    EXPECT_EQ(std::get<OtherMessage>(read_message(frame_of(1, 4711, 0, {}))->body).type, 4711);
}

TEST(DplaneMessage, WhatIsShortOrHasNoEndIsNamed) {
    auto frame = captured_ipv6_peer();
    frame.pop_back();
    EXPECT_THAT(complaint(frame), HasSubstr("132 are needed"));
    frame = add_frame({});
    std::fill(frame.begin() + 76, frame.begin() + 140, 'x');
    EXPECT_THAT(complaint(frame), HasSubstr("has no end"));
    EXPECT_THAT(complaint(add_frame({.discriminator = 0})), HasSubstr("discriminator is 0"));
    EXPECT_THAT(complaint(frame_of(1, 5, 1, {1, 2, 3})), HasSubstr("4 are needed"));
    EXPECT_THAT(complaint(frame_of(1, 0, 1, {})), HasSubstr("16 are needed"));
}

TEST(DplaneMessage, AFrameBeginsWithAKnownVersionAndAPossibleLength) {
    EXPECT_EQ(frame_length({}).value(), 0U);
    const auto frame = captured_ipv4_peer();
    for (std::size_t size = 1; size < kFrameHeader; ++size)
        EXPECT_EQ(frame_length(std::span(frame).first(size)).value(), 0U) << size;
    EXPECT_EQ(frame_length(frame).value(), 140U);
    const Bytes strange{3};
    EXPECT_THAT(frame_length(strange).error().message, HasSubstr("version 3"));
    EXPECT_THAT(frame_length(Bytes{1, 0, 0, 2, 0, 0, 0, 7}).error().message, HasSubstr("a frame of 7 bytes"));
    EXPECT_THAT(frame_length(Bytes{1, 0, 0, 2, 0, 0, 0x10, 1}).error().message, HasSubstr("a frame of 4097 bytes"));
}

// lid 7, remote 9, C bit, remote tx and rx 1,000 us, no echo, down, detection time expired, multiplier 3.
TEST(DplaneMessage, AStateChangeIsWrittenForTheVersionThatBfddSpeaks) {
    const StateChange change{.discriminator = 7,
                             .remote_discriminator = 9,
                             .remote_tx_us = 1000,
                             .remote_rx_us = 1000,
                             .remote_multiplier = 3,
                             .state = BfdState::down,
                             .diagnostic = Diagnostic::detection_time_expired};
    for (const auto version : {std::uint8_t{1}, std::uint8_t{2}}) {
        const Bytes wanted{version, 0, 0, 4, 0, 0,    0, 36, 0, 0,    0, 7, 0, 0, 0, 9, 0, 0,
                           0,       1, 0, 0, 3, 0xe8, 0, 0,  3, 0xe8, 0, 0, 0, 0, 1, 1, 3, 0};
        EXPECT_EQ(write_state_change(version, change), wanted);
    }
}

TEST(DplaneMessage, CountersAreAlignedAsBfddHasThem) {
    const auto frame = write_counters(1, 0x102, 7, {.packets_in = 2, .bytes_in = 1, .packets_out = 4, .bytes_out = 3});
    ASSERT_EQ(frame.size(), 80U);
    EXPECT_EQ(Bytes(frame.begin(), frame.begin() + 12), (Bytes{1, 0, 0, 6, 1, 2, 0, 80, 0, 0, 0, 7}));
    EXPECT_EQ(frame[23], 1) << "bytes in";
    EXPECT_EQ(frame[31], 2) << "packets in";
    EXPECT_EQ(frame[39], 3) << "bytes out";
    EXPECT_EQ(frame[47], 4) << "packets out";
}

TEST(DplaneMessage, AnEchoReplyRepeatsTheTimes) {
    const auto frame = write_echo_reply(2, 5, {.dplane_time = 1, .bfdd_time = 2});
    EXPECT_EQ(frame, frame_of(2, 1, 5, {0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2}));
}

// Nothing beyond the span is read (AddressSanitizer sees to it), and every frame ends in a message or in a reason.
TEST(DplaneMessage, MutatedFramesNeverDoHarm) {
    std::mt19937 dice(1);  // NOLINT: the same frames each time
    const std::vector<Bytes> seeds{captured_ipv6_peer(), captured_ipv4_peer(), add_frame({.version = 2}),
                                   frame_of(1, 5, 1, {0, 0, 0, 1})};
    std::size_t understood = 0;
    for (int i = 0; i < 50'000; ++i) {
        auto frame = seeds[dice() % seeds.size()];
        for (unsigned n = dice() % 4; n > 0; --n) frame[dice() % frame.size()] = static_cast<std::uint8_t>(dice());
        frame.resize(kFrameHeader + dice() % 400);
        const auto length = frame_length(frame);
        if (!length || *length == 0 || *length > frame.size()) continue;
        if (read_message(std::span(frame).first(*length))) ++understood;
    }
    EXPECT_GT(understood, 1000U);
}

}  // namespace
}  // namespace sidestep::bfd
