// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests SRv6 traffic of others that crosses A by a SID of A, while the link after that SID is cut.
#include <ostream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/net/repair_lab.hpp"

namespace sidestep::topo {
namespace {

struct Crossing {
    const char* name;
    const char* sid;   ///< of A, in its configuration
    const char* path;  ///< the segments that S pushes
};

void PrintTo(const Crossing& crossing, std::ostream* out) {
    *out << crossing.name;
}

/// A SID of the lab's plan is End (1) or End.X (0x1000 for the first link) and belongs to the kernel; the others belong
/// to sidestepd. The last segment is B's End.DT46.
constexpr Crossing kCrossings[] = {
    {"End", "{sid: 'fd00:a:0:1::', behavior: end, install: false}", "fd00:a:0:1::,fd00:b:0:d46::"},
    {"EndX", "{sid: 'fd00:a:0:1000::', behavior: end.x, adjacency: A-B, install: false}",
     "fd00:a:0:1000::,fd00:b:0:d46::"},
    {"InstalledEnd", "{sid: 'fd00:a:0:e::', behavior: end}", "fd00:a:0:e::,fd00:b:0:d46::"},
    {"InstalledEndX", "{sid: 'fd00:a:0:eb::', behavior: end.x, adjacency: A-B}", "fd00:a:0:eb::,fd00:b:0:d46::"},
    {"EndAndThenEndX", "{sid: 'fd00:a:0:e::', behavior: end}, {sid: 'fd00:a:0:eb::', behavior: end.x, adjacency: A-B}",
     "fd00:a:0:e::,fd00:a:0:eb::,fd00:b:0:d46::"},
    {"Psp", "{sid: 'fd00:a:0:e::', behavior: end, flavors: [psp]}", "fd00:a:0:e::,fd00:b:0:d46::"},
    {"NextCsid", "{sid: 'fcbb:bb00:a::/48', behavior: end, flavors: [next-csid]}", "fcbb:bb00:a:b::"},
    {"NextCsidX", "{sid: 'fcbb:bb00:a::/48', behavior: end.x, adjacency: A-B, flavors: [next-csid]}",
     "fcbb:bb00:a:b::"},
};

class Midpoint : public RepairLab, public testing::WithParamInterface<Crossing> {
  protected:
    [[nodiscard]] std::string a_config() const {
        const auto text = with(bypass_config("A"), "sids: [", fmt::format("device: sr0\nsids: [{}, ", GetParam().sid));
        return with(text, "fd00::/16\"", R"(fd00::/16", "2001:db8:5::/48")");  // S is of the domain
    }
    [[nodiscard]] std::string b_config() const {
        auto text = with(base_config("B"), "sids: [", "sids: [{sid: 'fcbb:bb00:b::', behavior: end.dt46}, ");
        return with(text, "fd00::/16\"", R"(fd00::/16", "2001:db8:5::/48")");
    }
    /// Makes S send packets for D by these segments.
    void send_by_segments() {
        const auto to_a = "via " + lab().peer("S", "S-A").link_local.to_string() + " dev to-A ";
        ASSERT_EQ(shell("S", "ip sr tunsrc set 2001:db8:5::1 && ip -6 route add fcbb:bb00::/32 " + to_a +
                                 " && ip -6 route add 2001:db8:d::/48 encap seg6 mode encap segs " + GetParam().path +
                                 " " + to_a + " metric 10"),
                  "");
        ASSERT_EQ(shell("A", "ip -6 route add fcbb:bb00:b::/48 via " + lab().peer("A", "A-B").link_local.to_string() +
                                 " dev to-B"),
                  "");
    }
};

TEST_P(Midpoint, IsProtected) {
    ASSERT_TRUE(start_with(a_config(), b_config()));
    send_by_segments();
    Flows flows;
    ASSERT_TRUE(flows.add(lab(), "S", "D", {.rate = 2000}));
    ASSERT_TRUE(flows.pass()) << "healthy";
    EXPECT_EQ(taken("A", "A-B bypass", 0), 0U);
    const auto cut_ns = cut().cut(Direction::forward);
    EXPECT_TRUE(becomes("A", "down", "unanswered"));
    EXPECT_TRUE(flows.pass()) << "cut";
    EXPECT_GT(taken("A", "A-B bypass", 0), 0U);
    cut().restore();
    EXPECT_TRUE(becomes("A", "up"));
    EXPECT_TRUE(flows.pass()) << "restored";
    EXPECT_TRUE(healed(flows.stop(), cut_ns));
    EXPECT_EQ(counter("A", "malformed"), 0U);
    EXPECT_EQ(counter("B", "malformed"), 0U);
}

INSTANTIATE_TEST_SUITE_P(Kinds, Midpoint, testing::ValuesIn(kCrossings),
                         [](const auto& crossing) { return std::string(crossing.param.name); });

}  // namespace
}  // namespace sidestep::topo
