// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests probes that sidestepd did not send, or not in this form: forged, replayed, truncated, on the wrong link. They
// change nothing and are counted by reason.
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <thread>

#include <gtest/gtest.h>

#include "bpf/abi/sidestep.h"
#include "tests/net/protected_lab.hpp"
#include "topo/socket.hpp"

namespace sidestep::topo {
namespace {

using Payload = std::vector<std::uint8_t>;

constexpr std::size_t kIpv6Header = 40;
constexpr std::size_t kUdpHeader = 8;
constexpr std::size_t kSsid = 14;  // in ss_stamp

class Forgery : public ProtectedLab {
  protected:
    void SetUp() override {
        ProtectedLab::SetUp();
        if (HasFatalFailure() || IsSkipped()) return;
        ASSERT_TRUE(start("A"));
        return_address_ = lab().interface("A", "A-B").address;
        const int ifindex = lab().interface("B", "A-B").ifindex;
        auto tap = lab().in("B", [&]() -> Result<Fd> {
            Fd socket(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_IPV6)));
            sockaddr_ll to{};
            to.sll_family = AF_PACKET;
            to.sll_protocol = htons(ETH_P_IPV6);
            to.sll_ifindex = ifindex;
            if (!socket || ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
                return fail_errno("packet socket");
            set_patience(socket, 5s);
            return socket;
        });
        ASSERT_TRUE(tap) << tap.error().message;
        tap_ = std::move(*tap);
    }

    /// The payload of A's next probe that B sees; empty if none comes.
    Payload overhear() {
        for (;;) {
            std::array<std::uint8_t, 2048> packet{};
            const auto got = ::recv(tap_.get(), packet.data(), packet.size(), 0);
            if (got < 0) return {};
            const auto size = static_cast<std::size_t>(got);
            const auto* destination = packet.data() + 24;
            if (size < kIpv6Header + kUdpHeader + sizeof(ss_stamp) || packet[6] != IPPROTO_UDP) continue;
            if (!std::equal(return_address_.bytes.begin(), return_address_.bytes.end(), destination)) continue;
            return {packet.begin() + kIpv6Header + kUdpHeader, packet.begin() + got};
        }
    }

    /// Sends the payload from a node to A's return address.
    void send(const std::string& node, const Payload& payload) {
        const auto sent = lab().in(node, [&]() -> Result<void> {
            const Fd socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
            const auto to = socket_address(return_address_, SS_PROBE_PORT);
            const auto* address = reinterpret_cast<const sockaddr*>(&to);
            if (!socket || ::sendto(socket.get(), payload.data(), payload.size(), 0, address, sizeof to) < 0)
                return fail_errno("cannot send");
            return {};
        });
        ASSERT_TRUE(sent) << sent.error().message;
    }

    /// Sends the payload until `reason` is counted, and checks that the session does not change.
    void expect_refused(const std::string& node, const Payload& payload, const std::string& reason) {
        const auto before = rejected("A", reason);
        EXPECT_TRUE(wait_for(kPatience, [&] {
            send(node, payload);
            return rejected("A", reason) > before;
        })) << reason;
    }

    void TearDown() override {
        if (!IsSkipped()) {
            const auto seen = session("A");
            EXPECT_EQ(seen.value("state", ""), "up");
            EXPECT_EQ(seen.value("downs", -1), 0);
            EXPECT_LE(seen.value("answered", std::uint64_t{0}), seen.value("sent", std::uint64_t{0}));
        }
        ProtectedLab::TearDown();
    }

    Address return_address_;
    Fd tap_;
};

TEST_F(Forgery, IsCountedAsSuch) {
    auto payload = overhear();
    ASSERT_FALSE(payload.empty());
    payload.back() ^= 1;  // the MAC
    expect_refused("B", payload, "bad-mac");

    payload.back() ^= 1;
    payload[3] ^= 1;  // the sequence number
    expect_refused("B", payload, "bad-mac");
}

TEST_F(Forgery, AReplayIsRefusedWhileItIsNewAndWhenItIsOld) {
    const auto before = rejected("A", "replayed");
    EXPECT_TRUE(wait_for(kPatience, [&] {
        const auto payload = overhear();
        send("B", payload);
        return rejected("A", "replayed") > before;
    }));
    const auto payload = overhear();
    const auto answered = session("A").value("answered", std::uint64_t{0});
    ASSERT_TRUE(wait_for(kPatience, [&] { return session("A").value("answered", std::uint64_t{0}) > answered + 100; }));
    expect_refused("B", payload, "too-old");
}

TEST_F(Forgery, AProbeCutShortIsRefused) {
    auto payload = overhear();
    ASSERT_FALSE(payload.empty());
    for (const std::size_t length : {sizeof(ss_stamp) - 1, std::size_t{SS_STAMP_SIGNED}}) {
        payload.resize(length);
        expect_refused("B", payload, "truncated");
    }
    payload.resize(kSsid);  // not even the session can be read, so it is nobody's probe
    send("B", payload);
    payload.clear();
    send("B", payload);
}

TEST_F(Forgery, AGenuineProbeOnAnotherLinkIsRefused) {
    expect_refused("C", overhear(), "wrong-interface");
}

TEST_F(Forgery, AFloodOfThemLeavesTheSessionAlone) {
    auto payload = overhear();
    ASSERT_FALSE(payload.empty());
    payload.back() ^= 1;
    const auto before = rejected("A", "bad-mac");
    for (int i = 0; i < 2000; ++i) send("B", payload);
    EXPECT_TRUE(wait_for(kPatience, [&] { return rejected("A", "bad-mac") >= before + 2000; }));
}

}  // namespace
}  // namespace sidestep::topo
