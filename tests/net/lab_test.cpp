// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests labs: built, used, cut and removed again. The topology is that of the demo (topo/demo.yaml):
//
//     S --- A ======= B --- D
//            \       /
//             `- C -'
#include "topo/lab.hpp"

#include <sys/mount.h>
#include <sys/wait.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "routing/core/sids.hpp"
#include "topo/wait.hpp"

namespace sidestep::topo {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;

Result<Lab> demo_lab() {
    return Lab::build_file(SIDESTEP_TOPOLOGIES "/demo.yaml");
}

/// Namespaces of labs that this process has made.
std::vector<std::string> namespaces_of(pid_t pid) {
    std::vector<std::string> names;
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator("/run/netns", none)) {
        const auto name = entry.path().filename().string();
        if (name.starts_with("ss" + std::to_string(pid) + "-")) names.push_back(name);
    }
    return names;
}

/// True if a process that is not our child has ended; its reaper may take some time.
bool has_ended(pid_t pid) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string number;
    std::string name;
    std::string state;
    return !(stat >> number >> name >> state) || state == "Z" || state == "X";
}

class LabTest : public testing::Test {
  protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root to make network namespaces";
    }
};

TEST_F(LabTest, IsGoneWithItsOwner) {
    std::string directory;
    {
        const auto lab = demo_lab();
        ASSERT_TRUE(lab) << lab.error().message;
        directory = lab->directory();
        // A killed program may leave a mount behind in the lab's directory.
        std::filesystem::create_directory(directory + "/mounted");
        ASSERT_EQ(::mount("none", (directory + "/mounted").c_str(), "tmpfs", 0, nullptr), 0);
        EXPECT_EQ(namespaces_of(::getpid()).size(), 5U);
    }
    EXPECT_FALSE(std::filesystem::exists(directory));
    EXPECT_THAT(namespaces_of(::getpid()), IsEmpty());
}

TEST_F(LabTest, LeavesNothingBehindWhenItsOwnerIsKilled) {
    int report[2];
    ASSERT_EQ(::pipe(report), 0);
    const pid_t owner = ::fork();
    if (owner == 0) {
        ::close(report[0]);
        const auto lab = demo_lab();
        auto program = lab ? lab->spawn("A", {"sleep", "1000"}) : fail("");
        const pid_t pid = program ? program->pid() : -1;
        (void)!::write(report[1], &pid, sizeof pid);
        ::pause();
        ::_exit(0);
    }
    pid_t program = -1;
    ASSERT_EQ(::read(report[0], &program, sizeof program), static_cast<ssize_t>(sizeof program));
    EXPECT_GT(program, 0);
    EXPECT_EQ(namespaces_of(owner).size(), 5U);
    EXPECT_EQ(::kill(program, 0), 0);
    ::kill(owner, SIGKILL);
    ::waitpid(owner, nullptr, 0);
    EXPECT_TRUE(wait_for(5s, [&] { return namespaces_of(owner).empty(); }));
    EXPECT_TRUE(wait_for(5s, [&] { return has_ended(program); }));
    ::close(report[0]);
    ::close(report[1]);
}

TEST_F(LabTest, RoutesByTheShortestPath) {
    const auto lab = demo_lab();
    ASSERT_TRUE(lab) << lab.error().message;
    const auto there = lab->wait_reachable("S", "D");
    ASSERT_TRUE(there) << there.error().message;
    EXPECT_EQ(there->hop_limit, 62);  // through B and A
    const auto across = lab->wait_reachable("S", "C");
    ASSERT_TRUE(across) << across.error().message;
    EXPECT_EQ(across->hop_limit, 63);
    const auto route = lab->ip("A", {"route", "get", "2001:db8:d::99"});
    ASSERT_TRUE(route) << route.error().message;
    EXPECT_THAT(*route, HasSubstr("dev to-B"));
}

TEST_F(LabTest, SidsSteerPackets) {
    const auto lab = demo_lab();
    ASSERT_TRUE(lab) << lab.error().message;
    // S -> D by way of C: End at C, then decapsulation at B; back by the adjacency C -> A, then decapsulation at A.
    const auto out = fmt::format("{},{}", lab->sid("C", routing::kFunctionEnd).to_string(),
                                 lab->sid("B", routing::kFunctionDecap).to_string());
    ASSERT_TRUE(lab->ip("A", {"route", "add", "2001:db8:d::/48", "encap", "seg6", "mode", "encap", "segs", out, "via",
                              lab->peer("A", "A-C").link_local.to_string(), "dev", "to-C", "metric", "1"}));
    const auto back = fmt::format("{},{}", lab->adjacency_sid("C", "A-C").to_string(),
                                  lab->sid("A", routing::kFunctionDecap).to_string());
    ASSERT_TRUE(lab->ip("B", {"route", "add", "2001:db8:5::/48", "encap", "seg6", "mode", "encap", "segs", back, "via",
                              lab->peer("B", "C-B").link_local.to_string(), "dev", "to-C", "metric", "1"}));
    auto cut = lab->install_cut("A-B");
    ASSERT_TRUE(cut) << cut.error().message;
    cut->cut();  // packets that get through go around it
    const auto reply = lab->wait_reachable("S", "D");
    ASSERT_TRUE(reply) << reply.error().message;
}

TEST_F(LabTest, TwoLabsDoNotMeet) {
    const auto one = demo_lab();
    const auto two = demo_lab();
    ASSERT_TRUE(one) << one.error().message;
    ASSERT_TRUE(two) << two.error().message;
    EXPECT_NE(one->netns("A").name(), two->netns("A").name());
    EXPECT_TRUE(one->wait_reachable("S", "D"));
    EXPECT_TRUE(two->wait_reachable("S", "D"));
}

