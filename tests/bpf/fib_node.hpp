// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A node with real routes, in a network namespace of this process, whose FIB the programs look up.
//
//   in (71) -- us --+-- a (73)   a LAN: neighbors fe80::1 and 10.0.1.1, fe80::2 and 10.0.1.2
//                   +-- b (75)   one neighbor: fe80::3 and 10.0.2.1
//
// Session i belongs to neighbor i; its bypass, in slot i + 1, has i segments.
#pragma once

#include <cstdio>
#include <fstream>

#include <sched.h>

#include "tests/bpf/repairing.hpp"

namespace sidestep {

inline constexpr unsigned kIn = 71;
inline constexpr unsigned kLan = 73;
inline constexpr unsigned kLink2 = 75;
inline constexpr std::uint32_t kNobody = ~0U;

inline bool ip(const std::string& arguments) {
    return std::system(("ip " + arguments).c_str()) == 0;
}

/// The output of `ip <arguments>`.
inline std::string ip_says(const std::string& arguments) {
    std::string text;
    std::array<char, 256> buffer{};
    FILE* pipe = popen(("ip " + arguments).c_str(), "r");
    while (pipe != nullptr && std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) text += buffer.data();
    if (pipe != nullptr) pclose(pipe);
    return text;
}

inline bool set_sysctl(const std::string& name, int value) {
    std::ofstream file("/proc/sys/net/" + name);
    file << value << std::flush;
    return file.good();
}

class Fib : public testing::Test {
  protected:
    void SetUp() override {
        if (!programs_.why_not().empty()) GTEST_SKIP() << programs_.why_not();
        if (unshare(CLONE_NEWNET) != 0) GTEST_SKIP() << "no network namespace: " << std::strerror(errno);
        ASSERT_TRUE(build());
        programs_.set_xdp_interface(kIn, {.mac = {2, 0, 0, 0, 0, 0x71}, .redirect_target = 1, .no_headroom = 0});
        // In this namespace: the way out that it has goes with the one that the test before was in.
        programs_.set_xdp_interface(kLoopback, {.mac = {}, .redirect_target = 1, .no_headroom = 0});
        std::ranges::copy(own_source().bytes, programs_.node().source);
        for (std::uint16_t i = 1; i <= 3; ++i) {
            programs_.set_path(i, encaps_list(kSpare, i));
            programs_.set_policy(i + 1U, {i});
        }
        add_adjacency(kLan, "fe80::1", 1);
        add_adjacency(kLan, "10.0.1.1", 1);
        add_adjacency(kLan, "fe80::2", 2);
        add_adjacency(kLan, "10.0.1.2", 2);
        programs_.set_adjacency(kLan, {}, {.session = kNobody, .slot = SS_POLICY_EXEMPT});
        programs_.set_adjacency(kLink2, {}, {.session = 3, .slot = 4});
        programs_.lower(kUnrelated);
    }

    static constexpr std::uint16_t kSpare = 8;  // session of the bypasses
    static constexpr std::uint16_t kUnrelated = 9;

    static bool build() {
        bool good = ip("link set dev lo up");
        const auto pair = [&](const std::string& name, unsigned index) {
            good = good && ip("link add name " + name + " index " + std::to_string(index) + " type veth peer name " +
                              name + "-peer index " + std::to_string(index + 1));
            for (const auto& end : {name, name + "-peer"})
                good = good && ip("link set dev " + end + " addrgenmode none up");
        };
        pair("in", kIn);
        pair("a", kLan);
        pair("b", kLink2);
        good = good && ip("link set dev in address 02:00:00:00:00:71");
        for (const auto* name : {"ipv6/conf/all/forwarding", "ipv4/conf/all/forwarding"})
            good = good && set_sysctl(name, 1);
        for (const auto* arguments : {
                 "addr add 192.0.2.254/24 dev in",
                 "addr add 10.0.1.254/24 dev a",
                 "addr add 10.0.2.254/24 dev b",
                 "addr add 2001:db8:5::fe/64 dev in nodad",
                 "addr add fe80::fe/64 dev a nodad",
                 "addr add fe80::fe/64 dev b nodad",
                 "-6 route add 2001:db8:1::/48 via fe80::1 dev a",
                 "-6 route add 2001:db8:2::/48 via fe80::2 dev a",
                 "-6 route add 2001:db8:3::/48 via fe80::3 dev b",
                 "-6 route add 2001:db8:7::/48 via fe80::7 dev a",
                 "-6 route add 2001:db8:8::/48 dev a",
                 "-6 route add 2001:db8:9::/48 dev b",
                 "-6 route add blackhole 2001:db8:b::/48",
                 "-6 route add 2001:db8:e::/48 nexthop via fe80::1 dev a nexthop via fe80::3 dev b",
                 "route add 198.51.1.0/24 via 10.0.1.1",
                 "route add 198.51.2.0/24 via 10.0.1.2",
                 "route add 198.51.3.0/24 via 10.0.2.1",
                 "route add 198.51.7.0/24 via 10.0.1.7",
                 "route add 198.51.6.0/24 via inet6 fe80::1 dev a",
                 "route add 198.51.100.0/24 nexthop via 10.0.1.1 nexthop via 10.0.2.1",
             }) {
            good = good && ip(arguments);
        }
        return good;
    }

    void add_adjacency(std::uint32_t ifindex, std::string_view gateway, std::uint32_t session) {
        programs_.set_adjacency(ifindex, address(gateway), {.session = session, .slot = session + 1});
    }

    void all_down() {
        for (const unsigned session : {1, 2, 3}) programs_.lower(session);
    }

    // The neighbor whose bypass a packet took; 0: the packet was passed unchanged.
    unsigned bypassed(Bytes bytes) {
        const auto in = hex("020000000071");
        std::ranges::copy(in, bytes.begin());
        const auto result = programs_.ingress(bytes, kIn);
        if (result.code != TC_ACT_REDIRECT) {
            EXPECT_EQ(result.code, kPass);
            EXPECT_EQ(text_of(result.packet), text_of(bytes));
            return 0;
        }
        return result.packet.at(kEthernetLength + kIpv6Length + 4) + 1U;
    }
    unsigned v6(std::string_view to) { return bypassed(packet(Ipv6{.to = to}, udp(1, 2, 9))); }
    unsigned v4(std::string_view to) { return bypassed(packet(Ipv4{.to = to}, udp(1, 2, 9))); }

    Programs programs_;
};

}  // namespace sidestep
