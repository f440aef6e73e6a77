// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests sets of policies in the maps: what is shared, what a new set leaves alone, and which set packets use meanwhile.
#include "detector/maps/policy_table.hpp"

#include <filesystem>
#include <set>

#include <gtest/gtest.h>
#include <unistd.h>

#include "detector/core/session_list.hpp"
#include "detector/kernel/bpffs.hpp"
#include "detector/kernel/dataplane.hpp"
#include "detector/maps/map_sizes.hpp"
#include "tests/bpf/packet.hpp"
#include "tests/bpf/run_program.hpp"

namespace sidestep {
namespace {

namespace fs = std::filesystem;

SegmentListConfig encaps(unsigned count, unsigned weight = 1) {
    return {.adjacency = "A-B",
            .encap = Encap::h_encaps,
            .segments = std::vector(count, address("fc00::1")),
            .sessions = {},
            .weight = weight};
}

PolicyConfig policy(const std::string& name, std::string_view prefix, const std::vector<SegmentListConfig>& lists) {
    return {.name = name, .prefixes = {*Prefix::parse(prefix)}, .candidates = {{.preference = 100, .lists = lists}}};
}

class PolicyTables : public testing::Test {
  protected:
    void SetUp() override {
        folder_ = fs::temp_directory_path() / ("sidestep-policies-" + std::to_string(getpid()));
        if (auto mounted = mount_bpffs(folder_); !mounted) GTEST_SKIP() << mounted.error().message;
        config_.node = "A";
        config_.source = address("2001:db8:a::1");
        AdjacencyConfig adjacency;
        adjacency.name = "A-B";
        adjacency.interface = "lo";
        adjacency.neighbor = address("fe80::b");
        adjacency.probe.return_address = address("2001:db8:ab::a");
        adjacency.probe.start = Start::trusted;  // nothing probes here
        config_.adjacencies = {adjacency};
        // As many as the sets of a test may have: the maps are sized by the configuration.
        config_.policies = {policy("one", "2001:db8:1::/48", {encaps(1)}),
                            policy("two", "2001:db8:2::/48", {encaps(1)}),
                            policy("three", "2001:db8:3::/48", {encaps(1), encaps(2, 3)})};
        auto loaded = Dataplane::load((folder_ / "A").string(), small(map_sizes(config_)));
        if (!loaded) GTEST_SKIP() << loaded.error().message;
        dataplane_ = std::move(*loaded);
        sessions_.emplace(*dataplane_);
        auto& session = *sessions_->add(sessions_of(config_).front());
        session.ifindex = 1;
        session.mtu = 1500;
        session.own_mac = MacAddress{2, 0, 0, 0, 0, 0xa};
        session.neighbor_mac = MacAddress{2, 0, 0, 0, 0, 0xb};
        table_.emplace(*dataplane_, *sessions_);
        table_->set_sources(config_.source, std::nullopt);
        dataplane_->repair().always = 1;
    }
    void TearDown() override {
        table_.reset();
        sessions_.reset();
        if (dataplane_) dataplane_->unpin();
        dataplane_.reset();
        unmount_bpffs(folder_);
    }

    // Sizes without room for larger configurations, so that sets of a test can exceed them.
    static PolicySizes small(PolicySizes sizes) {
        sizes.slots = 4;
        sizes.policies = 8;
        sizes.candidates = sizes.lists = 15;
        return sizes;
    }

    Result<void> replace(const std::vector<PolicyConfig>& policies, const std::set<Prefix>& unprotected = {}) {
        std::vector<DesiredPolicy> wanted;
        for (const auto& config : policies) wanted.push_back({.config = config, .bypass_of = {}, .computed = true});
        return table_->replace(wanted, unprotected);
    }
    Result<void> publish() { return replace(config_.policies); }

    // The number of segments that packets to a destination get; 0: they are passed.
    unsigned pushed(std::string_view to) {
        const auto result = run_program(dataplane_->ingress_program(), packet(Ipv6{.to = to}, udp(1, 2, 3)), 1, 0);
        if (result.code != TC_ACT_REDIRECT) return 0;
        return result.packet.at(kEthernetLength + kIpv6Length + 4) + 1U;
    }

