// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The list of prefix lengths: its order, its masks, and what packets see while it changes.
#include "detector/app/length_list.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bpf/model/address.hpp"

namespace sidestep {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class Lengths : public testing::Test {
  protected:
    [[nodiscard]] std::vector<unsigned> seen(ss_table table = SS_IPV6) const {
        std::vector<unsigned> result;
        for (std::uint32_t i = 0; i < steering_->lengths[table]; ++i)
            result.push_back(steering_->length[table][i].length);
        return result;
    }

    std::unique_ptr<ss_steering> steering_ = std::make_unique<ss_steering>();
    LengthList list_{*steering_, SS_IPV6};
};

TEST(LengthOf, TheMaskCutsAnAddressToThePrefix) {
    const auto address = *Address::parse("ffff:fedc:ba98:7654:3210:0123:4567:ffff");
    std::array<std::uint64_t, 2> whole{};
    std::memcpy(whole.data(), address.bytes.data(), sizeof whole);
    for (std::uint32_t length = 0; length <= 128; ++length) {
        const auto entry = length_of(length);
        EXPECT_EQ(entry.length, length);
        const std::array<std::uint64_t, 2> cut{whole[0] & entry.mask[0], whole[1] & entry.mask[1]};
        const auto expected = Prefix::covering(address, static_cast<std::uint8_t>(length)).address;
        EXPECT_EQ(std::memcmp(cut.data(), expected.bytes.data(), sizeof cut), 0) << length;
    }
}

TEST_F(Lengths, TheLongestComesFirst) {
    for (const std::uint32_t length : {48, 0, 128, 64, 32, 127}) list_.add(length);
    EXPECT_THAT(seen(), ElementsAre(128, 127, 64, 48, 32, 0));
    list_.remove(64);
    list_.remove(128);
    list_.remove(0);
    EXPECT_THAT(seen(), ElementsAre(127, 48, 32));
    EXPECT_THAT(seen(SS_IPV4), IsEmpty()) << "other tables are others' business";
}

TEST_F(Lengths, ALengthStaysUntilItsLastPrefixGoes) {
    list_.add(48);
    list_.add(48);
    list_.add(64);
    EXPECT_THAT(seen(), ElementsAre(64, 48));
    list_.remove(48);
    EXPECT_THAT(seen(), ElementsAre(64, 48));
    list_.remove(48);
    EXPECT_THAT(seen(), ElementsAre(64));
    list_.remove(48);  // there is none
    EXPECT_THAT(seen(), ElementsAre(64));
}

TEST_F(Lengths, HasRoomForSoManyDifferentOnes) {
    for (std::uint32_t length = 1; length <= SS_MAX_LENGTHS; ++length) {
        EXPECT_TRUE(list_.has_room(length));
        list_.add(length);
    }
    EXPECT_FALSE(list_.has_room(SS_MAX_LENGTHS + 1));
    EXPECT_TRUE(list_.has_room(SS_MAX_LENGTHS)) << "another prefix of a length that is there";
    ASSERT_EQ(seen().size(), SS_MAX_LENGTHS);
    EXPECT_TRUE(std::ranges::is_sorted(seen(), std::greater{}));
    list_.remove(1);
    EXPECT_TRUE(list_.has_room(SS_MAX_LENGTHS + 1));
}

TEST_F(Lengths, AgreesWithAMapWhateverIsDone) {
    std::mt19937 dice(1);
    std::map<unsigned, unsigned, std::greater<>> model;
    for (int i = 0; i < 20'000; ++i) {
        const auto length = static_cast<std::uint32_t>(dice() % 129);
        if (dice() % 2 == 0) {
            ASSERT_EQ(list_.has_room(length), model.contains(length) || model.size() < SS_MAX_LENGTHS);
            if (!list_.has_room(length)) continue;
            list_.add(length);
            ++model[length];
        } else {
            list_.remove(length);
            if (model.contains(length) && --model[length] == 0) model.erase(length);
        }
        std::vector<unsigned> expected;
        for (const auto& [key, count] : model) expected.push_back(key);
        ASSERT_EQ(seen(), expected);
        for (std::uint32_t at = 0; at < expected.size(); ++at) {
            const auto mask = length_of(expected[at]);
            ASSERT_EQ(std::memcmp(&steering_->length[SS_IPV6][at], &mask, sizeof mask), 0) << "its mask came along";
        }
    }
}

}  // namespace
}  // namespace sidestep
