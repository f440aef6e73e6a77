// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests start and end: who may start, what a refusal says and leaves alone, and what is gone after SIGTERM.
#include <sys/mount.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/net/protected_lab.hpp"

namespace sidestep::topo {
namespace {

using testing::HasSubstr;

class Lifecycle : public ProtectedLab {
  protected:
    void SetUp() override {
        ::setenv("SIDESTEP_ATTACH", attach_.c_str(), 1);
        ProtectedLab::SetUp();
    }
    /// Everything that sidestepd may change in a node: links, qdiscs, filters, routes.
    std::string snapshot(const std::string& node) {
        return shell(
            node,
            "ip -br link; tc qdisc show; ip -6 route; "
            "for i in $(ls /sys/class/net); do tc filter show dev $i ingress; tc filter show dev $i egress; done"
            " 2>&1");
    }
    /// True if the file is in the run directory of A.
    [[nodiscard]] bool exists(const std::string& name) const {
        return std::filesystem::exists(run_directory("A") + "/" + name);
    }

    std::string attach_ = "clsact";  ///< how programs are attached
};

// tc(8) of Debian 12 does not show programs attached by tcx.
class LifecycleByTcx : public Lifecycle {
  protected:
    void SetUp() override {
        if (!tcx_available()) GTEST_SKIP() << "this kernel has no tcx (Linux 6.6)";
        attach_ = "tcx";
        Lifecycle::SetUp();
    }
};

TEST_F(Lifecycle, AFailedStartLeavesNoRunDirectory) {
    const auto fresh = lab().directory() + "/fresh";
    const auto ended = run_sidestepd("A", config("A"), {}, fresh, {"--readers", "no-such-group"});
    EXPECT_EQ(ended.code, 1);
    EXPECT_THAT(ended.output, HasSubstr("no group 'no-such-group'"));
    EXPECT_FALSE(std::filesystem::exists(fresh));
    std::filesystem::create_directory(fresh);
    EXPECT_EQ(run_sidestepd("A", config("A"), {}, fresh, {"--readers", "no-such-group"}).code, 1);
    EXPECT_TRUE(std::filesystem::exists(fresh)) << "it is somebody else's";
}

TEST_F(LifecycleByTcx, SigtermDetachesAndLeavesNoQdisc) {
    const auto before = snapshot("A");
    ASSERT_TRUE(start("A"));
    for (const auto* interface : {"to-S", "to-B", "to-C"}) EXPECT_TRUE(hooked("A", interface)) << interface;
    ASSERT_TRUE(stop("A"));
    for (const auto* interface : {"to-S", "to-B", "to-C"}) EXPECT_FALSE(hooked("A", interface)) << interface;
    EXPECT_EQ(snapshot("A"), before);
}

TEST_F(LifecycleByTcx, LeftoversOfAKilledDetectorAreReplacedOrRemoved) {
    ASSERT_TRUE(start("A"));
    ASSERT_TRUE(kill("A"));
    EXPECT_TRUE(hooked("A", "to-S"));
    ASSERT_TRUE(start("A", with(config("A"), ", to-S]", "]")));
    EXPECT_FALSE(hooked("A", "to-S"));
    EXPECT_TRUE(hooked("A", "to-B"));
    ASSERT_TRUE(kill("A"));
    const auto flushed = run_sidestepd("A", config("A"), {}, {}, {"--flush"});
    EXPECT_EQ(flushed.code, 0) << flushed.output;
    EXPECT_FALSE(hooked("A", "to-B"));
}

TEST_F(LifecycleByTcx, TakesOverFromClsactAndBack) {
    const auto before = snapshot("A");
    ::setenv("SIDESTEP_ATTACH", "clsact", 1);
    ASSERT_TRUE(start("A"));
    EXPECT_THAT(shell("A", "tc filter show dev to-S ingress"), HasSubstr("ss_ingress"));
    ASSERT_TRUE(kill("A"));
    ::setenv("SIDESTEP_ATTACH", "tcx", 1);
    ASSERT_TRUE(start("A"));
    EXPECT_EQ(shell("A", "tc filter show dev to-S ingress"), "");
    EXPECT_TRUE(hooked("A", "to-S"));
    ASSERT_TRUE(kill("A"));
    ::setenv("SIDESTEP_ATTACH", "clsact", 1);
    ASSERT_TRUE(start("A"));
    EXPECT_THAT(shell("A", "tc filter show dev to-S ingress"), HasSubstr("ss_ingress"));
    ASSERT_TRUE(stop("A"));
    EXPECT_FALSE(hooked("A", "to-S"));
    EXPECT_EQ(snapshot("A"), before);
}

TEST_F(Lifecycle, ASecondDetectorOfTheNodeIsRefused) {
    ASSERT_TRUE(start("A"));
    const auto other_place = lab().directory() + "/other";
    for (const auto& place : {run_directory("A"), other_place}) {
        const auto second = run_sidestepd("A", config("A"), {}, place);
        EXPECT_EQ(second.code, 1);
        EXPECT_THAT(second.output, HasSubstr("another sidestepd is running in this network namespace (node A, pid "));
    }
    EXPECT_EQ(session("A").value("state", ""), "up");  // the first one is not affected
    ASSERT_TRUE(stop("A"));
    ASSERT_TRUE(start("A"));
}

TEST_F(Lifecycle, SigtermRemovesEverythingOfItsOwnAndNothingElse) {
    // Others were here before: an empty clsact, and filters before and after ours.
    ASSERT_EQ(shell("A",
                    "tc qdisc add dev to-C clsact && tc qdisc add dev to-S clsact && "
                    "tc filter add dev to-S ingress prio 800 protocol ipv6 u32 match u32 0 0 && "
                    "tc filter add dev to-S ingress prio 900 protocol ipv6 u32 match u32 0 0 && "
                    "tc filter add dev to-S egress prio 862 protocol ipv6 u32 match u32 0 0"),
              "");
    const auto before = snapshot("A");
    ASSERT_TRUE(start("A"));
    EXPECT_THAT(shell("A", "tc filter show dev to-S ingress"), HasSubstr("ss_ingress"));
    EXPECT_THAT(shell("A", "tc filter show dev to-S ingress"), HasSubstr("u32"));
    EXPECT_THAT(snapshot("A"), HasSubstr("ss-clock0"));
    EXPECT_TRUE(exists("A.sock"));
    EXPECT_TRUE(exists("bpf/A"));
    struct stat socket {};
    ASSERT_EQ(::stat((run_directory("A") + "/A.sock").c_str(), &socket), 0);
    EXPECT_EQ(socket.st_mode & 077, 0U) << "for its owner only";

    ASSERT_TRUE(stop("A"));
    EXPECT_EQ(snapshot("A"), before);
    for (const auto* name : {"A.sock", "A.lock", "A.state", "bpf"}) EXPECT_FALSE(exists(name)) << name;
}

// It runs without what that filter keeps from it.
TEST_F(Lifecycle, AnotherFilterInItsPlaceIsNamed) {
    ASSERT_EQ(shell("A",
                    "tc qdisc add dev to-S clsact && "
                    "tc filter add dev to-S ingress prio 862 protocol ipv6 u32 match u32 0 0"),
              "");
    const auto before = snapshot("A");
    ASSERT_TRUE(start("A"));
    EXPECT_THAT(ask("A", "status").value("problems", json()).dump(),
                HasSubstr("cannot attach to the ingress of to-S: another filter has priority 862"));
    EXPECT_TRUE(hooked("A", "to-B"));
    ASSERT_TRUE(stop("A"));
    EXPECT_EQ(snapshot("A"), before);
    EXPECT_FALSE(exists("bpf"));
    EXPECT_FALSE(exists("A.sock"));
}

TEST_F(Lifecycle, TheNextDetectorRemovesLeftoversOfAKilledOne) {
    const auto before = snapshot("A");
    ASSERT_TRUE(start("A"));
    ASSERT_TRUE(kill("A"));
    EXPECT_THAT(shell("A", "tc filter show dev to-S ingress"), HasSubstr("ss_ingress"));
    ASSERT_TRUE(start("A", with(config("A"), ", to-S]", "]")));
    EXPECT_EQ(shell("A", "tc filter show dev to-S ingress"), "");
    ASSERT_TRUE(stop("A"));
    EXPECT_EQ(snapshot("A"), before);
    EXPECT_FALSE(exists("bpf"));
}

TEST_F(Lifecycle, FlushRemovesLeftoversOfAKilledDetector) {
    const auto before = snapshot("A");
    ASSERT_TRUE(start("A"));
    const auto busy = run_sidestepd("A", config("A"), {}, {}, {"--flush"});
    EXPECT_EQ(busy.code, 1);
    EXPECT_EQ(session("A").value("state", ""), "up");
    ASSERT_TRUE(kill("A"));
    const auto flushed = run_sidestepd("A", config("A"), {}, {}, {"--flush"});
    EXPECT_EQ(flushed.code, 0) << flushed.output;
    EXPECT_EQ(snapshot("A"), before);
    EXPECT_FALSE(exists("bpf"));
    EXPECT_FALSE(exists("A.sock"));
}

TEST_F(Lifecycle, TheLastOfTwoNodesUnmountsTheirRunDirectory) {
    const auto program = Daemon::executable();
    ASSERT_TRUE(program) << program.error().message;
    const auto place = lab().directory() + "/shared";
    const auto spawn = [&](const std::string& node) {
        const auto file = lab().directory() + "/" + node + ".yaml";
        std::ofstream(file) << config(node);
        return lab().spawn(node, {*program, "--config", file, "--run-dir", place}, {.stop_patience = kPatience});
    };
    auto first = spawn("A");
    ASSERT_TRUE(first) << first.error().message;
    const auto ready = [](const Process& process) { return process.output().find("sessions") != std::string::npos; };
    ASSERT_TRUE(wait_for(kPatience, [&] { return ready(*first); })) << first->output();
    auto second = spawn("B");
    ASSERT_TRUE(second) << second.error().message;
    ASSERT_TRUE(wait_for(kPatience, [&] { return ready(*second); })) << second->output();
    EXPECT_EQ(first->stop(), 0);
    EXPECT_FALSE(std::filesystem::exists(place + "/bpf/A"));
    EXPECT_TRUE(std::filesystem::exists(place + "/bpf/B"));
    EXPECT_EQ(second->stop(), 0);
    EXPECT_FALSE(std::filesystem::exists(place + "/bpf"));
}

TEST_F(Lifecycle, ABadConfigurationIsNamedByLineAndColumnAndChangesNothing) {
    const auto before = snapshot("A");
    const auto refused = [&](const std::string& config, const std::string& complaint) {
        const auto ended = run_sidestepd("A", config);
        EXPECT_EQ(ended.code, 2);
        EXPECT_THAT(ended.output, HasSubstr(complaint));
        EXPECT_THAT(ended.output, testing::ContainsRegex("by-hand.yaml:[0-9]+:[0-9]+:"));
    };
    refused(with(config("A"), "clock: auto", "clok: auto"), "clok");
    refused(with(config("A"), "interval: 1ms", "interval: 1us"), "interval");
    EXPECT_EQ(snapshot("A"), before);
    EXPECT_FALSE(exists("bpf"));
    EXPECT_FALSE(exists("A.sock"));
}

// As while it runs: an interface may appear later, or come back.
TEST_F(LifecycleByTcx, AnInterfaceMissingAtTheStartIsAwaited) {
    ASSERT_TRUE(start("A", with(config("A"), "ingress: [", "ingress: [to-Z, ")));
    EXPECT_THAT(daemon("A").process().output(),
                HasSubstr("interface to-Z: does not exist: its program is attached when it appears"));
    EXPECT_EQ(shell("A", "ip link add name to-Z type veth peer name to-Zp && ip link set to-Z up"), "");
    EXPECT_TRUE(wait_for(kPatience, [&] { return hooked("A", "to-Z"); }));
    ASSERT_TRUE(stop("A"));
    EXPECT_EQ(shell("A", "ip link del to-Z"), "");
}

TEST_F(Lifecycle, WithoutPrivilegeItSaysWhatToDo) {
    if (shell("A", "command -v setpriv").empty()) GTEST_SKIP() << "setpriv is not installed";
    const auto before = snapshot("A");
    std::filesystem::permissions(lab().directory(), std::filesystem::perms(0755));
    const auto place = lab().directory() + "/public";
    std::filesystem::create_directory(place);
    std::filesystem::permissions(place, std::filesystem::perms(0777));
    const std::vector<std::vector<std::string>> ways{
        {"setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"},  // another user
        {"setpriv", "--bounding-set=-all", "--inh-caps=-all"},               // root without any capability
        {"setpriv", "--bounding-set=-bpf,-sys_admin", "--inh-caps=-all"},    // root without BPF
        {"setpriv", "--bounding-set=-sys_admin", "--inh-caps=-all"},         // root without mount()
        {"setpriv", "--bounding-set=-net_admin", "--inh-caps=-all"},         // root without the network
    };
    for (const auto& way : ways) {
        const auto ended = run_sidestepd("A", config("A"), way, place);
        EXPECT_EQ(ended.code, 1) << way[1];
        EXPECT_THAT(ended.output, HasSubstr("run as root")) << way[1];
        EXPECT_FALSE(std::filesystem::exists(place + "/bpf")) << way[1];
        EXPECT_FALSE(std::filesystem::exists(place + "/A.sock")) << way[1];
    }
    EXPECT_EQ(snapshot("A"), before);
}

// It could do all its work but the last: take its programs away again.
TEST_F(Lifecycle, WithoutTheRightToFindItsProgramsItDoesNotStart) {
    if (shell("A", "command -v setpriv").empty()) GTEST_SKIP() << "setpriv is not installed";
    const auto place = lab().directory() + "/mounted";
    std::filesystem::create_directories(place + "/bpf");
    ASSERT_EQ(::mount("bpf", (place + "/bpf").c_str(), "bpf", 0, nullptr), 0);
    const auto ended =
        run_sidestepd("A", config("A"), {"setpriv", "--bounding-set=-sys_admin", "--inh-caps=-all"}, place);
    ::umount2((place + "/bpf").c_str(), MNT_DETACH);
    EXPECT_EQ(ended.code, 1);
    EXPECT_THAT(ended.output, HasSubstr("to load, attach and find BPF programs"));
    EXPECT_THAT(ended.output, HasSubstr("give the process CAP_SYS_ADMIN"));
    EXPECT_FALSE(hooked("A", "to-B"));
}

TEST_F(Lifecycle, AnImpossibleRunDirectoryIsRefused) {
    const auto ended = run_sidestepd("A", config("A"), {}, "/proc/sidestep");
    EXPECT_EQ(ended.code, 1);
    EXPECT_THAT(ended.output, HasSubstr("/proc/sidestep"));
}

}  // namespace
}  // namespace sidestep::topo
