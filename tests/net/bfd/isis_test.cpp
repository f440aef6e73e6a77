// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// IS-IS of FRR on A, B and C; on A it asks bfdd for the neighbor B, and bfdd asks Sidestep. B and C run no BFD.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/net/bfd/bfd_lab.hpp"

namespace sidestep::topo {
namespace {

constexpr const char* kBehindB = "fd77:b::1";

class BfdIsis : public BfdLab {
  protected:
    void SetUp() override {
        ASSERT_NO_FATAL_FAILURE(BfdLab::SetUp());
        if (IsSkipped()) return;
        shell("B", fmt::format("ip -6 addr add {}/128 dev lo nodad", kBehindB));
        for (const std::string node : {"B", "C"}) {
            others_[node] = std::make_unique<FrrNode>(lab(), node);
            start_isis(*others_[node], node);
        }
        ASSERT_TRUE(start_bfdd(""));
        const auto started = frr().start("isisd", isis_config("A"));
        ASSERT_TRUE(started) << started.error().message;
        ASSERT_TRUE(goes_by("to-B"));
    }
    void TearDown() override {
        others_.clear();
        BfdLab::TearDown();
    }

    void start_isis(FrrNode& frr, const std::string& node) {
        for (const std::string daemon : {"zebra", "isisd"}) {
            const auto started = frr.start(daemon, daemon == "isisd" ? isis_config(node) : "");
            ASSERT_TRUE(started) << started.error().message;
        }
    }
    [[nodiscard]] std::string isis_config(const std::string& node) const {
        std::string text = "debug isis adj-packets\n";
        for (const std::string link : {"A-B", "A-C", "C-B"}) {
            if (link.find(node) == std::string::npos) continue;
            text += fmt::format(
                "interface {}\n ipv6 router isis lab\n isis network point-to-point\n isis hello-interval 1\n"
                " isis hello-multiplier 30\n{}",
                lab().interface(node, link).name, node == "A" && link == "A-B" ? " isis bfd\n" : "");
        }
        text += "interface lo\n ipv6 router isis lab\n isis passive\n";
        return text + fmt::format(
                          "router isis lab\n lsp-gen-interval 1\n spf-interval 1\n is-type level-2-only\n"
                          " metric-style wide\n net 49.0001.0000.0000.{:04x}.00\n",
                          node[0]);
    }
    testing::AssertionResult goes_by(const std::string& interface) {
        return says("A", fmt::format("ip -6 route get {}", kBehindB), "dev " + interface + " ");
    }

    std::map<std::string, std::unique_ptr<FrrNode>> others_;
};

// Hellos alone would take 30 seconds.
TEST_F(BfdIsis, ARouteIsWithdrawnOnOurVerdictAndComesBack) {
    ASSERT_TRUE(start("A", bfd_config()));
    ASSERT_TRUE(bfdd_says(neighbor(), "up"));
    const auto cut_at = cut().cut();
    ASSERT_TRUE(goes_by("to-C"));
    const auto took = std::chrono::nanoseconds(now_ns() - cut_at);
    EXPECT_LT(took, 10s) << "IS-IS did not wait for its hold time";
    cut().restore();
    ASSERT_TRUE(bfdd_says(neighbor(), "up"));
    EXPECT_TRUE(goes_by("to-B"));
}

// What the routes see of restarts on a sound link: nothing.
TEST_F(BfdIsis, NoRouteIsWithdrawnWhenSidestepdOrBfddIsRestarted) {
    ASSERT_TRUE(start("A", bfd_config()));
    ASSERT_TRUE(bfdd_says(neighbor(), "up"));
    auto monitor = lab().spawn("A", {"ip", "-6", "monitor", "route"});
    ASSERT_TRUE(monitor);
    ASSERT_TRUE(stop("A"));
    ASSERT_TRUE(bfdd_says(neighbor(), "shutdown"));
    ASSERT_TRUE(start("A", bfd_config()));
    ASSERT_TRUE(bfdd_says(neighbor(), "up"));
    ASSERT_TRUE(goes_by("to-B"));
    EXPECT_THAT(monitor->output(), testing::Not(testing::HasSubstr(std::string("Deleted ") + kBehindB)));
}

}  // namespace
}  // namespace sidestep::topo
