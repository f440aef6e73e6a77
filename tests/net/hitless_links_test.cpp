// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Two copies while links are not just cut: set down, made anew, drained, too small; and a detector that starts meanwhile.
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <set>
#include <string>

#include <gmock/gmock.h>

#include "detector/kernel/xdp_redirect.hpp"
#include "tests/net/hitless_lab.hpp"
#include "topo/socket.hpp"

namespace sidestep::topo {
namespace {

/// Whether copies are made at XDP.
class HitlessLinks : public HitlessLab, public testing::WithParamInterface<bool> {
  protected:
    void SetUp() override {
        if (const auto exits = XdpRedirectTargets::open(); GetParam() && !exits) GTEST_SKIP() << exits.error().message;
        HitlessLab::SetUp();
    }
    [[nodiscard]] std::string config_of(const std::string& node) const {
        return GetParam() ? at_xdp(node, hitless_config(node)) : hitless_config(node);
    }
    void begin() { ASSERT_TRUE(start_with(config_of("A"), config_of("B"))); }
    /// Gives A and B new ends of their link, in place of those that are gone.
    void make_link() {
        const auto& near = lab().interface("A", "A-B");
        const auto& far = lab().peer("A", "A-B");
        ASSERT_EQ(shell("A", fmt::format("ip link add name {} index 7001 address {} type veth peer name {} index 7002 "
                                         "address {} netns {}",
                                         near.name, near.mac, far.name, far.mac, lab().netns("B").name())),
                  "");
        configure("A");
        configure("B");
    }
    void unmake_link() {
        ASSERT_EQ(shell("A", fmt::format("ip link del dev {}", lab().interface("A", "A-B").name)), "");
        expect_both("down");
    }
    /// What an interface of the link had before it was set down or made anew.
    void configure(const std::string& node) {
        const auto& end = lab().interface(node, "A-B");
        ASSERT_EQ(shell(node, "ip link set dev " + end.name + " up"), "");
        for (const auto& address : {end.address, end.link_local})
            (void)shell(node, fmt::format("ip addr add {}/64 dev {} nodad", address.to_string(), end.name));
        if (!GetParam()) return;
        const auto takes = lab().take_frames(node, "A-B");
        ASSERT_TRUE(takes) << takes.error().message;
    }
    void expect_both(const std::string& state) {
        for (const std::string node : {"A", "B"}) EXPECT_TRUE(becomes(node, state)) << node;
    }
    /// Whether packets leave in two copies again.
    void expect_protected(Flows& flows) {
        for (const std::string node : {"A", "B"})
            EXPECT_TRUE(eventually([&] { return policy(node, "far").value("copies", 0) == 2; })) << node;
        const auto before = counter("B", "later-copy");
        EXPECT_TRUE(flows.pass());
        EXPECT_TRUE(eventually([&] { return counter("B", "later-copy") >= before + 200; }));
    }
};

TEST_P(HitlessLinks, AnInterfaceThatIsSetDownLosesNothing) {
    begin();
    auto flows = dual_flows();
    ASSERT_TRUE(flows) << flows.error().message;
    ASSERT_TRUE(flows->pass());
    ASSERT_EQ(shell("A", "ip link set dev " + lab().interface("A", "A-B").name + " down"), "");
    expect_both("down");
    EXPECT_TRUE(flows->pass());
    configure("A");
    configure("B");
    expect_both("up");
    expect_protected(*flows);
    EXPECT_TRUE(perfect(flows->stop()));
}

// The second time with the indexes that it had.
TEST_P(HitlessLinks, AnInterfaceThatIsMadeAnewLosesNothing) {
    begin();
    auto flows = dual_flows();
    ASSERT_TRUE(flows) << flows.error().message;
    ASSERT_TRUE(flows->pass());
    for (int round = 0; round < 2; ++round) {
        unmake_link();
        EXPECT_TRUE(flows->pass());
        make_link();
        expect_both("up");
        expect_protected(*flows);
    }
    EXPECT_TRUE(perfect(flows->stop()));
}

// Nobody but the kernel saw then that the copies of such a policy had lost their way out.
TEST_P(HitlessLinks, AnInterfaceThatIsMadeAnewWhileNoPolicyUsesItTakesCopiesLater) {
    begin();
    unmake_link();
    make_link();
    expect_both("up");
    const auto without = config_of("A").substr(0, config_of("A").find("policies:\n"));
    const auto whole = config_of("A");
    const auto rest = whole.find("xdp:");
    EXPECT_NE(reload("A", without + (rest == std::string::npos ? "" : whole.substr(rest))).find("- policy far"),
              std::string::npos);
    unmake_link();
    make_link();
    expect_both("up");
    EXPECT_NE(reload("A", whole).find("+ policy far"), std::string::npos);
    auto flows = dual_flows();
    ASSERT_TRUE(flows) << flows.error().message;
    expect_protected(*flows);
    EXPECT_TRUE(perfect(flows->stop()));
}

TEST_P(HitlessLinks, RestartsAtOnceLoseNothing) {
    begin();
    auto flows = dual_flows();
    ASSERT_TRUE(flows) << flows.error().message;
    ASSERT_TRUE(flows->pass());
    for (int round = 0; round < 3; ++round) {
        for (const std::string node : {"A", "B"}) {
            ASSERT_TRUE(kill(node));
            ASSERT_TRUE(start(node, config_of(node)));
        }
        EXPECT_TRUE(flows->pass());
    }
    expect_protected(*flows);
    EXPECT_TRUE(perfect(flows->stop()));
}

/// C, which the copies of one way pass, repairs its link to B by A.
TEST_P(HitlessLinks, AMidpointThatRepairsCopiesDoublesNothing) {
    const auto unproven = with(config_of("A"), ", sessions: [around]", "");  // B's answers would not come back
    ASSERT_TRUE(start_with(unproven, config_of("B")));
    const auto around = fmt::format(R"({{adjacency: A-C, segments: ["{}", "{}"]}})",
                                    lab().sid("A", routing::kFunctionEnd).to_string(), decap("B").to_string());
    const auto links = with(adjacency_config("C", "C-B"), "wait-to-restore: 100ms}\n",
                            "wait-to-restore: 100ms}\n    bypass: [" + around + "]\n") +
                       adjacency_config("C", "A-C");
    ASSERT_TRUE(start("C", fmt::format("node: {{name: C, source-address: \"{}\"}}\nadjacencies:\n{}",
                                       lab().graph().node(lab().id_of("C")).loopback->to_string(), links)));
    auto other = lab().install_cut("C-B");
    ASSERT_TRUE(other) << other.error().message;
    auto flows = dual_flows();
    ASSERT_TRUE(flows) << flows.error().message;
    ASSERT_TRUE(flows->pass());
    other->cut();
    EXPECT_TRUE(becomes("C", "down", "", "C-B"));
    EXPECT_TRUE(flows->pass());
    const auto before = counter("B", "later-copy");
    EXPECT_TRUE(flows->pass());
    EXPECT_GT(counter("B", "later-copy"), before + 100) << "those that C repaired";
    other->restore();
    EXPECT_TRUE(becomes("C", "up", "", "C-B"));
    EXPECT_TRUE(flows->pass());
    EXPECT_TRUE(perfect(flows->stop()));
}

TEST_P(HitlessLinks, ADrainLosesNothing) {
    begin();
    auto flows = dual_flows();
    ASSERT_TRUE(flows) << flows.error().message;
    ASSERT_TRUE(flows->pass());
    for (const std::string node : {"A", "B"}) cli(node, "drain --force A-B");
    expect_both("admin-down");
    EXPECT_TRUE(flows->pass());
    for (const std::string node : {"A", "B"}) cli(node, "undrain A-B");
    expect_both("up");
    expect_protected(*flows);
    EXPECT_TRUE(perfect(flows->stop()));
}

TEST_P(HitlessLinks, ADetectorThatStartsDuringACutLosesNothing) {
    begin();
    auto flows = dual_flows();
    ASSERT_TRUE(flows) << flows.error().message;
    ASSERT_TRUE(flows->pass());
    cut().cut();
    expect_both("down");
    for (const std::string node : {"A", "B"}) {
        ASSERT_TRUE(kill(node));
        EXPECT_TRUE(flows->pass());
        ASSERT_TRUE(launch(node, config_of(node)));
        EXPECT_TRUE(becomes(node, "down"));
        EXPECT_TRUE(flows->pass());
    }
    cut().restore();
    expect_both("up");
    expect_protected(*flows);
    EXPECT_TRUE(perfect(flows->stop()));
}

INSTANTIATE_TEST_SUITE_P(Hooks, HitlessLinks, testing::Bool(),
                         [](const auto& xdp) { return std::string(xdp.param ? "Xdp" : "Tc"); });

class HitlessSizes : public HitlessLab, public testing::WithParamInterface<bool> {  // IPv4
  protected:
    static constexpr int kNumbered = 1000;  // bytes of a datagram

