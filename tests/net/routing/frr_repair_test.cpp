// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests sidestepd together with real IS-IS routers, one of which converges late: a cut, its repair, the end of the
// repair, and the restoration. Holding repairs and avoiding micro-loops (RFC 8333, micro_loop.hpp) prevents loss.
#include <limits>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/net/routing/frr_lab.hpp"

namespace sidestep::topo {
namespace {

constexpr std::chrono::milliseconds kLate{1500};
constexpr std::chrono::milliseconds kLater{3000};

class FrrRepair : public FrrLab {
  protected:
    /// Packets lost, of both flows. The routers' own counts of used up hop limits are no measure: r2 and r3, which do not
    /// avoid loops, send the probes that verify backups in circles for a moment.
    struct Lost {
        std::uint64_t at_cut = 0;      ///< until the repair
        std::uint64_t at_release = 0;  ///< until the link was restored
        std::uint64_t at_restore = 0;
        std::int64_t longest_at_cut_ns = 0;
    };

    testing::AssertionResult start_on(const std::string& node, const std::string& hold) {
        return start_isis(node, ", protect: link, hold: " + hold);
    }
    testing::AssertionResult converges(const std::string& node, const std::string& state) {
        return has(node, "routing", "/convergence", state);
    }
    /// Waits until the policy to D leaves by this adjacency first.
    testing::AssertionResult leaves_by(const std::string& node, const std::string& adjacency) {
        json seen;
        const bool came = eventually([&] {
            seen = policy(node, "to-r2");
            return seen.value("/candidates/0/adjacency"_json_pointer, "") == adjacency;
        });
        if (came) return testing::AssertionSuccess();
        return testing::AssertionFailure() << seen.dump();
    }
    static std::uint64_t lost_in(const FlowReport& report, std::int64_t from, std::int64_t to) {
        const auto lost = loss_between(report, from, to);
        return lost ? lost->lost : 0;
    }

    /// Fails the link silently, or with its interface.
    void fail_link(bool silent) {
        if (silent) {
            cut().cut();
        } else {
            shell("r1", "ip link set to-r2 down");
        }
    }
    void mend_link(bool silent) {
        if (silent) {
            cut().restore();
        } else {
            const auto& own = lab().interface("r1", "r1-r2");  // its addresses went with it
            shell("r1", fmt::format("ip link set to-r2 up; ip -6 addr replace {}/64 dev to-r2 nodad; "
                                    "ip -6 addr replace {}/64 dev to-r2 nodad",
                                    own.link_local.to_string(), own.address.to_string()));
        }
    }

