// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests packets that do not fit together with the header of a repair: the sender is told (RFC 4443, 3.2; RFC 1191, 4),
// but not too often.
#include <ctime>

#include <sched.h>

#include "tests/bpf/repairing.hpp"

namespace sidestep {
namespace {

constexpr std::uint32_t kMtu = 1500;
constexpr std::uint32_t kOverhead = 40 + 8 + 2 * 16;  // with two segments
constexpr std::size_t kQuotedV6 = 1280 - 40 - 8;      // RFC 4443, 2.4 c
constexpr std::size_t kQuotedV4 = 576 - 20 - 8 - 4;   // RFC 1812, 4.3.2.3, rounded down to a multiple of sixteen

class TooBig : public Repairing {
  protected:
    void SetUp() override {
        Repairing::SetUp();
        if (IsSkipped()) return;
        back_up(encaps_list(kBackup, 2));
        programs_.lists[1].mtu = kMtu;
        constexpr std::array<std::uint8_t, 4> kSourceV4{192, 0, 2, 99};
        std::memcpy(&programs_.node().source_v4, kSourceV4.data(), kSourceV4.size());
    }

    // An IP packet of `size` bytes.
    static Bytes v6(std::size_t size, Ipv6 ip = {}) { return packet(ip, udp(1, 2, size - kIpv6Length - 8)); }
    static Bytes v4(std::size_t size) { return packet(Ipv4{}, udp(1, 2, size - kIpv4Length - 8)); }