    [[nodiscard]] Address address_of(const std::string& node) const {
        return GetParam() ? lab().address_v4(node) : lab().address(node);
    }
    [[nodiscard]] int header() const { return (GetParam() ? 20 : 40) + 8; }
    /// A UDP socket of the node, and for a `peer` connected to it.
    [[nodiscard]] Fd open(const std::string& node) const {
        auto opened = lab().in(node, [&] { return open_bound(SOCK_DGRAM, address_of(node)); });
        EXPECT_TRUE(opened) << opened.error().message;
        return opened ? std::move(*opened) : Fd();
    }
    /// Sends packets as large as they may be, until the sender has been told this path MTU; the one that it has in the end.
    int told_until(int wanted) {
        const auto receiver = open("D");
        const auto sender = open("S");
        EXPECT_TRUE(connect_to(sender, address_of("D"), port_of(receiver)));
        const int mode = IP_PMTUDISC_DO;  // it has the same number for IPv6
        const int level = GetParam() ? IPPROTO_IP : IPPROTO_IPV6;
        ::setsockopt(sender.get(), level, GetParam() ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER, &mode, sizeof mode);
        int mtu = 0;
        (void)eventually([&] {
            socklen_t length = sizeof mtu;
            ::getsockopt(sender.get(), level, GetParam() ? IP_MTU : IPV6_MTU, &mtu, &length);
            const std::string payload(static_cast<std::size_t>(mtu - header()), 'x');
            (void)::send(sender.get(), payload.data(), payload.size(), MSG_DONTWAIT);
            return mtu <= wanted;
        });
        return mtu;
    }
    /// Packets of that size pass.
    void expect_largest(int bytes) {
        Flows flows;
        const TrafficSpec largest{.rate = 500, .payload = static_cast<std::size_t>(bytes - header())};
        ASSERT_TRUE(GetParam() ? flows.add_v4(lab(), "S", "D", largest) : flows.add(lab(), "S", "D", largest));
        EXPECT_TRUE(flows.pass(100));
        EXPECT_TRUE(perfect(flows.stop()));
    }
};

constexpr int kSmallLink = 1400;
constexpr int kRoom = kSmallLink - 40 - 8 - 2 * 16;  // behind the longer one of the two headers

TEST_P(HitlessSizes, SendersAreToldOfTheSmallerLink) {
    ASSERT_EQ(shell("A", fmt::format("ip link set dev to-C mtu {}", kSmallLink)), "");
    start_hitless();
    EXPECT_EQ(told_until(kRoom), kRoom);
    expect_largest(kRoom);
}

// The router there tells A, which tells the senders: otherwise each packet would lose one copy, and nobody would know.
TEST_P(HitlessSizes, SendersAreToldOfASmallLinkBeyondTheFirst) {
    ASSERT_EQ(shell("C", fmt::format("ip link set dev to-B mtu {}", kSmallLink)), "");
    start_hitless();
    EXPECT_EQ(told_until(kRoom), kRoom);
    const auto before = counter("B", "later-copy");
    expect_largest(kRoom);
    EXPECT_GE(counter("B", "later-copy"), before + 100) << "both copies fit";
}

// A sender hands the kernel many datagrams at once (UDP_SEGMENT), each of which arrives once.
TEST_P(HitlessSizes, DatagramsThatAreSentTogetherArriveOnce) {
    const std::string by_device = with(hitless_config("A"), "    flow: 7\n", "    flow: 7\n    steering: device\n");
    for (const std::string from : {"S", "A"}) {
        SCOPED_TRACE(from);
        ASSERT_TRUE(start_with(from == "S" ? hitless_config("A") : by_device, hitless_config("B")));
        const auto receiver = open("D");
        const auto sender = open(from);
        ASSERT_TRUE(connect_to(sender, address_of("D"), port_of(receiver)));
        constexpr int kSegment = 103;  // UDP_SEGMENT of <linux/udp.h>
        ASSERT_EQ(::setsockopt(sender.get(), SOL_UDP, kSegment, &kNumbered, sizeof kNumbered), 0);
        constexpr std::size_t kTogether = 8;
        constexpr std::size_t kSends = 25;
        std::multiset<unsigned> arrived;
        for (std::size_t i = 0; i < kSends; ++i) {
            std::string together(kTogether * kNumbered, 'x');
            for (std::size_t j = 0; j < kTogether; ++j) {
                const auto number = static_cast<unsigned>(i * kTogether + j);
                std::memcpy(together.data() + j * kNumbered, &number, sizeof number);
            }
            ASSERT_EQ(::send(sender.get(), together.data(), together.size(), 0), static_cast<ssize_t>(together.size()));
            std::array<char, kNumbered + 1> datagram{};
            (void)eventually([&] {
                while (::recv(receiver.get(), datagram.data(), datagram.size(), MSG_DONTWAIT) == kNumbered) {
                    unsigned number = 0;
                    std::memcpy(&number, datagram.data(), sizeof number);
                    arrived.insert(number);
                }
                return arrived.size() >= (i + 1) * kTogether;
            });
        }
        EXPECT_EQ(arrived.size(), kSends * kTogether);
        EXPECT_EQ(std::set<unsigned>(arrived.begin(), arrived.end()).size(), kSends * kTogether);
        EXPECT_EQ(counter("A", "cannot-number"), 0U);
        EXPECT_TRUE(eventually([&] { return counter("B", "later-copy") >= kSends * kTogether; }));
        for (const std::string node : {"A", "B"}) ASSERT_TRUE(stop(node));
    }
}

INSTANTIATE_TEST_SUITE_P(Families, HitlessSizes, testing::Bool(),
                         [](const auto& v4) { return std::string(v4.param ? "Ipv4" : "Ipv6"); });

}  // namespace
}  // namespace sidestep::topo