    void life_of_a_failure(const std::string& hold, bool silent, Lost& lost);
    void loses_nothing_beyond_detection(bool silent);
};

// r4 converges late when the link fails, r1 even later when it comes back.
void FrrRepair::life_of_a_failure(const std::string& hold, bool silent, Lost& lost) {
    const bool holds = hold != "0s";
    ASSERT_TRUE(start_on("r1", hold));
    ASSERT_TRUE(start_on("r4", hold));
    Flows flows;
    ASSERT_TRUE(flows.add(lab(), "S", "D", {.rate = 1000}));
    ASSERT_TRUE(flows.add(lab(), "T", "D", {.rate = 1000}));
    ASSERT_TRUE(flows.pass());
    ASSERT_TRUE(set_spf_delay("r4", kLate));
    const auto cut_ns = now_ns();
    fail_link(silent);
    EXPECT_TRUE(becomes("r1", "down", silent ? "unanswered" : "carrier-lost", "r1-r2"));
    EXPECT_TRUE(flows.pass());
    const auto repaired_ns = now_ns();
    if (holds) {
        EXPECT_TRUE(converges("r1", "holding"));
        EXPECT_TRUE(converges("r4", "avoiding"));
    }
    EXPECT_TRUE(leaves_by("r1", "r4-r1"));
    EXPECT_TRUE(routes("r4", "D", "r3"));
    EXPECT_TRUE(routes("r1", "D", "r4"));
    EXPECT_TRUE(converges("r1", "settled"));
    EXPECT_TRUE(converges("r4", "settled"));
    EXPECT_TRUE(flows.pass());

    ASSERT_TRUE(set_spf_delay("r1", kLater));
    const auto restored_ns = now_ns();
    mend_link(silent);
    EXPECT_TRUE(leaves_by("r1", "r1-r2"));
    if (holds) {
        EXPECT_TRUE(converges("r4", "avoiding"));
    }
    EXPECT_TRUE(routes("r4", "D", "r1"));
    EXPECT_TRUE(routes("r1", "D", "r2"));
    EXPECT_TRUE(converges("r1", "settled"));
    EXPECT_TRUE(converges("r4", "settled"));
    EXPECT_TRUE(flows.pass());
    for (const auto& report : flows.stop()) {
        lost.at_cut += lost_in(report, cut_ns - 20'000'000, repaired_ns);
        lost.at_release += lost_in(report, repaired_ns, restored_ns);
        lost.at_restore += lost_in(report, restored_ns, std::numeric_limits<std::int64_t>::max());
        if (const auto window = loss_between(report, cut_ns - 20'000'000, repaired_ns))
            lost.longest_at_cut_ns = std::max(lost.longest_at_cut_ns, window->length_ns().value_or(0));
    }
    fmt::print("hold {}, {}: packets lost at the cut {} ({:.1f} ms), at the release {}, at the restoration {}\n", hold,
               silent ? "silent" : "interface down", lost.at_cut, static_cast<double>(lost.longest_at_cut_ns) / 1e6,
               lost.at_release, lost.at_restore);
}

void FrrRepair::loses_nothing_beyond_detection(bool silent) {
    Lost lost;
    ASSERT_NO_FATAL_FAILURE(life_of_a_failure("5s", silent, lost));
    EXPECT_LT(std::chrono::nanoseconds(lost.longest_at_cut_ns), kLongestLoss);
    EXPECT_EQ(lost.at_release, 0U);
    EXPECT_EQ(lost.at_restore, 0U);
}

TEST_F(FrrRepair, NothingIsLostBeyondDetection) {
    loses_nothing_beyond_detection(true);
}

TEST_F(FrrRepair, NothingIsLostBeyondDetectionWhenTheInterfaceGoesDown) {
    loses_nothing_beyond_detection(false);
}

// Shows what the other tests are worth: the same without holding and avoiding.
TEST_F(FrrRepair, WithoutHoldMicroLoopsLosePackets) {
    Lost lost;
    ASSERT_NO_FATAL_FAILURE(life_of_a_failure("0s", true, lost));
    EXPECT_LT(std::chrono::nanoseconds(lost.longest_at_cut_ns), kLongestLoss);
    // On a busy machine, r1 may read the database only when r4 has converged, and one of the two loops does not form.
    EXPECT_GT(lost.at_release + lost.at_restore, 0U);
    EXPECT_GT(expired(), 0U);
}

// The locator is on lo, with a connected route as long as the uN SID. r1 sends all that is for D over r4 and r3, in one
// compressed SID: with its metric of 1024, the SID of r4 lost to that route, and all packets with it.
TEST_F(FrrRepair, CompressedListsPassARouterWhoseLocatorIsOnLo) {
    for (const auto* node : {"r3", "r4"}) ASSERT_TRUE(start_isis(node, ", protect: link, next-csid: true"));
    for (const auto* node : {"r3", "r4"})
        ASSERT_TRUE(
            says(node, fmt::format("ip -6 route get fibmatch fd00:0:{}:3:6::", node + 1), "seg6local action End"));
    EXPECT_THAT(shell("r4", "ip -6 route show fd00:0:4::/48"), testing::HasSubstr("dev lo"));
    ASSERT_TRUE(start("r1", neighbors_config("r1") +
                                "sr-domain: [\"fd00::/32\"]\n"
                                "policies: [{name: to-D, prefixes: [\"2001:db8:d::/64\"], "
                                "candidates: [{adjacency: r4-r1, segments: [\"fd00:0:4:3:6::\"]}]}]\n"));
    Flows flows;
    ASSERT_TRUE(flows.add(lab(), "S", "D", {.rate = 500}));
    EXPECT_TRUE(flows.pass());
    for (const auto& report : flows.stop()) EXPECT_EQ(report.lost.size(), 0U);
    EXPECT_GT(taken("r1", "to-D", 0), 0U);
    // What nobody can precede is at least said.
    const auto said = ask("r4", "status")["problems"].dump();
    EXPECT_THAT(said, testing::AllOf(testing::HasSubstr("route to fd00:0:4::/48"),
                                     testing::HasSubstr("subnet-router anycast address")));
}

}  // namespace
}  // namespace sidestep::topo
