// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the list of prefix lengths: its order, its masks, and what packets see while it changes.
#include "detector/maps/length_list.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bpf/lib/portable.h"
#include "common/address.hpp"

namespace sidestep {
namespace {

using testing::ElementsAre;

class Lengths : public testing::Test {
  protected:
    // The lengths as packets see them; a length that occurs twice in a row counts once.
    [[nodiscard]] std::vector<unsigned> seen() const {
        std::vector<unsigned> result;
        for (std::uint32_t i = 0; i < steering_->sid_lengths; ++i) {
            const auto length = steering_->sid_length[i].length;
            if (result.empty() || result.back() != length) result.push_back(length);
        }
        return result;
    }

    std::unique_ptr<ss_node> steering_ = std::make_unique<ss_node>();
    LengthList list_{steering_->sid_length, steering_->sid_lengths};
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

TEST_F(Lengths, HasRoomForMaxLengths) {
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

TEST_F(Lengths, AgreesWithAMapAfterAnyOperations) {
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
        ASSERT_LE(steering_->sid_lengths, unsigned{SS_MAX_LENGTHS});
        for (std::uint32_t at = 0; at < steering_->sid_lengths; ++at) {
            const auto& entry = steering_->sid_length[at];
            const auto mask = length_of(entry.length);
            ASSERT_EQ(std::memcmp(&entry, &mask, sizeof mask), 0) << "its mask moved with it";
        }
    }
}

// A packet must see each of these lengths, while others come and go before, between and after them.
TEST_F(Lengths, NoneIsMissingWhileOthersComeAndGo) {
    static constexpr std::array<std::uint32_t, 4> kStaying{120, 64, 48, 8};
    for (const auto length : kStaying) list_.add(length);
    std::atomic<bool> done = false;
    std::uint64_t walks = 0;
    std::uint64_t missed = 0;
    std::thread packets([&] {
        for (; !done; ++walks) {
            std::size_t met = 0;
            for (std::uint32_t i = 0; i < SS_READ(steering_->sid_lengths); ++i) {  // as bpf/lib/lookup.h does
                const auto& entry = steering_->sid_length[i];
                if (met < kStaying.size() && SS_READ(entry.length) == kStaying.at(met)) ++met;
            }
            missed += met != kStaying.size();
        }
    });
    std::mt19937 dice(1);
    std::set<std::uint32_t> coming;
    std::uint32_t most = 0;
    for (int i = 0; i < 300'000; ++i) {
        const auto length = static_cast<std::uint32_t>(8 * (dice() % 16) + 1);  // none of the permanent ones
        if (coming.erase(length) != 0) {
            list_.remove(length);
        } else {
            coming.insert(length);
            list_.add(length);
        }
        most = std::max(most, steering_->sid_lengths);
    }
    done = true;
    packets.join();
    EXPECT_GT(walks, 0U);
    EXPECT_LT(most, unsigned{SS_MAX_LENGTHS}) << "duplicates are used again";
    EXPECT_EQ(missed, 0U) << "of " << walks;
}

}  // namespace
}  // namespace sidestep
