// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Passes copies on two CPUs at once, step by step: sequence_window.h is compiled with a compare-and-swap of the test's
// own, which lets another copy pass in between. Every interleaving of one copy with another whole one is tried.
#include <linux/types.h>

#include <array>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace {

std::function<void()> intruder;  // the other CPU
int steps_left = 0;              // until it runs

template <typename V>
std::uint64_t compare_and_swap(__u64* at, V expected, V wanted) {
    if (steps_left-- == 0 && intruder) std::exchange(intruder, nullptr)();
    const auto before = *at;
    if (before == expected) *at = wanted;
    return before;
}

struct ss_window_view {
    std::vector<__u64>* words;
};

__u64* ss_window_word(const ss_window_view* view, __u32 index) {
    return index < view->words->size() ? &(*view->words)[index] : nullptr;
}

}  // namespace

// NOLINTBEGIN(bugprone-reserved-identifier)
#define __sync_val_compare_and_swap compare_and_swap
// NOLINTEND(bugprone-reserved-identifier)
#include "bpf/lib/sequence_window.h"

namespace sidestep {
namespace {

constexpr std::uint64_t kNow = 1'000'000'000;
constexpr std::uint64_t kReset = 1'000'000'000;

class Window {
  public:
    Window() : words_(4) {
        window_.words = 4;
        window_.reset_ns = kReset;
    }
    ss_copy pass(std::uint64_t number, std::uint64_t now = kNow) {
        const ss_window_view view{&words_};
        return ss_pass_once(&view, &window_, number, now);
    }
    [[nodiscard]] std::uint64_t newest() const { return window_.newest; }

  private:
    ss_copy_window window_{};
    std::vector<__u64> words_;
};

constexpr std::array<std::uint64_t, 8> kAround{101, 102, 111, 112, 113, 128, 140, 148};

TEST(SequenceWindowSteps, OfTwoAtOnceEachPassesOnce) {
    for (const auto one : kAround) {
        for (const auto other : kAround) {
            for (int steps = 0; steps < 4; ++steps) {
                SCOPED_TRACE(testing::Message() << one << " and " << other << " after " << steps);
                Window window;
                window.pass(100);
                ss_copy also{};
                steps_left = steps;
                intruder = [&] { also = window.pass(other); };
                const auto first = window.pass(one);
                if (std::exchange(intruder, nullptr)) also = window.pass(other);  // there were fewer steps
                EXPECT_EQ((first == SS_COPY_FIRST) + (also == SS_COPY_FIRST), one == other ? 1 : 2);
                EXPECT_EQ(window.pass(one), SS_COPY_LATER);
                EXPECT_EQ(window.pass(other), SS_COPY_LATER);
            }
        }
    }
}

// The same for the first packets of a sender that begins anew behind its old numbers.
TEST(SequenceWindowSteps, OfTwoAfterASilenceEachPassesOnce) {
    constexpr auto kLater = kNow + kReset + 1;
    for (const auto one : {10U, 11U, 20U}) {
        for (const auto other : {10U, 11U, 20U}) {
            for (int steps = 0; steps < 4; ++steps) {
                SCOPED_TRACE(testing::Message() << one << " and " << other << " after " << steps);
                Window window;
                window.pass(100'000);
                ss_copy also{};
                steps_left = steps;
                intruder = [&] { also = window.pass(other, kLater); };
                const auto first = window.pass(one, kLater);
                if (std::exchange(intruder, nullptr)) also = window.pass(other, kLater);
                EXPECT_EQ((first == SS_COPY_FIRST) + (also == SS_COPY_FIRST), one == other ? 1 : 2);
                EXPECT_EQ(window.pass(one, kLater), SS_COPY_LATER);
                EXPECT_EQ(window.pass(other, kLater), SS_COPY_LATER);
            }
        }
    }
}

// Between the steps of one copy, the window moves on by more than its size. The old block must not come back.
TEST(SequenceWindowSteps, AnOvertakenCopyChangesNothing) {
    Window window;
    window.pass(100);
    steps_left = 0;
    intruder = [&] {
        for (std::uint64_t number = 101; number < 400; ++number) EXPECT_EQ(window.pass(number), SS_COPY_FIRST);
    };
    EXPECT_EQ(window.pass(101), SS_COPY_TOO_OLD);
    const auto newest = window.newest();
    for (std::uint64_t number = 399 - 47; number < 400; ++number) EXPECT_EQ(window.pass(number), SS_COPY_LATER);
    EXPECT_EQ(window.newest(), newest);
}

}  // namespace
}  // namespace sidestep
