// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Two copies go on whatever carries them: programs that move from XDP to tc and back, lists that go by a node SID of the
// merging node, and interfaces that are made anew.
#include <array>

#include <gmock/gmock.h>

#include "detector/kernel/xdp_redirect.hpp"
#include "tests/net/hitless_lab.hpp"

namespace sidestep::topo {
namespace {

class HitlessAtXdp : public HitlessLab {
  protected:
    void SetUp() override {
        if (const auto exits = XdpRedirectTargets::open(); !exits) GTEST_SKIP() << exits.error().message;
        HitlessLab::SetUp();
    }
    /// The interfaces of A that have a program at XDP.
    std::string at_xdp_now() {
        return shell("A", "for i in to-S to-B to-C; do ip link show dev $i | grep -q xdp && printf '%s ' $i; done; :");
    }
    /// Whether packets that A forwards now leave in copies.
    void expect_copies(Flows& flows) {
        const auto before = counter("B", "later-copy");
        EXPECT_TRUE(flows.pass());
        EXPECT_TRUE(eventually([&] { return counter("B", "later-copy") >= before + 100; }))
            << counter("B", "later-copy") - before;
    }
};

TEST_F(HitlessAtXdp, CopiesGoOnWhereverTheProgramsMoveTo) {
    const auto at_tc = hitless_config("A");
    const auto everywhere = at_xdp("A", at_tc);
    const auto only = [&](const std::string& names) { return with(everywhere, "[to-S, to-B, to-C]\nxdp-on", names); };
    ASSERT_TRUE(start_with(everywhere, hitless_config("B")));
    EXPECT_EQ(at_xdp_now(), "to-S to-B to-C ");
    const std::array steps{std::pair{at_tc, ""}, std::pair{everywhere, "to-S to-B to-C "},
                           std::pair{only("[to-B, to-C]\nxdp-on"), "to-B to-C "},
                           std::pair{only("[to-S]\nxdp-on"), "to-S "}, std::pair{at_tc, ""}};
    for (const auto& [config, names] : steps) {
        SCOPED_TRACE(names);
        auto flows = dual_flows();
        ASSERT_TRUE(flows) << flows.error().message;
        ASSERT_TRUE(flows->pass());
        EXPECT_NE(reload("A", config).find("ingress to-S"), std::string::npos);
        EXPECT_EQ(at_xdp_now(), names);
        for (const auto* interface : {"to-S", "to-B", "to-C"}) EXPECT_TRUE(hooked("A", interface)) << interface;
        expect_copies(*flows);
        EXPECT_TRUE(perfect(flows->stop()));
    }
}

/// B as hitless_config() has it, with a node SID of Sidestep's own.
class HitlessByNode : public HitlessLab {
  protected:
    [[nodiscard]] Address node_sid() const { return lab().sid("B", 0x0e01); }
    /// Both lists of A go by it before they end.
    [[nodiscard]] std::string sender_config() const {
        const auto end = fmt::format("\"{}\"]", merging("B").to_string());
        const auto by_node = fmt::format("\"{}\", {}", node_sid().to_string(), end);
        const auto config =
            with(hitless_config("A"), "h.encaps.red, segments: [" + end, "h.encaps.red, segments: [" + by_node);
        return with(config, end + ", sessions", by_node + ", sessions");
    }
};

// Until there the destination is the same for all packets, and so is the way that routers choose by its hash.
TEST_F(HitlessByNode, CopiesMergeBehindANodeSid) {
    ASSERT_TRUE(start_with(sender_config(), with(hitless_config("B"), "sids: [",
                                                 fmt::format("sids: [{{sid: \"{}\", behavior: end, install: false}}, ",
                                                             node_sid().to_string()))));
    auto flows = dual_flows();
    ASSERT_TRUE(flows) << flows.error().message;
    ASSERT_TRUE(flows->pass());
    const auto before = counter("B", "later-copy");
    ASSERT_TRUE(flows->pass());
    EXPECT_TRUE(eventually([&] { return counter("B", "later-copy") > before + 100; }));
    EXPECT_TRUE(perfect(flows->stop()));
    EXPECT_EQ(counter("B", "stale-copy") + counter("B", "no-flow"), 0U);
}

}  // namespace
}  // namespace sidestep::topo
