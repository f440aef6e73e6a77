// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests packets that do not fit together with the header of a repair: senders are told the MTU, TCP goes on, and a
// probe of full size detects a path that only small packets pass.
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "common/fd.hpp"
#include "detector/kernel/xdp_redirect.hpp"
#include "tests/net/repair_lab.hpp"
#include "tests/net/tcp_stream.hpp"
#include "topo/offload.hpp"
#include "topo/socket.hpp"

namespace sidestep::topo {
namespace {

constexpr int kMtu = 1500;
constexpr int kSmall = 1400;
constexpr int kLeft = kMtu - 40 - 8 - 2 * 16;  // after IPv6 and an SRH with the detour's two segments

/// A UDP socket that does not fragment.
class WholePackets {
  public:
    static Result<WholePackets> open(const Lab& lab, bool v4, const std::string& from = "S") {
        return lab.in(from, [&]() -> Result<WholePackets> {
            const auto destination = v4 ? lab.address_v4("D") : lab.address("D");
            Fd socket(::socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
            static_assert(IP_PMTUDISC_DO == IPV6_PMTUDISC_DO);
            const int mode = IP_PMTUDISC_DO;
            ::setsockopt(socket.get(), v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER, &mode,
                         sizeof mode);
            sockaddr_storage remote{};
            if (v4) {
                auto& to = reinterpret_cast<sockaddr_in&>(remote);
                to.sin_family = AF_INET;
                to.sin_port = htons(9);
                std::copy_n(destination.bytes.begin() + 12, 4, reinterpret_cast<std::uint8_t*>(&to.sin_addr));
            } else {
                reinterpret_cast<sockaddr_in6&>(remote) = socket_address(destination, 9);
            }
            if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&remote), sizeof remote) != 0) {
                return fail_errno("no route to " + destination.to_string());
            }
            return WholePackets(std::move(socket), v4);
        });
    }

    /// Sends an IP packet of this many bytes; returns 0 or the error. Other errors were for earlier packets.
    int send(int bytes) {
        const std::string payload(static_cast<std::size_t>(bytes - (v4_ ? 20 : 40) - 8), 'x');
        for (int attempt = 0; attempt < 3; ++attempt) {
            if (::send(socket_.get(), payload.data(), payload.size(), 0) >= 0) return 0;
            if (errno == EMSGSIZE) return errno;
        }
        return errno;
    }

    /// Sends several IP packets of this many bytes at once, which stay one packet on veth links (UDP GSO).
    int send_together(int count, int bytes) {
        constexpr int kUdpSegment = 103;  // UDP_SEGMENT of <linux/udp.h>
        const int payload = bytes - (v4_ ? 20 : 40) - 8;
        ::setsockopt(socket_.get(), SOL_UDP, kUdpSegment, &payload, sizeof payload);
        const std::string all(static_cast<std::size_t>(count * payload), 'x');
        const int result = ::send(socket_.get(), all.data(), all.size(), 0) >= 0 ? 0 : errno;
        const int none = 0;
        ::setsockopt(socket_.get(), SOL_UDP, kUdpSegment, &none, sizeof none);
        return result;
    }

    /// The path MTU that the kernel knows.
    [[nodiscard]] int path_mtu() const {
        int mtu = 0;
        socklen_t length = sizeof mtu;
        ::getsockopt(socket_.get(), v4_ ? IPPROTO_IP : IPPROTO_IPV6, v4_ ? IP_MTU : IPV6_MTU, &mtu, &length);
        return mtu;
    }

  private:
    WholePackets(Fd socket, bool v4) : socket_(std::move(socket)), v4_(v4) {}
    Fd socket_;
    bool v4_;
};

struct Way {
    const char* name;
    const char* steering;
    bool v4;
};

void PrintTo(const Way& way, std::ostream* out) {
    *out << way.name;
}

class Sizes : public RepairLab {
  protected:
    // TCP in both families survives a cut and its restoration.
    void tcp_goes_on(const std::string& a, const std::string& b);
    // In both families, a sender of packets that are too big while A repairs hears how big they may be.
    void senders_are_told(const std::function<void(WholePackets&)>& send);
};
class SizesBySteering : public Sizes, public testing::WithParamInterface<Way> {
  protected:
    void SetUp() override {
        if (const auto exits = XdpRedirectTargets::open(); at_xdp_programs() && !exits)
            GTEST_SKIP() << exits.error().message;
        Sizes::SetUp();
    }
    [[nodiscard]] static bool at_xdp_programs() { return std::string_view(GetParam().steering) == "xdp"; }
    /// The configuration of A.
    [[nodiscard]] std::string config() const {
        return at_xdp_programs() ? at_xdp("A", steered_config("transit")) : steered_config(GetParam().steering);
    }
    /// A and B with these configurations; then the link between them is cut.
    void start_and_cut(const std::string& a) {
        ASSERT_TRUE(start_with(a, policy_config("B")));
        cut().cut();
        ASSERT_TRUE(becomes("A", "down", "unanswered"));
        ASSERT_TRUE(becomes("B", "down", "unanswered"));
    }
};

