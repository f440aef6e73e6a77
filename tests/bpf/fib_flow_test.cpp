// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Checks that the programs know which of two equal-cost next hops the kernel takes, for packets of all kinds: each
// packet is sent through the kernel and then given to the program.
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <functional>

#include <poll.h>

#include "common/fd.hpp"
#include "tests/bpf/fib_node.hpp"

namespace sidestep {
namespace {

constexpr std::uint8_t kFragment = 44;
constexpr std::uint8_t kEsp = 50;
constexpr std::uint8_t kAh = 51;
constexpr std::uint8_t kSctp = 132;

// Reads and writes at the far end of a link.
class FarEnd {
  public:
    explicit FarEnd(unsigned ifindex) : socket_(socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL))) {
        sockaddr_ll at{};
        at.sll_family = AF_PACKET;
        at.sll_protocol = htons(ETH_P_ALL);
        at.sll_ifindex = static_cast<int>(ifindex);
        if (bind(socket_.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) std::abort();
    }

    void send(const Bytes& bytes) {
        if (::send(socket_.get(), bytes.data(), bytes.size(), 0) < 0) std::abort();
    }
    // True if the packet with this end has arrived.
    bool has(std::span<const std::uint8_t> end) {
        std::array<std::uint8_t, 2048> buffer{};
        for (ssize_t size = 0; (size = recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT)) >= 0;) {
            const auto got = std::span(buffer).first(static_cast<std::size_t>(size));
            if (got.size() >= end.size() && std::ranges::equal(got.last(end.size()), end)) return true;
        }
        return false;
    }
    [[nodiscard]] int fd() const { return socket_.get(); }

  private:
    Fd socket_;
};

