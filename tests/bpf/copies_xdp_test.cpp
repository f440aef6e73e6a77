// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copies at XDP as they leave: frames that come in by a veth pair, which the kernel really redirects to two others, and what
// arrives at their far ends. So a kernel shows whether its broadcast and the program behind it do what ours need. (Live
// frames of a test run would not do: before Linux 6.3 they have their xdp_frame elsewhere, and copies of them are damaged.)
//   source (76) ---- in (75)      near (71) ---- far (72)      near2 (73) ---- far2 (74)
#include <linux/if_link.h>

#include "tests/bpf/repairing.hpp"
#include "tests/bpf/veth_pair.hpp"
#include "topo/offload.hpp"

namespace sidestep {
namespace {

constexpr std::uint32_t kCopied = 7;
constexpr std::uint32_t kNearToo = 73;
constexpr std::uint32_t kFarToo = 74;
constexpr std::uint32_t kIn = 75;
constexpr std::uint32_t kSource = 76;
constexpr std::uint64_t kFirstNumber = 1000;

class CopiesAtXdp : public Repairing {
  protected:
    CopiesAtXdp() : Repairing(true) {}

    void SetUp() override {
        if (!pair_.why_not().empty()) GTEST_SKIP() << pair_.why_not();
        ASSERT_TRUE(VethPair::ip("link add name near2 index 73 type veth peer name far2 index 74"));
        ASSERT_TRUE(
            VethPair::ip("link add name in index 75 address 02:00:00:00:00:75 type veth peer name source index 76"));
        for (const auto* end : {"near2", "far2", "in", "source"})
            ASSERT_TRUE(VethPair::ip(std::string("link set dev ") + end + " addrgenmode none up"));
        for (const auto* end : {"near2", "far2", "in", "source"}) ASSERT_TRUE(VethPair::runs(end)) << end;
        for (const auto* end : {"far", "far2"}) {  // a veth takes frames while its other end polls
            const auto on = topo::switch_gro(end, true);
            ASSERT_TRUE(on) << on.error().message;
        }
        other_ = VethPair::listen(kFarToo);
        source_ = VethPair::listen(kSource);
        Repairing::SetUp();
        if (IsSkipped()) return;
        programs_.states[2].rank = SS_UP;
        for (const auto near : {kVethNear, kNearToo})
            programs_.set_xdp_interface(near, {.mac = {}, .redirect_target = 1, .no_headroom = 0});
        programs_.set_xdp_interface(kIn, {.mac = {2, 0, 0, 0, 0, 0x75}, .redirect_target = 1, .no_headroom = 0});
        ASSERT_EQ(bpf_xdp_attach(kIn, programs_.xdp_program(), XDP_FLAGS_DRV_MODE, nullptr), 0);
        programs_.set(programs_.maps().ss_senders, kCopied, ss_sender{kFirstNumber});
    }

    /// By lists of so many segments, one to each veth pair.
    void by(unsigned one, unsigned other, bool reduced = true) {
        lists_ = {list(one, reduced, kBackup, kVethNear), list(other, reduced, 2, kNearToo)};
        for (std::uint32_t i = 1; i <= lists_.size(); ++i) programs_.lists[i] = lists_.at(i - 1);
        programs_.set_candidate(1, {{.list = 1, .weight = 1}, {.list = 2, .weight = 1}});
        programs_.let_copies_out(1, {kVethNear, kNearToo});
    }

    static ss_list list(unsigned count, bool reduced, std::uint16_t session, std::uint32_t ifindex) {
        auto sids = segments(count);
        sids.back() = address("fc00:d:0:7::");
        const auto header = make_encaps_header(kLink, own_source(), sids, reduced);
        auto result = segment_list(SS_MODE_ENCAPS, header, session);
        result.ifindex = ifindex;
        result.flow = kCopied;
        result.candidate = 1;
        return result;
    }

    /// What arrives at the far ends of a packet that comes in.
    std::array<std::vector<Bytes>, 2> send(Bytes packet, bool one = true, bool other = true) {
        std::ranges::copy(hex("020000000075"), packet.begin());
        EXPECT_EQ(::send(source_.get(), packet.data(), packet.size(), 0), static_cast<ssize_t>(packet.size()));
        return {pair_.received(one ? 1 : 0), VethPair::received(other_, other ? 1 : 0)};
    }