TEST_P(SizesBySteering, SendersAreTold) {
    const auto [name, steering, v4] = GetParam();
    ASSERT_NO_FATAL_FAILURE(start_and_cut(config()));
    EXPECT_EQ(at_xdp_alone("A"), at_xdp_programs());
    auto socket = WholePackets::open(lab(), v4);
    ASSERT_TRUE(socket) << socket.error().message;
    EXPECT_TRUE(eventually([&] {
        (void)socket->send(kMtu);
        return socket->path_mtu() < kMtu;
    }));
    EXPECT_EQ(socket->path_mtu(), kLeft);
    EXPECT_EQ(socket->send(kLeft + 1), EMSGSIZE);
    const bool told_by_us =
        at_xdp_programs() || std::string_view(steering) == "transit";  // otherwise the kernel sends the message
    EXPECT_EQ(counter("A", "icmp-ptb-sent") > 0, told_by_us);
    Flows flows;
    const TrafficSpec largest{.rate = 500, .payload = static_cast<std::size_t>(kLeft - (v4 ? 20 : 40) - 8)};
    ASSERT_TRUE(v4 ? flows.add_v4(lab(), "S", "D", largest) : flows.add(lab(), "S", "D", largest));
    EXPECT_TRUE(flows.pass(100));
    EXPECT_TRUE(lossless(flows.stop()));
}

INSTANTIATE_TEST_SUITE_P(Kinds, SizesBySteering,
                         testing::Values(Way{"TransitIpv6", "transit", false}, Way{"TransitIpv4", "transit", true},
                                         Way{"XdpIpv6", "xdp", false}, Way{"XdpIpv4", "xdp", true},
                                         Way{"DeviceIpv6", "device", false}, Way{"DeviceIpv4", "device", true},
                                         Way{"LwtXmitIpv6", "lwt-xmit", false}, Way{"LwtXmitIpv4", "lwt-xmit", true},
                                         Way{"LwtInIpv6", "lwt-in", false}),
                         [](const auto& way) { return std::string(way.param.name); });

void Sizes::tcp_goes_on(const std::string& a, const std::string& b) {
    ASSERT_TRUE(start_with(a, b));
    std::vector<TcpStream> streams;
    for (const bool v4 : {false, true}) {
        auto stream =
            TcpStream::start(lab().netns("S"), lab().netns("D"), v4 ? lab().address_v4("S") : lab().address("S"),
                             v4 ? lab().address_v4("D") : lab().address("D"));
        ASSERT_TRUE(stream) << stream.error().message;
        streams.push_back(std::move(*stream));
    }
    const auto go_on = [&] {
        const std::array goals{streams[0].received() + 500'000, streams[1].received() + 500'000};
        return eventually([&] { return streams[0].received() >= goals[0] && streams[1].received() >= goals[1]; });
    };
    EXPECT_TRUE(go_on());
    cut().cut();
    EXPECT_TRUE(becomes("A", "down"));
    EXPECT_TRUE(becomes("B", "down"));
    EXPECT_TRUE(go_on());
    EXPECT_TRUE(go_on());
    cut().restore();
    EXPECT_TRUE(becomes("A", "up"));
    EXPECT_TRUE(becomes("B", "up"));
    EXPECT_TRUE(go_on());
    for (auto& stream : streams) {
        const auto bytes = stream.finish();
        EXPECT_TRUE(bytes) << bytes.error().message;
    }
}

void Sizes::senders_are_told(const std::function<void(WholePackets&)>& send) {
    ASSERT_TRUE(start_with(policy_config("A"), policy_config("B")));
    cut().cut();
    ASSERT_TRUE(becomes("A", "down", "unanswered"));
    ASSERT_TRUE(becomes("B", "down", "unanswered"));
    for (const bool v4 : {false, true}) {
        auto socket = WholePackets::open(lab(), v4);
        ASSERT_TRUE(socket) << socket.error().message;
        EXPECT_TRUE(eventually([&] {
            send(*socket);
            return socket->path_mtu() < kMtu;
        }));
        EXPECT_EQ(socket->path_mtu(), kLeft);
    }
}

TEST_F(Sizes, TcpGoesOnThroughATransitRepair) {
    tcp_goes_on(policy_config("A"), policy_config("B"));
}

// GSO packets do not reach XDP programs: over such a link, the sender segments them.
TEST_F(Sizes, TcpGoesOnThroughARepairAtXdp) {
    if (const auto exits = XdpRedirectTargets::open(); !exits) GTEST_SKIP() << exits.error().message;
    tcp_goes_on(at_xdp("A", policy_config("A")), at_xdp("B", policy_config("B")));
    EXPECT_TRUE(at_xdp_alone("A"));
    EXPECT_TRUE(at_xdp_alone("B"));
}