class FibFlow : public Fib {
  protected:
    void SetUp() override {
        Fib::SetUp();
        if (IsSkipped()) return;
        if (programs_.at_xdp()) GTEST_SKIP() << "with fib_multipath_hash_policy, XDP leaves everything to tc";
        for (const auto* arguments :
             {"neigh add fe80::1 lladdr 02:00:00:00:00:99 dev a", "neigh add fe80::3 lladdr 02:00:00:00:00:99 dev b",
              "neigh add 10.0.1.1 lladdr 02:00:00:00:00:99 dev a", "neigh add 10.0.2.1 lladdr 02:00:00:00:00:99 dev b"})
            ASSERT_TRUE(ip(arguments));
        // Attached as on a node: the program removes the hash that the sender left on the packet.
        LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = static_cast<int>(kIn), .attach_point = BPF_TC_INGRESS);
        LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = programs_.ingress_program());
        ASSERT_EQ(bpf_tc_hook_create(&hook), 0);
        ASSERT_EQ(bpf_tc_attach(&hook, &options), 0);
    }

    void use_policy(int policy) {
        ASSERT_TRUE(set_sysctl("ipv6/fib_multipath_hash_policy", policy));
        ASSERT_TRUE(set_sysctl("ipv4/fib_multipath_hash_policy", policy));
        programs_.repair[0].hash_policy = policy == 0 ? 0 : 1U << SS_IPV4 | 1U << SS_IPV6;
    }

    // The neighbor that the kernel sends a packet to; 0: none within a second.
    unsigned forwarded(Bytes bytes, FarEnd& in, FarEnd& lan, FarEnd& link2) {
        const auto mac = hex("020000000071");
        std::ranges::copy(mac, bytes.begin());
        in.send(bytes);
        const auto end = std::span(bytes).subspan(kEthernetLength + kIpv6Length);
        std::array<pollfd, 2> ready{pollfd{lan.fd(), POLLIN, 0}, pollfd{link2.fd(), POLLIN, 0}};
        while (poll(ready.data(), ready.size(), 1000) > 0) {
            if (lan.has(end)) return 1;
            if (link2.has(end)) return 3;
        }
        return 0;
    }

    // Compares 16 packets; `make` varies them.
    void expect_same(const std::function<Bytes(std::uint8_t)>& make) {
        FarEnd in(kIn + 1);
        FarEnd lan(kLan + 1);
        FarEnd link2(kLink2 + 1);
        std::vector<Bytes> packets;
        std::vector<unsigned> chosen;
        for (std::uint8_t i = 1; i <= 16; ++i) {
            packets.push_back(make(i));
            chosen.push_back(forwarded(packets.back(), in, lan, link2));
            ASSERT_NE(chosen.back(), 0U) << text_of(packets.back());
        }
        all_down();
        for (std::size_t i = 0; i < packets.size(); ++i)
            EXPECT_EQ(bypassed(packets[i]), chosen[i]) << text_of(packets[i]);
        for (const unsigned session : {1, 2, 3}) {
            programs_.states[session].rank = SS_UP;
            --programs_.repair[0].active;
        }
    }

    static Bytes to_ways(std::uint8_t next, const Bytes& payload, std::uint8_t label = 0) {
        auto bytes = packet(Ipv6{.to = "2001:db8:e::1", .next_header = next}, payload);
        bytes[kEthernetLength + 3] = label;
        return bytes;
    }
    static Bytes to_ways_v4(std::uint8_t protocol, const Bytes& payload) {
        return packet(Ipv4{.to = "198.51.100.1", .protocol = protocol}, payload);
    }

    // Each kind varies something that a kernel may or may not hash.
    void expect_all_the_same() {
        const auto any = [](std::uint8_t i) { return udp(static_cast<std::uint16_t>(5000 + i), 80, 40 + i); };
        const std::vector<Address> list{address("fc00::9"), address("2001:db8:e::1")};
        const auto inner = [&](std::uint8_t i) { return inside(packet(Ipv6{.to = "2001:db8:e::5"}, any(i))); };
        const std::vector<std::pair<std::string_view, std::function<Bytes(std::uint8_t)>>> kinds{
            {"UDP", [&](auto i) { return to_ways(kUdp, any(i)); }},
            {"flow labels", [&](auto i) { return to_ways(kUdp, any(1), i); }},
            {"TCP", [&](auto i) { return to_ways(kTcp, tcp(i, 80, 10)); }},
            {"SCTP", [&](auto i) { return to_ways(kSctp, any(i)); }},
            {"ESP", [&](auto i) { return to_ways(kEsp, any(i)); }},
            {"AH",
             [&](auto i) {
                 return to_ways(kAh, Bytes{kUdp, 4, 0, 0, 0, 0, 0, i} + any(1));
             }},
            {"destination options", [&](auto i) { return to_ways(kDestinationOptions, options(kUdp) + any(i)); }},
            {"SRH and UDP", [&](auto i) { return to_ways(kRouting, srh(kUdp, list, 0) + any(i)); }},
            {"SRH and a packet", [&](auto i) { return to_ways(kRouting, srh(kIpv6Inside, list, 0) + inner(i), i); }},
            {"a packet", [&](auto i) { return to_ways(kIpv6Inside, inner(i), i); }},
            {"first fragments",
             [&](auto i) {
                 return to_ways(kFragment, Bytes{kUdp, 0, 0, 1, 0, 0, 0, i} + any(i));
             }},
            {"later fragments",
             [&](auto i) {
                 return to_ways(kFragment, Bytes{kUdp, 0, 0, 9, 0, 0, 0, i} + any(i));
             }},
            {"IPv4 UDP", [&](auto i) { return to_ways_v4(kUdp, any(i)); }},
            {"IPv4 ESP", [&](auto i) { return to_ways_v4(kEsp, any(i)); }},
            {"IPv4 SCTP", [&](auto i) { return to_ways_v4(kSctp, any(i)); }},
            {"IPv4 and a packet", [&](auto i) { return to_ways_v4(kIpv6Inside, inner(i)); }},
        };
        for (const auto& [name, make] : kinds) {
            SCOPED_TRACE(name);
            expect_same(make);
        }
    }
};

TEST_F(FibFlow, ByAddressesAndFlowLabel) {
    use_policy(0);
    expect_all_the_same();
}

TEST_F(FibFlow, ByPorts) {
    use_policy(1);
    expect_all_the_same();
}

}  // namespace
}  // namespace sidestep
