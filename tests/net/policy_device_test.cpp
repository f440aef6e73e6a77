// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the policy device: made of whatever the kernel has, recognized again, and never somebody else's.
#include "detector/kernel/policy_device.hpp"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/poll.h>
#include <sys/socket.h>

#include <optional>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "common/address.hpp"
#include "common/fd.hpp"
#include "tests/net/scratch_ns.hpp"
#include "topo/socket.hpp"

namespace sidestep::topo {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

class PolicyDeviceTest : public testing::Test {
  protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root to make network namespaces";
        auto made = ScratchNs::make(1);
        ASSERT_TRUE(made) << made.error().message;
        ns_.emplace(std::move(*made));
    }
    [[nodiscard]] const NetNs& ns() const { return (*ns_)[0]; }
    [[nodiscard]] std::string shell(const std::string& command) const { return ns_->shell(command); }
    [[nodiscard]] Result<PolicyDevice> create(std::span<const std::string_view> kinds = kDeviceKinds) const {
        return ns().run([&] { return PolicyDevice::create("sr0", "A", kinds); });
    }

  private:
    std::optional<ScratchNs> ns_;
};

TEST_F(PolicyDeviceTest, IsUpAndSilentAndGoesAway) {
    const auto before = shell("ip -o link");
    auto device = create();
    ASSERT_TRUE(device) << device.error().message;
    EXPECT_FALSE(device->adopted());
    const auto link = shell("ip -d link show sr0");
    EXPECT_THAT(link, HasSubstr("NOARP,UP,LOWER_UP"));
    EXPECT_THAT(link, HasSubstr("alias sidestep A"));
    EXPECT_THAT(link, ContainsRegex("\n +" + device->kind() + " "));
    EXPECT_EQ(link.substr(0, link.find(':')), std::to_string(device->ifindex()));
    EXPECT_EQ(shell("ip addr show dev sr0 | grep inet"), "");
    EXPECT_EQ(shell("cd /proc/sys/net/ipv6/conf/sr0; cat seg6_enabled disable_ipv6 accept_dad addr_gen_mode"),
              "1\n0\n0\n1\n");
    EXPECT_EQ(shell("cat /proc/sys/net/ipv6/conf/all/seg6_enabled"), "0\n");
    EXPECT_FALSE(*ns().run([] { return PolicyDevice::accepts_srh(); }));

    EXPECT_TRUE(device->remove());
    EXPECT_EQ(shell("ip -o link"), before);
    EXPECT_TRUE(device->remove()) << "it is gone already";
}

TEST_F(PolicyDeviceTest, AcceptsOnlyAnMtuForIPv6) {
    auto device = create();
    ASSERT_TRUE(device) << device.error().message;
    EXPECT_TRUE(device->set_mtu(1404));
    EXPECT_THAT(shell("ip link show sr0"), HasSubstr("mtu 1404 "));
    const auto refused = device->set_mtu(1279);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("sr0 cannot have an MTU of 1279"));
    EXPECT_THAT(shell("ip link show sr0"), HasSubstr("mtu 1404 "));
}

TEST_F(PolicyDeviceTest, IsAdoptedFromAPredecessor) {
    int ifindex = 0;
    {
        const auto device = create();
        ASSERT_TRUE(device) << device.error().message;
        ifindex = device->ifindex();
    }
    const auto found = *ns().run([] { return PolicyDevice::find("sr0"); });
    ASSERT_TRUE(found);
    EXPECT_EQ(found->ifindex(), ifindex);
    EXPECT_EQ(shell("ip link set sr0 down"), "");
    auto adopted = create();
    ASSERT_TRUE(adopted) << adopted.error().message;
    EXPECT_TRUE(adopted->adopted());
    EXPECT_EQ(adopted->ifindex(), ifindex);
    EXPECT_THAT(shell("ip link show sr0"), HasSubstr("NOARP,UP,LOWER_UP"));
}

TEST_F(PolicyDeviceTest, ADeviceWithAnotherNameIsALeftover) {
    ASSERT_TRUE(create());
    ASSERT_TRUE(*ns().run([] { return PolicyDevice::create("sr1", "A").has_value(); }));
    ASSERT_EQ(shell("ip link add name other type bridge"), "");
    EXPECT_TRUE(ns().run([] { return PolicyDevice::remove_leftovers("sr1"); }));
    EXPECT_THAT(shell("ip -o link"), Not(HasSubstr("sr0")));
    EXPECT_THAT(shell("ip -o link"), HasSubstr("sr1"));
    EXPECT_TRUE(ns().run([] { return PolicyDevice::remove_leftovers(); }));
    EXPECT_THAT(shell("ip -o link"), Not(HasSubstr("sr1")));
    EXPECT_THAT(shell("ip -o link"), HasSubstr("other"));
}

