// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests two failures whose repairs send packets to each other: a ring that is cut twice. Every packet ends after a few
// hops, long before its hop limit runs out.
#include <ostream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/net/repair_lab.hpp"

namespace sidestep::topo {
namespace {

constexpr std::uint64_t kPackets = 300;

struct Header {
    const char* name;
    const char* encap;
    bool one_segment;
};

void PrintTo(const Header& header, std::ostream* out) {
    *out << header.name;
}

class TwoCuts : public ProtectedLab, public testing::WithParamInterface<Header> {
  protected:
    [[nodiscard]] std::string topology() const override { return SIDESTEP_NET_TESTS "/ring.yaml"; }

    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root to make network namespaces";
        build();
        ASSERT_TRUE(lab().wait_reachable("S", "T", kPatience));
        ASSERT_TRUE(lab().wait_reachable("E", "T", kPatience));
        auto other = lab().install_cut("C-D");
        ASSERT_TRUE(other) << other.error().message;
        other_.emplace(std::move(*other));
        ASSERT_TRUE(start("A", config("A", "A-B", "A-C", "D", "B")));
        ASSERT_TRUE(start("C", config("C", "C-D", "A-C", "B", "D")));
    }

    /// `node` avoids `link` by `backup`: the other way around the ring, where `far` is the end of the link.
    [[nodiscard]] std::string config(const std::string& node, const std::string& link, const std::string& backup,
                                     const std::string& first, const std::string& far) const {
        const auto sid = [&](const std::string& router, std::uint16_t function) {
            return '"' + lab().sid(router, function).to_string() + '"';
        };
        auto segments = GetParam().one_segment ? sid(far, 6) : sid(first, 1) + ", " + sid(far, 6);
        auto text = fmt::format("node: {{name: {0}, source-address: \"{1}\"}}\ningress: [to-{2}]\nadjacencies:\n", node,
                                lab().address(node).to_string(), node == "A" ? "S" : "E");
        for (const auto& each : {link, backup}) {
            const auto& own = lab().interface(node, each);
            text += fmt::format(
                "  - {{name: {}, interface: {}, neighbor: \"{}\", probe: {{interval: 20ms, return-address: \"{}\", "
                "wait-to-restore: 100ms}}{}}}\n",
                each, own.name, lab().peer(node, each).link_local.to_string(), own.address.to_string(),
                each == link ? fmt::format(", bypass: [{{adjacency: {}, encap: {}, segments: [{}]}}]", backup,
                                           GetParam().encap, segments)
                             : "");
        }
        return text;
    }

    [[nodiscard]] Cut& other_cut() { return *other_; }

    /// Packets that the bypass of a node has taken, and those that it left alone because they had been repaired before.
    std::array<std::uint64_t, 2> repaired_and_looped(const std::string& node) {
        const auto bypass = ask(node, "policies")["policies"][0]["candidates"][0];
        return {bypass.value("packets", std::uint64_t{0}),
                bypass.value(json::json_pointer("/drops/loop"), std::uint64_t{0})};
    }

    std::uint64_t expired() {
        std::uint64_t count = 0;
        for (const auto* node : {"A", "B", "C", "D"}) {
            const auto text = shell(node, "grep Icmp6OutTimeExcds /proc/net/snmp6");
            count += std::stoull(text.substr(text.find_last_of(" \t")));
        }
        return count;
    }

  private:
    std::optional<Cut> other_;
};

TEST_P(TwoCuts, EveryPacketEndsSoon) {
    cut().cut();
    other_cut().cut();
    ASSERT_TRUE(becomes("A", "down", "", "A-B"));
    ASSERT_TRUE(becomes("C", "down", "", "C-D"));
    const auto a_before = repaired_and_looped("A");
    const auto c_before = repaired_and_looped("C");
    Flows flows;
    ASSERT_TRUE(flows.add(lab(), "S", "T", {.rate = 1000, .count = kPackets}));
    Flows delivered;
    ASSERT_TRUE(delivered.add(lab(), "S", "E", {.rate = 1000}));
    ASSERT_TRUE(delivered.add(lab(), "E", "S", {.rate = 1000}));
    // S - A - C - A: repaired at A and at C; the second time, A leaves the packet to the route by the dead link.
    EXPECT_TRUE(wait_for(kPatience, [&] {
        const auto a = repaired_and_looped("A");
        const auto c = repaired_and_looped("C");
        return a[1] + c[1] - a_before[1] - c_before[1] >= kPackets;
    }));
    EXPECT_TRUE(delivered.pass());
    EXPECT_TRUE(lossless(delivered.stop()));
    const auto a = repaired_and_looped("A");
    const auto c = repaired_and_looped("C");
    EXPECT_LE(a[0] - a_before[0], kPackets + 10);  // neighbor discovery and similar may be among them
    EXPECT_LE(c[0] - c_before[0], kPackets + 10);
    EXPECT_LE(a[1] + c[1] - a_before[1] - c_before[1], kPackets + 20);
    EXPECT_EQ(expired(), 0U);
}

TEST_P(TwoCuts, OneCutAtATimeIsRepaired) {
    auto flows = Flows();
    ASSERT_TRUE(flows.add(lab(), "S", "T", {.rate = 1000}));
    ASSERT_TRUE(flows.add(lab(), "E", "T", {.rate = 1000}));
    ASSERT_TRUE(flows.pass());
    const auto first_ns = cut().cut();
    EXPECT_TRUE(becomes("A", "down", "", "A-B"));
    EXPECT_TRUE(flows.pass());
    cut().restore();
    EXPECT_TRUE(becomes("A", "up", "", "A-B"));
    other_cut().cut();
    EXPECT_TRUE(becomes("C", "down", "", "C-D"));
    EXPECT_TRUE(flows.pass());
    other_cut().restore();
    EXPECT_TRUE(becomes("C", "up", "", "C-D"));
    EXPECT_TRUE(flows.pass());
    EXPECT_TRUE(healed(flows.stop(), first_ns));
    EXPECT_EQ(expired(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Headers, TwoCuts,
                         testing::Values(Header{"Encaps", "h.encaps", false}, Header{"Reduced", "h.encaps.red", false},
                                         Header{"WithoutSrh", "h.encaps.red", true}),
                         [](const auto& header) { return std::string(header.param.name); });

}  // namespace
}  // namespace sidestep::topo
