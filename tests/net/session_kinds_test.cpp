// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests sessions other than adjacencies: over a segment list, and the passive one that lives on a neighbor's probes.
#include <filesystem>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "routing/core/sids.hpp"
#include "tests/net/protected_lab.hpp"

namespace sidestep::topo {
namespace {

class SessionKinds : public ProtectedLab {
  protected:
    /// A with a session over the segment list of its backup, on which the backup depends.
    [[nodiscard]] std::string with_path() const {
        const auto path = fmt::format(
            "\npaths:\n"
            "  - name: A-C-B\n"
            "    adjacency: A-C\n"
            "    segments: [\"{}\", \"{}\"]\n"
            "    probe: {{interval: 1ms, wait-to-restore: 200ms, return-address: \"{}\", return: [\"{}\"]}}\n",
            lab().sid("C", routing::kFunctionEnd).to_string(), lab().sid("B", routing::kFunctionDecap).to_string(),
            lab().interface("A", "A-C").address.to_string(), lab().adjacency_sid("C", "A-C").to_string());
        return with(config("A"), "encap: h.encaps,", "encap: h.encaps, sessions: [A-C-B],") + path;
    }

    [[nodiscard]] Address endpoint() const { return lab().sid("B", 0x00bf); }

    /// Lets B listen to A's probes, which A sends through B's endpoint.
    void start_passive() {
        const auto passive = fmt::format(
            "\npassives:\n"
            "  - {{name: from-A, interface: {}, source: \"{}\", probe: {{interval: 1ms, wait-to-restore: 200ms}}}}\n",
            lab().interface("B", "A-B").name, lab().address("A").to_string());
        ASSERT_TRUE(launch("B", config("B") + passive));
        const auto program = run_directory("B") + "/bpf/B/ss_endpoint";
        ASSERT_TRUE(wait_for(kPatience, [&] { return std::filesystem::exists(program); }));
        ASSERT_EQ(
            shell("B", fmt::format("ip -6 route add {}/128 encap seg6local action End.BPF endpoint pinned {} dev {}",
                                   endpoint().to_string(), program, "sr-sids")),
            "");
        ASSERT_TRUE(start("A", with(config("A"), "turnaround: forward",
                                    fmt::format("turnaround: end, segment: \"{}\"", endpoint().to_string()))));
        ASSERT_TRUE(becomes("B", "up", "", "from-A"));
    }
};

TEST_F(SessionKinds, APathIsProbedAsDataTravelsAndItsCandidateFollows) {
    ASSERT_TRUE(start("A", with_path()));
    EXPECT_EQ(session("A", "A-C-B").value("kind", ""), "path");
    ASSERT_EQ(shell("C", fmt::format("ip link set dev {} down", lab().interface("C", "C-B").name)), "");
    EXPECT_TRUE(becomes("A", "down", "unanswered", "A-C-B"));
    EXPECT_EQ(session("A", "A-C").value("state", ""), "up") << "the first hop is fine";
    const auto candidates = ask("A", "policies")["policies"][0]["candidates"];
    EXPECT_EQ(candidates[0].value("state", ""), "up");
    EXPECT_EQ(candidates[1].value("state", ""), "down");
}

TEST_F(SessionKinds, ANeighborsProbesProveItsDirection) {
    start_passive();
    EXPECT_EQ(session("B", "from-A").value("kind", ""), "passive");

    cut().cut(Direction::backward);  // B -> A: A's probes still get here
    EXPECT_TRUE(becomes("A", "down", "unanswered"));
    EXPECT_EQ(session("B", "from-A").value("state", ""), "up");

    cut().cut(Direction::forward);
    EXPECT_TRUE(becomes("B", "down", "unanswered", "from-A"));
    cut().restore();
    EXPECT_TRUE(becomes("B", "up", "", "from-A"));
    EXPECT_TRUE(becomes("A", "up"));
}

}  // namespace
}  // namespace sidestep::topo
