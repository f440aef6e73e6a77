// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the SIDs that Sidestep gives to the kernel, as `ip` sees them, and their effect on packets.
#include <arpa/inet.h>
#include <sys/poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/fd.hpp"
#include "tests/net/routes_lab.hpp"
#include "topo/socket.hpp"

namespace sidestep::topo {
namespace {

using testing::HasSubstr;

class SidRoutesTest : public RoutesTest {
  protected:
    /// True if a datagram from node 0 by this SID arrives at node 2.
    bool goes_by(const Address& sid);
};

TEST_F(SidRoutesTest, AreSidsOfTheKernel) {
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

TEST_F(SidRoutesTest, AreSidsOfLinkLocalNeighborsIfTheKernelCan) {
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

bool SidRoutesTest::goes_by(const Address& sid) {
    const auto receiver = ns()[2].run([] { return open_bound(SOCK_DGRAM, {}, 9); });
    const auto sent = ns()[0].run([&] { return send_by(sid, address("fd00:1::1"), address("fd00:2::2")); });
    EXPECT_TRUE(receiver && sent);
    pollfd ready{.fd = receiver->get(), .events = POLLIN, .revents = 0};
    return ::poll(&ready, 1, 300) == 1;
}

TEST_F(SidRoutesTest, SidsForwardPackets) {
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
