// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests that an adjacency is taken out of use and put back without losing or reordering a packet, that this is refused where
// packets would have no other way, and that a rehearsed failure ends by itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/net/protected_lab.hpp"

namespace sidestep::topo {
namespace {

using testing::HasSubstr;

/// No policy has the routes to the other router itself, so these packets stay on a link without bypass: hence --force.
class Drained : public ProtectedLab {
  protected:
    std::string tried(const std::string& node, const std::string& arguments) {
        return cli(node, arguments + "; echo code $?");
    }
    static void all_arrived(std::vector<FlowReport> reports) {
        EXPECT_TRUE(lossless(reports));
        for (const auto& report : reports) {
            EXPECT_EQ(report.reordered, 0U);
            EXPECT_EQ(report.duplicates, 0U);
        }
    }
};

TEST_F(Drained, NothingIsLostOrReordered) {
    ASSERT_TRUE(start_both());
    auto flows = Flows::start(lab(), 5000);
    ASSERT_TRUE(flows) << flows.error().message;
    ASSERT_TRUE(flows->pass());
    for (const auto* node : {"A", "B"}) {
        EXPECT_THAT(tried(node, "drain A-B --force"), HasSubstr("is drained until `sidestep undrain A-B`"));
        EXPECT_TRUE(becomes(node, "admin-down", "admin-down"));
        EXPECT_TRUE(takes(node, 1));
        EXPECT_TRUE(flows->pass());
    }
    EXPECT_GT(rerouted("A"), 0U);
    for (const auto* node : {"A", "B"}) {
        EXPECT_THAT(tried(node, "undrain A-B"), HasSubstr("A-B waits for proof"));
        EXPECT_TRUE(becomes(node, "up"));
        EXPECT_TRUE(takes(node, 0));
        EXPECT_TRUE(flows->pass());
    }
    all_arrived(flows->stop());
}

TEST_F(Drained, SurvivesARestart) {
    ASSERT_TRUE(start_both());
    ASSERT_THAT(tried("A", "drain A-B --force"), HasSubstr("code 0"));
    ASSERT_TRUE(kill("A"));
    ASSERT_TRUE(launch("A", config("A")));
    EXPECT_TRUE(becomes("A", "admin-down", "admin-down"));
    EXPECT_TRUE(takes("A", 1));
}

TEST_F(Drained, IsRefusedWherePacketsHaveNoOtherWay) {
    ASSERT_TRUE(start_both());
    ASSERT_THAT(tried("A", "drain A-C --force"), HasSubstr("code 0"));
    const auto refusal = tried("A", "drain A-B");
    EXPECT_THAT(refusal, HasSubstr("nothing else takes policy"));
    EXPECT_THAT(refusal, HasSubstr("code 1"));
    EXPECT_EQ(session("A").value("state", ""), "up");
    EXPECT_THAT(
        tried("A", "drain A-B --dry-run"),
        testing::AllOf(HasSubstr("stays on the link: policy"), HasSubstr("stays on the link: 3 routes in no policy")));
    EXPECT_EQ(session("A").value("state", ""), "up");
    EXPECT_THAT(tried("A", "drain A-B --force"), HasSubstr("code 0"));
    EXPECT_TRUE(becomes("A", "admin-down"));
    EXPECT_THAT(tried("A", "drain Z"), HasSubstr("no adjacency 'Z'"));
}

TEST_F(Drained, ARehearsedFailureEndsByItselfThoughTheDetectorIsKilled) {
    ASSERT_TRUE(start_both());
    auto flows = Flows::start(lab());
    ASSERT_TRUE(flows) << flows.error().message;
    ASSERT_TRUE(flows->pass());
    EXPECT_THAT(tried("A", "fail A-B --for 400ms --force"), HasSubstr("A-B fails for 400 ms"));
    EXPECT_TRUE(becomes("A", "up"));
    EXPECT_EQ(event("A", "admin-down").value("reason", ""), "rehearsal");
    EXPECT_THAT(tried("A", "fail A-B --for 8s --force"), HasSubstr("code 0"));
    ASSERT_TRUE(kill("A"));
    ASSERT_TRUE(launch("A", config("A")));
    EXPECT_TRUE(becomes("A", "admin-down", "rehearsal"));
    EXPECT_TRUE(becomes("A", "up"));
    EXPECT_TRUE(takes("A", 0));
    EXPECT_TRUE(flows->pass());
    all_arrived(flows->stop());
    EXPECT_EQ(session("A").value("downs", -1), 0) << "a rehearsal is no failure";
}

}  // namespace
}  // namespace sidestep::topo
