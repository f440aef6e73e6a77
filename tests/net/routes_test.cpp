// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the routes that Sidestep installs, as `ip` sees them, and their effect on packets.
#include "detector/kernel/routes.hpp"

#include <linux/bpf.h>

#include <bpf/bpf.h>

#include <algorithm>
#include <array>
#include <tuple>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/fd.hpp"
#include "detector/kernel/shadows.hpp"
#include "tests/net/routes_lab.hpp"

namespace sidestep::topo {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr int kAllow = 0;  // BPF_OK
constexpr int kDrop = 2;   // BPF_DROP

/// A program that only returns `verdict`.
Fd load_program(bpf_prog_type type, int verdict) {
    const std::array<bpf_insn, 2> code{
        {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .src_reg = 0, .off = 0, .imm = verdict},
         {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}}};
    return Fd(bpf_prog_load(type, "ss_test", "GPL", code.data(), code.size(), nullptr));
}

TEST_F(RoutesTest, LeadIntoADevice) {
    comes_and_goes(DeviceRoute{.prefix = prefix("2001:db8:d::/48"), .ifindex = device(), .metric = 5},
                   {"dev sr0", "metric 5"});
    comes_and_goes(DeviceRoute{.prefix = prefix("2001:db8:d::/48"), .ifindex = device()}, {"dev sr0", "metric 1024"});
    comes_and_goes(DeviceRoute{.prefix = prefix("::/0"), .ifindex = device(), .metric = 5}, {"dev sr0", "metric 5"});
    comes_and_goes(DeviceRoute{.prefix = prefix("198.51.100.0/24"), .ifindex = device(), .metric = 5},
                   {"dev sr0", "metric 5", "scope site"});
    comes_and_goes(DeviceRoute{.prefix = prefix("198.51.100.7"), .ifindex = device()}, {"dev sr0"});
    comes_and_goes(DeviceRoute{.prefix = prefix("0.0.0.0/0"), .ifindex = device(), .metric = 5},
                   {"dev sr0", "metric 5"});
}

TEST_F(RoutesTest, PassPrograms) {
    const auto in = load_program(BPF_PROG_TYPE_LWT_IN, kAllow);
    const auto xmit = load_program(BPF_PROG_TYPE_LWT_XMIT, kAllow);
    ASSERT_TRUE(in && xmit);
    const int right = ifindex("right");
    for (const auto& [hook, fd, name] :
         {std::tuple{ProgramHook::in, in.get(), "bpf in"}, {ProgramHook::xmit, xmit.get(), "bpf xmit"}}) {
        ProgramRoute route{.prefix = prefix("2001:db8:d::/48"),
                           .hook = hook,
                           .program_fd = fd,
                           .via = address("fe80::2"),
                           .ifindex = right,
                           .metric = 5};
        const auto encap = std::string("encap ") + name;
        comes_and_goes(route, {encap, "sidestep-", "via fe80::2", "dev right", "metric 5"});
        route.prefix = prefix("198.51.100.0/24");
        comes_and_goes(route, {encap, "sidestep-", "via inet6 fe80::2", "dev right", "metric 5"});
        ASSERT_EQ(shell("ip addr add 192.0.2.1/30 dev right"), "");
        ASSERT_TRUE(routes().add([&] {
            auto of_one_family = route;
            of_one_family.via = address("192.0.2.2");
            return of_one_family;
        }()));
        EXPECT_THAT(this->route("198.51.100.0/24"), AllOf(HasSubstr(encap), HasSubstr("via 192.0.2.2")));
        EXPECT_TRUE(routes().remove_all());
        ASSERT_EQ(shell("ip addr del 192.0.2.1/30 dev right"), "");
        route.via.reset();
        comes_and_goes(route, {encap, "dev right"});
    }
}

TEST_F(RoutesTest, AProgramOfAnotherTypeIsRefused) {
    const auto xmit = load_program(BPF_PROG_TYPE_LWT_XMIT, kAllow);
    ProgramRoute route{.prefix = prefix("2001:db8:d::/48"),
                       .hook = ProgramHook::in,
                       .program_fd = xmit.get(),
                       .via = address("fe80::2"),
                       .ifindex = ifindex("right"),
                       .metric = 5};
    is_refused(route, {"cannot install the route to 2001:db8:d::/48 with metric 5", "Invalid argument"});
    route.program_fd = -1;
    is_refused(route, {"cannot read the program"});
}

