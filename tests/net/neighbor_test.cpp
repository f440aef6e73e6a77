// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Neighbors: what the kernel knows is used and never overwritten; what it does not know, or no longer knows rightly, is
// asked for.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/net/protected_lab.hpp"

namespace sidestep::topo {
namespace {

using testing::HasSubstr;

class Neighbors : public ProtectedLab {
  protected:
    [[nodiscard]] const InterfacePlan& near() const { return lab().interface("A", "A-B"); }
    [[nodiscard]] const InterfacePlan& far() const { return lab().peer("A", "A-B"); }
    /// A's entry for B.
    std::string entry() {
        return shell("A", fmt::format("ip -6 neigh show {} dev {}", far().link_local.to_string(), near().name));
    }
    void set_entry(const std::string& mac, const std::string& state) {
        ASSERT_EQ(shell("A", fmt::format("ip neigh replace {} lladdr {} dev {} nud {}", far().link_local.to_string(),
                                         mac, near().name, state)),
                  "");
    }
    void delete_entry() {
        shell("A", fmt::format("ip neigh del {} dev {}", far().link_local.to_string(), near().name));
    }
    /// Longer than any pause between two looks for neighbors that do not answer.
    testing::AssertionResult stays(const std::string& expected) {
        std::string seen;
        const bool changed = wait_for(2500ms, [&] { return (seen = entry()) != expected; });
        if (!changed) return testing::AssertionSuccess();
        return testing::AssertionFailure() << "'" << expected << "' became '" << seen << "'";
    }
};

class StaticNeighbor : public Neighbors, public testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(States, StaticNeighbor, testing::Values("permanent", "noarp"),
                         [](const auto& state) { return std::string(state.param); });

TEST_P(StaticNeighbor, IsUsedAndLeftAsItIs) {
    set_entry(far().mac, GetParam());
    const auto before = entry();
    ASSERT_TRUE(start("A"));
    EXPECT_TRUE(stays(before));
    cut().cut();
    EXPECT_TRUE(becomes("A", "down", "unanswered"));
    EXPECT_TRUE(stays(before));
    cut().restore();
    EXPECT_TRUE(becomes("A", "up"));
    ASSERT_TRUE(kill("A"));
    ASSERT_TRUE(start("A"));
    EXPECT_TRUE(stays(before));
    ASSERT_TRUE(stop("A"));
    EXPECT_EQ(entry(), before);
}

TEST_P(StaticNeighbor, IsBelievedEvenIfItIsWrong) {
    set_entry("02:53:ff:ff:ff:ff", GetParam());
    const auto before = entry();
    ASSERT_TRUE(launch("A", config("A")));
    EXPECT_TRUE(wait_for(kPatience, [&] { return session("A").value("sent", 0) > 0; }));
    EXPECT_TRUE(stays(before));
    EXPECT_EQ(session("A").value("answered", -1), 0);
    set_entry(far().mac, GetParam());
    EXPECT_TRUE(becomes("A", "up"));
}

TEST_F(Neighbors, OneThatNobodyKnowsIsResolved) {
    delete_entry();
    ASSERT_TRUE(start("A"));
    EXPECT_THAT(entry(), HasSubstr(far().mac));
}

TEST_F(Neighbors, TableThatIsFlushedTakesNothingDown) {
    ASSERT_TRUE(start("A"));
    auto flows = Flows::start(lab());
    ASSERT_TRUE(flows) << flows.error().message;
    for (int i = 0; i < 10; ++i) {
        ASSERT_TRUE(flows->pass());
        ASSERT_EQ(shell("A", "ip -6 neigh flush all"), "");
    }
    EXPECT_TRUE(flows->pass(1000));
    for (const auto* link : {"A-B", "A-C"}) {
        EXPECT_EQ(session("A", link).value("downs", -1), 0);
        EXPECT_EQ(session("A", link).value("state", ""), "up");
    }
}

TEST_F(Neighbors, OneThatFailedIsResolved) {
    const auto forget = fmt::format("ip addr del {}/64 dev {}", far().link_local.to_string(), far().name);
    ASSERT_EQ(shell("B", forget), "");
    delete_entry();
    ASSERT_TRUE(launch("A", config("A")));
    EXPECT_TRUE(wait_for(kPatience, [&] { return entry().find("FAILED") != std::string::npos; })) << entry();
    ASSERT_EQ(shell("B", fmt::format("ip addr add {}/64 dev {} nodad", far().link_local.to_string(), far().name)), "");
    EXPECT_TRUE(becomes("A", "up"));
}

// B fails over to another card. The kernel believes its entry for up to 45 s, and no packet makes it look: probes do not
// go by its table.
TEST_F(Neighbors, AnotherMacAddressIsFoundOut) {
    ASSERT_TRUE(start("A"));
    ASSERT_EQ(shell("B", fmt::format("ip link set dev {} address 02:53:ff:ff:ff:ff", far().name)), "");
    EXPECT_TRUE(becomes("A", "down", "unanswered"));
    EXPECT_TRUE(becomes("A", "up"));
    EXPECT_THAT(entry(), HasSubstr("02:53:ff:ff:ff:ff"));
}

TEST_F(Neighbors, AnotherMacAddressAfterLostCarrierIsFoundOut) {
    ASSERT_TRUE(start("A"));
    ASSERT_EQ(shell("B", fmt::format("ip link set dev {0} down && ip link set dev {0} address 02:53:ff:ff:ff:ff",
                                     far().name)),
              "");
    EXPECT_TRUE(becomes("A", "down", "carrier-lost"));
    const auto up = fmt::format(
        "ip link set dev {0} up && ip addr replace {1}/64 dev {0} nodad && ip -6 route replace {2}/128 via {3} dev {0}",
        far().name, far().link_local.to_string(), near().address.to_string(), near().link_local.to_string());
    ASSERT_EQ(shell("B", up), "");
    EXPECT_TRUE(becomes("A", "up"));
    EXPECT_THAT(entry(), HasSubstr("02:53:ff:ff:ff:ff"));
}

// The kernel keeps its entry through a change of name, and has no reason to speak of it.
TEST_F(Neighbors, IsKnownAgainAfterTheInterfaceHasItsNameBack) {
    set_entry(far().mac, "permanent");
    ASSERT_TRUE(start("A"));
    if (const auto refused = shell("A", fmt::format("ip link set dev {} name elsewhere", near().name));
        !refused.empty())
        GTEST_SKIP() << "this kernel renames no interface that is up (Linux 6.2): " << refused;
    EXPECT_TRUE(becomes("A", "down", "carrier-lost"));
    ASSERT_EQ(shell("A", fmt::format("ip link set dev elsewhere name {}", near().name)), "");
    EXPECT_TRUE(becomes("A", "up"));
}

}  // namespace
}  // namespace sidestep::topo
