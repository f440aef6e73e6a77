// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests that what others change of ours in the kernel is noticed, said and restored: programs, routes, the policy device
// and the clock; and that a start bears what a running sidestepd bears.
#include <linux/bpf.h>
#include <net/if.h>
#include <sys/syscall.h>

#include <bpf/bpf.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <optional>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "common/fd.hpp"
#include "detector/kernel/tcx.hpp"
#include "tests/net/repair_lab.hpp"

namespace sidestep::topo {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::uint32_t kTcxIngress = 46;
constexpr std::uint32_t kBefore = 1U << 3;

/// A program of somebody else that accepts every packet, so that no other sees it.
Fd accepting_program() {
    std::array<bpf_insn, 2> code{};
    code[0].code = BPF_ALU64 | BPF_MOV | BPF_K;  // r0 = TC_ACT_OK
    code[1].code = BPF_JMP | BPF_EXIT;
    return Fd(bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "other", "GPL", code.data(), code.size(), nullptr));
}

bool call(bpf_cmd command, int ifindex, int program, std::uint32_t flags) {
    bpf_attr attributes;
    std::memset(&attributes, 0, sizeof attributes);
    attributes.target_fd = static_cast<std::uint32_t>(ifindex);
    attributes.attach_bpf_fd = static_cast<std::uint32_t>(program);
    attributes.attach_type = kTcxIngress;
    attributes.attach_flags = flags;
    return ::syscall(SYS_bpf, command, &attributes, sizeof attributes) == 0;
}

class UpkeepBy : public RepairLab {
  protected:
    void SetUp() override {
        ::setenv("SIDESTEP_ATTACH", attach_.c_str(), 1);
        if (attach_ == "tcx" && !tcx_available()) GTEST_SKIP() << "this kernel has no tcx (Linux 6.6)";
        RepairLab::SetUp();
    }
    void TearDown() override {
        RepairLab::TearDown();
        ::unsetenv("SIDESTEP_ATTACH");
    }
    /// What `status` says of it; empty: nothing.
    std::string problem(const std::string& about) {
        for (const auto& one : ask("A", "status").value("problems", json::array())) {
            if (one.value("about", "").find(about) != std::string::npos) return one.value("problem", "");
        }
        return {};
    }
    testing::AssertionResult comes_to_say(const std::string& about, const std::string& text) {
        std::string seen;
        if (eventually([&] { return (seen = problem(about)).find(text) != std::string::npos; }))
            return testing::AssertionSuccess();
        return testing::AssertionFailure() << about << ": '" << seen << "', not '" << text << "'";
    }
    testing::AssertionResult is_no_problem(const std::string& about) {
        if (eventually([&] { return problem(about).empty(); })) return testing::AssertionSuccess();
        return testing::AssertionFailure() << about << ": " << problem(about);
    }
    /// In the network namespace of A, with the number of the interface.
    template <typename Work>
    bool at(const std::string& interface, Work work) {
        const auto done =
            lab().netns("A").run([&] { return work(static_cast<int>(::if_nametoindex(interface.c_str()))); });
        return done.has_value() && *done;
    }

    std::string attach_ = "clsact";
};

class Upkeep : public UpkeepBy {};
class UpkeepByTcx : public UpkeepBy {
  protected:
    UpkeepByTcx() { attach_ = "tcx"; }
};

TEST_F(Upkeep, AQdiscThatIsTakenAwayWithOurFilterComesBack) {
    ASSERT_TRUE(start("A"));
    for (const auto* interface : {"to-S", "to-B"}) {
        ASSERT_EQ(shell("A", fmt::format("tc qdisc del dev {} clsact", interface)), "");
        EXPECT_TRUE(comes_to_say(fmt::format("tc ingress of {}", interface), "is gone: restored"));
        EXPECT_TRUE(hooked("A", interface));
    }
    EXPECT_THAT(daemon("A").process().output(), HasSubstr("the program at tc ingress of to-S: is gone: restored"));
    EXPECT_TRUE(becomes("A", "up"));
    cut().cut();
    EXPECT_TRUE(becomes("A", "down", "unanswered"));
    EXPECT_TRUE(takes("A", 1));
}