TEST_F(RoutesTest, AnotherProgramTakesOverAtOnce) {
    const auto allow = load_program(BPF_PROG_TYPE_LWT_IN, kAllow);
    const auto drop = load_program(BPF_PROG_TYPE_LWT_IN, kDrop);
    ASSERT_TRUE(allow && drop);
    ProgramRoute route{.prefix = prefix("fd00:2::2"),
                       .hook = ProgramHook::in,
                       .program_fd = allow.get(),
                       .via = address("fe80::2"),
                       .ifindex = ifindex("right"),
                       .metric = 5};
    ASSERT_TRUE(passes());
    ASSERT_TRUE(routes().add(route));
    EXPECT_TRUE(passes());
    route.program_fd = drop.get();
    ASSERT_TRUE(routes().add(route));
    EXPECT_FALSE(ping(ns()[0], address("fd00:2::2"), address("fd00:1::1")));
    route.program_fd = allow.get();
    ASSERT_TRUE(routes().add(route));
    EXPECT_TRUE(passes());
}

TEST_F(RoutesTest, TellWhatTheKernelCannotDo) {
    const SidRoute psp_x{
        .sid = prefix("fd00:a:1:e001::"), .neighbor = address("fd00:2::2"), .psp = true, .ifindex = device()};
    is_refused(psp_x, {"fd00:a:1:e001::/128", "it must support psp on End.X"});
    const SidRoute odd{.sid = prefix("fd00:a:1::/48"), .next_csid = true, .function_bits = 13, .ifindex = device()};
    is_refused(odd, {"cannot install the route to fd00:a:1::/48", "nflen 13"});
    const SidRoute on_lo{.sid = prefix("fd00:a:1:e000::"), .ifindex = 1};
    is_refused(on_lo, {"fd00:a:1:e000::/128", "a SID on lo is unreachable"});
    is_refused(DeviceRoute{.prefix = prefix("2001:db8:d::/48"), .ifindex = 999999}, {"No such device"});
}

TEST_F(RoutesTest, OfEverythingAreUsed) {
    const std::vector<RouteSpec> all{DeviceRoute{.prefix = prefix("0.0.0.0/0"), .ifindex = device(), .metric = 5},
                                     DeviceRoute{.prefix = prefix("128.0.0.0/1"), .ifindex = device(), .metric = 5},
                                     DeviceRoute{.prefix = prefix("::/0"), .ifindex = device(), .metric = 5}};
    ASSERT_TRUE(routes().add(all));
    auto rtnl = in_router([] { return Rtnl::open(); });
    ASSERT_TRUE(rtnl) << rtnl.error().message;
    for (const auto& route : all) EXPECT_EQ(find_shadow(*rtnl, route), "");
}

TEST_F(RoutesTest, OfOthersAreLeftAlone) {
    ASSERT_EQ(shell("ip -6 route add 2001:db8:d::/48 via fe80::2 dev right metric 5 proto isis && "
                    "ip route add 198.51.100.0/24 via inet6 fe80::2 dev right metric 5 proto 99 && "
                    "ip -6 route add unreachable 2001:db8:e::/48 metric 5 proto static"),
              "");
    const auto with_others = tables();
    const std::array<std::pair<const char*, const char*>, 3> cases{{
        {"2001:db8:d::/48", "isis already has one"},
        {"198.51.100.0/24", "protocol 99 already has one"},
        {"2001:db8:e::/48", "static already has one"},
    }};
    for (const auto& [text, owner] : cases) {
        const DeviceRoute route{.prefix = prefix(text), .ifindex = device(), .metric = 5};
        const auto refused = routes().add(route);
        ASSERT_FALSE(refused) << text;
        EXPECT_THAT(refused.error().message, AllOf(HasSubstr(text), HasSubstr("metric 5"), HasSubstr(owner)));
        EXPECT_TRUE(routes().remove(route));
        EXPECT_EQ(tables(), with_others);
        // With another metric, there is room for both.
        auto beside = route;
        beside.metric = 4;
        EXPECT_TRUE(routes().add(beside)) << text;
        EXPECT_TRUE(routes().remove(beside));
    }
    EXPECT_TRUE(routes().remove_all());
    EXPECT_EQ(tables(), with_others);
}

