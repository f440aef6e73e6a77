// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What is changed under traffic in two copies loses and doubles nothing: flows, lists, kinds of steering and of protection,
// the node's own address, and what the merging node takes.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "tests/net/hitless_lab.hpp"
#include "tests/net/tcp_stream.hpp"

namespace sidestep::topo {
namespace {

class HitlessChange : public HitlessLab {
  protected:
    [[nodiscard]] std::string steered(const std::string& kind) const {
        return with(hitless_config("A"), "    flow: 7\n", "    flow: 7\n    steering: " + kind + "\n");
    }
    /// A third way, by E.
    [[nodiscard]] std::string by_three(const std::string& node) const {
        const std::string link = node == "A" ? "A-E" : "E-B";
        const std::string far = node == "A" ? "B" : "A";
        auto text = with(hitless_config(node), "device: sr0\n", adjacency_config(node, link) + "device: sr0\n");
        return text + fmt::format("          - {{adjacency: {}, segments: [\"{}\", \"{}\"]}}\n", link,
                                  lab().sid("E", routing::kFunctionEnd).to_string(), merging(far).to_string());
    }
    [[nodiscard]] std::string with_flows(const std::string& flows) const {
        return with(hitless_config("B"), "flows: [7]", "flows: " + flows);
    }

    struct Step {
        std::string node;
        std::string config;
    };
    /// Each step is a reload under traffic.
    void expect_nothing_lost(const std::vector<Step>& steps) {
        auto flows = dual_flows();
        ASSERT_TRUE(flows) << flows.error().message;
        ASSERT_TRUE(flows->pass());
        for (std::size_t i = 0; i < steps.size(); ++i) {
            SCOPED_TRACE(i);
            const auto answer = reload(steps[i].node, steps[i].config);
            EXPECT_EQ(answer.find("error"), std::string::npos) << answer;
            EXPECT_TRUE(flows->pass());
        }
        EXPECT_TRUE(perfect(flows->stop()));
        EXPECT_EQ(counter("A", "second-copy") + counter("B", "no-flow") + counter("B", "stale-copy"), 0U);
    }
};

TEST_F(HitlessChange, OfTheFlowInTheOrderOfThePage) {
    start_hitless();
    expect_nothing_lost({{"B", with_flows("[7, 8]")},
                         {"A", with(hitless_config("A"), "    flow: 7\n", "    flow: 8\n")},
                         {"B", with_flows("[8]")}});
}

TEST_F(HitlessChange, OfTheListsThatItHas) {
    ASSERT_TRUE(start_with(by_three("A"), by_three("B")));
    expect_nothing_lost({{"A", hitless_config("A")}, {"A", by_three("A")}, {"B", hitless_config("B")}});
}

TEST_F(HitlessChange, OfTheSteering) {
    start_hitless();
    expect_nothing_lost(
        {{"A", steered("device")}, {"A", steered("lwt-xmit")}, {"A", steered("device")}, {"A", hitless_config("A")}});
}

TEST_F(HitlessChange, OfTheProtection) {
    start_hitless();
    const auto plain = with(policy_config("A"), "policies:\n", "device: sr0\npolicies:\n");
    const auto merging_only = with(plain, "behavior: end.dt46}]",
                                   fmt::format("behavior: end.dt46}}, {{sid: \"{}\", behavior: end.dt46, flows: [7]}}]",
                                               merging("A").to_string()));
    expect_nothing_lost({{"A", merging_only}, {"A", hitless_config("A")}, {"A", merging_only}});
}

TEST_F(HitlessChange, OfWhatTheMergingNodeTakes) {
    start_hitless();
    const auto more = with(hitless_config("B"), "sids: [",
                           fmt::format("sids: [{{sid: \"{}\", behavior: end.dt46, flows: [9], window: 64}}, ",
                                       lab().sid("B", 0x0e47).to_string()));
    const auto narrow =
        with(hitless_config("B"), R"(sr-domain: ["fd00::/16"])", R"(sr-domain: ["fd00:a::/32", "fd00:c::/32"])");
    expect_nothing_lost({{"B", more}, {"B", hitless_config("B")}, {"B", narrow}, {"B", hitless_config("B")}});
}

TEST_F(HitlessChange, OfTheAddressOfTheSender) {
    start_hitless();
    const auto own = lab().graph().node(lab().id_of("A")).loopback->to_string();
    ASSERT_EQ(shell("A", "ip -6 address add fd00:a::99/128 dev lo nodad"), "");
    expect_nothing_lost(
        {{"A", with(hitless_config("A"), "source-address: \"" + own + "\"", "source-address: \"fd00:a::99\"")},
         {"A", hitless_config("A")}});
}

/// How packets of A's policy are steered.
class HitlessSteering : public HitlessChange, public testing::WithParamInterface<const char*> {};

// Forwarded and local packets, of UDP and of TCP that the kernel would split, in both families.
TEST_P(HitlessSteering, ACutLosesAndDoublesNothing) {
    ASSERT_TRUE(start_with(with(steered(GetParam()), "ingress: [to-S]\n", ""), hitless_config("B")));
    auto flows = dual_flows();
    ASSERT_TRUE(flows) << flows.error().message;
    ASSERT_TRUE(flows->add(lab(), "A", "D", {.rate = 1000}));
    ASSERT_TRUE(flows->add_v4(lab(), "A", "D", {.rate = 1000}));
    ASSERT_TRUE(flows->pass());
    for (int round = 0; round < 2; ++round) {
        cut().cut();
        for (const std::string node : {"A", "B"}) EXPECT_TRUE(becomes(node, "down"));
        EXPECT_TRUE(flows->pass());
        cut().restore();
        for (const std::string node : {"A", "B"}) EXPECT_TRUE(becomes(node, "up"));
        EXPECT_TRUE(flows->pass());
    }
    EXPECT_TRUE(perfect(flows->stop()));
    EXPECT_GT(counter("B", "later-copy"), 0U);
    for (const auto& [from, v4] :
         {std::pair("S", false), std::pair("S", true), std::pair("A", false), std::pair("A", true)}) {
        SCOPED_TRACE(testing::Message() << from << (v4 ? " IPv4" : " IPv6"));
        const auto address = [&, v4 = v4](const std::string& node) {
            return v4 ? lab().address_v4(node) : lab().address(node);
        };
        auto stream = TcpStream::start(lab().netns(from), lab().netns("D"), address(from), address("D"));
        ASSERT_TRUE(stream) << stream.error().message;
        EXPECT_TRUE(eventually([&] { return stream->received() > 1'000'000; })) << stream->received();
        const auto bytes = stream->finish();
        EXPECT_TRUE(bytes) << bytes.error().message;
    }
    EXPECT_EQ(counter("A", "cannot-number"), 0U);
}

INSTANTIATE_TEST_SUITE_P(Kinds, HitlessSteering, testing::Values("device", "lwt-xmit"),
                         [](const auto& kind) { return std::string_view(kind.param) == "device" ? "device" : "lwt"; });

}  // namespace
}  // namespace sidestep::topo