TEST_F(Upkeep, AFilterBeforeOursIsNamed) {
    ASSERT_TRUE(start("A"));
    ASSERT_EQ(shell("A", "tc filter add dev to-S ingress prio 7 protocol ipv6 u32 match u32 0 0"), "");
    EXPECT_TRUE(comes_to_say("tc ingress of to-S", "a u32 filter of priority 7 runs before it"));
    ASSERT_EQ(shell("A", "tc filter del dev to-S ingress prio 7"), "");
    EXPECT_TRUE(is_no_problem("tc ingress of to-S"));
}

TEST_F(UpkeepByTcx, AProgramThatIsDetachedComesBack) {
    ASSERT_TRUE(start("A"));
    ASSERT_TRUE(at("to-S", [](int ifindex) {
        tcx_detach(ifindex, TcSide::ingress);
        return !tcx_program(ifindex, TcSide::ingress);
    }));
    EXPECT_TRUE(comes_to_say("tc ingress of to-S", "is gone: restored"));
    EXPECT_TRUE(hooked("A", "to-S"));
}

// A program that accepts packets ends their way: ours goes first, and says so if another comes before it.
TEST_F(UpkeepByTcx, OursIsTheFirstAndSaysSoIfNot) {
    const auto other = accepting_program();
    ASSERT_TRUE(other);
    ASSERT_TRUE(at("to-B", [&](int ifindex) { return call(BPF_PROG_ATTACH, ifindex, other.get(), 0); }));
    ASSERT_TRUE(start("A")) << "the answers to our probes are seen";
    EXPECT_EQ(problem("tc ingress of to-B"), "");
    ASSERT_TRUE(at("to-B", [&](int ifindex) {
        return call(BPF_PROG_DETACH, ifindex, other.get(), 0) && call(BPF_PROG_ATTACH, ifindex, other.get(), kBefore);
    }));
    EXPECT_TRUE(comes_to_say("tc ingress of to-B", "other (program "));
    EXPECT_TRUE(becomes("A", "down", "unanswered"));
    ASSERT_TRUE(kill("A"));
    ASSERT_TRUE(launch("A", config("A")));  // its program differs from the old one, so it can go first
    EXPECT_TRUE(becomes("A", "up"));
    EXPECT_TRUE(is_no_problem("tc ingress of to-B"));
}

TEST_F(UpkeepByTcx, RoutesAndPolicyDeviceComeBack) {
    ASSERT_TRUE(start("A", steered_config("device")));
    const auto has_route = [&] { return !shell("A", "ip -6 route show proto kernel dev sr0").empty(); };
    ASSERT_TRUE(eventually(has_route));
    // The first times may be while routes are installed anyway.
    EXPECT_TRUE(eventually([&] {
        shell("A", "ip -6 route del 2001:db8:d::/48 dev sr0");
        return problem("our routes").find("lack the one to 2001:db8:d::/48: restored") != std::string::npos;
    }));
    EXPECT_TRUE(has_route());

    ASSERT_EQ(shell("A", "ip link set sr0 down"), "");
    EXPECT_TRUE(comes_to_say("the policy device", "is down: restored"));
    EXPECT_TRUE(eventually(has_route));
    ASSERT_EQ(shell("A", "ip link del sr0"), "");
    EXPECT_TRUE(comes_to_say("the policy device", "is gone: restored"));
    EXPECT_TRUE(eventually(has_route));
    EXPECT_TRUE(eventually([&] { return lab().ping("S", "D").has_value(); }));
    ASSERT_TRUE(stop("A"));
    EXPECT_THAT(shell("A", "ip -br link; ip -6 route show"), Not(HasSubstr("sr0")));
}