// Some programs write the kernel's protocol into their routes, as we do.
TEST_F(RoutesTest, OfTheKernelAndItsImitatorsAreLeftAlone) {
    ASSERT_EQ(shell("ip addr add 192.0.2.1/30 dev right && ip addr add fd00:3::1/64 dev right && "
                    "ip route add 198.51.100.7/32 dev right scope link proto kernel && "
                    "ip route add 198.51.100.0/24 via 192.0.2.2 proto kernel metric 5 && "
                    "ip -6 route add 2001:db8:d::/48 dev right proto kernel metric 5"),
              "");
    const auto with_others = tables();
    for (const auto* text : {"198.51.100.0/24", "2001:db8:d::/48"}) {
        const DeviceRoute route{.prefix = prefix(text), .ifindex = device(), .metric = 5};
        const auto refused = routes().add(route);
        ASSERT_FALSE(refused) << text;
        EXPECT_THAT(refused.error().message, HasSubstr("kernel already has one"));
        EXPECT_TRUE(routes().remove(route));
    }
    EXPECT_EQ(routes().count().value_or(99), 0U);
    EXPECT_TRUE(routes().remove_all());
    EXPECT_EQ(tables(), with_others);
}

TEST_F(RoutesTest, OfAPredecessorAreReplacedOrRemoved) {
    ASSERT_EQ(shell("ip -6 route add 2001:db8:d::/48 dev right metric 5 proto 86 && "
                    "ip -6 route add 2001:db8:e::/48 dev right metric 5 proto 86 && "
                    "ip -6 route add fd00:a:1:e000:: encap seg6local action End dev right proto 86 && "
                    "ip route add 198.51.100.0/24 dev right metric 5 proto 86 && "
                    "ip route add 203.0.113.0/24 dev right metric 5 proto 86"),
              "");
    const std::vector<RouteSpec> wanted{
        DeviceRoute{.prefix = prefix("2001:db8:d::/48"), .ifindex = device(), .metric = 5},
        DeviceRoute{.prefix = prefix("198.51.100.0/24"), .ifindex = device(), .metric = 5},
        SidRoute{.sid = prefix("fd00:a:1:e000::"), .neighbor = address("fd00:2::2"), .ifindex = device()},
        DeviceRoute{.prefix = prefix("2001:db8:f::/48"), .ifindex = device(), .metric = 5}};
    EXPECT_EQ(routes().missing(wanted)->size(), wanted.size());
    const auto added = routes().add(wanted);
    ASSERT_TRUE(added) << added.error().message;
    EXPECT_TRUE(routes().missing(wanted)->empty());
    EXPECT_TRUE(routes().remove_leftovers(wanted));
    EXPECT_EQ(shell("ip route show proto 86; ip -6 route show proto 86"), "");
    EXPECT_EQ(shell("ip route show 198.51.100.0/24"), "198.51.100.0/24 dev sr0 proto kernel scope site metric 5 \n");
    EXPECT_EQ(shell("ip route show 203.0.113.0/24"), "");
    const auto left = shell("ip -6 route show | grep 'pref low'");
    EXPECT_EQ(std::ranges::count(left, '\n'), 3) << left;
    EXPECT_THAT(left, Not(HasSubstr("dev right")));
    EXPECT_THAT(left, HasSubstr("seg6local action End.X nh6 fd00:2::2 dev sr0"));
    EXPECT_TRUE(routes().remove_all());
    EXPECT_EQ(tables(), before());
}

TEST_F(RoutesTest, AreMissingAfterTheirInterfaceWentDown) {
    const auto program = load_program(BPF_PROG_TYPE_LWT_IN, kAllow);
    const std::vector<RouteSpec> wanted{
        DeviceRoute{.prefix = prefix("2001:db8:d::/48"), .ifindex = device(), .metric = 5},
        ProgramRoute{.prefix = prefix("2001:db8:e::/48"),
                     .program_fd = program.get(),
                     .via = address("fe80::2"),
                     .ifindex = ifindex("right"),
                     .metric = 5}};
    ASSERT_TRUE(routes().add(wanted));
    ASSERT_EQ(shell("ip link set right down && ip link set right up"), "");
    const auto missing = routes().missing(wanted);
    ASSERT_TRUE(missing) << missing.error().message;
    ASSERT_EQ(missing->size(), 1U);
    EXPECT_THAT(describe(missing->front()), HasSubstr("2001:db8:e::/48 metric 5"));
    // Its own link-local route takes a moment to come back.
    EXPECT_TRUE(wait_for(std::chrono::seconds(2), [&] { return routes().add(*missing).has_value(); }));
    EXPECT_TRUE(routes().missing(wanted)->empty());
}

}  // namespace
}  // namespace sidestep::topo
