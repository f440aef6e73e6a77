// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the routes that Sidestep installs, as `ip` sees them, and their effect on packets. Three nodes in a row:
//
//     0 --- 1 (sr0) --- 2
#include "detector/kernel/routes.hpp"

#include <arpa/inet.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <sys/poll.h>
#include <sys/socket.h>

#include <bpf/bpf.h>

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "common/fd.hpp"
#include "detector/kernel/policy_device.hpp"
#include "tests/net/scratch_ns.hpp"
#include "topo/ping.hpp"
#include "topo/socket.hpp"
#include "topo/wait.hpp"

namespace sidestep::topo {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr std::size_t kRouter = 1;
constexpr int kAllow = 0;  // BPF_OK
constexpr int kDrop = 2;   // BPF_DROP

Prefix prefix(const char* text) {
    return *Prefix::parse(text);
}

Address address(const char* text) {
    return *Address::parse(text);
}

/// A program that only returns `verdict`.
Fd load_program(bpf_prog_type type, int verdict) {
    const std::array<bpf_insn, 2> code{
        {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .src_reg = 0, .off = 0, .imm = verdict},
         {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}}};
    return Fd(bpf_prog_load(type, "ss_test", "GPL", code.data(), code.size(), nullptr));
}

/// True if a route was refused because of a flavor that older kernels do not support.
bool lacks_flavor(const Result<void>& added) {
    return !added && added.error().message.find("; it must support ") != std::string::npos;
}

class RoutesTest : public testing::Test {
  protected:
    template <typename Work>
    auto in_router(Work work) {
        return (*ns_)[kRouter].run(std::move(work));
    }
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root to make network namespaces";
        auto made = ScratchNs::make(3);
        ASSERT_TRUE(made) << made.error().message;
        ns_.emplace(std::move(*made));
        connect(0, "right", kRouter, "left", "fd00:1", 1);
        connect(kRouter, "right", 2, "left", "fd00:2", 3);
        ASSERT_EQ(shell("for f in ipv6/conf/all/forwarding ipv4/ip_forward; do echo 1 > /proc/sys/net/$f; done"), "");
        ASSERT_EQ(shell("ip -6 route add default via fd00:1::2", 0), "");
        ASSERT_EQ(shell("ip -6 route add default via fd00:2::1", 2), "");
        auto device = in_router([] { return PolicyDevice::create("sr0", "R"); });
        ASSERT_TRUE(device) << device.error().message;
        device_ = device->ifindex();
        auto routes = in_router([] { return InstalledRoutes::open(); });
        ASSERT_TRUE(routes) << routes.error().message;
        routes_.emplace(std::move(*routes));
        ASSERT_TRUE(wait_for(5s, [&] { return tables().find("linkdown") == std::string::npos; })) << tables();
        before_ = tables();
    }

    std::string shell(const std::string& command, std::size_t number = kRouter) { return ns_->shell(command, number); }
    std::string tables() { return shell("ip route; ip -6 route"); }
    std::string route(const std::string& prefix) {
        const auto* family = prefix.find(':') == std::string::npos ? "" : "-6 ";
        return shell(fmt::format("ip {}route show {}", family, prefix));
    }
    int ifindex(const std::string& name) {
        return *in_router([&] { return static_cast<int>(::if_nametoindex(name.c_str())); });
    }
    /// True if a packet from node 0 reaches node 2 and comes back within a second.
    bool passes() {
        return wait_for(1s, [&] { return ping((*ns_)[0], address("fd00:2::2"), address("fd00:1::1")).has_value(); });
    }
    /// Installs the route and finds it in the output of `ip`; removes it and finds the tables as they were.
    void comes_and_goes(const RouteSpec& spec, const std::vector<std::string>& words);
    void is_refused(const RouteSpec& spec, const std::vector<std::string>& words);
    /// True if a datagram from node 0 by this SID arrives at node 2.
    bool goes_by(const Address& sid);

    [[nodiscard]] int device() const { return device_; }
    [[nodiscard]] const std::string& before() const { return before_; }
    InstalledRoutes& routes() { return *routes_; }
    const ScratchNs& ns() { return *ns_; }

  private:
    /// The interface indices must differ: a veth pair with equal ones reports its carrier late.
    void connect(std::size_t a, const std::string& name_a, std::size_t b, const std::string& name_b,
                 const std::string& net, int index) {
        ASSERT_EQ(shell(fmt::format("ip link add name {} index {} type veth peer name {} index {} netns {}", name_a,
                                    1000 + index, name_b, 1001 + index, (*ns_)[b].name()),
                        a),
                  "");
        const auto set_up = [&](std::size_t node, const std::string& name, int number) {
            return shell(
                fmt::format("ip addr add {0}::{1}/64 dev {2} nodad && ip addr add fe80::{1}/64 dev {2} nodad && "
                            "ip link set {2} up",
                            net, number, name),
                node);
        };
        ASSERT_EQ(set_up(a, name_a, 1), "");
        ASSERT_EQ(set_up(b, name_b, 2), "");
    }

    std::optional<ScratchNs> ns_;
    std::optional<InstalledRoutes> routes_;
    std::string before_;
    int device_ = 0;
};