TEST_F(UpkeepByTcx, AClockWithoutItsQdiscIsSetRight) {
    ASSERT_TRUE(start("A"));
    if (ask("A", "status").value(json::json_pointer("/clock/kind"), "") != "kernel") GTEST_SKIP() << "no kernel clock";
    ASSERT_EQ(shell("A", "tc qdisc del dev ss-clock0 root"), "");
    EXPECT_TRUE(comes_to_say("the clock", ": restored"));
    EXPECT_THAT(shell("A", "tc qdisc show dev ss-clock0"), HasSubstr("tbf"));
    ASSERT_EQ(shell("A", "tc qdisc del dev ss-clock0 root; tc qdisc add dev ss-clock0 root handle 1: pfifo"), "");
    EXPECT_TRUE(eventually([&] { return shell("A", "tc qdisc show dev ss-clock0").find("tbf") != std::string::npos; }));
    EXPECT_TRUE(becomes("A", "up"));
    EXPECT_EQ(session("A").value("downs", -1), 0);
}

// As while it runs: what cannot be installed is a problem, not the end.
TEST_F(UpkeepByTcx, ARouteThatSomebodyElseHasIsAProblemAtTheStart) {
    const auto via = lab().peer("A", "A-B").link_local.to_string();
    const auto foreign = fmt::format("2001:db8:d::/48 via {} dev to-B proto static metric 5", via);
    ASSERT_EQ(shell("A", "ip -6 route add " + foreign), "");
    ASSERT_TRUE(start("A", steered_config("device")));
    EXPECT_TRUE(comes_to_say("route to 2001:db8:d::/48", "static already has one"));
    EXPECT_TRUE(becomes("A", "up"));
    EXPECT_THAT(shell("A", "ip -6 route show 2001:db8:d::/48"), HasSubstr("proto static"));
    ASSERT_EQ(shell("A", "ip -6 route del " + foreign), "");
    EXPECT_TRUE(is_no_problem("route to 2001:db8:d::/48"));
    EXPECT_THAT(shell("A", "ip -6 route show 2001:db8:d::/48 proto kernel"), HasSubstr("sr0"));
}

TEST_F(UpkeepByTcx, ASuccessorStartsWhileAnInterfaceIsAway) {
    ASSERT_TRUE(start("A"));
    ASSERT_EQ(shell("A", "ip link set dev to-S down && ip link set dev to-S name away"), "");
    ASSERT_EQ(shell("A", "ip link set dev to-C down && ip link set dev to-C name gone"), "");
    EXPECT_TRUE(becomes("A", "down", "carrier-lost", "A-C"));
    ASSERT_TRUE(kill("A"));
    ASSERT_TRUE(launch("A", config("A")));
    EXPECT_TRUE(comes_to_say("interface to-S", "does not exist"));
    EXPECT_TRUE(becomes("A", "down", "carrier-lost", "A-C"));
    EXPECT_TRUE(becomes("A", "up"));
    ASSERT_EQ(shell("A", "ip link set dev away name to-S && ip link set dev to-S up"), "");
    EXPECT_TRUE(is_no_problem("interface to-S"));
    EXPECT_TRUE(hooked("A", "to-S"));
    ASSERT_TRUE(kill("A"));
    const auto flushed = run_sidestepd("A", config("A"), {}, {}, {"--flush"});
    EXPECT_EQ(flushed.code, 0) << flushed.output;
}

// The kernel knows the neighbor all the time, so it has nothing to tell: it is asked.
TEST_F(UpkeepByTcx, AnInterfaceThatHasItsNameBackIsUsedAtOnce) {
    ASSERT_TRUE(start("A"));
    if (!shell("A", "ip link set dev to-C name away").empty())
        GTEST_SKIP() << "this kernel renames no interface that is up";
    EXPECT_TRUE(becomes("A", "down", "carrier-lost", "A-C"));
    ASSERT_EQ(shell("A", "ip link set dev away name to-C"), "");
    const auto since = std::chrono::steady_clock::now();
    EXPECT_TRUE(becomes("A", "up", "", "A-C"));
    EXPECT_LT(std::chrono::steady_clock::now() - since, 5s);
    cut().cut();
    EXPECT_TRUE(takes("A", 1));
}

}  // namespace
}  // namespace sidestep::topo
