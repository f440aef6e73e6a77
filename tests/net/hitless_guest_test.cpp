// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Super-packets of virtual machines: a guest leaves the splitting to its host, and how many segments there are is not said.
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <set>
#include <string>

#include <fcntl.h>
#include <gmock/gmock.h>

#include "tests/net/hitless_lab.hpp"
#include "topo/socket.hpp"

namespace sidestep::topo {
namespace {

constexpr std::size_t kDatagram = 1000;
constexpr unsigned kDatagrams = 4;

/// virtio_net_hdr of <linux/virtio_net.h>, which is no C++.
struct OffloadHeader {
    std::uint8_t flags;
    std::uint8_t gso_type;
    std::uint16_t header_length;
    std::uint16_t gso_size;
    std::uint16_t csum_start;
    std::uint16_t csum_offset;
};
constexpr std::uint8_t kNeedsChecksum = 1;
constexpr std::uint8_t kUdpOfMany = 5;  // VIRTIO_NET_HDR_GSO_UDP_L4, Linux 6.2

class HitlessGuest : public HitlessLab {
  protected:
    /// A tap device of A, as a hypervisor has it; invalid if there is none.
    Fd open_tap() {
        auto opened = lab().in("A", [&]() -> Result<Fd> {
            Fd tap(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
            ifreq request{};
            std::strcpy(request.ifr_name, "guest");
            request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
            if (!tap || ::ioctl(tap.get(), TUNSETIFF, &request) != 0) return fail_errno("no tap device");
            return tap;
        });
        if (!opened) return {};
        EXPECT_EQ(shell("A", "ip link set guest address 02:00:00:00:00:99 up"), "");
        return std::move(*opened);
    }
    /// Datagrams from S's address to this port of D, as one frame.
    [[nodiscard]] std::string together(std::uint16_t port) const {
        constexpr std::size_t kBytes = sizeof(udphdr) + kDatagrams * kDatagram;
        OffloadHeader header{};
        header.flags = kNeedsChecksum;
        header.gso_type = kUdpOfMany;
        header.gso_size = kDatagram;
        header.header_length = 14 + sizeof(ip6_hdr) + sizeof(udphdr);
        header.csum_start = 14 + sizeof(ip6_hdr);
        header.csum_offset = offsetof(udphdr, check);
        std::string text(reinterpret_cast<const char*>(&header), sizeof header);
        text += std::string("\2\0\0\0\0\x99\2\0\0\0\0\x98\x86\xdd", 14);
        ip6_hdr ip{};
        ip.ip6_flow = htonl(6U << 28);
        ip.ip6_plen = htons(kBytes);
        ip.ip6_nxt = IPPROTO_UDP;
        ip.ip6_hlim = 64;
        std::memcpy(&ip.ip6_src, lab().address("S").bytes.data(), 16);
        std::memcpy(&ip.ip6_dst, lab().address("D").bytes.data(), 16);
        text.append(reinterpret_cast<const char*>(&ip), sizeof ip);
        udphdr udp{};
        udp.source = htons(9);
        udp.dest = htons(port);
        udp.len = htons(kBytes);
        udp.check = pseudo_sum(ip, kBytes);
        text.append(reinterpret_cast<const char*>(&udp), sizeof udp);
        for (unsigned i = 0; i < kDatagrams; ++i) text += std::string(kDatagram, static_cast<char>('a' + i));
        return text;
    }

  private:
    static std::uint16_t pseudo_sum(const ip6_hdr& ip, std::size_t length) {
        std::array<std::uint16_t, 16> words{};
        std::memcpy(words.data(), &ip.ip6_src, 32);
        std::uint32_t sum = htons(static_cast<std::uint16_t>(length)) + htons(IPPROTO_UDP);
        for (const auto word : words) sum += word;
        while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
        return static_cast<std::uint16_t>(sum);
    }
};

TEST_F(HitlessGuest, DatagramsThatItSendsTogetherArriveOnce) {
    const auto tap = open_tap();
    if (!tap) GTEST_SKIP() << "no tap device";
    ASSERT_TRUE(
        start_with(with(hitless_config("A"), "ingress: [to-S]", "ingress: [to-S, guest]"), hitless_config("B")));
    auto receiver = lab().in("D", [&] { return open_bound(SOCK_DGRAM, lab().address("D")); });
    ASSERT_TRUE(receiver) << receiver.error().message;
    const auto frame = together(port_of(*receiver));
    if (::write(tap.get(), frame.data(), frame.size()) < 0) GTEST_SKIP() << "this kernel takes none together";
    std::multiset<char> arrived;
    std::array<char, kDatagram + 1> datagram{};
    (void)wait_for(2s, [&] {
        while (::recv(receiver->get(), datagram.data(), datagram.size(), MSG_DONTWAIT) == ssize_t{kDatagram})
            arrived.insert(datagram.front());
        return arrived.size() >= kDatagrams;
    });
    EXPECT_THAT(arrived, testing::ElementsAre('a', 'b', 'c', 'd'));
    EXPECT_EQ(counter("A", "cannot-number"), 0U);
    EXPECT_TRUE(eventually([&] { return counter("B", "later-copy") >= kDatagrams; }));
}

}  // namespace
}  // namespace sidestep::topo
