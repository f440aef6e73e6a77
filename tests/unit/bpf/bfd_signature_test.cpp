// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests how BFD packets are signed, and which signatures count (RFC 5880, 6.7.4).
#include "bpf/lib/bfd_signature.h"

#include <algorithm>
#include <cstring>
#include <string>

#include <gtest/gtest.h>

#include "detector/core/headers.hpp"

namespace sidestep {
namespace {

constexpr std::uint64_t kSignedMs = 1'000'000;

/// In hexadecimal, of at most 55 bytes.
std::string sha1_of(const std::string& text) {
    std::array<std::uint8_t, 64> block{};
    std::ranges::copy(text, block.begin());
    block[text.size()] = 0x80;
    block[62] = static_cast<std::uint8_t>(8 * text.size() >> 8);
    block[63] = static_cast<std::uint8_t>(8 * text.size());
    struct ss_sha1 sha1 {};
    std::memcpy(sha1.words, block.data(), block.size());
    for (auto& word : sha1.words) word = bpf_ntohl(word);
    ss_sha1_make(&sha1);
    std::string hash;
    for (const auto word : sha1.hash) {
        for (int shift = 28; shift >= 0; shift -= 4) hash += "0123456789abcdef"[word >> shift & 15];
    }
    return hash;
}

// By sha1sum(1).
TEST(Sha1, OfWhatFitsABlock) {
    EXPECT_EQ(sha1_of(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    EXPECT_EQ(sha1_of("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    EXPECT_EQ(sha1_of("The quick brown fox jumps over the lazy dog"), "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12");
    EXPECT_EQ(sha1_of(std::string(55, 'a')), "c1c8bbdc22796e28c0e15163d20899b65621d65a");
}

class BfdSignature : public testing::Test {
  protected:
    static BfdKey key(std::uint8_t id, std::string_view secret) {
        BfdKey key{.id = id};
        std::ranges::copy(secret, key.secret.begin());
        return key;
    }
    /// Both ends at 10 ms x 3.
    static void set_up(ss_session& session, const BfdAuth& auth) {
        const bfd::Machine machine{.state = bfd::BfdState::up,
                                   .discriminator = 1,
                                   .remote_discriminator = 1,
                                   .ups = 1,
                                   .tx_us = 10'000,
                                   .rx_us = 10'000,
                                   .rx_now_us = 10'000};
        session.conf.bfd = write_bfd(machine, {});
        write_keys(session.conf.bfd, auth);
    }
    void use(const BfdAuth& here, const BfdAuth& there) {
        set_up(here_, here);
        set_up(there_, there);
    }
    /// The neighbor's next packet.
    ss_bfd_signed next() {
        ss_bfd_signed packet{.packet = there_.conf.bfd.packet, .signature = {}};
        ss_bfd_sign(&there_, &packet);
        return packet;
    }
    bool takes(ss_bfd_signed packet) {
        now_ += kSignedMs;
        if (ss_bfd_check_session(&here_, &packet.packet) != 0) return false;
        if (const auto reason = ss_bfd_check_signature(&here_, &packet, now_); reason != 0) {
            EXPECT_EQ(reason, SS_REJECT_BFD_AUTHENTICATION + 1U);
            return false;
        }
        ss_bfd_record(&here_, &packet.packet, now_);
        return true;
    }

    const BfdAuth meticulous_{.meticulous = true, .file = {}, .keys = {key(1, "secret"), key(2, "another")}};
    const BfdAuth keyed_{.meticulous = false, .file = {}, .keys = {key(1, "secret")}};
    ss_session here_{};
    ss_session there_{};
    std::uint64_t now_ = 1000 * kSignedMs;
};

// By sha1sum of the packet with the key in the place of the hash.
TEST_F(BfdSignature, IsTheHashOfThePacketWithItsKey) {
    use(meticulous_, meticulous_);
    auto packet = next();
    EXPECT_EQ(packet.packet.length, 52);
    EXPECT_EQ(packet.signature.type, 5);
    EXPECT_EQ(packet.signature.length, 28);
    std::string bytes(52, 0);
    auto with_key = packet;
    std::memcpy(with_key.signature.hash, meticulous_.keys[0].secret.data(), SS_BFD_HASH);
    std::memcpy(bytes.data(), &with_key, sizeof with_key);
    std::string hash;
    for (const auto byte : packet.signature.hash) {
        hash += "0123456789abcdef"[byte >> 4];
        hash += "0123456789abcdef"[byte & 15];
    }
    EXPECT_EQ(hash, sha1_of(bytes));
}

TEST_F(BfdSignature, TakesWhatTheNeighborSigns) {
    for (const auto& auth : {meticulous_, keyed_}) {
        here_ = there_ = {};
        use(auth, auth);
        for (int i = 0; i < 5; ++i) EXPECT_TRUE(takes(next()));
    }
}

TEST_F(BfdSignature, RefusesEveryByteThatIsNotTheNeighbors) {
    use(meticulous_, meticulous_);
    ASSERT_TRUE(takes(next()));
    const auto good = next();
    for (std::size_t i = 0; i < sizeof good; ++i) {
        if (i == offsetof(ss_bfd_signed, packet) + offsetof(ss_bfd_packet, your_discriminator)) continue;
        auto bad = good;
        reinterpret_cast<std::uint8_t*>(&bad)[i] ^= 1;
        ss_bfd_packet& packet = bad.packet;
        packet.your_discriminator = good.packet.your_discriminator;  // another check is before
        if (std::memcmp(&bad, &good, sizeof good) == 0) continue;
        EXPECT_NE(ss_bfd_check_signature(&here_, &bad, now_), 0U) << "byte " << i;
    }
    EXPECT_TRUE(takes(good));
}

TEST_F(BfdSignature, RefusesAnotherKeyAndAnotherKind) {
    use(meticulous_, {.meticulous = true, .file = {}, .keys = {key(1, "guessed")}});
    EXPECT_FALSE(takes(next()));
    use(meticulous_, {.meticulous = true, .file = {}, .keys = {key(3, "secret")}});
    EXPECT_FALSE(takes(next())) << "no key of this number";
    use(meticulous_, keyed_);
    EXPECT_FALSE(takes(next()));
    use({.meticulous = true, .file = {}, .keys = {}}, meticulous_);
    EXPECT_FALSE(takes(next())) << "without keys nobody is believed";
}

TEST_F(BfdSignature, IsExpectedIfAndOnlyIfItIsConfigured) {
    use(meticulous_, meticulous_);
    auto bare = next();
    bare.packet.state_flags &= static_cast<std::uint8_t>(~SS_BFD_AUTHENTICATED);
    EXPECT_EQ(ss_bfd_check_session(&here_, &bare.packet), SS_REJECT_BFD_AUTHENTICATION + 1U);
    here_.conf.bfd.auth = SS_BFD_AUTH_NONE;
    EXPECT_EQ(ss_bfd_check_session(&here_, &bare.packet), 0U);
    bare.packet.state_flags |= SS_BFD_AUTHENTICATED;
    EXPECT_EQ(ss_bfd_check_session(&here_, &bare.packet), SS_REJECT_BFD_AUTHENTICATION + 1U);
}

TEST_F(BfdSignature, BothKeysAreTakenWhileOneReplacesTheOther) {
    use(meticulous_, {.meticulous = true, .file = {}, .keys = {meticulous_.keys[1], meticulous_.keys[0]}});
    EXPECT_TRUE(takes(next()));
    set_up(there_, meticulous_);
    EXPECT_TRUE(takes(next()));
}

TEST_F(BfdSignature, RefusesNumbersThatAreOldOrFarAhead) {
    use(meticulous_, meticulous_);
    there_.tx.bfd.sequence = 0xfffffffe;  // it wraps around
    const auto first = next();
    EXPECT_TRUE(takes(first));
    EXPECT_FALSE(takes(first)) << "again";
    EXPECT_TRUE(takes(next()));
    EXPECT_FALSE(takes(first)) << "an old one";
    there_.tx.bfd.sequence += 8;
    EXPECT_TRUE(takes(next())) << "3 x 3 ahead";
    there_.tx.bfd.sequence += 9;
    EXPECT_FALSE(takes(next()));
    there_.tx.bfd.sequence -= 2;
    EXPECT_TRUE(takes(next()));
}

TEST_F(BfdSignature, WithoutMeticulousTheSameNumberMayComeAgain) {
    use(keyed_, keyed_);
    const auto packet = next();
    EXPECT_TRUE(takes(packet));
    EXPECT_TRUE(takes(packet));
    EXPECT_TRUE(takes(next()));
    EXPECT_FALSE(takes(packet));
}

// A neighbor that was restarted begins with any number.
TEST_F(BfdSignature, AnyNumberMayComeAfterTwiceTheDetectionTime) {
    use(meticulous_, meticulous_);
    ASSERT_TRUE(takes(next()));
    there_.tx.bfd.sequence -= 1000;
    now_ += 58 * kSignedMs;
    EXPECT_FALSE(takes(next()));
    now_ += kSignedMs;
    EXPECT_TRUE(takes(next()));
}

}  // namespace
}  // namespace sidestep