void RoutesTest::comes_and_goes(const RouteSpec& spec, const std::vector<std::string>& words) {
    const auto added = routes().add(spec);
    if (lacks_flavor(added)) {
        EXPECT_EQ(tables(), before());
        return;
    }
    ASSERT_TRUE(added) << added.error().message;
    const auto seen = route(key_of(spec).prefix.to_string());
    for (const auto& word : words) EXPECT_THAT(seen, HasSubstr(word));
    EXPECT_THAT(seen, HasSubstr("proto 86"));
    const auto missing = routes().missing(std::span(&spec, 1));
    ASSERT_TRUE(missing) << missing.error().message;
    EXPECT_TRUE(missing->empty());
    EXPECT_TRUE(routes().add(spec)) << "it is already there";

    EXPECT_TRUE(routes().remove(spec));
    EXPECT_EQ(tables(), before());
    EXPECT_TRUE(routes().remove(spec)) << "it is already gone";
    EXPECT_EQ(routes().missing(std::span(&spec, 1))->size(), 1U);
}

void RoutesTest::is_refused(const RouteSpec& spec, const std::vector<std::string>& words) {
    const auto refused = routes().add(spec);
    ASSERT_FALSE(refused) << describe(spec) << '\n' << tables();
    for (const auto& word : words) EXPECT_THAT(refused.error().message, HasSubstr(word));
    EXPECT_EQ(tables(), before());
}

