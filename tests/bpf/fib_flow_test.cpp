// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Checks that the programs know which of several equal-cost next hops the kernel takes, for packets of all kinds, hash
// policies and kinds of routes: each packet is sent through the kernel and then given to the program.
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <functional>
#include <ostream>

#include <poll.h>

#include "common/fd.hpp"
#include "detector/kernel/hash_policy.hpp"
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
    // The last byte of the MAC address that the packet with this end was sent to; 0 if it has not arrived.
    unsigned neighbor_of(std::span<const std::uint8_t> end) {
        std::array<std::uint8_t, 2048> buffer{};
        for (ssize_t size = 0; (size = recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT)) >= 0;) {
            const auto got = std::span(buffer).first(static_cast<std::size_t>(size));
            if (got.size() >= end.size() && std::ranges::equal(got.last(end.size()), end)) return got[ETH_ALEN - 1];
        }
        return 0;
    }
    [[nodiscard]] int fd() const { return socket_.get(); }

  private:
    Fd socket_;
};

// Routes to 2001:db8:e::/48 and 198.51.100.0/24, over neighbors 1, 2, 4 and 5 on the LAN and 3 on the other link.
struct EqualRoutes {
    const char* name;
    std::vector<unsigned> neighbors;
    std::vector<unsigned> weights;
    const char* group;  // of nexthop objects, its type; null: hops of the route
};

void PrintTo(const EqualRoutes& routes, std::ostream* out) {
    *out << routes.name;
}

class FibFlow : public Fib, public testing::WithParamInterface<EqualRoutes> {
  protected:
    static constexpr unsigned kNeighbors = 5;

    static std::string way_to(unsigned neighbor, bool v4) {
        const bool lan = neighbor != 3;
        const auto host = std::to_string(neighbor);
        if (v4) return "via 10.0." + std::string(lan ? "1." + host : "2.1") + (lan ? " dev a" : " dev b");
        return "via fe80::" + host + (lan ? " dev a" : " dev b");
    }
    // False if this kernel or `ip` has no such routes.
    static bool install(const EqualRoutes& routes, bool v4) {
        const std::string family = v4 ? "-4 " : "-6 ";
        const unsigned base = v4 ? 100 : 200;  // numbers of nexthop objects
        std::string ways;
        bool good = true;
        for (std::size_t i = 0; i < routes.neighbors.size(); ++i) {
            const auto weight = std::to_string(routes.weights[i]);
            const auto way = way_to(routes.neighbors[i], v4);
            const auto id = std::to_string(base + routes.neighbors[i]);
            if (routes.group == nullptr) {
                ways += " nexthop " + way + " weight " + weight;
            } else {
                good = good && ip(family + "nexthop add id " + id + " " + way);
                ways += (ways.empty() ? "" : "/") + id + "," + weight;
            }
        }
        if (routes.group != nullptr) {
            good = good && ip("nexthop add id " + std::to_string(base) + " group " + ways + " type " + routes.group);
            ways = " nhid " + std::to_string(base);
        }
        return good && ip(family + "route replace " + (v4 ? "198.51.100.0/24" : "2001:db8:e::/48") + ways);
    }

    void SetUp() override {
        Fib::SetUp();
        if (IsSkipped()) return;
        if (programs_.at_xdp()) GTEST_SKIP() << "with fib_multipath_hash_policy, XDP leaves everything to tc";
        for (unsigned neighbor = 1; neighbor <= kNeighbors; ++neighbor) {
            for (const bool v4 : {false, true})
                ASSERT_TRUE(ip("neigh add " + way_to(neighbor, v4).substr(4) + " lladdr 02:00:00:00:00:0" +
                               std::to_string(neighbor)));
        }
        for (std::uint16_t i = 4; i <= kNeighbors; ++i) {
            programs_.set_path(i, encaps_list(kSpare, i));
            programs_.set_policy(i + 1U, {i});
            add_adjacency(kLan, "fe80::" + std::to_string(i), i);
            add_adjacency(kLan, "10.0.1." + std::to_string(i), i);
        }
        if (!install(GetParam(), false) || !install(GetParam(), true))
            GTEST_SKIP() << "no routes of this kind: " << GetParam().name;
        // Attached as on a node: the program removes the hash that the sender left on the packet.
        LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = static_cast<int>(kIn), .attach_point = BPF_TC_INGRESS);
        LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = programs_.ingress_program());
        ASSERT_EQ(bpf_tc_hook_create(&hook), 0);
        ASSERT_EQ(bpf_tc_attach(&hook, &options), 0);
    }

    void use_policy(int policy) {
        ASSERT_TRUE(set_sysctl("ipv6/fib_multipath_hash_policy", policy));
        ASSERT_TRUE(set_sysctl("ipv4/fib_multipath_hash_policy", policy));
        programs_.repair[0].hash_policy = hashes_beyond_addresses();
    }

    // The neighbor that the kernel sends a packet to; 0: none within a second.
    unsigned forwarded(Bytes bytes, FarEnd& in, FarEnd& lan, FarEnd& link2) {
        const auto mac = hex("020000000071");
        std::ranges::copy(mac, bytes.begin());
        in.send(bytes);
        const auto end = std::span(bytes).subspan(kEthernetLength + kIpv6Length);
        std::array<pollfd, 2> ready{pollfd{lan.fd(), POLLIN, 0}, pollfd{link2.fd(), POLLIN, 0}};
        while (poll(ready.data(), ready.size(), 1000) > 0) {
            if (const auto neighbor = lan.neighbor_of(end); neighbor != 0) return neighbor;
            if (const auto neighbor = link2.neighbor_of(end); neighbor != 0) return neighbor;
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
        for (unsigned session = 1; session <= kNeighbors; ++session) programs_.lower(session);
        for (std::size_t i = 0; i < packets.size(); ++i)
            EXPECT_EQ(bypassed(packets[i]), chosen[i]) << text_of(packets[i]);
        for (unsigned session = 1; session <= kNeighbors; ++session) {
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

// Not by policies 2 and 3: what forwarding hashes then, the lookup does not get (docs/kernel.md). Egress knows.
TEST_P(FibFlow, IsTheKernelsOwn) {
    for (const int policy : {0, 1}) {
        SCOPED_TRACE("policy " + std::to_string(policy));
        use_policy(policy);
        expect_all_the_same();
    }
}

std::string name_of(const testing::TestParamInfo<EqualRoutes>& routes) {
    return routes.param.name;
}

INSTANTIATE_TEST_SUITE_P(
    Over, FibFlow,
    testing::Values(
        EqualRoutes{.name = "Two", .neighbors = {1, 3}, .weights = {1, 1}, .group = nullptr},
        EqualRoutes{.name = "ThreeByWeight", .neighbors = {1, 2, 3}, .weights = {1, 3, 5}, .group = nullptr},
        EqualRoutes{.name = "Five", .neighbors = {1, 2, 3, 4, 5}, .weights = {1, 1, 1, 1, 1}, .group = nullptr},
        EqualRoutes{.name = "AGroup", .neighbors = {1, 2, 3}, .weights = {2, 1, 1}, .group = "mpath"},
        EqualRoutes{
            .name = "AResilientGroup", .neighbors = {1, 3, 5}, .weights = {1, 1, 1}, .group = "resilient buckets 32"}),
    name_of);

}  // namespace
}  // namespace sidestep
