// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Two copies while nobody restores: the head end's detector is gone. What the kernel does then, and what it does not.
#include <string_view>

#include <gmock/gmock.h>

#include "tests/net/hitless_lab.hpp"

namespace sidestep::topo {
namespace {

class HitlessAlone : public HitlessLab {
  protected:
    /// Cuts a link until B has seen it, while A has no detector; its kernel judges as fast.
    void flap(Cut& cut, Flows& flows, const std::string& seen_as) {
        cut.cut();
        EXPECT_TRUE(becomes("B", "down", "", seen_as));
        EXPECT_TRUE(flows.pass());
        cut.restore();
        EXPECT_TRUE(becomes("B", "up", "", seen_as));
        EXPECT_TRUE(flows.pass());
    }
    /// Packets of A that came to B by another list only, while others pass.
    std::uint64_t missed_meanwhile(Flows& flows, std::size_t list) {
        const auto before = merging_at("B").at(list).value("missed", std::uint64_t{0});
        EXPECT_TRUE(flows.pass());
        return merging_at("B").at(list).value("missed", std::uint64_t{0}) - before;
    }
};

// Probes go on and are answered; that a way can be trusted again is for the detector to say.
TEST_F(HitlessAlone, AWayThatCameBackGetsNoCopyUntilADetectorIsThere) {
    start_hitless();
    auto flows = dual_flows();
    ASSERT_TRUE(flows) << flows.error().message;
    ASSERT_TRUE(flows->pass());
    ASSERT_TRUE(kill("A"));
    flap(cut(), *flows, "A-B");
    EXPECT_GE(missed_meanwhile(*flows, 0), 200U) << "A sends nothing by A-B";
    ASSERT_TRUE(start("A", hitless_config("A")));
    ASSERT_TRUE(becomes("A", "up"));
    EXPECT_TRUE(flows->pass());
    EXPECT_LE(missed_meanwhile(*flows, 0), 20U) << "but for those on their way";
    EXPECT_TRUE(perfect(flows->stop()));
}

/// How A steers.
class HitlessForsaken : public HitlessAlone, public testing::WithParamInterface<const char*> {};

// Two failures, one after the other: none of the ways is trusted any more. The kernel's own route is what is left, and on
// the policy device there is none (docs/operations.md).
TEST_P(HitlessForsaken, OnceAllWaysHaveFlappedTheKernelsRouteIsLeft) {
    const bool by_device = std::string_view(GetParam()) == "device";
    const auto config =
        with(hitless_config("A"), "    flow: 7\n", fmt::format("    flow: 7\n    steering: {}\n", GetParam()));
    ASSERT_TRUE(start_with(config, hitless_config("B")));
    auto other = lab().install_cut("C-B");
    ASSERT_TRUE(other) << other.error().message;
    auto flows = dual_flows();
    ASSERT_TRUE(flows) << flows.error().message;
    ASSERT_TRUE(flows->pass());
    ASSERT_TRUE(kill("A"));
    flap(cut(), *flows, "A-B");
    EXPECT_TRUE(perfect(flows->stop()));
    other->cut();
    EXPECT_TRUE(becomes("B", "down", "", "C-B"));
    other->restore();
    EXPECT_TRUE(becomes("B", "up", "", "C-B"));
    const auto ping = fmt::format("ping -q -i .01 -c 20 -W 1 {}", lab().address("D").to_string());
    const auto copies = counter("B", "later-copy");
    EXPECT_NE(shell("S", ping).find(by_device ? " 100% packet loss" : " 0% packet loss"), std::string::npos);
    EXPECT_EQ(counter("B", "later-copy"), copies);
    ASSERT_TRUE(start("A", config));
    EXPECT_TRUE(eventually([&] { return policy("A", "far").value("copies", 0) == 2; }));
    EXPECT_NE(shell("S", ping).find(" 0% packet loss"), std::string::npos);
    EXPECT_GE(counter("B", "later-copy"), copies + 20);
}

INSTANTIATE_TEST_SUITE_P(By, HitlessForsaken, testing::Values("transit", "device"));

}  // namespace
}  // namespace sidestep::topo
