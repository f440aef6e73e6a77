// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// First and later copies: each number passes once, whatever the order, the loss and the number of processors.
#include <linux/types.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cstdint>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

struct ss_window_view {
    std::vector<__u64>* words;
};

namespace {

__u64* ss_window_word(const ss_window_view* view, __u32 index) {
    return index < view->words->size() ? &(*view->words)[index] : nullptr;
}

}  // namespace

#include "bpf/lib/sequence_window.h"

namespace sidestep {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kReset = 2 * kSecond;
constexpr std::uint64_t kNumbers = 1ULL << SS_NUMBER_BITS;

class Window {
  public:
    explicit Window(std::uint32_t size) : words_(size / SS_BLOCK_BITS) {
        window_.words = size / SS_BLOCK_BITS;
        window_.reset_ns = kReset;
    }
    ss_copy pass(std::uint64_t number, std::uint64_t now = kSecond) {
        const ss_window_view view{&words_};
        return ss_pass_once(&view, &window_, number % kNumbers, now);
    }

  private:
    ss_copy_window window_{};
    std::vector<__u64> words_;
};

/// A number that is ahead by more than the window: only the second copy is believed.
void jump(Window& window, std::uint64_t number, std::uint64_t now = kSecond) {
    EXPECT_EQ(window.pass(number, now), SS_COPY_TOO_OLD);
    EXPECT_EQ(window.pass(number, now), SS_COPY_FIRST);
    EXPECT_EQ(window.pass(number, now), SS_COPY_LATER);
}

TEST(SequenceWindow, TheFirstCopyPassesAndTheSecondDoesNot) {
    Window window(64);
    for (std::uint64_t number = 5; number < 500; ++number) {
        EXPECT_EQ(window.pass(number), SS_COPY_FIRST);
        EXPECT_EQ(window.pass(number), SS_COPY_LATER);
    }
}

TEST(SequenceWindow, LateNumbersPassAsFarAsTheWindowReaches) {
    Window window(64);
    window.pass(1);
    jump(window, 1000);
    EXPECT_EQ(window.pass(1000 - 48), SS_COPY_FIRST) << "a window may be one block shorter than its size";
    EXPECT_EQ(window.pass(1000 - 48), SS_COPY_LATER);
    EXPECT_EQ(window.pass(1000 - 64), SS_COPY_TOO_OLD);
    EXPECT_EQ(window.pass(1), SS_COPY_TOO_OLD);
}

TEST(SequenceWindow, NumbersWrap) {
    for (const std::uint64_t size : {64U, 4096U}) {
        Window window(static_cast<std::uint32_t>(size));
        for (std::uint64_t number = kNumbers - 2000; number < kNumbers + 2000; number += 2) {
            EXPECT_EQ(window.pass(number), SS_COPY_FIRST) << number;
            EXPECT_EQ(window.pass(number - 7), SS_COPY_FIRST) << "late";
            EXPECT_EQ(window.pass(number), SS_COPY_LATER);
        }
    }
}

TEST(SequenceWindow, ARestartedSenderIsAheadOfItself) {
    Window window(4096);
    const auto before = ss_first_number(1000);
    for (std::uint64_t i = 0; i < 100; ++i) EXPECT_EQ(window.pass(before + i), SS_COPY_FIRST);
    const auto after = ss_first_number(1001);
    jump(window, after);  // without waiting for silence
    EXPECT_EQ(window.pass(before + 99), SS_COPY_TOO_OLD) << "on the way since before";
}

// A damaged or forged copy would otherwise make all others too old.
TEST(SequenceWindow, ASingleNumberFarAheadSilencesNothing) {
    Window window(4096);
    std::uint64_t number = 1000;
    window.pass(number);
    for (std::uint64_t round = 1; round < 100; ++round) {
        EXPECT_EQ(window.pass(number + (round << 30)), SS_COPY_TOO_OLD) << "not believed";
        EXPECT_EQ(window.pass(++number), SS_COPY_FIRST);
        EXPECT_EQ(window.pass(number + (round << 30)), SS_COPY_TOO_OLD) << "the flow has gone on";
        EXPECT_EQ(window.pass(++number), SS_COPY_FIRST);
        EXPECT_EQ(window.pass(number + 4080), SS_COPY_FIRST) << "it can be true";
        EXPECT_EQ(window.pass(++number), SS_COPY_FIRST) << "and costs nothing";
        number += 4096;
    }
}

TEST(SequenceWindow, AJumpIsBelievedWithTheNextPacket) {
    Window window(4096);
    window.pass(1);
    EXPECT_EQ(window.pass(1'000'000), SS_COPY_TOO_OLD);
    EXPECT_EQ(window.pass(1'000'001), SS_COPY_FIRST) << "by one way only";
    EXPECT_EQ(window.pass(1'000'000), SS_COPY_FIRST) << "by the other";
}

// The other way is slower than `reset`.
TEST(SequenceWindow, ALateCopyAfterASilenceIsStillKnown) {
    Window window(64);
    EXPECT_EQ(window.pass(100, kSecond), SS_COPY_FIRST);
    EXPECT_EQ(window.pass(100, kSecond + 3 * kReset), SS_COPY_LATER);
    EXPECT_EQ(window.pass(100, kSecond + 9 * kReset), SS_COPY_FIRST) << "a sender whose clock stands still";
}

TEST(SequenceWindow, TheEpochWraps) {
    constexpr std::uint64_t kEpochs = 1ULL << SS_EPOCH_BITS;
    Window window(64);
    EXPECT_EQ(window.pass(ss_first_number(kEpochs - 1)), SS_COPY_FIRST);
    EXPECT_EQ(ss_first_number(kEpochs), 0U);
    jump(window, ss_first_number(kEpochs));
    EXPECT_EQ(window.pass(ss_first_number(kEpochs - 1)), SS_COPY_TOO_OLD);
}

TEST(SequenceWindow, ASilentSenderMayBeginAnywhere) {
    Window window(64);
    window.pass(100'000, kSecond);
    EXPECT_EQ(window.pass(7, kSecond + kReset), SS_COPY_TOO_OLD) << "not silent for long enough";
    EXPECT_EQ(window.pass(7, kSecond + kReset + 1), SS_COPY_FIRST);
    EXPECT_EQ(window.pass(7, kSecond + kReset + 2), SS_COPY_LATER);
    EXPECT_EQ(window.pass(6, kSecond + kReset + 3), SS_COPY_FIRST) << "overtaken by the first of all";
    EXPECT_EQ(window.pass(8, kSecond + kReset + 3), SS_COPY_FIRST);
    jump(window, 100'000 - 100, kSecond + kReset + 3);  // ahead of 8
}

TEST(SequenceWindow, ASilentSenderThatGoesOnLosesNothing) {
    Window window(64);
    std::uint64_t now = kSecond;
    for (std::uint64_t number = 1; number < 100; ++number, now += 2 * kReset) {
        EXPECT_EQ(window.pass(number, now), SS_COPY_FIRST);
        EXPECT_EQ(window.pass(number, now + kReset), SS_COPY_LATER);
    }
}

// Random arrivals of two copies against a set of all that has passed.
TEST(SequenceWindow, EachNumberPassesOnceOnRandomArrivals) {
    for (std::uint32_t seed = 1; seed <= 200; ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        std::mt19937_64 random(seed);
        const std::uint32_t size = 64U << random() % 5;
        const std::uint64_t spread = 1 + random() % (2ULL * size);
        const std::uint64_t base = random() % 4 == 0 ? kNumbers - 1500 : random() % kNumbers;
        std::vector<std::pair<std::uint64_t, std::uint64_t>> arrivals;  // time, number
        for (std::uint64_t i = 0; i < 3000; ++i) {
            for (int copy = 0; copy < 2; ++copy) {
                if (random() % 10 != 0) arrivals.emplace_back(i + random() % spread, i);
            }
        }
        std::sort(arrivals.begin(), arrivals.end());
        Window window(size);
        std::set<std::uint64_t> passed;
        std::uint64_t newest = 0;
        for (const auto& [time, i] : arrivals) {
            const auto copy = window.pass(base + i);
            const bool known = passed.contains(i);
            if (copy == SS_COPY_FIRST) {
                EXPECT_FALSE(known) << i << " twice";
                passed.insert(i);
                newest = std::max(newest, i);
            } else if (copy == SS_COPY_LATER) {
                EXPECT_TRUE(known) << i;
            } else {
                EXPECT_GT(newest, i + size - SS_BLOCK_BITS) << i << " is within the window";
            }
            if (!passed.empty() && i + size <= newest) {
                EXPECT_EQ(copy, SS_COPY_TOO_OLD);
            }
        }
    }
}

/// Each of some threads passes all numbers, in steps that keep them within the window. How often each number passed.
std::vector<std::uint32_t> pass_on_threads(Window& window, int threads, std::uint64_t first, std::uint64_t count,
                                           std::uint64_t step) {
    std::vector<std::atomic<std::uint32_t>> passed(count);
    std::barrier together(threads);
    std::vector<std::thread> running;
    for (int thread = 0; thread < threads; ++thread) {
        running.emplace_back([&, thread] {
            std::mt19937_64 random(static_cast<std::uint64_t>(thread) + 1);
            for (std::uint64_t begin = 0; begin < count; begin += step) {
                std::vector<std::uint64_t> order;
                for (auto i = begin; i < std::min(begin + step, count); ++i) order.push_back(i);
                if (thread % 2 == 1) std::shuffle(order.begin(), order.end(), random);
                for (const auto i : order) {
                    if (window.pass(first + i) == SS_COPY_FIRST) ++passed[i];
                }
                together.arrive_and_wait();
            }
        });
    }
    for (auto& thread : running) thread.join();
    return {passed.begin(), passed.end()};
}

TEST(SequenceWindow, EachNumberPassesExactlyOnceOnThreads) {
    for (const std::uint64_t first : {std::uint64_t{0}, kNumbers - 5'000}) {
        for (const int threads : {2, 4}) {
            Window window(256);
            const auto passed = pass_on_threads(window, threads, first, 20'000, 200);
            EXPECT_EQ(std::ranges::count(passed, 1U), 20'000) << threads << " threads";
        }
    }
}

// Threads that fall behind the window lose numbers, but none passes twice.
TEST(SequenceWindow, NoNumberPassesTwiceOnThreadsThatFallBehind) {
    Window window(64);
    const auto passed = pass_on_threads(window, 4, 0, 100'000, 20'000);
    EXPECT_LE(*std::ranges::max_element(passed), 1U);
}

// Both copies of the first packet after a silence, on several processors at once.
TEST(SequenceWindow, OneProcessorSetsTheOffset) {
    for (int round = 0; round < 100; ++round) {
        Window window(4096);
        window.pass(1'000'000, kSecond);
        std::atomic<int> firsts = 0;
        std::barrier together(3);
        std::vector<std::thread> running;
        for (int thread = 0; thread < 3; ++thread) {
            running.emplace_back([&] {
                together.arrive_and_wait();
                for (std::uint64_t number = 10; number < 20; ++number) {
                    if (window.pass(number, kSecond + kReset + 5) == SS_COPY_FIRST) ++firsts;
                }
            });
        }
        for (auto& thread : running) thread.join();
        ASSERT_EQ(firsts, 10);
    }
}

}  // namespace
}  // namespace sidestep