TEST_F(LabTest, BuildsARingOfFiftyRouters) {
    constexpr int kRouters = 50;
    routing::Topology ring;
    for (int i = 0; i < kRouters; ++i) {
        const auto text = fmt::format("fd00:{:x}::", i + 1);
        ring.graph.add_node({.name = fmt::format("r{}", i),
                             .kind = routing::NodeKind::router,
                             .overload = false,
                             .locator = Prefix::parse(text + "/48"),
                             .loopback = Address::parse(text + "1"),
                             .prefixes = {}});
    }
    for (routing::NodeId i = 0; i < kRouters; ++i) {
        const auto function = routing::link_function(i);
        ring.graph.add_link({.id = fmt::format("l{}", i),
                             .ends = {i, (i + 1) % kRouters},
                             .metrics = {10, 10},
                             .srlgs = {},
                             .subnet = {},
                             .functions = {function, function}});
    }
    ring.graph.freeze();
    const auto begin = Clock::now();
    const auto lab = Lab::build(std::move(ring));
    ASSERT_TRUE(lab) << lab.error().message;
    RecordProperty("build_ms", std::to_string((Clock::now() - begin) / 1ms));
    const auto reply = lab->wait_reachable("r0", "r20");
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->hop_limit, 64 - 19);
}

TEST_F(LabTest, CutsOneOrBothDirectionsSilently) {
    const auto lab = demo_lab();
    ASSERT_TRUE(lab) << lab.error().message;
    ASSERT_TRUE(lab->wait_reachable("S", "D"));
    auto cut = lab->install_cut("A-B");
    ASSERT_TRUE(cut) << cut.error().message;
    ASSERT_TRUE(lab->ping("S", "D"));

    const auto cut_ns = cut->cut();
    EXPECT_TRUE(cut->is_cut());
    EXPECT_FALSE(lab->ping("S", "D"));
    const auto forward = cut->seen(Direction::forward);
    EXPECT_GE(forward.dropped, 1U);
    EXPECT_GE(forward.first_drop_ns.value_or(0), cut_ns);
    EXPECT_LT(forward.first_drop_ns.value_or(0), cut_ns + 100'000'000);
    const auto link = lab->ip("A", {"link", "show", "dev", "to-B"});
    ASSERT_TRUE(link);
    EXPECT_THAT(*link, HasSubstr("LOWER_UP"));  // silent: the carrier stays
    cut->restore();
    const auto in_all = cut->seen(Direction::forward).dropped;  // neighbor discovery among them
    EXPECT_TRUE(lab->wait_reachable("S", "D"));

    cut->cut(Direction::backward);
    EXPECT_FALSE(lab->ping("S", "D"));
    EXPECT_EQ(cut->seen(Direction::forward).dropped, in_all);
    EXPECT_GE(cut->seen(Direction::backward).dropped, 1U);
}

TEST_F(LabTest, TrafficArrivesAndCutsShowAsLossWindows) {
    const auto lab = demo_lab();
    ASSERT_TRUE(lab) << lab.error().message;
    ASSERT_TRUE(lab->wait_reachable("S", "D"));
    auto cut = lab->install_cut("A-B");
    ASSERT_TRUE(cut) << cut.error().message;

    auto steady = lab->start_traffic("S", "D", {.count = 5000});
    ASSERT_TRUE(steady) << steady.error().message;
    ASSERT_TRUE(wait_for(10s, [&] { return steady->sent() == 5000; }));
    const auto whole = steady->stop();
    EXPECT_EQ(whole.sent, 5000U);
    EXPECT_EQ(whole.received, 5000U);
    EXPECT_THAT(whole.windows, IsEmpty());

    auto disturbed = lab->start_traffic("D", "S");
    ASSERT_TRUE(disturbed) << disturbed.error().message;
    ASSERT_TRUE(wait_for(10s, [&] { return disturbed->arrived() > 500; }));
    const auto cut_ns = cut->cut();
    ASSERT_TRUE(wait_for(10s, [&] { return cut->seen(Direction::backward).dropped >= 200; }));
    const auto restore_ns = cut->restore();
    const auto arrived = disturbed->arrived();
    ASSERT_TRUE(wait_for(10s, [&] { return disturbed->arrived() > arrived + 500; }));
    const auto report = disturbed->stop();
    ASSERT_EQ(report.windows.size(), 1U);
    const auto& window = report.windows.front();
    const auto dropped = cut->seen(Direction::backward).dropped;  // neighbor discovery of B among them
    EXPECT_LE(window.lost, dropped);
    EXPECT_GE(window.lost + 10, dropped);
    EXPECT_GE(window.start_ns, cut_ns - 1'000'000);
    EXPECT_TRUE(window.length_ns());
    EXPECT_LT(window.length_ns().value_or(0), restore_ns - cut_ns + 50'000'000);
}

TEST_F(LabTest, ProgramsRunInTheirNodeAndAreCaptured) {
    const auto lab = demo_lab();
    ASSERT_TRUE(lab) << lab.error().message;
    auto program = lab->spawn("C", {"ip", "-o", "link", "show", "dev", "to-A"});
    ASSERT_TRUE(program) << program.error().message;
    EXPECT_EQ(program->wait(5s), 0);
    EXPECT_THAT(program->output(), HasSubstr("to-A@"));
    EXPECT_FALSE(lab->spawn("C", {"no-such-program"}));

    auto stubborn =
        lab->spawn("C", {"sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"}, {.stop_patience = 50ms});
    ASSERT_TRUE(stubborn) << stubborn.error().message;
    ASSERT_TRUE(wait_for(5s, [&] { return !stubborn->output().empty(); }));
    EXPECT_EQ(stubborn->stop(), 128 + SIGKILL);
}

}  // namespace
}  // namespace sidestep::topo
