// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests how the neighbor turns a probe around: plain forwarding, End, End.X; and a probe that returns by another link.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "routing/core/sids.hpp"
#include "tests/net/protected_lab.hpp"

namespace sidestep::topo {
namespace {

class Turnaround : public ProtectedLab {
  protected:
    /// Has A's probes of A-B turned around by a SID of B.
    [[nodiscard]] std::string by(const std::string& kind, const Address& sid) const {
        return with(config("A"), "turnaround: forward",
                    fmt::format("turnaround: {}, segment: \"{}\"", kind, sid.to_string()));
    }

    void expect_to_detect(const std::string& kind, const std::string& config) {
        ASSERT_TRUE(start("A", config));
        EXPECT_EQ(session("A").value("turnaround", ""), kind);
        EXPECT_GT(session("A").value("answered", 0), 0);
        cut().cut();
        EXPECT_TRUE(becomes("A", "down", "unanswered"));
        cut().restore();
        EXPECT_TRUE(becomes("A", "up"));
    }

    /// Makes B send packets for A's end of the link over C.
    void misroute() {
        ASSERT_EQ(
            shell("B",
                  fmt::format("ip -6 route add {}/128 via {} dev {}", lab().interface("A", "A-B").address.to_string(),
                              lab().peer("B", "C-B").link_local.to_string(), lab().interface("B", "C-B").name)),
            "");
    }
};

TEST_F(Turnaround, ByEnd) {
    expect_to_detect("end", by("end", lab().sid("B", routing::kFunctionEnd)));
}

TEST_F(Turnaround, ByEndX) {
    expect_to_detect("end.x", by("end.x", lab().adjacency_sid("B", "A-B")));
}

TEST_F(Turnaround, AProbeThatComesBackByAnotherLinkIsUnanswered) {
    ASSERT_TRUE(start("A"));
    EXPECT_EQ(rejected("A", "wrong-interface"), 0U);
    misroute();
    EXPECT_TRUE(becomes("A", "down", "unanswered"));
    EXPECT_TRUE(wait_for(kPatience, [&] { return rejected("A", "wrong-interface") > 100; }));
    EXPECT_EQ(session("A").value("state", ""), "down");
    ASSERT_EQ(shell("B", fmt::format("ip -6 route del {}/128", lab().interface("A", "A-B").address.to_string())), "");
    EXPECT_TRUE(becomes("A", "up"));
}

TEST_F(Turnaround, EndXPinsTheReturnPathIfRoutingWouldDiffer) {
    misroute();
    ASSERT_TRUE(start("A", by("end.x", lab().adjacency_sid("B", "A-B"))));
    EXPECT_EQ(rejected("A", "wrong-interface"), 0U);
}

}  // namespace
}  // namespace sidestep::topo
