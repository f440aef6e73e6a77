// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests merging SIDs: the first copy of a packet is decapsulated and goes on, all others are dropped and counted.
#include <cstring>
#include <memory>

#include "tests/bpf/repairing.hpp"

namespace sidestep {
namespace {

constexpr std::string_view kMerging = "fd00:a:0:7::/64";
constexpr std::uint32_t kFlow = 7;
constexpr std::uint32_t kWords = 16;

class Merge : public Repairing {
  protected:
    void SetUp() override {
        Repairing::SetUp();
        if (IsSkipped()) return;
        programs_.set_sid(*Prefix::parse(kMerging), {.behavior = SS_END_DT46,
                                                     .flavors = SS_FLAVOR_MERGE,
                                                     .block_bits = 0,
                                                     .function_bits = 0,
                                                     .adjacency = {}});
        programs_.set_domain({*Prefix::parse("fd00::/16")});
        programs_.set_adjacency(kLoopback, {}, {.session = 5, .slot = 0});
        programs_.states[kPrimary].rank = SS_UP;
        programs_.repair[0].active = 0;
        const auto merge = std::make_unique<ss_merge>();
        merge->window.words = kWords;
        merge->window.reset_ns = 2'000'000'000;
        ASSERT_EQ(bpf_map__update_elem(map(), &kFlow, sizeof kFlow, merge.get(), sizeof *merge, BPF_ANY), 0);
    }

    bpf_map* map() { return programs_.maps().ss_merges; }
    ss_way way(std::size_t index) {
        const auto merge = std::make_unique<ss_merge>();
        EXPECT_EQ(bpf_map__lookup_elem(map(), &kFlow, sizeof kFlow, merge.get(), sizeof *merge, 0), 0);
        return merge->way[index];
    }

    ss_stray stray() {
        const std::uint32_t index = kFlow % SS_STRAYS;
        ss_stray seen{};
        EXPECT_EQ(bpf_map__lookup_elem(programs_.maps().ss_strays, &index, sizeof index, &seen, sizeof seen, 0), 0);
        return seen;
    }
    /// Lets the next first copy be timed.
    void next_sample() {
        auto merge = std::make_unique<ss_merge>();
        ASSERT_EQ(bpf_map__lookup_elem(map(), &kFlow, sizeof kFlow, merge.get(), sizeof *merge, 0), 0);
        merge->window.sampled = 0;
        merge->window.sampled_ns = 0;
        ASSERT_EQ(bpf_map__update_elem(map(), &kFlow, sizeof kFlow, merge.get(), sizeof *merge, BPF_ANY), 0);
    }

    static Bytes copy(std::uint64_t number, std::uint32_t by, const Bytes& inner, std::uint32_t flow = kFlow,
                      std::string_view from = "fd00:b::1") {
        const auto argument = std::uint64_t{flow} << 48 | std::uint64_t{by} << 46 | number;
        const bool v4 = inner.at(kEthernetLength) >> 4 == 4;
        auto tunnel = packet(Ipv6{.from = from, .to = "fd00:a:0:7::", .next_header = v4 ? kIpv4Inside : kIpv6Inside},
                             inside(inner));
        for (std::size_t i = 0; i < 8; ++i)
            tunnel.at(kEthernetLength + 32 + i) = static_cast<std::uint8_t>(argument >> (56 - 8 * i));
        return tunnel;
    }
    void expect_first(const Bytes& in, const Bytes& inner) {
        const auto result = programs_.ingress(in);
        EXPECT_EQ(result.code, kPass);
        EXPECT_EQ(text_of(result.packet), text_of(inner));
    }

