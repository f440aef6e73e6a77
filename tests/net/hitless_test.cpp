// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Two copies over disjoint ways: A and B send each other's traffic by A-B and by C, and merge it.
//
//     S --- A ======= B --- D
//            \       /
//             `- C -'
#include <array>
#include <utility>

#include <fmt/format.h>

#include "detector/kernel/xdp_redirect.hpp"
#include "tests/net/hitless_lab.hpp"
#include "tests/net/tcp_stream.hpp"

namespace sidestep::topo {
namespace {

class Hitless : public HitlessLab {
  protected:
    /// Without the policy, but with all it stands on.
    [[nodiscard]] std::string plain_config(const std::string& node) const {
        const auto text = hitless_config(node);
        return text.substr(0, text.find("policies:\n"));
    }
    [[nodiscard]] std::string with_another(const std::string& config) const {
        return with(config, "policies:\n",
                    "policies:\n  - {name: more, prefixes: [\"2001:db8:77::/48\"], candidates: [{adjacency: A-B}]}\n");
    }
    bool has_splitter(const std::string& node) {
        const auto links = shell(node, "ip -br link");
        EXPECT_NE(links.find("to-S"), std::string::npos) << links;
        return links.find("ss-split") != std::string::npos;
    }
};

/// The link, and whether copies are made at XDP.
class HitlessCut : public Hitless, public testing::WithParamInterface<std::pair<const char*, bool>> {
  protected:
    [[nodiscard]] std::string cut_link() const override { return GetParam().first; }
};

TEST_P(HitlessCut, LosesAndDoublesNothing) {
    const auto& [link, xdp] = GetParam();
    if (xdp) {
        if (const auto exits = XdpRedirectTargets::open(); !exits) GTEST_SKIP() << exits.error().message;
        ASSERT_TRUE(start_with(at_xdp("A", hitless_config("A")), at_xdp("B", hitless_config("B"))));
    } else {
        start_hitless();
    }
    auto flows = dual_flows();
    ASSERT_TRUE(flows) << flows.error().message;
    ASSERT_TRUE(flows->pass());
    const auto session = [&, link = std::string(link)](const std::string& node) -> std::string {
        if (link == "A-B") return "A-B";
        return node == "A" ? "around" : "C-B";
    };
    for (int round = 0; round < 3; ++round) {
        cut().cut();
        for (const std::string node : {"A", "B"}) EXPECT_TRUE(becomes(node, "down", "", session(node)));
        EXPECT_TRUE(flows->pass());
        EXPECT_EQ(policy("A", "far").value("unprotected", false), true);
        cut().restore();
        for (const std::string node : {"A", "B"}) EXPECT_TRUE(becomes(node, "up", "", session(node)));
        EXPECT_TRUE(flows->pass());
    }
    EXPECT_EQ(policy("A", "far").value("unprotected", true), false);
    EXPECT_TRUE(perfect(flows->stop()));
    EXPECT_GT(counter("B", "later-copy"), 0U) << "there were two copies";
    const auto ways = merging_at("B");
    ASSERT_EQ(ways.size(), 2U);
    const std::size_t broken = std::string(link) == "A-B" ? 0 : 1;
    EXPECT_GT(ways[broken].value("missed", 0U), 0U) << ways.dump();
    EXPECT_EQ(ways[1 - broken].value("missed", 1U), 0U) << ways.dump();
}

INSTANTIATE_TEST_SUITE_P(EitherWay, HitlessCut,
                         testing::Values(std::pair("A-B", false), std::pair("C-B", false), std::pair("A-B", true),
                                         std::pair("C-B", true)));

TEST_F(Hitless, ALostCopyIsSaid) {
    start_hitless();
    const auto why = "why " + lab().address("D").to_string();
    EXPECT_NE(cli("A", why).find("; in 2 copies, flow 7\n"), std::string::npos) << cli("A", why);
    const auto drained = cli("A", "drain --force A-B");
    EXPECT_NE(drained.find("  without a second copy: policy far\n"), std::string::npos) << drained;
    EXPECT_EQ(drained.find("moved"), std::string::npos) << drained;
    EXPECT_NE(cli("A", why).find("; unprotected: A-B is down\n"), std::string::npos) << cli("A", why);
    EXPECT_EQ(policy("A", "far").value("copies", 0), 1);
    const auto row = ask("A", "metrics").value(json::json_pointer("/policies/rows/0"), json());
    EXPECT_EQ(row, json({"far", 0, 1, nullptr, 2})) << "so it is no alarm";
    EXPECT_TRUE(eventually([&] {
        return daemon("A").process().output().find("policy far: unprotected: A-B is down") != std::string::npos;
    })) << daemon("A").process().output();
    cli("A", "undrain A-B");
    ASSERT_TRUE(becomes("A", "up"));
    EXPECT_TRUE(eventually([&] { return policy("A", "far").value("copies", 0) == 2; }));
}

// Whoever changes a flow at its sender first loses everything, while all sessions are up.
TEST_F(Hitless, CopiesThatNobodyMergesAreNamed) {
    ASSERT_TRUE(start_with(hitless_config("A"), with(hitless_config("B"), "flows: [7]", "flows: [9]")));
    const auto ping = fmt::format("ping -q -i .01 -c 3 -W 1 {}", lab().address("D").to_string());
    EXPECT_NE(shell("S", ping).find(" 100% packet loss"), std::string::npos);
    const auto problem = [&] {
        const auto problems = ask("B", "status").value("problems", json::array());
        for (const auto& one : problems) {
            if (one.value("about", "") == "flow 7") return one.value("problem", "");
        }
        return std::string();
    };
    ASSERT_TRUE(eventually([&] { return !problem().empty(); }));
    EXPECT_EQ(problem().find(fmt::format("its copies come to {}/64, which merges flow 9: all are dropped",
                                         merging("B").to_string())),
              0U)
        << problem();
    const auto doctor = cli("B", "doctor");
    EXPECT_NE(doctor.find("error: flow 7: its copies come to "), std::string::npos) << doctor;
    EXPECT_NE(reload("B", with(hitless_config("B"), "flows: [7]", "flows: [7, 9]")).find("flows: [9] -> [7, 9]"),
              std::string::npos);
    EXPECT_NE(shell("S", ping).find(" 0% packet loss"), std::string::npos);
    EXPECT_TRUE(eventually([&] { return problem().empty(); })) << problem();
}

TEST_F(Hitless, RestartsLoseAndDoubleNothing) {
    start_hitless();
    auto flows = dual_flows();
    ASSERT_TRUE(flows) << flows.error().message;
    ASSERT_TRUE(flows->pass());
    for (const std::string node : {"A", "B"}) {
        ASSERT_TRUE(kill(node));
        EXPECT_TRUE(flows->pass());
        ASSERT_TRUE(start(node, hitless_config(node)));
        EXPECT_TRUE(flows->pass());
    }
    EXPECT_TRUE(perfect(flows->stop()));
}

TEST_F(Hitless, AReloadLosesAndDoublesNothing) {
    start_hitless();
    auto flows = dual_flows();
    ASSERT_TRUE(flows) << flows.error().message;
    ASSERT_TRUE(flows->pass());
    for (const std::string node : {"A", "B"}) {
        EXPECT_NE(reload(node, with_another(hitless_config(node))).find("+ policy more"), std::string::npos);
        EXPECT_TRUE(flows->pass());
        // Another candidate with the same lists.
        const auto reweighted =
            with(hitless_config(node), "- {adjacency: A-B, encap", "- {weight: 2, adjacency: A-B, encap");
        EXPECT_NE(reload(node, reweighted).find("~ policy far"), std::string::npos);
        EXPECT_TRUE(flows->pass());
    }
    EXPECT_TRUE(perfect(flows->stop()));
}

// Senders hand the kernel packets of many segments; each segment gets a number of its own.
class HitlessTcp : public Hitless, public testing::WithParamInterface<const char*> {
  protected:
    /// Packets that went into the splitter; each is many behind it.
    std::uint64_t split() {
        const auto links = json::parse(shell("A", "ip -j -s link show dev ss-split0"), nullptr, false);
        return links.is_array() ? links.at(0).at("stats64").at("tx").value("packets", std::uint64_t{0}) : 0;
    }
};

TEST_P(HitlessTcp, SuperPacketsAreSplitAndNumbered) {
    const std::string from = GetParam();
    const auto steering = with(hitless_config("A"), "    flow: 7\n", "    flow: 7\n    steering: device\n");
    ASSERT_TRUE(start_with(from == "S" ? hitless_config("A") : steering, hitless_config("B")));
    for (const bool v4 : {false, true}) {
        const auto address = [&](const std::string& node) { return v4 ? lab().address_v4(node) : lab().address(node); };
        auto stream = TcpStream::start(lab().netns(from), lab().netns("D"), address(from), address("D"));
        ASSERT_TRUE(stream) << stream.error().message;
        const auto before = split();
        EXPECT_TRUE(eventually([&] { return stream->received() > 1'000'000; })) << stream->received();
        EXPECT_GT(split(), before) << "nothing was to be split";
        const auto bytes = stream->finish();
        EXPECT_TRUE(bytes) << bytes.error().message;
    }
    EXPECT_EQ(counter("A", "cannot-number"), 0U);
    EXPECT_GT(counter("B", "later-copy"), 0U);
}

INSTANTIATE_TEST_SUITE_P(From, HitlessTcp, testing::Values("S", "A"));

TEST_F(Hitless, TheSplitterComesAndGoesWithHitlessPolicies) {
    ASSERT_TRUE(start("A", plain_config("A")));
    EXPECT_FALSE(has_splitter("A"));
    EXPECT_NE(reload("A", hitless_config("A")).find("+ policy far"), std::string::npos);
    EXPECT_TRUE(has_splitter("A"));
    // What others do to it shows that it is not made again for another policy.
    const std::string setting = "/proc/sys/net/ipv6/conf/ss-split0/disable_ipv6";
    EXPECT_EQ(shell("A", "echo 0 > " + setting), "");
    EXPECT_NE(reload("A", with_another(hitless_config("A"))).find("+ policy more"), std::string::npos);
    EXPECT_EQ(shell("A", "cat " + setting), "0\n");
    EXPECT_NE(reload("A", plain_config("A")).find("- policy far"), std::string::npos);
    EXPECT_FALSE(has_splitter("A"));
    ASSERT_TRUE(kill("A"));
    ASSERT_TRUE(start("A", hitless_config("A")));
    EXPECT_TRUE(has_splitter("A"));
    ASSERT_TRUE(stop("A"));
    EXPECT_FALSE(has_splitter("A"));
    ASSERT_TRUE(start("A", hitless_config("A")));
    ASSERT_TRUE(kill("A"));
    const auto flushed = run_sidestepd("A", hitless_config("A"), {}, "", {"--flush"}).output;
    EXPECT_NE(flushed.find("the splitter"), std::string::npos) << flushed;
    EXPECT_FALSE(has_splitter("A"));
}

TEST_F(Hitless, TheFirstHitlessPolicyFindsItsSplitter) {
    ASSERT_TRUE(start_with(plain_config("A"), hitless_config("B")));
    auto stream = TcpStream::start(lab().netns("S"), lab().netns("D"), lab().address("S"), lab().address("D"));
    ASSERT_TRUE(stream) << stream.error().message;
    ASSERT_TRUE(eventually([&] { return stream->received() > 1'000'000; })) << stream->received();
    EXPECT_NE(reload("A", hitless_config("A")).find("+ policy far"), std::string::npos);
    const auto before = stream->received();
    EXPECT_TRUE(eventually([&] { return stream->received() > before + 1'000'000; })) << stream->received() - before;
    EXPECT_EQ(counter("A", "cannot-number"), 0U);
    const auto bytes = stream->finish();
    EXPECT_TRUE(bytes) << bytes.error().message;
}

// Without a policy device there is nothing else to look after.
TEST_F(Hitless, ASplitterThatIsTakenAwayComesBack) {
    ASSERT_TRUE(start_with(with(hitless_config("A"), "device: sr0\n", ""), hitless_config("B")));
    const std::array<std::pair<const char*, const char*>, 3> changes{
        {{"ip link del ss-split0", "ss-split0 is gone: restored"},
         {"ip link set ss-split1 down", "ss-split1 is down: restored"},
         {"ip link set ss-split0 gso_max_segs 64", "ss-split0 takes more than single segments: restored"}}};
    for (const auto& [change, problem] : changes) {
        ASSERT_EQ(shell("A", change), "");
        EXPECT_TRUE(eventually([&] {
            return ask("A", "status")["problems"].dump().find(problem) != std::string::npos;
        })) << problem
            << ": " << ask("A", "status")["problems"].dump();
    }
    auto stream = TcpStream::start(lab().netns("S"), lab().netns("D"), lab().address("S"), lab().address("D"));
    ASSERT_TRUE(stream) << stream.error().message;
    EXPECT_TRUE(eventually([&] { return stream->received() > 1'000'000; })) << stream->received();
    EXPECT_EQ(counter("A", "cannot-number"), 0U);
    EXPECT_TRUE(stream->finish());
}

}  // namespace
}  // namespace sidestep::topo