    [[nodiscard]] const Policy& named(const std::string& name) const {
        return *std::ranges::find(table_->all(), name, [](const Policy& p) { return p.config.name; });
    }
    [[nodiscard]] std::uint32_t list_of(const std::string& name, std::size_t list) const {
        return dataplane_->candidates[named(name).candidates.at(0)].list[list].list;
    }

    fs::path folder_;
    Config config_;
    std::unique_ptr<Dataplane> dataplane_;
    std::optional<SessionTable> sessions_;
    std::optional<PolicyTable> table_;
};

TEST_F(PolicyTables, EqualPathsAreOne) {
    ASSERT_TRUE(publish());
    EXPECT_EQ(named("one").candidates, named("two").candidates);
    EXPECT_NE(named("one").candidates, named("three").candidates);
    EXPECT_EQ(list_of("one", 0), list_of("three", 0));
    EXPECT_NE(named("one").slot, named("two").slot);
    EXPECT_NE(named("one").slot, SS_POLICY_EXEMPT);
    const auto& candidate = dataplane_->candidates[named("three").candidates.at(0)];
    EXPECT_EQ(candidate.weight, 4U);
    EXPECT_EQ(pushed("2001:db8:1::1"), 1U);
    EXPECT_EQ(pushed("2001:db8:4::1"), 0U);
}

TEST_F(PolicyTables, ASetReplacesAnotherInTheOtherBank) {
    const auto bank = dataplane_->node().bank;
    ASSERT_TRUE(replace({policy("one", "2001:db8:1::/48", {encaps(1)})}));
    EXPECT_NE(dataplane_->node().bank, bank);
    const auto slot = named("one").slot;
    const auto first = list_of("one", 0);
    EXPECT_EQ(pushed("2001:db8:1::1"), 1U);

    ASSERT_TRUE(
        replace({policy("one", "2001:db8:1::/48", {encaps(2)}), policy("two", "2001:db8:2::/48", {encaps(3)})}));
    EXPECT_EQ(dataplane_->node().bank, bank);
    EXPECT_EQ(named("one").slot, slot) << "it keeps its counters";
    EXPECT_EQ(pushed("2001:db8:1::1"), 2U);
    EXPECT_EQ(pushed("2001:db8:2::1"), 3U);
    EXPECT_NE(list_of("one", 0), first) << "packets may still use it";
    EXPECT_NE(list_of("two", 0), first);

    ASSERT_TRUE(replace({}));
    dataplane_->repair().always = 1;
    EXPECT_EQ(pushed("2001:db8:1::1"), 0U);
    EXPECT_EQ(pushed("2001:db8:2::1"), 0U);
    EXPECT_EQ(dataplane_->prefix_tables[dataplane_->node().bank].lengths[SS_IPV6], 0U);
}

TEST_F(PolicyTables, WhatIsOnlyObservedMovesNothing) {
    DesiredPolicy one{.config = policy("one", "2001:db8:1::/48", {encaps(1)}), .bypass_of = {}, .observed = true};
    const DesiredPolicy two{.config = policy("two", "2001:db8:2::/48", {encaps(1)}), .bypass_of = {}};
    ASSERT_TRUE(table_->replace({one, two}, {}));
    EXPECT_EQ(named("one").index, named("two").index) << "they share all but the mode";
    EXPECT_EQ(pushed("2001:db8:1::1"), 0U);
    EXPECT_EQ(pushed("2001:db8:2::1"), 1U);
    one.observed = false;
    ASSERT_TRUE(table_->replace({one, two}, {}));
    EXPECT_EQ(pushed("2001:db8:1::1"), 1U);
}

// Any number of sets fits into maps for two.
TEST_F(PolicyTables, IndicesAreUsedAgain) {
    for (unsigned i = 0; i < 200; ++i) {
        const auto count = 1 + i % 16;
        ASSERT_TRUE(replace({policy("p" + std::to_string(i), "2001:db8:1::/48", {encaps(count), encaps(count, 2)})}))
            << i;
        ASSERT_EQ(pushed("2001:db8:1::1"), count);
    }
}

TEST_F(PolicyTables, ASetThatDoesNotFitChangesNothing) {
    std::vector<PolicyConfig> good{policy("one", "2001:db8:1::/48", {encaps(1)})};
    ASSERT_TRUE(replace(good));
    std::vector<PolicyConfig> many;
    for (unsigned i = 0; i < 20; ++i) many.push_back(policy("p" + std::to_string(i), "2001:db8:1::/48", {encaps(2)}));
    const auto bank = dataplane_->node().bank;
    for (int attempt = 0; attempt < 10; ++attempt) {
        EXPECT_FALSE(replace(many));
        EXPECT_EQ(dataplane_->node().bank, bank);
        EXPECT_EQ(pushed("2001:db8:1::1"), 1U);
    }
    good.push_back(policy("two", "2001:db8:2::/48", {encaps(2)}));
    ASSERT_TRUE(replace(good)) << "the refused set has left nothing behind";
    EXPECT_EQ(pushed("2001:db8:1::1"), 1U);
    EXPECT_EQ(pushed("2001:db8:2::1"), 2U);
}

TEST_F(PolicyTables, AChangedLinkIsWrittenInPlace) {
    ASSERT_TRUE(publish());
    auto& session = sessions_->all().front();
    const auto& list = dataplane_->lists[list_of("one", 0)];
    EXPECT_EQ(list.header[5], 0xb);
    EXPECT_EQ(list.mtu, 1500U);
    session.neighbor_mac = MacAddress{2, 0, 0, 0, 0, 0xc};
    table_->refresh(session);
    EXPECT_EQ(list.header[5], 0xc);
    EXPECT_EQ(pushed("2001:db8:1::1"), 1U);
    session.neighbor_mac = std::nullopt;
    table_->refresh(session);
    EXPECT_EQ(list.mode, SS_MODE_UNUSABLE);
    EXPECT_EQ(pushed("2001:db8:1::1"), 0U);
}

TEST_F(PolicyTables, OwnAddressesAreExempt) {
    ASSERT_TRUE(publish());
    table_->exempt(address("2001:db8:1::1"), true);
    EXPECT_EQ(pushed("2001:db8:1::1"), 0U);
    EXPECT_EQ(pushed("2001:db8:1::2"), 1U);
    table_->exempt(address("2001:db8:1::1"), false);
    EXPECT_EQ(pushed("2001:db8:1::1"), 1U);
}

TEST_F(PolicyTables, WhatTheKernelEncryptsIsLeftToIt) {
    table_->guard({*Prefix::parse("2001:db8:2::/48")});
    ASSERT_TRUE(publish());
    EXPECT_EQ(pushed("2001:db8:1::1"), 1U);
    EXPECT_EQ(pushed("2001:db8:2::1"), 0U) << "from the start";
    table_->guard({*Prefix::parse("2001:db8:1:8000::/49")});
    EXPECT_EQ(pushed("2001:db8:1::1"), 1U);
    EXPECT_EQ(pushed("2001:db8:1:8000::1"), 0U);
    EXPECT_EQ(pushed("2001:db8:2::1"), 1U);
    table_->guard({*Prefix::parse("::/0")});
    ASSERT_TRUE(publish());
    EXPECT_EQ(pushed("2001:db8:1::1"), 0U) << "also a longer prefix";
    table_->guard({});
    EXPECT_EQ(pushed("2001:db8:1:8000::1"), 1U);
    EXPECT_EQ(table_->unguarded(), 0U);
}

// More changes than a table has cells.
TEST_F(PolicyTables, OwnAddressesMayChangeForever) {
    ASSERT_TRUE(publish());
    const auto bank = dataplane_->node().bank;
    bool moved = false;
    for (std::size_t i = 0; i < dataplane_->prefixes.size(); ++i) {
        table_->exempt(address("2001:db8:1::1"), true);
        table_->exempt(address("2001:db8:1::1"), false);
        moved = moved || dataplane_->node().bank != bank;
    }
    EXPECT_TRUE(moved) << "the other table took over";
    table_->exempt(address("2001:db8:1::1"), true);
    EXPECT_EQ(pushed("2001:db8:1::1"), 0U);
    EXPECT_EQ(pushed("2001:db8:1::2"), 1U);
    EXPECT_EQ(pushed("2001:db8:2::1"), 1U);
}

TEST_F(PolicyTables, StaleRoutesMayHaveLengthsOfTheirOwn) {
    ASSERT_TRUE(publish());
    const auto slot = named("one").slot;
    const auto nine = *Prefix::parse("2001:db8:9::/64");
    const auto all = *Prefix::parse("2001:db8::/32");
    table_->change_stale({{nine, slot}, {all, slot}});
    EXPECT_EQ(pushed("2001:db8:9::1"), 1U);
    EXPECT_EQ(pushed("2001:db8:4::1"), 1U);
    EXPECT_EQ(pushed("2001:db8:2::1"), 1U);
    table_->change_stale({{nine, std::nullopt}, {all, std::nullopt}});
    EXPECT_EQ(pushed("2001:db8:9::1"), 0U);
    EXPECT_EQ(pushed("2001:db8:2::1"), 1U);
}

// A route became stale before the policy came, and returns afterwards.
TEST_F(PolicyTables, RemovingAStaleRouteKeepsThePolicy) {
    const std::vector<PolicyConfig> first{policy("one", "2001:db8:1::/48", {encaps(1)})};
    auto both = first;
    both.push_back(policy("two", "2001:db8:2::/48", {encaps(2)}));
    ASSERT_TRUE(replace(first));
    dataplane_->repair().always = 1;
    const auto lost = *Prefix::parse("2001:db8:2::/48");
    table_->change_stale({{lost, named("one").slot}});
    EXPECT_EQ(pushed("2001:db8:2::1"), 1U);
    ASSERT_TRUE(replace(both));
    EXPECT_EQ(pushed("2001:db8:2::1"), 2U);
    table_->change_stale({{lost, std::nullopt}});
    EXPECT_EQ(pushed("2001:db8:2::1"), 2U);
}

TEST_F(PolicyTables, AnOwnAddressIsExemptEvenIfItIsStale) {
    ASSERT_TRUE(publish());
    const auto own = *Prefix::parse("2001:db8:1::1/128");
    table_->change_stale({{own, named("two").slot}});
    table_->exempt(address("2001:db8:1::1"), true);
    EXPECT_EQ(pushed("2001:db8:1::1"), 0U);
    table_->change_stale({{own, std::nullopt}});
    EXPECT_EQ(pushed("2001:db8:1::1"), 0U);
}

TEST_F(PolicyTables, AnUnprotectedPrefixIsInNoPolicyEvenIfAShorterOneIs) {
    ASSERT_TRUE(replace({policy("one", "2001:db8::/32", {encaps(1)})}, {*Prefix::parse("2001:db8:2::/48")}));
    dataplane_->repair().always = 1;
    EXPECT_EQ(pushed("2001:db8:1::1"), 1U);
    EXPECT_EQ(pushed("2001:db8:2::1"), 0U);
}

// Each set has different lists.
TEST_F(PolicyTables, RefusedSetsLeaveNothingBehind) {
    for (unsigned attempt = 0; attempt < 100; ++attempt) {
        std::vector<PolicyConfig> many;
        for (unsigned i = 0; i < 3; ++i)
            many.push_back(policy("p" + std::to_string(i), "2001:db8:1::/48", {encaps(1 + attempt % 16, 1 + attempt)}));
        auto& prefixes = many.back().prefixes;
        const auto host = address("2001:db8:1::1");
        for (std::uint8_t length = 0; length < 128; ++length) prefixes.push_back(Prefix::covering(host, length));
        const auto refused = replace(many);
        ASSERT_FALSE(refused);
        ASSERT_EQ(refused.error().message, "prefix table: more than 64 different prefix lengths; remove some prefixes");
    }
    ASSERT_TRUE(replace({policy("one", "2001:db8:1::/48", {encaps(2)})}));
    dataplane_->repair().always = 1;
    EXPECT_EQ(pushed("2001:db8:1::1"), 2U);
}

}  // namespace
}  // namespace sidestep