TEST_F(RoutesTest, LeadIntoADevice) {
    comes_and_goes(DeviceRoute{.prefix = prefix("2001:db8:d::/48"), .ifindex = device(), .metric = 5},
                   {"dev sr0", "metric 5"});
    comes_and_goes(DeviceRoute{.prefix = prefix("2001:db8:d::/48"), .ifindex = device()}, {"dev sr0", "metric 1024"});
    comes_and_goes(DeviceRoute{.prefix = prefix("::/0"), .ifindex = device(), .metric = 5}, {"dev sr0", "metric 5"});
    comes_and_goes(DeviceRoute{.prefix = prefix("198.51.100.0/24"), .ifindex = device(), .metric = 5},
                   {"dev sr0", "metric 5", "scope link"});
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

TEST_F(RoutesTest, AreSidsOfTheKernel) {
    const auto sid = prefix("fd00:a:1:e000::");
    comes_and_goes(SidRoute{.sid = sid, .ifindex = device()}, {"seg6local action End ", "dev sr0"});
    comes_and_goes(SidRoute{.sid = sid, .psp = true, .ifindex = device(), .metric = 7},
                   {"seg6local action End flavors psp ", "dev sr0", "metric 7"});
    comes_and_goes(SidRoute{.sid = sid, .neighbor = address("fd00:2::2"), .ifindex = device()},
                   {"seg6local action End.X nh6 fd00:2::2 dev sr0"});
    // iproute2 6.1 cannot print NEXT-C-SID; add() checks that it was read back.
    const auto block = prefix("fd00:a:1::/48");
    comes_and_goes(SidRoute{.sid = block, .next_csid = true, .ifindex = device()}, {"seg6local action End flavors"});
    comes_and_goes(SidRoute{.sid = block, .next_csid = true, .block_bits = 48, .function_bits = 8, .ifindex = device()},
                   {"seg6local action End flavors"});
    comes_and_goes(SidRoute{.sid = block, .neighbor = address("fd00:2::2"), .next_csid = true, .ifindex = device()},
                   {"seg6local action End.X nh6 fd00:2::2", "flavors"});
}

TEST_F(RoutesTest, AreSidsOfLinkLocalNeighborsIfTheKernelCan) {
    const SidRoute route{.sid = prefix("fd00:a:1:e001::"),
                         .neighbor = address("fe80::2"),
                         .neighbor_ifindex = ifindex("right"),
                         .ifindex = device()};
    if (const auto added = routes().add(route); !added) {
        EXPECT_THAT(added.error().message, HasSubstr("give the neighbor a global address"));
        EXPECT_EQ(tables(), before());
        GTEST_SKIP() << added.error().message;
    }
    comes_and_goes(route, {"seg6local action End.X nh6 fe80::2 oif right dev sr0"});
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
    EXPECT_EQ(shell("ip route show proto 86"), "198.51.100.0/24 dev sr0 scope link metric 5 \n");
    const auto left = shell("ip -6 route show proto 86");
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
    EXPECT_TRUE(wait_for(2s, [&] { return routes().add(*missing).has_value(); }));
    EXPECT_TRUE(routes().missing(wanted)->empty());
}

/// Sends a datagram with the segment list <sid, destination>.
Result<void> send_by(const Address& sid, const Address& source, const Address& destination) {
    // RFC 8754, 2: length in 8 bytes, routing type, segments left, last entry; segments in reverse.
    std::array<std::uint8_t, 40> srh{0, 4, 4, 1, 1};
    std::ranges::copy(destination.bytes, srh.begin() + 8);
    std::ranges::copy(sid.bytes, srh.begin() + 24);
    const auto socket = open_bound(SOCK_DGRAM, source);
    if (!socket) return std::unexpected(socket.error());
    if (::setsockopt(socket->get(), IPPROTO_IPV6, IPV6_RTHDR, srh.data(), srh.size()) != 0)
        return fail_errno("IPV6_RTHDR");
    const auto to = socket_address(destination, 9);
    if (::sendto(socket->get(), "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 1) {
        return fail_errno("sendto");
    }
    return {};
}

bool RoutesTest::goes_by(const Address& sid) {
    const auto receiver = ns()[2].run([] { return open_bound(SOCK_DGRAM, {}, 9); });
    const auto sent = ns()[0].run([&] { return send_by(sid, address("fd00:1::1"), address("fd00:2::2")); });
    EXPECT_TRUE(receiver && sent);
    pollfd ready{.fd = receiver->get(), .events = POLLIN, .revents = 0};
    return ::poll(&ready, 1, 300) == 1;
}

TEST_F(RoutesTest, SidsForwardPackets) {
    ASSERT_TRUE(passes());
    const auto end = prefix("fd00:a:1:e000::");
    EXPECT_FALSE(goes_by(end.address));

    // Node 2 accepts no SRH, so a packet that arrives there has lost it.
    ASSERT_EQ(shell("cat /proc/sys/net/ipv6/conf/all/seg6_enabled"), "0\n");
    const auto psp = routes().add(SidRoute{.sid = end, .psp = true, .ifindex = device()});
    EXPECT_TRUE(lacks_flavor(psp) || goes_by(end.address));

    ASSERT_TRUE(routes().add(SidRoute{.sid = end, .ifindex = device()}));
    EXPECT_FALSE(goes_by(end.address));
    ASSERT_EQ(shell("for i in all left; do echo 1 > /proc/sys/net/ipv6/conf/$i/seg6_enabled; done", 2), "");
    EXPECT_TRUE(goes_by(end.address));

    const SidRoute end_x{.sid = prefix("fd00:a:1:e001::"), .neighbor = address("fd00:2::2"), .ifindex = device()};
    ASSERT_TRUE(routes().add(end_x));
    EXPECT_TRUE(goes_by(end_x.sid.address));
    EXPECT_TRUE(routes().remove_all());
    EXPECT_FALSE(goes_by(end.address));
}

}  // namespace
}  // namespace sidestep::topo
