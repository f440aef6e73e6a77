// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the STAMP reflector against a stranger's sender, and `sidestep measure` to it and around a path.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "routing/core/sids.hpp"
#include "tests/net/protected_lab.hpp"

namespace sidestep::topo {
namespace {

class StampLab : public ProtectedLab {
  protected:
    void SetUp() override {
        ProtectedLab::SetUp();
        if (IsSkipped() || HasFatalFailure()) return;
        for (const auto& [node, address] : {std::pair{"A", "192.0.2.1"}, {"B", "192.0.2.2"}}) {
            ASSERT_EQ(
                shell(node, fmt::format("ip address add {}/24 dev {}", address, lab().interface(node, "A-B").name)),
                "");
        }
    }
    [[nodiscard]] std::string own_address() const { return lab().interface("A", "A-B").address.to_string(); }
    [[nodiscard]] std::string with_reflector(const std::string& more = "") const {
        return config("A") + fmt::format(
                                 "\nstamp: {{addresses: [\"{}\", \"{}\", 192.0.2.1], sources: [\"fd00::/8\", "
                                 "192.0.2.0/24]{}}}\n",
                                 own_address(), lab().address("A").to_string(), more);
    }
    /// What the stranger on B thinks.
    std::string opinion(const std::string& address, const std::string& options = "") {
        return shell("B", fmt::format("python3 {}/stamp_sender.py {} {}", SIDESTEP_NET_TESTS, address, options));
    }
    std::uint64_t answered() { return ask("A", "status")["counters"].value("stamp-answered", std::uint64_t{0}); }
    json measured(const std::string& node, const std::string& arguments) {
        return json::parse(cli(node, "measure --json --interval 5ms " + arguments), nullptr, false);
    }
};

TEST_F(StampLab, AnswersAStrangersSender) {
    ASSERT_TRUE(start("A", with_reflector()));
    EXPECT_EQ(opinion(own_address()), "fine\n");
    EXPECT_EQ(opinion("192.0.2.1"), "fine\n");
    EXPECT_EQ(opinion(lab().address("A").to_string()), "fine\n");
    EXPECT_EQ(answered(), 21U);
}

TEST_F(StampLab, CountsByItselfAndWhileTheProcessIsDead) {
    ASSERT_TRUE(start("A", with_reflector(", mode: stateful")));
    EXPECT_EQ(opinion(own_address(), "--stateful"), "fine\n");
    ASSERT_TRUE(kill("A"));
    EXPECT_EQ(opinion(own_address(), "--stateful"), "fine\n");
    ASSERT_TRUE(start("A", with_reflector(", mode: stateful")));
    EXPECT_EQ(opinion(own_address(), "--stateful"), "fine\n");
}

TEST_F(StampLab, IsOffUntilAReloadSwitchesItOn) {
    ASSERT_TRUE(start("A"));
    EXPECT_NE(opinion(own_address()), "fine\n");
    EXPECT_EQ(answered(), 0U);
}

TEST_F(StampLab, IsMeasured) {
    ASSERT_TRUE(start("A", with_reflector()));
    auto result = measured("B", own_address() + " --count 20 --size 200");
    EXPECT_EQ(result.value("answered", 0), 20) << result;
    EXPECT_EQ(result.value("lost", -1), 0);
    EXPECT_GT(result["round_trip_us"].value("median", 0.0), 0.0);
    EXPECT_TRUE(result.contains("variation_us"));
    EXPECT_EQ(answered(), 20U);
    result = measured("B", "192.0.2.1 --count 5");
    EXPECT_EQ(result.value("answered", 0), 5) << result;
    cut().cut();
    result = measured("B", own_address() + " --count 5 --wait 50ms");
    EXPECT_EQ(result.value("lost", 0), 5) << result;
    EXPECT_EQ(cli("B", fmt::format("measure {} --count 2 --wait 10ms >/dev/null 2>&1; echo $?", own_address())), "1\n");
}

TEST_F(StampLab, APathIsMeasuredWithoutAReflector) {
    const auto segments = fmt::format("{},{}", lab().sid("C", routing::kFunctionEnd).to_string(),
                                      lab().sid("B", routing::kFunctionDecap).to_string());
    ASSERT_TRUE(start_both());
    auto result = measured("A", fmt::format("--segments {} --from {} --count 10", segments,
                                            lab().interface("A", "A-C").address.to_string()));
    EXPECT_EQ(result.value("answered", 0), 10) << result;
    const auto path = fmt::format(
        "\npaths:\n  - {{name: A-C-B, adjacency: A-C, segments: [\"{}\", \"{}\"], returns-on: {}, "
        "probe: {{return-address: \"{}\"}}}}\n",
        lab().sid("C", routing::kFunctionEnd).to_string(), lab().sid("B", routing::kFunctionDecap).to_string(),
        lab().interface("A", "A-B").name, lab().interface("A", "A-B").address.to_string());
    ASSERT_TRUE(stop("A"));
    ASSERT_TRUE(start("A", config("A") + path));
    result = measured("A", "A-C-B --count 10 --size 100");
    EXPECT_EQ(result.value("answered", 0), 10) << result;
    ASSERT_EQ(shell("C", fmt::format("ip link set dev {} down", lab().interface("C", "C-B").name)), "");
    result = measured("A", "A-C-B --count 3 --wait 50ms");
    EXPECT_EQ(result.value("lost", 0), 3) << result;
}

}  // namespace
}  // namespace sidestep::topo