    const Bytes v6_ = packet(Ipv6{.to = "2001:db8:f::1", .next_header = kTcp}, tcp(1, 2, 99));
    const Bytes v4_ = packet(Ipv4{.to = "198.51.100.1"}, udp(1, 2, 99));
};

TEST_F(Merge, OneCopyGoesOn) {
    for (std::uint64_t number = 1; number < 100; number += 2) {
        expect_first(copy(number, 0, v6_), v6_);
        expect_dropped(copy(number, 1, v6_), SS_OUTCOME_LATER_COPY);
        expect_first(copy(number + 1, 1, v4_), v4_);
        expect_dropped(copy(number + 1, 0, v4_), SS_OUTCOME_LATER_COPY);
    }
    EXPECT_EQ(way(0).first, 50U);
    EXPECT_EQ(way(1).first, 50U);
    EXPECT_EQ(way(0).later, 50U);
    EXPECT_EQ(way(1).later, 50U);
    EXPECT_GT(way(1).behind_ns, 0U) << "how much later its copies come";
}

constexpr std::uint64_t kWindow = std::uint64_t{SS_BLOCK_BITS} * kWords;

TEST_F(Merge, TooOldIsDropped) {
    expect_first(copy(1, 0, v6_), v6_);
    for (std::uint64_t number = 2; number < 2 * kWindow; number += kWindow / 2) expect_first(copy(number, 0, v6_), v6_);
    expect_dropped(copy(1, 1, v6_, kFlow, "fd00:b::7"), SS_OUTCOME_STALE_COPY);
    EXPECT_EQ(way(1).too_old, 1U);
    const auto seen = stray();
    EXPECT_EQ(seen.flow, kFlow);
    EXPECT_EQ(seen.list, 1U);
    EXPECT_EQ(seen.behind, 3 * kWindow / 2 + 1);
    EXPECT_EQ(std::memcmp(seen.source, address("fd00:b::7").bytes.data(), 16), 0) << "who sends it";
    EXPECT_EQ(seen.since_ns, seen.last_ns);
    expect_dropped(copy(1, 1, v6_), SS_OUTCOME_STALE_COPY);
    EXPECT_EQ(stray().since_ns, seen.since_ns) << "it goes on";
    EXPECT_GE(stray().last_ns, seen.last_ns) << "of a clock that turns every few milliseconds";
}

// One that was forged or damaged would otherwise make all others too old.
TEST_F(Merge, ASingleNumberFarAheadIsNotBelieved) {
    expect_first(copy(1, 0, v6_), v6_);
    for (std::uint64_t number = 2; number < 20; ++number) {
        expect_dropped(copy(number << 24, 0, v6_), SS_OUTCOME_STALE_COPY);
        expect_first(copy(number, 0, v6_), v6_);
        expect_dropped(copy(number, 1, v6_), SS_OUTCOME_LATER_COPY);
    }
    expect_dropped(copy(99 << 24, 0, v6_), SS_OUTCOME_STALE_COPY);
    expect_first(copy(99 << 24, 1, v6_), v6_);  // a sender that began anew, and loses nothing
    expect_dropped(copy(99 << 24, 0, v6_), SS_OUTCOME_LATER_COPY);
    EXPECT_EQ(stray().last_ns, 0U) << "nobody is behind";
}

// What is too old has missed its packet: the figures must not hide it.
TEST_F(Merge, AListIsCountedFromItsBeginWhateverWasTooOld) {
    for (std::uint64_t number = 2; number < 2 * kWindow; number += kWindow / 2) expect_first(copy(number, 0, v6_), v6_);
    expect_dropped(copy(1, 1, v6_), SS_OUTCOME_STALE_COPY);
    EXPECT_EQ(way(1).skipped, 4U);
    expect_dropped(copy(2 + 3 * kWindow / 2, 2, v6_), SS_OUTCOME_LATER_COPY);
    EXPECT_EQ(way(2).skipped, 3U);
}

TEST_F(Merge, AllListsAreTimedAndTheFirstOneIsNotBehind) {
    constexpr int kSamples = 40;
    for (std::uint64_t number = 1; number <= kSamples; ++number) {
        next_sample();
        for (std::uint32_t by = 0; by < 4; ++by) programs_.ingress(copy(number, by, v6_));
    }
    const auto third = way(2).behind_ns;
    EXPECT_EQ(way(0).behind_ns, 0U);
    EXPECT_LT(way(1).behind_ns, third);
    EXPECT_LT(third, way(3).behind_ns);
    for (std::uint64_t number = kSamples + 1; number <= std::uint64_t{2} * kSamples; ++number) {
        next_sample();
        for (const std::uint32_t by : {2U, 1U, 0U, 3U}) programs_.ingress(copy(number, by, v6_));
    }
    EXPECT_LT(way(2).behind_ns, third / 16) << "it has become the first";
    EXPECT_GT(way(0).behind_ns, way(1).behind_ns);
}

TEST_F(Merge, AnotherFlowIsDropped) {
    expect_dropped(copy(1, 0, v6_, kFlow + 1), SS_OUTCOME_NO_FLOW);
    expect_first(copy(1, 0, v6_), v6_);
}

TEST_F(Merge, AFlowThatIsNotMergedIsRemembered) {
    expect_dropped(copy(1, 0, v6_, kFlow + SS_STRAYS), SS_OUTCOME_NO_FLOW);
    const auto seen = stray();
    EXPECT_EQ(seen.flow, kFlow + SS_STRAYS);
    EXPECT_EQ(seen.behind, 0U);
    EXPECT_GT(seen.last_ns, 0U);
    EXPECT_EQ(std::memcmp(&seen.sid, Prefix::parse(kMerging)->address.bytes.data(), sizeof seen.sid), 0);
}

TEST_F(Merge, AWayHasMissedNothingOfWhatCameBeforeIt) {
    for (std::uint64_t number = 1; number <= 5; ++number) expect_first(copy(number, 0, v6_), v6_);
    EXPECT_EQ(way(0).skipped, 0U);
    expect_dropped(copy(5, 2, v6_), SS_OUTCOME_LATER_COPY);
    EXPECT_EQ(way(2).skipped, 4U);
    expect_first(copy(6, 3, v6_), v6_);
    EXPECT_EQ(way(3).skipped, 5U);
    expect_first(copy(7, 0, v6_), v6_);
    expect_dropped(copy(6, 2, v6_), SS_OUTCOME_LATER_COPY);
    EXPECT_EQ(way(2).skipped, 4U) << "it goes on";
    EXPECT_GE(way(0).last_ns, way(3).last_ns);
}

TEST_F(Merge, AfterALongSilenceAWayBeginsAnew) {
    expect_first(copy(1, 0, v6_), v6_);
    expect_first(copy(2, 1, v6_), v6_);
    auto merge = std::make_unique<ss_merge>();
    ASSERT_EQ(bpf_map__lookup_elem(map(), &kFlow, sizeof kFlow, merge.get(), sizeof *merge, 0), 0);
    if (merge->way[1].last_ns <= SS_WAY_SILENT_NS + 1) GTEST_SKIP() << "this machine has been up for less than that";
    merge->way[1].last_ns -= SS_WAY_SILENT_NS + 1;
    merge->way[0].first = 100;
    ASSERT_EQ(bpf_map__update_elem(map(), &kFlow, sizeof kFlow, merge.get(), sizeof *merge, BPF_ANY), 0);
    expect_first(copy(3, 1, v6_), v6_);
    EXPECT_EQ(way(1).skipped, 100U) << "of 102, two came by it";
}

// RFC 6040, 4.2: it is dropped, but another copy of it may have no mark.
TEST_F(Merge, AMarkThatMayNotGoOnTakesNoNumber) {
    auto marked = copy(1, 0, v6_);
    marked.at(kEthernetLength + 1) |= 0x30;
    expect_dropped(marked, SS_OUTCOME_SID_FAILED);
    expect_first(copy(1, 1, v6_), v6_);
}

// Otherwise anybody could use up numbers.
TEST_F(Merge, WhatComesFromOutsideTakesNoNumber) {
    expect_dropped(copy(1, 0, v6_, kFlow, "2001:db8:bad::1"), SS_OUTCOME_NOT_IN_DOMAIN);
    expect_first(copy(1, 0, v6_), v6_);
}

}  // namespace
}  // namespace sidestep