TEST_F(PolicyDeviceTest, SomebodyElsesIsRefusedAndLeftAlone) {
    ASSERT_EQ(shell("ip link add name sr0 type bridge"), "");
    const auto before = shell("ip -d link show sr0");
    const auto device = create();
    ASSERT_FALSE(device);
    EXPECT_THAT(device.error().message, HasSubstr("sr0: an interface of that name exists and is not ours"));
    EXPECT_FALSE(*ns().run([] { return PolicyDevice::find("sr0").has_value(); }));
    EXPECT_TRUE(ns().run([] { return PolicyDevice::remove_leftovers(); }));
    EXPECT_EQ(shell("ip -d link show sr0"), before);
}

TEST_F(PolicyDeviceTest, SaysWhatTheKernelLacks) {
    constexpr std::array<std::string_view, 1> kNone{"nosuchkind"};
    const auto device = create(kNone);
    ASSERT_FALSE(device);
    EXPECT_THAT(device.error().message, HasSubstr("the kernel has no links of type nosuchkind"));
    const auto bad = ns().run([] { return PolicyDevice::create("a/b", "A"); });
    ASSERT_FALSE(bad);
    EXPECT_THAT(bad.error().message, HasSubstr("cannot create the policy device a/b: "));
}

/// Sends a datagram to `destination`, and waits until such a datagram leaves by the device.
bool leaves_by_device(int ifindex, const Address& destination) {
    const Fd tap(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ALL)));
    sockaddr_ll place{};
    place.sll_family = AF_PACKET;
    place.sll_protocol = htons(ETH_P_ALL);
    place.sll_ifindex = ifindex;
    if (::bind(tap.get(), reinterpret_cast<const sockaddr*>(&place), sizeof place) != 0) return false;
    const Fd udp(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const auto to = socket_address(destination, 9);
    if (::sendto(udp.get(), "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 1) return false;
    pollfd ready{.fd = tap.get(), .events = POLLIN, .revents = 0};
    while (::poll(&ready, 1, 2000) == 1) {
        std::array<std::uint8_t, 256> packet{};
        const auto size = ::recv(tap.get(), packet.data(), packet.size(), 0);
        const std::string seen(packet.begin(), packet.begin() + size);
        const auto begin = destination.is_v4() ? destination.bytes.begin() + 12 : destination.bytes.begin();
        if (seen.find(std::string(begin, destination.bytes.end())) != std::string::npos) return true;
    }
    return false;
}

class PolicyDeviceKind : public PolicyDeviceTest, public testing::WithParamInterface<std::string_view> {};

TEST_P(PolicyDeviceKind, CarriesBothFamiliesAndNothingStays) {
    const auto before = shell("ip -o link");
    const std::array kinds{GetParam()};
    auto device = create(kinds);
    if (!device && device.error().message.find("no links of type") != std::string::npos) {
        GTEST_SKIP() << device.error().message;
    }
    ASSERT_TRUE(device) << device.error().message;
    EXPECT_EQ(device->kind(), GetParam());
    ASSERT_EQ(shell("ip addr add 192.0.2.1/32 dev lo && ip addr add 2001:db8::1/128 dev lo && "
                    "ip route add 198.51.100.0/24 dev sr0 && ip route add 2001:db8:d::/48 dev sr0"),
              "");
    for (const auto* destination : {"198.51.100.7", "2001:db8:d::7"}) {
        const auto left = ns().run([&] { return leaves_by_device(device->ifindex(), *Address::parse(destination)); });
        EXPECT_TRUE(*left) << destination;
    }
    EXPECT_THAT(shell("ip neigh; ip -6 neigh"), Not(HasSubstr("INCOMPLETE")));
    EXPECT_EQ(shell("ip addr | grep fe80"), "");
    EXPECT_TRUE(device->remove());
    EXPECT_EQ(shell("ip -o link"), before);
}

INSTANTIATE_TEST_SUITE_P(Kinds, PolicyDeviceKind, testing::ValuesIn(kDeviceKinds),
                         [](const auto& kind) { return std::string(kind.param); });

}  // namespace
}  // namespace sidestep::topo