    Bytes told(Bytes in) {
        const auto other = hex("02aabbccddee");
        std::ranges::copy(other, in.begin() + 6);
        const auto counted = programs_.outcomes(SS_OUTCOME_PTB_SENT);
        const auto too_big = programs_.drops(SS_DROP_TOO_BIG);
        const auto in_all = programs_.all_counters();
        const auto result = programs_.ingress(in);
        EXPECT_EQ(result.code, TC_ACT_REDIRECT);
        EXPECT_EQ(programs_.outcomes(SS_OUTCOME_PTB_SENT), counted + 1);
        EXPECT_EQ(programs_.drops(SS_DROP_TOO_BIG), too_big + 1);
        EXPECT_EQ(programs_.all_counters(), in_all + 2);
        EXPECT_EQ(text_of(std::span(result.packet).first(12)), "02aabbccddee000000000000") << "back where it came from";
        return result.packet;
    }
    void expect_dropped_untold(const Bytes& in) {
        const auto counted = programs_.outcomes(SS_OUTCOME_PTB_SENT);
        const auto too_big = programs_.drops(SS_DROP_TOO_BIG);
        EXPECT_EQ(programs_.ingress(in).code, TC_ACT_SHOT);
        EXPECT_EQ(programs_.outcomes(SS_OUTCOME_PTB_SENT), counted);
        EXPECT_EQ(programs_.drops(SS_DROP_TOO_BIG), too_big + 1);
    }
};

TEST_F(TooBig, APacketThatJustFitsIsRepaired) {
    EXPECT_EQ(inside(repaired(v6(kMtu - kOverhead))).size(), kMtu);
    EXPECT_EQ(inside(repaired(v4(kMtu - kOverhead))).size(), kMtu);
    told(v6(kMtu - kOverhead + 1));
    told(v4(kMtu - kOverhead + 1));
    EXPECT_EQ(programs_.stats(kSlot, 1).drops[SS_DROP_TOO_BIG], 2U);
    EXPECT_EQ(programs_.stats(kSlot, 1).packets, 2U);
}

TEST_F(TooBig, PacketTooBig) {
    const auto in = v6(kMtu, {.hop_limit = 7, .traffic_class = 0x2e});
    const auto out = told(in);
    EXPECT_EQ(text_of(std::span(out).subspan(12, 2 + 40)), text_of(hex(R"(86dd
        60000000 04d8 3a 40 20010db8000a00000000000000000001 20010db8000500000000000000000001)")));
    ASSERT_EQ(out.size(), kEthernetLength + 1280);
    const auto icmp = std::span(out).subspan(kEthernetLength + kIpv6Length);
    EXPECT_EQ(text_of(icmp.first(2)), "0200");
    EXPECT_EQ(text_of(icmp.subspan(4, 4)), "0000058c");  // 1420
    EXPECT_EQ(text_of(icmp.subspan(8)), text_of(std::span(in).subspan(kEthernetLength, kQuotedV6)));
    // RFC 8200, 8.1: the sum includes addresses, length and next header.
    auto sum = static_cast<std::uint32_t>(icmp.size() + 58);
    for (std::size_t i = 0; i < 32; i += 2) sum += read_u16(out, kEthernetLength + 8 + i);
    EXPECT_EQ(internet_checksum(icmp, sum), 0U);
}

TEST_F(TooBig, FragmentationNeeded) {
    const auto in = v4(kMtu);
    const auto out = told(in);
    ASSERT_EQ(out.size(), kEthernetLength + kIpv4Length + 8 + kQuotedV4);
    const auto ip = std::span(out).subspan(kEthernetLength, kIpv4Length);
    EXPECT_EQ(text_of(std::span(out).subspan(12, 2)), "0800");
    EXPECT_EQ(text_of(ip.first(10)), text_of(hex("4500 023c 0000 0000 40 01")));
    EXPECT_EQ(text_of(ip.last(8)), text_of(hex("c0000263 c0000201")));
    EXPECT_EQ(internet_checksum(ip), 0U);
    const auto icmp = std::span(out).subspan(kEthernetLength + kIpv4Length);
    EXPECT_EQ(text_of(icmp.first(2)), "0304");
    EXPECT_EQ(text_of(icmp.subspan(4, 4)), "0000058c");
    EXPECT_EQ(text_of(icmp.subspan(8)), text_of(std::span(in).subspan(kEthernetLength, kQuotedV4)));
    EXPECT_EQ(internet_checksum(icmp), 0U);
}

// Checksums over any bytes are right.
TEST_F(TooBig, ChecksumsOfAnyBytes) {
    for (unsigned i = 0; i < 8; ++i) {
        auto in = v4(kMtu + i);
        for (std::size_t at = kEthernetLength + kIpv4Length; at < in.size(); ++at)
            in[at] = static_cast<std::uint8_t>(at * (2 * i + 1) * 0x9d);
        const auto out = told(in);
        EXPECT_EQ(internet_checksum(std::span(out).subspan(kEthernetLength + kIpv4Length)), 0U);
        const timespec token{.tv_sec = 0, .tv_nsec = 11'000'000};  // one more message may be sent
        nanosleep(&token, nullptr);
    }
}

// IPv6 links must carry 1,280 bytes: no smaller MTU is reported, and a sender of such packets could not help it (RFC
// 8201, 4).
TEST_F(TooBig, NoLessThanTheLeastMtuOfIpv6) {
    programs_.lists[1].mtu = 1300;
    const auto out = told(v6(1400));
    EXPECT_EQ(text_of(std::span(out).subspan(kEthernetLength + kIpv6Length + 4, 4)), "00000500");
    expect_dropped_untold(v6(1280));
    const auto ipv4 = told(v4(1280));
    EXPECT_EQ(text_of(std::span(ipv4).subspan(kEthernetLength + kIpv4Length + 4, 4)), "000004c4");
}

TEST_F(TooBig, InsertCountsItsOwnHeader) {
    back_up(insert_list(kBackup, 2));
    programs_.lists[1].mtu = kMtu;
    constexpr std::size_t kInserted = 8 + 3 * 16;
    EXPECT_EQ(inside(repaired(v6(kMtu - kInserted))).size(), kMtu);
    const auto result = programs_.ingress(v6(kMtu - kInserted + 1));
    ASSERT_EQ(result.code, TC_ACT_REDIRECT);
    EXPECT_EQ(text_of(std::span(result.packet).subspan(kEthernetLength + kIpv6Length + 4, 4)), "000005a4");  // 1444
}

TEST_F(TooBig, ForwardingHasNoHeader) {
    back_up(forward_list(kBackup));
    programs_.lists[1].mtu = kMtu;
    EXPECT_EQ(inside(repaired(v6(kMtu))).size(), kMtu);
    const auto result = programs_.ingress(v6(kMtu + 1));
    ASSERT_EQ(result.code, TC_ACT_REDIRECT);
    EXPECT_EQ(text_of(std::span(result.packet).subspan(kEthernetLength + kIpv6Length + 4, 4)), "000005dc");
}

// The header promises more than there is: the kernel would drop the packet, and nobody may get more bytes than he sent.
// The kernel drops it for its length.
TEST_F(TooBig, NotForATruncatedPacket) {
    auto in = v6(kMtu);
    in.resize(100);
    expect_passed(in, SS_OUTCOME_MALFORMED);
    auto ipv4 = v4(kMtu);
    ipv4.resize(100);
    expect_passed(ipv4, SS_OUTCOME_MALFORMED);
}

// RFC 4443, 2.4 e.6; RFC 1122, 3.2.2: no answer to a source that is not a single node.
TEST_F(TooBig, NotToEverybody) {
    expect_dropped_untold(packet(Ipv4{.from = "240.0.0.1"}, udp(1, 2, kMtu)));
    // Packets from no address or from a group are not even repaired.
    for (const std::string_view from : {"::", "ff02::1"}) expect_passed(v6(kMtu, {.from = from}), SS_OUTCOME_EXEMPT);
    for (const std::string_view from : {"0.0.0.0", "224.0.0.1", "255.255.255.255"})
        expect_passed(packet(Ipv4{.from = from}, udp(1, 2, kMtu)), SS_OUTCOME_EXEMPT);
}

double seconds() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

void stay_on_one_processor() {  // the buckets are per processor
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
}

TEST_F(TooBig, AFlowIsNotToldMoreThanTenTimesASecond) {
    stay_on_one_processor();
    constexpr unsigned kPackets = 200;
    const auto in = v6(kMtu);
    const auto start = seconds();
    for (unsigned i = 0; i < kPackets; ++i) {
        const auto code = programs_.ingress(in).code;
        EXPECT_TRUE(code == TC_ACT_REDIRECT || code == TC_ACT_SHOT);
    }
    const auto most = 3 + static_cast<std::uint64_t>((seconds() - start) * 10) + 1;
    EXPECT_GE(programs_.outcomes(SS_OUTCOME_PTB_SENT), 3U);
    EXPECT_LE(programs_.outcomes(SS_OUTCOME_PTB_SENT), most);
    EXPECT_LT(most, kPackets) << "too slow a machine to see the limit";
    EXPECT_EQ(programs_.drops(SS_DROP_TOO_BIG), kPackets);
}

// One busy flow must not keep the news from the others.
TEST_F(TooBig, EachOfManyFlowsIsTold) {
    stay_on_one_processor();
    for (unsigned i = 0; i < 20; ++i) (void)programs_.ingress(v6(kMtu));
    const auto before = programs_.outcomes(SS_OUTCOME_PTB_SENT);
    constexpr unsigned kFlows = 900;
    for (unsigned i = 0; i < kFlows; ++i)
        (void)programs_.ingress(packet(Ipv6{}, udp(static_cast<std::uint16_t>(2000 + i), 2, kMtu - kIpv6Length - 8)));
    EXPECT_GE(programs_.outcomes(SS_OUTCOME_PTB_SENT) - before, kFlows * 9 / 10);
}

// At most a thousand a second to all, and a thousand at once.
TEST_F(TooBig, ThereIsALimitForAll) {
    stay_on_one_processor();
    constexpr unsigned kFlows = 5000;
    const auto start = seconds();
    for (unsigned i = 0; i < kFlows; ++i)
        (void)programs_.ingress(packet(Ipv6{}, udp(static_cast<std::uint16_t>(2000 + i), 2, kMtu - kIpv6Length - 8)));
    const auto most = 1000 + static_cast<std::uint64_t>((seconds() - start) * 1000) + 1;
    EXPECT_LE(programs_.outcomes(SS_OUTCOME_PTB_SENT), most);
}

}  // namespace
}  // namespace sidestep