    /// Checks the copy of `in`, whose hop is counted, by one of the lists.
    void expect_copy(const std::vector<Bytes>& copies, const Bytes& in, std::size_t which, std::uint64_t number) {
        SCOPED_TRACE(testing::Message() << "by list " << which);
        ASSERT_EQ(copies.size(), 1U);
        const auto& copy = copies.front();
        const auto& list = lists_.at(which);
        ASSERT_EQ(copy.size(), in.size() - kEthernetLength + list.header_length);
        EXPECT_EQ(text_of(std::span(copy).subspan(list.header_length)), text_of(inside(in)));
        EXPECT_EQ(text_of(std::span(copy).first(12)), text_of(std::span(list.header, 12))) << "MAC addresses";
        const auto at = list.srh_offset != 0 ? kEthernetLength + kIpv6Length + 8 : kEthernetLength + 24;
        std::uint64_t argument = 0;
        for (std::size_t i = 0; i < 8; ++i) argument = argument << 8 | copy.at(at + 8 + i);
        EXPECT_EQ(argument, std::uint64_t{kCopied} << 48 | std::uint64_t{which} << 46 | number);
    }

    VethPair pair_;
    Fd other_;
    Fd source_;
    std::vector<ss_list> lists_;
};

TEST_F(CopiesAtXdp, EachListGetsOneWithItsOwnHeader) {
    auto number = kFirstNumber;
    for (const bool reduced : {true, false}) {
        for (const auto& [one, other] : {std::pair{1U, 1U}, {1U, 3U}, {3U, 1U}, {2U, 2U}}) {
            by(one, other, reduced);
            for (const auto v4 : {false, true}) {
                SCOPED_TRACE(testing::Message() << one << " and " << other << (v4 ? ", IPv4" : ", IPv6"));
                const auto in = [&](std::uint8_t hops) {
                    return v4 ? packet(Ipv4{.ttl = hops}, udp(1, 2, 100))
                              : packet(Ipv6{.hop_limit = hops}, udp(1, 2, 100));
                };
                const auto copies = send(in(64));
                expect_copy(copies[0], in(63), 0, number);
                expect_copy(copies[1], in(63), 1, number);
                ++number;
            }
        }
    }
    EXPECT_EQ(programs_.stats(kSlot, 1).packets, number - kFirstNumber) << "a packet counts once";
}

TEST_F(CopiesAtXdp, AListThatIsDownGetsNone) {
    by(1, 2);
    const auto in = packet(Ipv6{.hop_limit = 64}, udp(1, 2, 100));
    const auto out = packet(Ipv6{.hop_limit = 63}, udp(1, 2, 100));
    programs_.lower(kBackup);
    auto copies = send(in, false);
    EXPECT_TRUE(copies[0].empty());
    expect_copy(copies[1], out, 1, kFirstNumber);
    programs_.states[kBackup].rank = SS_UP;
    programs_.lower(2);
    copies = send(in, true, false);
    expect_copy(copies[0], out, 0, kFirstNumber + 1);
    EXPECT_TRUE(copies[1].empty());
}

// The kernel leaves it out of its broadcast, and so it does with one that is gone.
TEST_F(CopiesAtXdp, AnInterfaceThatIsDownKeepsNoCopyFromTheOther) {
    by(1, 2);
    ASSERT_TRUE(VethPair::ip("link set dev near down"));
    expect_copy(send(packet(Ipv6{.hop_limit = 64}, udp(1, 2, 100)), false)[1],
                packet(Ipv6{.hop_limit = 63}, udp(1, 2, 100)), 1, kFirstNumber);
    ASSERT_TRUE(VethPair::ip("link del dev near"));
    expect_copy(send(packet(Ipv6{.hop_limit = 64}, udp(1, 2, 100)), false)[1],
                packet(Ipv6{.hop_limit = 63}, udp(1, 2, 100)), 1, kFirstNumber + 1);
}

}  // namespace
}  // namespace sidestep
