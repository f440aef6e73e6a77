// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests traffic that comes in by an interface without Ethernet: a tun device of A, whose packets the test writes.
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "common/fd.hpp"
#include "tests/net/repair_lab.hpp"

namespace sidestep::topo {
namespace {

class BareIngress : public RepairLab {
  protected:
    /// Opens tun0 of A, which exists as long as the result.
    Result<Fd> open_tun() {
        return lab().in("A", []() -> Result<Fd> {
            Fd tun(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
            ifreq request{};
            std::strcpy(request.ifr_name, "tun0");
            request.ifr_flags = IFF_TUN | IFF_NO_PI;
            if (::ioctl(tun.get(), TUNSETIFF, &request) != 0) return fail_errno("no tun device");
            return tun;
        });
    }

    /// Packets of D's `Udp6InDatagrams` and the like would count others, too: UDP to a closed port of D counts as this.
    std::uint64_t arrived() { return std::stoull("0" + shell("D", "awk '/^Udp6NoPorts/ {print $2}' /proc/net/snmp6")); }

    /// Writes UDP packets from `source` to D; a checksum of the source's own makes them right.
    void write(const Fd& tun, const Address& source, int count) {
        std::array<std::uint8_t, 56> packet{0x60, 0, 0, 0, 0, 16, 17, 64};
        const auto destination = lab().address("D");
        std::ranges::copy(source.bytes, packet.begin() + 8);
        std::ranges::copy(destination.bytes, packet.begin() + 24);
        packet[40] = packet[42] = 0x20;  // both ports
        packet[45] = 16;
        std::uint32_t sum = 16 + 17;
        for (std::size_t i = 8; i < packet.size(); i += 2) sum += packet.at(i) << 8 | packet.at(i + 1);
        while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
        packet[46] = static_cast<std::uint8_t>(~sum >> 8);
        packet[47] = static_cast<std::uint8_t>(~sum);
        for (int i = 0; i < count; ++i) EXPECT_EQ(::write(tun.get(), packet.data(), packet.size()), 56);
    }
};

// The second source looks like an IPv6 header to who begins to read 14 bytes too late.
TEST_F(BareIngress, PacketsAreRepaired) {
    auto tun = open_tun();
    if (!tun) GTEST_SKIP() << tun.error().message;
    ASSERT_EQ(shell("A", "ip link set tun0 up && ip addr add 2001:db8:7::a/64 dev tun0 nodad"), "");
    for (const auto* node : {"B", "C"}) {
        const auto link = *node == 'B' ? "A-B" : "A-C";
        ASSERT_EQ(shell(node, "ip route add 2001:db8:7::/48 via " + lab().peer(node, link).link_local.to_string() +
                                  " dev to-A"),
                  "");
    }
    ASSERT_TRUE(start_with(with(policy_config("A"), "ingress: [to-S]", "ingress: [to-S, tun0]"), policy_config("B")));
    for (const auto* source : {"2001:db8:7::1", "2001:db8:7:6000::40:1"}) {
        constexpr int kPackets = 20;
        const auto from = *Address::parse(source);
        auto before = arrived();
        write(*tun, from, kPackets);
        EXPECT_TRUE(eventually([&] { return arrived() >= before + kPackets; })) << source << ", while all is well";
        cut().cut();
        ASSERT_TRUE(becomes("A", "down"));
        before = arrived();
        const auto repaired = taken("A", "far", 1);
        write(*tun, from, kPackets);
        EXPECT_TRUE(eventually([&] { return arrived() >= before + kPackets; })) << source << ", during the failure";
        EXPECT_GE(taken("A", "far", 1), repaired + kPackets);
        cut().restore();
        ASSERT_TRUE(becomes("A", "up"));
    }
}

TEST_F(BareIngress, AnAdjacencyThereIsNamed) {
    auto tun = open_tun();
    if (!tun) GTEST_SKIP() << tun.error().message;
    const auto config =
        base_config("A") +
        "  - {name: A-T, interface: tun0, neighbor: \"fe80::7\", probe: {return-address: \"fd00:a::1\"}}\n";
    const auto file = lab().directory() + "/tun.yaml";
    std::ofstream(file) << config;
    const auto program = std::filesystem::path(Daemon::executable().value()).parent_path() / "sidestep";
    const auto checked = shell("A", program.string() + " check --interfaces " + file + "; echo exit code $?");
    EXPECT_NE(checked.find("adjacencies[2].interface: 'tun0' carries no Ethernet frames"), std::string::npos)
        << checked;
    EXPECT_NE(checked.find("exit code 2"), std::string::npos) << checked;
    // A daemon that finds such an interface goes on without it, as with one that is missing.
    ASSERT_TRUE(launch("A", config));
    EXPECT_TRUE(becomes("A", "down", "carrier-lost", "A-T"));
    EXPECT_TRUE(becomes("A", "up"));
    EXPECT_NE(daemon("A").process().output().find("tun0 carries no Ethernet frames"), std::string::npos);
}

}  // namespace
}  // namespace sidestep::topo
