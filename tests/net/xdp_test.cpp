// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests programs at XDP: they repair alone, pass everything on if drivers cannot do it, and leave nothing behind.
#include <linux/bpf.h>
#include <net/if.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <array>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/fd.hpp"
#include "detector/kernel/own_program.hpp"
#include "detector/kernel/xdp_hook.hpp"
#include "detector/kernel/xdp_redirect.hpp"
#include "tests/net/repair_lab.hpp"
#include "topo/offload.hpp"

namespace sidestep::topo {
namespace {

using testing::HasSubstr;

constexpr std::array kInterfaces{"to-S", "to-B", "to-C"};

class AtXdp : public RepairLab {
  protected:
    void SetUp() override {
        if (const auto exits = XdpRedirectTargets::open(); !exits) GTEST_SKIP() << exits.error().message;
        RepairLab::SetUp();
    }

    json entrance(const std::string& interface) {
        for (const auto& entrance : ask("A", "status").value("xdp", json::array())) {
            if (entrance.value("interface", "") == interface) return entrance;
        }
        return json::object();
    }

    // True if the kernel reports a program of ours at XDP on an interface of A.
    bool at_xdp_of(const std::string& interface) {
        const auto found = lab().in("A", [&]() -> Result<bool> {
            const auto present = xdp_present(static_cast<int>(::if_nametoindex(interface.c_str())));
            return present != 0 && own_program(present);
        });
        return found && *found;
    }
};

TEST_F(AtXdp, APolicyCarriesBothFamilies) {
    ASSERT_TRUE(start_with(at_xdp("A", policy_config("A")), at_xdp("B", policy_config("B"))));
    auto flows = dual_flows();
    ASSERT_TRUE(flows) << flows.error().message;
    for (const auto* node : {"A", "B"}) EXPECT_TRUE(at_xdp_alone(node));
    survives_cut(std::move(*flows));
    for (const auto* node : {"A", "B"}) {
        EXPECT_TRUE(at_xdp_alone(node));
        EXPECT_GT(taken(node, "far", 1), 0U);
        EXPECT_GT(counter(node, "decapsulated"), 0U);
        EXPECT_EQ(counter(node, "malformed"), 0U);
    }
}

TEST_F(AtXdp, ABypassCarriesPacketsInNoPolicy) {
    ASSERT_TRUE(start_with(at_xdp("A", bypass_config("A")), at_xdp("B", bypass_config("B"))));
    auto flows = dual_flows();
    ASSERT_TRUE(flows) << flows.error().message;
    survives_cut(std::move(*flows));
    for (const auto* node : {"A", "B"}) {
        EXPECT_TRUE(at_xdp_alone(node));
        EXPECT_GT(taken(node, "A-B bypass", 0), 0U);
    }
}

// An interface that is no redirect target: tc is attached, too, and handles packets that cannot leave at XDP.
TEST_F(AtXdp, TcHelpsIfANextHopIsNoRedirectTarget) {
    const auto a = at_xdp("A", policy_config("A"));
    ASSERT_TRUE(lab().take_frames("A", "A-C", false));
    ASSERT_TRUE(start_with(a, policy_config("B")));
    const auto entrance_of_s = entrance("to-S");
    EXPECT_TRUE(entrance_of_s.value("xdp", false));
    EXPECT_TRUE(entrance_of_s.value("tc", false));
    EXPECT_EQ(entrance_of_s.value("because", ""), "to-C is not an XDP redirect target");
    auto flows = dual_flows();
    ASSERT_TRUE(flows) << flows.error().message;
    survives_cut(std::move(*flows));
    EXPECT_GT(taken("A", "far", 1), 0U);

    ASSERT_TRUE(lab().take_frames("A", "A-C"));
    EXPECT_TRUE(eventually([&] { return at_xdp_alone("A"); })) << "it is checked again each second";
    for (const auto* interface : kInterfaces) EXPECT_FALSE(hooked("A", interface));
    ASSERT_TRUE(lab().take_frames("A", "A-C", false));
    EXPECT_TRUE(eventually([&] { return hooked("A", "to-S") && hooked("A", "to-C"); }));
    for (const auto* interface : kInterfaces) EXPECT_TRUE(at_xdp_of(interface)) << interface;
}

TEST_F(AtXdp, TcHelpsWhileTheKernelUsesAnotherHash) {
    ASSERT_TRUE(start("A", at_xdp("A", policy_config("A"))));
    EXPECT_TRUE(at_xdp_alone("A"));
    shell("A", "sysctl -w net.ipv6.fib_multipath_hash_policy=1");
    EXPECT_TRUE(eventually([&] { return hooked("A", "to-S"); }));
    EXPECT_EQ(entrance("to-S").value("because", ""), "fib_multipath_hash_policy is not 0");
    shell("A", "sysctl -w net.ipv6.fib_multipath_hash_policy=0");
    EXPECT_TRUE(eventually([&] { return at_xdp_alone("A"); }));
    for (const auto* link : {"A-B", "A-C"}) EXPECT_EQ(session("A", link).value("downs", -1), 0) << link;
}

TEST_F(AtXdp, TcHelpsWithLongLists) {
    auto list = detour("A");
    const auto segment = fmt::format("\"{}\", ", lab().sid("C", 1).to_string());
    const auto first = list.find("segments: [") + 11;
    for (int i = 0; i < 5; ++i) list.insert(first, segment);
    ASSERT_TRUE(start("A", at_xdp("A", with(policy_config("A"), detour("A"), list))));
    EXPECT_EQ(entrance("to-S").value("because", ""), "drivers leave 152 bytes of headroom; a list needs 160");
    EXPECT_TRUE(hooked("A", "to-S"));
    EXPECT_TRUE(at_xdp_of("to-S"));
}

// What is observed is counted at tc only.
TEST_F(AtXdp, TcHelpsWhileSomethingIsObserved) {
    const auto observing = "mode: observe\n" + at_xdp("A", policy_config("A"));
    ASSERT_TRUE(start_with(observing, policy_config("B")));
    EXPECT_EQ(entrance("to-S").value("because", ""),
              "some copies of hitless policies, and counts of observed ones, are made at tc");
    auto flows = Flows::start(lab());
    ASSERT_TRUE(flows) << flows.error().message;
    ASSERT_TRUE(flows->pass());
    cut().cut();
    EXPECT_TRUE(eventually([&] {
        return ask("A", "policies")
                   .value(json::json_pointer("/policies/0/candidates/1/drops/observed"), std::uint64_t{0}) > 0;
    }));
}

TEST_F(AtXdp, NotOnVirtualInterfacesWithoutXdpOnVirtual) {
    ASSERT_TRUE(start("A", with(at_xdp("A", policy_config("A")), "xdp-on-virtual: true", "xdp-on-virtual: false")));
    for (const auto* interface : kInterfaces) {
        EXPECT_FALSE(at_xdp_of(interface));
        EXPECT_TRUE(hooked("A", interface));
        EXPECT_THAT(entrance(interface).value("because", ""), HasSubstr("is virtual: its packets may lack checksums"));
    }
}

TEST_F(AtXdp, NothingIsLeftBehind) {
    const auto config = at_xdp("A", policy_config("A"));
    ASSERT_TRUE(start("A", config));
    for (const auto* interface : kInterfaces) EXPECT_TRUE(at_xdp_of(interface)) << interface;
    ASSERT_TRUE(stop("A"));
    for (const auto* interface : kInterfaces) EXPECT_FALSE(at_xdp_of(interface)) << interface;

    ASSERT_TRUE(start("A", config));
    ASSERT_TRUE(kill("A"));
    EXPECT_TRUE(at_xdp_of("to-S")) << "programs of a killed detector run on";
    ASSERT_TRUE(start("A", policy_config("A")));
    for (const auto* interface : kInterfaces) {
        EXPECT_FALSE(at_xdp_of(interface)) << interface;
        EXPECT_TRUE(hooked("A", interface)) << interface;
    }
    ASSERT_TRUE(kill("A"));
    ASSERT_TRUE(start("A", config));
    EXPECT_TRUE(at_xdp_alone("A"));
    for (const auto* interface : kInterfaces) EXPECT_FALSE(hooked("A", interface)) << interface;

    ASSERT_TRUE(kill("A"));
    const auto flushed = run_sidestepd("A", config, {}, {}, {"--flush"});
    EXPECT_EQ(flushed.code, 0) << flushed.output;
    for (const auto* interface : kInterfaces) EXPECT_FALSE(at_xdp_of(interface)) << interface;
}

TEST_F(AtXdp, AnotherProgramStays) {
    const std::array<bpf_insn, 2> pass{
        bpf_insn{.code = BPF_ALU | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .src_reg = 0, .off = 0, .imm = XDP_PASS},
        bpf_insn{.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
    const Fd foreign(bpf_prog_load(BPF_PROG_TYPE_XDP, "somebodys", "GPL", pass.data(), pass.size(), nullptr));
    ASSERT_TRUE(foreign);
    const auto config = at_xdp("A", policy_config("A"));
    const auto attached = lab().in("A", [&]() -> Result<void> {
        const auto ifindex = static_cast<int>(::if_nametoindex("to-S"));
        return bpf_xdp_attach(ifindex, foreign.get(), 0, nullptr) == 0 ? Result<void>() : fail_errno("XDP");
    });
    ASSERT_TRUE(attached) << attached.error().message;
    ASSERT_TRUE(start("A", config));
    EXPECT_EQ(entrance("to-S").value("because", ""), "to-S: another XDP program is attached");
    EXPECT_TRUE(hooked("A", "to-S"));
    EXPECT_TRUE(at_xdp_of("to-B"));
    ASSERT_TRUE(stop("A"));
    EXPECT_THAT(shell("A", "ip link show dev to-S"), HasSubstr("somebodys"));
}

TEST_F(AtXdp, AProgramThatSomebodyDetachedComesBack) {
    ASSERT_TRUE(start("A", at_xdp("A", policy_config("A"))));
    shell("A", "ip link set dev to-S xdp off");
    EXPECT_TRUE(eventually([&] { return at_xdp_of("to-S"); }));
    EXPECT_TRUE(eventually([&] { return at_xdp_alone("A"); }));
}

// More often than ss_xdp_interfaces has entries.
TEST_F(AtXdp, ARecreatedInterfaceGetsTheProgramAgain) {
    ASSERT_TRUE(start("A", at_xdp("A", policy_config("A"))));
    for (int i = 0; i < 15; ++i) {
        ASSERT_TRUE(lab().ip("A", {"link", "del", "to-S"}));
        EXPECT_TRUE(eventually([&] { return entrance("to-S").value("because", "") == "the interface is gone"; }));
        ASSERT_TRUE(lab().ip("A", {"link", "add", "to-S", "type", "veth", "peer", "name", "other"}));
        shell("A", "ip link set dev other up; ip link set dev to-S up");
        ASSERT_TRUE(lab().in("A", [] { return switch_gro("other", true); }));
        EXPECT_TRUE(eventually([&] { return at_xdp_of("to-S"); }));
    }
    EXPECT_TRUE(eventually([&] { return at_xdp_alone("A"); }));
}

TEST_F(AtXdp, AnotherNameOrMacIsFollowed) {
    ASSERT_TRUE(start_with(at_xdp("A", policy_config("A")), policy_config("B")));
    ASSERT_TRUE(lab().ip("A", {"link", "set", "dev", "to-S", "address", "02:00:00:00:77:77"}));
    shell("S", "ip -6 neigh flush dev to-A");
    Flows flows;
    ASSERT_TRUE(flows.add(lab(), "S", "D", {.rate = 1000}));
    ASSERT_TRUE(flows.pass());
    cut().cut();
    EXPECT_TRUE(becomes("A", "down"));
    EXPECT_TRUE(flows.pass());
    EXPECT_GT(taken("A", "far", 1), 0U);
    EXPECT_TRUE(at_xdp_alone("A"));
    ASSERT_TRUE(lab().ip("A", {"link", "set", "dev", "to-S", "down"}));
    ASSERT_TRUE(lab().ip("A", {"link", "set", "dev", "to-S", "name", "elsewhere"}));
    EXPECT_TRUE(eventually([&] { return !at_xdp_of("elsewhere") && !hooked("A", "elsewhere"); }));
    EXPECT_EQ(entrance("to-S").value("because", ""), "the interface is gone");
}

// A NIC or a veth device removes tags before anybody sees the packet, so it looks like a packet of the parent.
TEST_F(AtXdp, NotWhereVlansAre) {
    ASSERT_TRUE(start("A", at_xdp("A", policy_config("A"))));
    if (!lab().ip("A", {"link", "add", "link", "to-S", "name", "tagged", "type", "vlan", "id", "7"}))
        GTEST_SKIP() << "this kernel has no VLANs";
    EXPECT_TRUE(eventually([&] { return !at_xdp_of("to-S"); }));
    EXPECT_TRUE(hooked("A", "to-S"));
    EXPECT_EQ(entrance("to-S").value("because", ""), "to-S carries VLAN tagged: at XDP, its tags may be missing");
}

}  // namespace
}  // namespace sidestep::topo
