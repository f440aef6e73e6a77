// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Records answers of one session on two CPUs at once, step by step. answer.h is compiled with a compare-and-swap of the
// test's own, which lets a second answer be recorded in between. So every interleaving of one answer with another whole
// one is tried: none is lost, none counts twice, and the newest never moves back.
#include <array>
#include <cstdint>
#include <functional>
#include <utility>

#include <gtest/gtest.h>

#include "bpf/abi/sidestep.h"

namespace {

std::function<void()> late_writer;  // the other CPU, runs before each step
std::uint64_t* watched = nullptr;   // of the session under test
std::uint64_t highest = 0;

template <typename V>
std::uint64_t compare_and_swap(std::uint64_t* at, V expected, V wanted) {
    if (late_writer) std::exchange(late_writer, nullptr)();
    const auto before = *at;
    if (before == expected) *at = wanted;
    EXPECT_GE(*watched, highest) << "it never moves back";
    highest = *watched;
    return before;
}

template <typename V>
std::uint64_t compare_and_swap(__u64* at, V expected, V wanted) {
    return compare_and_swap(reinterpret_cast<std::uint64_t*>(at), expected, wanted);
}

}  // namespace

// NOLINTBEGIN(bugprone-reserved-identifier)
#define __sync_val_compare_and_swap compare_and_swap
// NOLINTEND(bugprone-reserved-identifier)
#include "bpf/lib/answer.h"

namespace sidestep {
namespace {

constexpr std::uint64_t kNow = 1'000'000;

class Answers {
  public:
    explicit Answers(std::uint64_t last_sent) {
        session_.conf.interval_ns = 1'000'000;
        session_.tx.sequence = last_sent;
        watched = reinterpret_cast<std::uint64_t*>(&session_.rx.newest);
        highest = 0;
    }
    Answers(const Answers&) = delete;
    Answers& operator=(const Answers&) = delete;
    ~Answers() { watched = nullptr; }

    bool record(std::uint64_t sequence) {
        return ss_record_answer(&session_, static_cast<std::uint32_t>(sequence), kNow, kNow) == 0;
    }
    [[nodiscard]] bool has(std::uint64_t sequence) const {
        const auto age = session_.rx.newest - sequence;
        return age < SS_WINDOW_BITS && (ss_window(&session_.rx, session_.rx.newest) >> age & 1) != 0;
    }
    [[nodiscard]] std::uint64_t newest_answered() const { return session_.rx.newest; }

  private:
    ss_session session_{};
};

TEST(AnswerSteps, BothOfTwoAtOnceAreRecorded) {
    constexpr std::array<std::uint64_t, 8> kAround{1, 2, 15, 16, 17, 48, 63, 64};
    constexpr std::array<std::uint64_t, 3> kBases{0, 0x7ffffff0, 0xffffffe0};
    for (const auto base : kBases) {
        for (const auto one : kAround) {
            for (const auto other : kAround) {
                SCOPED_TRACE(testing::Message() << base << ": " << one << " and " << other);
                Answers answers(base + 64);
                bool also = false;
                late_writer = [&] { also = answers.record(base + other); };
                const bool first = answers.record(base + one);
                EXPECT_EQ(first + also, one == other ? 1 : 2) << "the same answer twice counts once";
                EXPECT_TRUE(answers.has(base + one));
                EXPECT_TRUE(answers.has(base + other));
                EXPECT_EQ(answers.newest_answered(), base + std::max(one, other));
            }
        }
    }
}

// Between the steps of one answer, so many later probes are answered that its block is gone. It must not come back.
TEST(AnswerSteps, AnOvertakenAnswerChangesNothing) {
    Answers answers(1000);
    late_writer = [&] {
        for (std::uint64_t sequence = 2; sequence <= 1000; ++sequence) EXPECT_TRUE(answers.record(sequence));
    };
    EXPECT_FALSE(answers.record(1));
    EXPECT_EQ(answers.newest_answered(), 1000U);
    for (std::uint64_t sequence = 937; sequence <= 1000; ++sequence) EXPECT_TRUE(answers.has(sequence)) << sequence;
}

}  // namespace
}  // namespace sidestep
