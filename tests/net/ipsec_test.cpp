// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests that what the kernel's IPsec policies match is never repaired before the kernel has applied them.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/net/repair_lab.hpp"

namespace sidestep::topo {
namespace {

using testing::HasSubstr;

constexpr auto* kTemplate = "tmpl src fd00:a::1 dst fd00:b::1 proto esp mode tunnel";

class IpsecPolicyOfTheKernel : public RepairLab {
  protected:
    void SetUp() override {
        RepairLab::SetUp();
        const auto refused = shell("A", "ip xfrm policy list");
        if (!refused.empty()) GTEST_SKIP() << "no IPsec policies in this kernel (CONFIG_XFRM_USER): " << refused;
    }
    /// `ip xfrm policy`, with these words; the selector is D's IPv6 network.
    std::string xfrm(const std::string& verb, const std::string& direction, const std::string& rest = "") {
        return shell("A",
                     fmt::format("ip xfrm policy {} src ::/0 dst 2001:db8:d::/48 dir {} {}", verb, direction, rest));
    }
    std::string problem() {
        for (const auto& one : ask("A", "status").value("problems", json::array())) {
            if (one.value("about", "") == "IPsec policies") return one.value("problem", "");
        }
        return {};
    }
    /// How many packets of this destination the policy's detour takes.
    std::uint64_t detoured(const Address& destination) {
        const auto before = taken("A", "far", 1);
        shell("S", fmt::format("ping -c 5 -i 0.02 -W 1 {}", destination.to_string()));
        return taken("A", "far", 1) - before;
    }
    void is_left_to_the_kernel(const std::string& direction, const std::string& rest) {
        ASSERT_TRUE(start_with(policy_config("A"), policy_config("B")));
        cut().cut();
        ASSERT_TRUE(becomes("A", "down"));
        ASSERT_TRUE(becomes("B", "down"));
        EXPECT_EQ(detoured(lab().address("D")), 5U);
        ASSERT_EQ(xfrm("add", direction, rest), "");
        EXPECT_TRUE(eventually([&] { return !problem().empty(); }));
        EXPECT_THAT(problem(), HasSubstr(direction + " ::/0 -> 2001:db8:d::/48"));
        EXPECT_EQ(detoured(lab().address("D")), 0U);
        EXPECT_EQ(detoured(lab().address_v4("D")), 5U) << "another destination";
        ASSERT_EQ(xfrm("delete", direction), "");
        EXPECT_TRUE(eventually([&] { return problem().empty(); }));
        EXPECT_EQ(detoured(lab().address("D")), 5U);
    }
};

TEST_F(IpsecPolicyOfTheKernel, ThatEncryptsComesFirst) {
    is_left_to_the_kernel("out", kTemplate);
}

TEST_F(IpsecPolicyOfTheKernel, ThatChecksForwardedPacketsComesFirst) {
    is_left_to_the_kernel("fwd", kTemplate);
}

TEST_F(IpsecPolicyOfTheKernel, ThatBlocksComesFirst) {
    is_left_to_the_kernel("fwd", "action block");
}

TEST_F(IpsecPolicyOfTheKernel, ThatWasThereBeforeIsHeededFromTheStart) {
    ASSERT_EQ(xfrm("add", "fwd", "action block"), "");
    ASSERT_TRUE(start_with(policy_config("A"), policy_config("B")));
    EXPECT_FALSE(problem().empty());
    cut().cut();
    ASSERT_TRUE(becomes("A", "down"));
    ASSERT_TRUE(becomes("B", "down"));
    EXPECT_EQ(detoured(lab().address("D")), 0U);
    EXPECT_EQ(detoured(lab().address_v4("D")), 5U);
}

TEST_F(IpsecPolicyOfTheKernel, IsIgnoredIfTheConfigurationSaysSo) {
    ASSERT_EQ(xfrm("add", "out", kTemplate), "");
    ASSERT_TRUE(start_with(policy_config("A") + "ipsec: ignore\n", policy_config("B")));
    cut().cut();
    ASSERT_TRUE(becomes("A", "down"));
    ASSERT_TRUE(becomes("B", "down"));
    EXPECT_EQ(problem(), "");
    EXPECT_EQ(detoured(lab().address("D")), 5U);
}

// A route leads into the device, after the policies.
TEST_F(IpsecPolicyOfTheKernel, IsAppliedBeforeThePolicyDevice) {
    ASSERT_EQ(xfrm("add", "fwd", "action allow"), "");
    ASSERT_EQ(xfrm("add", "out", "action block"), "");
    ASSERT_TRUE(start_with(steered_config("device"), policy_config("B")));
    cut().cut();
    ASSERT_TRUE(becomes("A", "down"));
    ASSERT_TRUE(becomes("B", "down"));
    EXPECT_EQ(detoured(lab().address("D")), 0U) << "blocked";
    ASSERT_EQ(xfrm("update", "out", "tmpl proto esp mode transport level use"), "");
    EXPECT_EQ(detoured(lab().address("D")), 5U) << "the kernel lets it pass in the clear";
}

}  // namespace
}  // namespace sidestep::topo