// What is split only behind us is told of, too: datagrams keep their size.
TEST_F(Sizes, SendersOfSegmentsAreTold) {
    senders_are_told([](WholePackets& socket) { (void)socket.send_together(4, kMtu); });
}

// The kernel put them into a tunnel before they come to egress. Their sender hears of what fits into that.
TEST_F(Sizes, SendersBehindRoutesThatEncapsulateAreTold) {
    if (best_tc_kind() != TcKind::tcx) GTEST_SKIP() << "no tcx";
    constexpr int kTunnel = 40 + 8 + 16;
    const auto encap = fmt::format("encap seg6 mode encap segs {} dev to-B metric 1", decap("B").to_string());
    const auto refused =
        shell("A", fmt::format("ip -6 route add 2001:db8:d::/48 {0}; ip -4 route add 203.0.113.0/24 {0}", encap));
    if (!refused.empty()) GTEST_SKIP() << "encap seg6: " << refused;
    ASSERT_TRUE(start_with(bypass_config("A"), bypass_config("B")));
    cut().cut();
    ASSERT_TRUE(becomes("A", "down", "unanswered"));
    for (const bool v4 : {false, true}) {
        auto socket = WholePackets::open(lab(), v4);
        ASSERT_TRUE(socket) << socket.error().message;
        EXPECT_TRUE(eventually([&] {
            (void)socket->send(kMtu - kTunnel - 10);  // the kernel does not tell of it
            return socket->path_mtu() < kMtu;
        }));
        EXPECT_EQ(socket->path_mtu(), kLeft - kTunnel);
    }
}

// A sender may leave its checksum to the device. What becomes of its packet must not be changed by that.
TEST_F(Sizes, SendersAreToldByALinkWithoutOffloads) {
    const auto off = lab().in("A", [&] { return switch_checksums(lab().interface("A", "S-A").name, false); });
    if (!off) GTEST_SKIP() << off.error().message;
    senders_are_told([](WholePackets& socket) { (void)socket.send(kMtu); });
}

// The router that cannot pass on the repaired packets tells us, not their senders: we tell them.
TEST_P(SizesBySteering, SendersAreToldOfASmallLinkBeyondTheFirst) {
    const auto [name, steering, v4] = GetParam();
    // With lwt-in the kernel encapsulates, and the source is the one that it was told.
    ASSERT_EQ(shell("A", "ip sr tunsrc set fd00:a::1"), "");
    ASSERT_EQ(shell("C", fmt::format("ip link set dev to-B mtu {}", kSmall)), "");
    ASSERT_NO_FATAL_FAILURE(start_and_cut(config()));
    const bool sees_local = std::string_view(steering) == "device" || std::string_view(steering) == "lwt-xmit";
    for (const auto* from : {"S", "A"}) {  // a node behind us, and ourselves
        SCOPED_TRACE(from);
        if (std::string_view(from) == "A" && !sees_local) continue;
        auto socket = WholePackets::open(lab(), v4, from);
        ASSERT_TRUE(socket) << socket.error().message;
        EXPECT_TRUE(eventually([&] {
            (void)socket->send(std::min(kMtu, socket->path_mtu()));
            return socket->path_mtu() == kLeft - (kMtu - kSmall);
        })) << socket->path_mtu();
    }
}

TEST_P(SizesBySteering, SendersAreToldOfASmallLinkThatTheConfigurationNames) {
    const auto [name, steering, v4] = GetParam();
    ASSERT_NO_FATAL_FAILURE(start_and_cut(with(config(), "{adjacency: A-C, ", "{adjacency: A-C, mtu: 1380, ")));
    auto socket = WholePackets::open(lab(), v4);
    ASSERT_TRUE(socket) << socket.error().message;
    EXPECT_TRUE(eventually([&] {
        (void)socket->send(std::min(kMtu, socket->path_mtu()));
        return socket->path_mtu() == kLeft - (kMtu - 1380);
    })) << socket->path_mtu();
}

TEST_F(Sizes, ALargeProbeNoticesWhatASmallOneDoesNot) {
    ASSERT_TRUE(start_with(with(policy_config("A"), "interval: 1ms", "size: 1500, interval: 1ms"),
                           with(policy_config("B"), "interval: 1ms", "interval: 10ms")));
    ASSERT_EQ(shell("B", "ip link set dev to-A mtu 1400"), "");
    EXPECT_TRUE(becomes("A", "down", "unanswered"));
    EXPECT_TRUE(takes("A", 1));
    EXPECT_EQ(session("B").value("state", ""), "up");
    EXPECT_EQ(session("B").value("downs", -1), 0);
    ASSERT_EQ(shell("B", "ip link set dev to-A mtu 1500"), "");
    EXPECT_TRUE(becomes("A", "up"));
}

}  // namespace
}  // namespace sidestep::topo
